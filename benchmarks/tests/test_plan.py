"""The schedule: every cell once a turn, random phases, the same result for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import plan
from benchmarks.plan import Call, Cell


def _counts(blocks: list[plan.Block]) -> Counter[Cell]:
    return Counter(trial.cell for block in blocks for trial in block.trials)


@pytest.mark.parametrize("wanted", [plan.smoke(), plan.claims(), plan.selection(trials=7)])
def test_a_schedule_has_every_trial_of_its_plan(wanted: plan.Plan) -> None:
    assert _counts(plan.schedule(wanted, 1)) == Counter(wanted)


def test_seed_determines_order_and_phases() -> None:
    wanted = plan.claims()
    assert plan.schedule(wanted, 7) == plan.schedule(wanted, 7)
    assert plan.schedule(wanted, 7) != plan.schedule(wanted, 8)


def test_clients_alternate_between_blocks() -> None:
    blocks = plan.schedule(plan.claims(), 1)
    both = [block.call.client for block in blocks if block.call.media == "both"]
    assert len(both) == 20
    assert all(
        {first, second} == {"pyvidu", "openvidu-browser"} for first, second in zip(both[::2], both[1::2], strict=True)
    )
    assert both[0] != both[2], "who is first alternates"


def test_phases_cover_the_ping_period_of_the_official_client() -> None:
    phases = [trial.settle_s for block in plan.schedule(plan.claims(), 1) for trial in block.trials]
    assert max(phases) - min(phases) > 4.8
    assert min(phases) >= 3


def test_the_claims_fit_into_75_minutes_and_the_smoke_into_16() -> None:
    assert sum(block.estimate_s for block in plan.schedule(plan.claims(), 1)) < 75 * 60
    assert sum(block.estimate_s for block in plan.schedule(plan.smoke(), 1)) < 16 * 60


def test_the_claims_are_made_on_plain_with_40_and_20_trials() -> None:
    wanted = plan.claims()
    assert {cell.call.server for cell in wanted} == {"plain"}
    assert {(cell.call.client, count) for cell, count in wanted.items()} == {("pyvidu", 40), ("openvidu-browser", 20)}
    assert {(cell.fault, cell.outage_s, cell.call.media) for cell in wanted} == {
        ("link", 9, "both"), ("silent", 9, "both"), ("silent", 9, "send"), ("handover", 4, "both"),
    }  # fmt: skip


def test_the_smoke_has_every_client_server_fault_outage_and_media() -> None:
    cells = plan.smoke()
    assert {cell.call.client for cell in cells} == set(plan.CLIENTS)
    assert {cell.call.client for cell in cells if cell.call.force} == set(plan.CLIENTS)
    assert {cell.call.server for cell in cells} == set(plan.SERVERS)
    assert {cell.call.media for cell in cells} == set(plan.MEDIA)
    assert {cell.fault for cell in cells} == set(plan.FAULTS)
    assert {cell.outage_s for cell in cells} == {2, 4, 9, 14, 30}


def test_cells_list_their_applicable_metrics() -> None:
    call = Call("plain", "both", "pyvidu")
    assert Cell(call, "silent", 9).applicable == set(plan.METRICS)
    assert Cell(call, "media-only", 9).applicable == {"inbound_ms", "outbound_ms"}
    assert Cell(call, "silent", 30).applicable == {"detect_ms", "signaling_ms"}
    assert Cell(Call("plain", "send", "pyvidu"), "silent", 9).applicable == {"detect_ms", "signaling_ms", "outbound_ms"}
    assert Cell(Call("plain", "none", "pyvidu"), "silent", 9).applicable == {"detect_ms", "signaling_ms"}


def test_an_eviction_is_14_s_on_best_and_30_s_on_plain() -> None:
    cells = plan.selection(clients=["pyvidu"], faults=["silent"], outages=["eviction"])
    assert {(cell.call.server, cell.outage_s, cell.evicts) for cell in cells} == {
        ("plain", 30, True),
        ("best", 14, True),
    }
    assert not Cell(Call("best", "both", "pyvidu"), "media-only", 14).evicts


def test_a_link_flaps_one_second_down_and_two_up() -> None:
    assert [plan.flaps(seconds) for seconds in (2, 4, 9, 30)] == [1, 2, 3, 10]


def test_browsers_are_selected_and_take_turns() -> None:
    wanted = plan.selection(
        clients=["pyvidu"], servers=["plain"], faults=["link"], outages=[9], browsers=plan.BROWSERS, trials=8
    )
    blocks = plan.schedule(wanted, 1)
    assert [block.call.browser for block in blocks] == ["chromium", "firefox"] * 2
    assert [str(cell) for cell in wanted] == ["pyvidu plain link 9 s", "pyvidu Firefox plain link 9 s"]
