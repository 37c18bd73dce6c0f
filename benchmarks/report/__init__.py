"""The HTML report of a run: distributions, timelines and where the time went. One file that needs no network."""

from __future__ import annotations

import html
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.plan import CLIENTS, METRICS, Cell, Metric
from benchmarks.report.spans import aligned, breakdown
from benchmarks.results import Results
from benchmarks.table import COLUMNS, in_order, opponent, row, worse
from benchmarks.trial import TrialRecord

HERE = Path(__file__).parent
ECHARTS = HERE.parent / "node_modules" / "echarts" / "dist" / "echarts.min.js"


def write(path: Path, results: Results, records: Sequence[TrialRecord]) -> None:
    """Write the report. Raises FileNotFoundError when the charting library is missing (`make bench` fetches it)."""
    page = (HERE / "report.html").read_text("utf-8")
    parts = {
        "{{rig}}": _rig(results),
        "{{table}}": _table(results),
        "{{worse}}": "".join(f"<li>{html.escape(sentence)}" for sentence in worse(results.cells)),
        "{{data}}": json.dumps(data(records)).replace("</", "<\\/"),
        "{{script}}": (HERE / "report.js").read_text("utf-8"),
        "{{echarts}}": ECHARTS.read_text("utf-8"),
    }
    for name, value in parts.items():
        page = page.replace(name, value)
    path.write_text(page, "utf-8")


def data(records: Sequence[TrialRecord]) -> dict[str, Any]:
    """Return the data of the charts."""
    groups: dict[str, list[TrialRecord]] = {}
    # Comparable cells are neighbours here too.
    for record in sorted(records, key=lambda record: _place(record.cell)):
        groups.setdefault(str(record.cell), []).append(record)
    return {
        "points": {metric: _points(groups, metric) for metric in METRICS},
        "timelines": [_timeline(name, typical(group)) for name, group in groups.items()],
        "spans": [{"cell": name, **spans} for name, group in groups.items() if (spans := breakdown(group))],
    }


def typical(records: Sequence[TrialRecord]) -> TrialRecord:
    """Return the trial in the middle by the sum of its times, an undisturbed one if there is any."""

    def total(record: TrialRecord) -> float:
        return sum(min(value, 20_000) for name in METRICS if (value := record.numbers.metric(name)) is not None)

    candidates = [record for record in records if not record.stalled] or records
    return sorted(candidates, key=total)[len(candidates) // 2]


def _place(cell: Cell) -> tuple[object, ...]:
    call = cell.call
    kept = (call.server == "best", call.force, call.media, call.rtt_ms, call.streams)
    situation = (*kept, cell.fault, cell.outage_s, call.browser)
    return (*situation, CLIENTS.index(call.client))


def _points(groups: Mapping[str, Sequence[TrialRecord]], metric: Metric) -> list[dict[str, Any]]:
    rows = []
    for name, group in groups.items():
        found = [(record.numbers.metric(metric), record.stalled) for record in group]
        values = [(min(value, 20_000), stalled) for value, stalled in found if value is not None]
        if values:
            clean = [value for value, stalled in values if not stalled]
            median = statistics.median_low(clean) if clean else None
            rows.append({"cell": name, "client": group[0].cell.call.client, "values": values, "median": median})
    return rows


def _timeline(name: str, record: TrialRecord) -> dict[str, Any]:
    trial = record.to_dict()
    outages = []
    for shift, outage in aligned(record):
        outages += [{**entry, "at": round(entry["at"] + shift, 3)} for entry in outage["entries"]]
    return {
        "cell": name,
        "down": [0.0, trial["fault"]["removed"]],
        "events": [(event["at"], f"{event['name']} {event['reason']}".strip()) for event in trial["page"]["events"]],
        "requests": trial["page"]["requests"],
        "sockets": trial["page"]["sockets"],
        "fetches": trial["page"]["fetches"],
        "inbound": sorted(at for series in trial["page"]["frames"].values() for at in series),
        "outbound": sorted(at for series in trial["peer"]["frames"].values() for at in series),
        "stalls": [(began, ended, who) for who, series in trial["stalls"].items() for began, ended in series],
        "outage": outages,
    }


def _rig(results: Results) -> str:
    rig = results.rig
    rows = {
        "command": rig.command,
        "date": rig.date,
        "machine": f"{rig.cpu}, {rig.cores} cores, {rig.memory_gib} GiB, {rig.kernel}",
        "load average when it began": ", ".join(map(str, rig.load_average)),
        "versions": ", ".join(f"{name} {version}" for name, version in rig.versions.items()),
        "seed": str(rig.seed),
    }
    return "".join(f"<dt>{html.escape(name)}<dd>{html.escape(value)}" for name, value in rows.items())


def _table(results: Results) -> str:
    lines = ["<tr>" + "".join(f"<th>{html.escape(head)}" for head in COLUMNS)]
    for cell in in_order(results.cells):
        texts = row(cell, opponent(cell, results.cells))
        lines.append("<tr>" + "".join(f"<td{' class=worse' if bad else ''}>{html.escape(text)}" for text, bad in texts))
    return "\n".join(lines)
