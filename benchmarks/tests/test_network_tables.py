"""The tables of the everyday networks: what stands in a cell, and that what was not measured says so."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.networks.__main__ import Record
from benchmarks.networks.measure import NetworkTrial
from benchmarks.networks.restarts import RestartTrial
from benchmarks.networks.rows import NETWORKS
from benchmarks.networks.tables import short_table, tables
from benchmarks.results import Percentiles

OURS = NetworkTrial(
    network="uplink",
    client="pyvidu",
    server="best",
    told_ms=600.0,
    told_what="reconnecting",
    see_hole_ms=9300.0,
    seen_hole_ms=11000.0,
    see_back_ms=400.0,
    seen_back_ms=1500.0,
    reconnecting=1,
    frozen=0,
    exceptions=0,
    renegotiated=0,
    sockets=3,
    end="reconnected",
    stalled=False,
)
STALLED = OURS.model_copy(update={"stalled": True, "told_ms": 9000.0})
LATE = OURS.model_copy(update={"told_ms": 1700.0, "renegotiated": 2})
THEIRS = OURS.model_copy(
    update={
        "client": "openvidu-browser",
        "server": "plain",
        "told_ms": None,
        "told_what": "",
        "end": "sessionDisconnected",
    }
)
TIMES = Percentiles(p50=100, p90=200, p95=300, max=400, never=0, n=12)
RESTARTED = RestartTrial(
    network="server-killed",
    server="best",
    members=12,
    with_media=4,
    down_ms=5000,
    told_ms=TIMES,
    tried_ms=TIMES,
    spread_ms=300,
    rejoined_ms=TIMES,
    media_ms=TIMES.model_copy(update={"never": 1}),
    sockets_while_down=40,
    lost=0,
    lag_ms=24,
)


TRIALS = "trials: `reconnecting`, streams renegotiated, sockets opened, sessions ended"


def table(name: str, text: str) -> list[str]:
    """Return the lines of the table that begins with a name."""
    return next(part for part in text.split("\n\n") if part.removeprefix("| ").startswith(name)).splitlines()


def line(metric: str, network: str, text: str) -> str:
    """Return the line of a network in the table of a metric, without the network."""
    (found,) = [one for one in table(metric, text) if one.startswith(f"| {network}")]
    return found.removeprefix(f"| {network} ")


def test_table_of_a_metric_has_a_line_a_network_and_says_what_is_missing() -> None:
    text = tables([OURS, STALLED, THEIRS])
    lines = table("told after", text)
    assert lines[:2] == [
        "| told after | target | pyvidu, default | pyvidu, kurento | openvidu-browser, kurento |",
        "|---|---|---|---|---|",
    ]
    assert len(lines) == 2 + len(NETWORKS)
    uplink = "uplink alone dead, 9 s"
    assert line("told after", uplink, text) == (
        "| 1000, `kurento` 2500 | 600 / 600 reconnecting | not measured | nobody |"
    )
    assert line("sees nothing for", uplink, text) == "| - | 9300 / 9300 | not measured | 9300 / 9300 |"
    assert line(TRIALS, uplink, text) == (
        "| n = 1 (+ 1 stalled): 1, 0, 3, 0 ended | not measured | n = 1: 1, 0, 3, 1 ended |"
    )


def test_time_whose_95th_percentile_misses_its_target_is_bold_and_only_ours() -> None:
    found = line("told after", "uplink alone dead, 9 s", tables([LATE, OURS, OURS, THEIRS]))
    assert found == "| 1000, `kurento` 2500 | **600 / 1700 reconnecting** | not measured | nobody |"
    rare = line("told after", "uplink alone dead, 9 s", tables([LATE, *[OURS] * 19]))
    assert "600 / 600 reconnecting" in rare
    assert "**" not in rare


def test_what_was_to_be_told_and_never_was_is_late() -> None:
    silent = OURS.model_copy(update={"told_ms": None, "told_what": ""})
    assert "**600 / 600 reconnecting, 1 times nobody**" in line("told after", "uplink", tables([OURS, silent]))


def test_target_may_be_another_one_on_the_other_profile() -> None:
    text = tables([LATE.model_copy(update={"server": "plain"})])
    assert "| 1700 / 1700 reconnecting |" in line("told after", "uplink alone dead, 9 s", text)


def test_what_is_never_to_happen_and_did_once_is_bold() -> None:
    trials = [one.model_copy(update={"network": "nat-udp"}) for one in (OURS, LATE)]
    text = tables(trials)
    assert "n = 2: **1**, **0 to 2**, 3, 0 ended" in line(TRIALS, "the NAT forgets its UDP mappings", text)
    assert not any("UDP mappings" in one for one in table("sees again", text)), "what stays has no return"


def test_only_stalled_trials_make_no_number() -> None:
    text = tables([STALLED])
    assert line("told after", "uplink", text).endswith("| - | not measured | not measured |")
    assert "n = 0 (+ 1 stalled): -, -, -, -" in line(TRIALS, "uplink", text)


def test_another_client_has_a_column_if_it_was_measured() -> None:
    other = OURS.model_copy(update={"client": "pyvidu.js"})
    assert table("told after", tables([OURS, other]))[0].endswith("| openvidu-browser, kurento | pyvidu.js, default |")


def test_restart_that_was_not_measured_says_so() -> None:
    assert "the server killed and started again: not measured" in tables([OURS]).split("\n\n")


def test_restart_says_how_many_never_came_back_and_otherwise_how_late_the_last_one_was() -> None:
    lines = table("the server killed", tables([], [RESTARTED]))
    assert lines[:3] == [
        "| the server killed and started again | target | pyvidu, default |",
        "|---|---|---|",
        "| participants, with media | - | 12, 4 |",
    ]
    assert "| joined again, from its start on: last | at most 5000 | 400 (median 100) |" in lines
    assert "| media, from its rejoin on: last | at most 3000 | never: 1 of 12 |" in lines


def test_short_table_has_a_line_a_network_with_medians_in_seconds() -> None:
    lines = short_table([OURS, LATE, STALLED, THEIRS]).splitlines()
    assert len(lines) == 2 + len(NETWORKS)
    assert lines[0] == "| told, longest hole | pyvidu, default | pyvidu, kurento | openvidu-browser, kurento |"
    assert "| uplink alone dead, 9 s | 0.6 s, 11.0 s | not measured | nobody, ended |" in lines
    assert "| TCP alone dead, 9 s | not measured | not measured | not measured |" in lines
    once = short_table([OURS, OURS.model_copy(update={"told_ms": None})]).splitlines()
    assert once[6].startswith("| uplink alone dead, 9 s | 1 of 2 0.6 s, "), once


def test_each_trial_is_in_the_file_as_soon_as_it_ends_and_is_added_to_earlier_ones(tmp_path: Path) -> None:
    options = argparse.Namespace(out=tmp_path / "results" / "networks.json", seed=1, add=True)
    first = Record(options)
    first.keep(OURS)
    first.keep(RESTARTED)  # the run is interrupted here
    second = Record(options)
    second.keep(THEIRS)
    third = Record(options)
    assert [(one.client, one.date != "") for one in third.trials] == [("pyvidu", True), ("openvidu-browser", True)]
    assert [one.network for one in third.restarts] == ["server-killed"]
    options.add = False
    assert Record(options).trials == []


def test_trials_of_runs_side_by_side_are_merged(tmp_path: Path) -> None:
    for name, trial in (("a.json", OURS), ("b.json", THEIRS)):
        Record(argparse.Namespace(out=tmp_path / name, seed=1, add=False)).keep(trial)
    options = argparse.Namespace(out=tmp_path / "a.json", seed=1, add=True)
    Record(options).merge([tmp_path / "b.json"])
    merged = Record(options)
    assert [one.client for one in merged.trials] == ["pyvidu", "openvidu-browser"]
    assert merged.restarts == []
