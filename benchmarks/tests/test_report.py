"""The report: it shows the median trial, places records on the trial's clock, and needs no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report, rig, summary
from benchmarks.measure import Fault, Happened, Trace, numbers
from benchmarks.plan import Call, Cell
from benchmarks.report.spans import breakdown
from benchmarks.results import Results
from benchmarks.trial import TrialRecord

CELL = Cell(Call("plain", "both", "pyvidu"), "silent", 9)


def _record(detect: float = 0.7, back: float = 0.25, *, stalled: bool = False) -> TrialRecord:
    fault = Fault(50.0, 59.0)
    entries = [
        {"at": 0.0, "kind": "evidence", "text": "RtpSilent()"},
        {"at": 0.4, "kind": "verdict", "text": "signaling plane down"},
        {"at": 0.4, "kind": "action", "text": "attempt 1"},
        {"at": 9.0 - detect + 0.4 + back, "kind": "verdict", "text": "reconnected"},
    ]
    events = [Happened(50 + detect, "reconnecting"), Happened(59 + back, "reconnected")]
    page = Trace(events=events, frames={"v": [59.1]}, outages=[{"entries": entries}])
    peer = Trace(frames={"v": [59.5]})
    found = numbers(CELL, fault, page, peer, until=61)
    return TrialRecord(CELL, 3.0, 0.0, fault, found, stalled, 0, 0.5, page, peer, {"page": [], "server": []})


def test_typical_trial_is_the_median_of_those_without_stalls() -> None:
    records = [_record(0.5), _record(0.9), _record(0.7), _record(5, stalled=True), _record(6, stalled=True)]
    assert report.typical(records).numbers.detect_ms == 700


def test_steps_are_counted_from_the_fault_and_from_the_return() -> None:
    assert breakdown([_record(0.7, 0.25), _record(0.9, 0.25)]) == {
        "drop": [
            ("evidence: RtpSilent()", 400, 2),
            ("verdict: signaling plane down", 800, 2),
            ("action: attempt N", 800, 2),
        ],
        "return": [("verdict: reconnected", 250, 2)],
    }


def test_exported_trial_has_times_relative_to_the_fault() -> None:
    told = json.loads(json.dumps(_record().to_dict()))
    assert told["fault"] == {"applied": 0.0, "removed": 9.0}
    assert told["page"]["events"][0] == {"at": 0.7, "name": "reconnecting", "reason": ""}
    assert told["cell"]["call"]["client"] == "pyvidu"


def test_report_is_one_file_without_external_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "echarts.js"
    library.write_text("/* charts */")
    monkeypatch.setattr(report, "ECHARTS", library)
    records = [_record()]
    results = Results(rig=rig.describe({"chromium": "156"}, 1, "make bench <&>"), cells=summary.cells(records))
    report.write(tmp_path / "report.html", results, records)
    page = (tmp_path / "report.html").read_text()
    assert "make bench &lt;&amp;&gt;" in page
    assert "{{" not in page
    assert "src=" not in page
    assert "http" not in page
