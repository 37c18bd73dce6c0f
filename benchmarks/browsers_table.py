"""Chromium beside Firefox: one line for each metric of a cell that was measured in both. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.plan import METRICS, Browser, Cell, Client
from benchmarks.results import CellResult, Percentiles
from benchmarks.table import HEADS, OFFICIAL, in_order

TARGET = 2.0
"""pyvidu's medians in Firefox are to be no more than so many times those in Chromium."""
_OURS: Client = "pyvidu"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of pyvidu in both browsers, and of openvidu-browser in Firefox if that was measured."""

    cell: str
    metric: str
    chromium: Percentiles
    firefox: Percentiles
    official: Percentiles | None

    @property
    def ratio(self) -> float:
        """Return Firefox / Chromium at the median."""
        return self.firefox.p50 / self.chromium.p50 if self.chromium.p50 else float("inf")


def rows(cells: Sequence[CellResult]) -> list[Row]:
    """Return the rows of the cells of pyvidu that were measured in both browsers."""
    by_cell = {result.cell: result for result in cells}
    found = []
    for result in in_order(cells):
        cell = result.cell
        theirs = by_cell.get(_changed(cell, browser="firefox"))
        if cell.call.client != _OURS or cell.call.browser != "chromium" or theirs is None:
            continue
        official = by_cell.get(_changed(cell, browser="firefox", client=OFFICIAL))
        for metric in METRICS:
            here, there = result.metrics.times()[metric], theirs.metrics.times()[metric]
            if here is not None and there is not None:
                other = official.metrics.times()[metric] if official is not None else None
                found.append(Row(_name(cell), HEADS[metric], here, there, other))
    return found


def markdown(found: Sequence[Row]) -> str:
    """Return the table as it stands in docs/benchmark.md: milliseconds, median / 95th percentile."""
    lines = ["| drop | | Chromium | Firefox | ratio | openvidu-browser in Firefox |", "|---|---|---|---|---|---|"]
    before = ""
    for row in found:
        name = "" if row.cell == before else row.cell
        before = row.cell
        ratio = f"{row.ratio:.2f}" if row.ratio <= TARGET else f"**{row.ratio:.2f}**"
        times = (_times(row.chromium), _times(row.firefox), ratio, _times(row.official))
        lines.append("| " + " | ".join((name, row.metric, *times)) + " |")
    return "\n".join(lines)


def _changed(cell: Cell, *, browser: Browser, client: Client = _OURS) -> Cell:
    return dataclasses.replace(cell, call=dataclasses.replace(cell.call, browser=browser, client=client))


def _name(cell: Cell) -> str:
    media = "" if cell.call.media == "both" else f", media {cell.call.media}"
    return f"{cell.fault}, {cell.outage_s:g} s{media}"


def _times(found: Percentiles | None) -> str:
    if found is None:
        return "-"
    return f"{found.p50:.0f} / {found.p95:.0f}" + (f", never {found.never} of {found.n}" if found.never else "")
