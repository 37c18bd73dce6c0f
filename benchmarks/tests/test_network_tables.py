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


def table(name: str, text: str) -> list[str]:
    """Return the lines of the table of one network."""
    return next(part for part in text.split("\n\n") if part.removeprefix("| ").startswith(name)).splitlines()


def test_table_of_a_network_has_the_number_of_trials_in_its_head_and_says_what_is_missing() -> None:
    lines = table("uplink", tables([OURS, STALLED, THEIRS]))
    assert lines[:4] == [
        (
            "| uplink alone dead, 9 s | target | pyvidu, default, n = 1 (+ 1 stalled) | pyvidu, kurento, not measured "
            "| openvidu-browser, kurento, n = 1 |"
        ),
        "|---|---|---|---|---|",
        "| told after | at most 1000 | 600 / 600 reconnecting | not measured | nobody |",
        "| sees nothing for | - | 9300 / 9300 | not measured | 9300 / 9300 |",
    ]
    assert lines[-1] == "| sessions ended | - | 0 of 1 | not measured | 1 of 1 |"


def test_median_that_misses_its_target_is_bold_and_only_ours() -> None:
    (told,) = [line for line in table("uplink", tables([LATE, OURS, LATE, THEIRS])) if line.startswith("| told")]
    assert told == "| told after | at most 1000 | **1700 / 1700 reconnecting** | not measured | nobody |"


def test_what_is_never_to_happen_and_did_once_is_bold() -> None:
    trials = [one.model_copy(update={"network": "nat-udp"}) for one in (OURS, LATE)]
    lines = table("the NAT forgets its UDP", tables(trials))
    assert "| streams renegotiated | 0 | **0 to 2** | not measured | not measured |" in lines
    assert not any("again" in line for line in lines), "what stays has no return"


def test_only_stalled_trials_make_no_number() -> None:
    (told,) = [line for line in table("uplink", tables([STALLED])) if line.startswith("| told")]
    assert told == "| told after | at most 1000 | - | not measured | not measured |"


def test_another_client_has_a_column_where_it_was_measured() -> None:
    other = OURS.model_copy(update={"client": "pyvidu.js"})
    assert table("uplink", tables([OURS, other]))[0].endswith("not measured | pyvidu.js, default, n = 1 |")


def test_network_without_any_trial_is_named_as_not_measured() -> None:
    text = tables([OURS])
    assert "TCP alone dead, 9 s: not measured" in text.split("\n\n")
    assert "the server killed and started again: not measured" in text.split("\n\n")
    assert len(text.split("\n\n")) == len(NETWORKS) + 2


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
    assert "| uplink alone dead, 9 s | 0.6 s, 11.0 s | not measured | nobody, 11.0 s |" in lines
    assert "| TCP alone dead, 9 s | not measured | not measured | not measured |" in lines


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
