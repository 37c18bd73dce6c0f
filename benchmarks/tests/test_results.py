"""Percentiles, verdicts, the results file and the table."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from benchmarks import browsers_table, summary, table, trials_file
from benchmarks.__main__ import command
from benchmarks.measure import NEVER, Numbers
from benchmarks.plan import Call, Cell
from benchmarks.results import CellResult, Metrics, Results, Rig
from benchmarks.statistics import is_worse, percentiles, ratio

RIG = Rig(
    versions={}, cpu="", cores=2, memory_gib=1, kernel="", load_average=[0, 0, 0], date="", seed=1, command="make bench"
)  # fmt: skip


def _cell(client: str, detect: list[float], **changed: object) -> CellResult:
    metrics = Metrics(detect_ms=percentiles(detect), signaling_ms=None, inbound_ms=None, outbound_ms=None)
    values = {"client": client, "force": False, "server": "plain", "tls": True, "fault": "silent", "outage_s": 9}
    values |= {"media": "both", "rtt_ms": 0, "streams": 1, "n": len(detect), "metrics": metrics} | changed
    return CellResult.model_validate(values)


def test_percentiles_are_values_that_were_measured() -> None:
    found = percentiles([float(number) for number in range(1, 41)])
    assert found is not None
    assert (found.p50, found.p90, found.p95, found.max, found.n) == (20, 36, 38, 40, 40)


def test_missing_values_rank_as_20_s_and_are_counted() -> None:
    found = percentiles([100, NEVER, 300, NEVER])
    assert found is not None
    assert (found.p50, found.p90, found.max, found.never, found.n) == (300, 20_000, 20_000, 2, 4)


def test_inapplicable_values_are_ignored_and_no_values_give_none() -> None:
    found = percentiles([None, 5.0])
    assert found is not None
    assert found.n == 1
    assert percentiles([None]) is None
    assert percentiles([]) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "worse"),
    [(100, 60, False), (111, 60, True), (1100, 1000, False), (1101, 1000, True), (20, 5000, False)],
)
def test_worse_is_more_than_10_percent_or_50_ms_the_larger(ours: float, theirs: float, worse: bool) -> None:
    assert is_worse(ours, theirs) is worse


def test_ratio_below_one_means_that_pyvidu_is_faster() -> None:
    assert ratio(percentiles([100.0]), percentiles([500.0])) == pytest.approx(0.2)
    assert ratio(percentiles([100.0]), None) is None


def test_saved_results_equal_the_loaded_ones_and_unknown_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    results = Results(rig=RIG, cells=[_cell("pyvidu", [100.0, NEVER])], boot=[{"client": "pyvidu"}])
    results.save(path)
    assert Results.load(path) == results
    written = json.loads(path.read_text())
    assert set(written) == {"rig", "cells", "boot", "page", "server", "storm", "room"}
    assert {"p50", "p90", "p95", "max", "never"} <= set(written["cells"][0]["metrics"]["detect_ms"])
    assert written["cells"][0]["metrics"]["inbound_ms"] is None
    written["cells"][0]["fault"] = "earthquake"
    with pytest.raises(ValidationError):
        Results.model_validate(written)


def test_run_replaces_all_cells_or_with_add_only_its_own_and_cells_keep_their_origin() -> None:
    first = RIG.model_copy(update={"date": "Monday", "command": "make bench-claims"})
    second = RIG.model_copy(update={"date": "Tuesday", "command": "make bench"})
    cells = [_cell("pyvidu", [100.0]), _cell("pyvidu", [10.0], fault="link")]
    earlier = Results(rig=RIG, boot=[{"client": "pyvidu"}]).measured(first, cells, add=False)
    assert (earlier.rig, earlier.boot) == (first, [{"client": "pyvidu"}])
    added = earlier.measured(second, [_cell("pyvidu", [200.0])], add=True)
    assert added.rig == first
    assert [(cell.fault, cell.date, cell.command) for cell in added.cells] == [
        ("link", "Monday", "make bench-claims"),
        ("silent", "Tuesday", "make bench"),
    ]
    assert added.measured(second, cells[:1], add=False).rig == second


def test_recorded_command_omits_output_options() -> None:
    words = ["--fault", "silent", "--outage", "9", "--out", "/tmp/x.json", "--add"]
    assert command(words) == 'make bench BENCH_ARGS="--fault silent --outage 9"'
    assert command(["--claims", "--out=x.json"]) == "make bench-claims"


def test_table_contains_ratios_and_marks_worse_ones_in_red() -> None:
    cells = [_cell("pyvidu", [700.0]), _cell("openvidu-browser", [7000.0])]
    cells += [_cell("pyvidu", [900.0], fault="link"), _cell("openvidu-browser", [500.0], fault="link")]
    printed = io.StringIO()
    table.show(cells, Console(file=printed, width=200, force_terminal=True))
    text = printed.getvalue()
    assert "(0.10)" in text
    assert table.worse(cells) == [
        "pyvidu plain link 9 s: detect_ms p50 is worse than openvidu-browser's",
        "pyvidu plain link 9 s: detect_ms p95 is worse than openvidu-browser's",
    ]
    assert "\x1b[1;31m900 / 900 (1.80)" in text


def test_a_cell_is_compared_with_the_one_that_differs_in_the_client_alone() -> None:
    ours = _cell("pyvidu", [1.0], force=True)
    assert table.opponent(ours, [_cell("openvidu-browser", [1.0]), _cell("pyvidu.js", [1.0], force=True)]) is None
    theirs = _cell("openvidu-browser", [1.0], force=True)
    assert table.opponent(ours, [theirs]) is theirs


def test_results_of_before_there_was_a_choice_are_chromiums() -> None:
    written = _cell("pyvidu", [1.0]).model_dump()
    del written["browser"]
    assert CellResult.model_validate(written).cell.call.browser == "chromium"


def test_a_cell_is_compared_with_openvidu_browser_in_the_same_browser() -> None:
    theirs = [_cell("openvidu-browser", [1.0]), _cell("openvidu-browser", [1.0], browser="firefox")]
    assert table.opponent(_cell("pyvidu", [1.0], browser="firefox"), theirs) is theirs[1]
    assert table.opponent(_cell("pyvidu", [1.0]), theirs) is theirs[0]


def test_browsers_are_side_by_side_where_both_were_measured_and_more_than_twice_is_bold() -> None:
    cells = [_cell("pyvidu", [100.0, 200.0]), _cell("pyvidu", [150.0, 210.0], browser="firefox")]
    cells += [_cell("openvidu-browser", [7000.0, NEVER], browser="firefox"), _cell("pyvidu", [5.0], fault="link")]
    cells += [_cell("pyvidu", [100.0], outage_s=4), _cell("pyvidu", [201.0], outage_s=4, browser="firefox")]
    assert browsers_table.markdown(browsers_table.rows(cells)).splitlines() == [
        "| drop | | Chromium | Firefox | ratio | openvidu-browser in Firefox |",
        "|---|---|---|---|---|---|",
        "| silent, 4 s | drop → reconnecting | 100 / 100 | 201 / 201 | **2.01** | - |",
        "| silent, 9 s | drop → reconnecting | 100 / 200 | 150 / 210 | 1.50 | 7000 / 20000, never 1 of 2 |",
    ]
    assert browsers_table.rows(cells[:1]) == []


def test_trials_of_several_runs_make_one_cell(tmp_path: Path) -> None:
    cell = Cell(Call("plain", "send", "pyvidu", browser="firefox"), "link", 9)
    files = []
    for run, detected in enumerate(([1.0, NEVER], [3.0])):
        lines = []
        for detect in detected:
            found = dataclasses.asdict(Numbers(detect, 2.0, None, 4.0, 1, 0, 1, 1, "reconnected"))
            found["detect_ms"] = "never" if detect == NEVER else detect
            trial = {"cell": dataclasses.asdict(cell), "numbers": found, "stalled": False, "page": {}}
            lines.append(json.dumps(trial) + "\n")
        files.append(tmp_path / f"{run}.trials.jsonl")
        files[-1].write_text("".join(lines))
    (result,) = summary.cells(trial for file in files for trial in trials_file.read(file))
    assert (result.cell, result.n) == (cell, 3)
    assert result.metrics.detect_ms == percentiles([1.0, NEVER, 3.0])
    files[0].write_text('{"cell": {}}\n')
    with pytest.raises(ValueError, match="a line that is no trial"):
        list(trials_file.read(files[0]))
