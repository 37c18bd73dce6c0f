"""The table at the end of a run: every cell, its ratio to openvidu-browser, and in red what is worse than it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.plan import METRICS, Call, Client
from benchmarks.results import CellResult, Percentiles
from benchmarks.statistics import PERCENTILES, ratio, worse_metrics

OFFICIAL: Client = "openvidu-browser"
HEADS = {
    "detect_ms": "drop → reconnecting",
    "signaling_ms": "return → told",
    "inbound_ms": "return → we see them",
    "outbound_ms": "return → they see us",
}


COLUMNS = ("client", "server", "fault", "outage", "n", *HEADS.values(), "requests", "renegotiated")


def opponent(ours: CellResult, cells: Sequence[CellResult]) -> CellResult | None:
    """Return the cell of openvidu-browser in the same browser that differs only in the client."""
    return next((cell for cell in cells if cell.client == OFFICIAL and _situation(cell) == _situation(ours)), None)


def build(cells: Sequence[CellResult]) -> Table:
    """Return the table. Times are p50 / p95 in milliseconds; the ratio is pyvidu / openvidu-browser at p50."""
    table = Table(title="milliseconds: p50 / p95 (ratio to openvidu-browser at p50)", title_justify="left")
    for head in COLUMNS:
        table.add_column(head, overflow="fold")
    situation = None
    for cell in in_order(cells):
        if situation not in (None, _situation(cell)):
            table.add_section()
        situation = _situation(cell)
        table.add_row(*(f"[bold red]{text}[/]" if bad else text for text, bad in row(cell, opponent(cell, cells))))
    return table


def in_order(cells: Sequence[CellResult]) -> list[CellResult]:
    """Return the cells with comparable ones as neighbours, openvidu-browser's last among them."""
    return sorted(cells, key=lambda cell: (_order(cell), cell.client == OFFICIAL, cell.client))


def worse(cells: Sequence[CellResult]) -> list[str]:
    """Return a sentence for every metric of every cell in which we are worse than openvidu-browser."""
    found = []
    for cell in cells:
        other = opponent(cell, cells)
        if cell.client != OFFICIAL and other is not None:
            found += [f"{cell.cell}: {what} is worse than {OFFICIAL}'s" for what in worse_metrics(cell, other)]
    return found


def show(cells: Sequence[CellResult], console: Console) -> None:
    """Print the table, what is worse, and the number of stalled trials."""
    console.print(build(cells))
    for sentence in worse(cells):
        console.print(sentence, style="bold red")
    stalled = sum(cell.stalled for cell in cells)
    if stalled:
        console.print(f"{stalled} trials are apart: an event loop of a page or of the server stood still for > 250 ms.")


def row(cell: CellResult, other: CellResult | None) -> list[tuple[str, bool]]:
    """Return the texts of a cell's row under `COLUMNS`, each with whether it is worse than in `other`."""
    official = cell.client == OFFICIAL
    bad = set() if official or other is None else set(worse_metrics(cell, other))
    media = "" if cell.media == "both" else f", media {cell.media}"
    rtt = f", RTT {cell.rtt_ms:g} ms" if cell.rtt_ms else ""
    streams = f", {cell.streams} streams" if cell.streams != 1 else ""
    texts = [
        f"{cell.client}{' Firefox' if cell.browser == 'firefox' else ''}{' force' if cell.force else ''}",
        cell.server,
        f"{cell.fault}{media}{rtt}{streams}",
        f"{cell.outage_s:g} s",
        f"{cell.n}" + (f" (+{cell.stalled} stalled)" if cell.stalled else ""),
    ]
    found = [(text, False) for text in texts]
    for name in METRICS:
        theirs = None if official or other is None else other.metrics.times()[name]
        is_bad = any(f"{name} {percentile}" in bad for percentile in PERCENTILES)
        found.append((_times(cell.metrics.times()[name], theirs), is_bad))
    return [*found, (_count(cell.metrics.requests), False), (_count(cell.metrics.renegotiated), False)]


def _times(mine: Percentiles | None, theirs: Percentiles | None) -> str:
    if mine is None:
        return "-"
    text = f"{mine.p50:.0f} / {mine.p95:.0f}"
    if mine.never:
        text += f", never {mine.never}"
    share = ratio(mine, theirs)
    return text if share is None else f"{text} ({share:.2f})"


def _count(counts: Percentiles | None) -> str:
    return "-" if counts is None else f"{counts.p50:.0f}"


def _situation(cell: CellResult) -> tuple[Call, str, float]:
    call = Call(cell.server, cell.media, OFFICIAL, cell.force, cell.rtt_ms, cell.streams, cell.browser)
    return call, cell.fault, cell.outage_s


def _order(cell: CellResult) -> tuple[object, ...]:
    call, fault, outage = _situation(cell)
    return (call.server == "best", call.force, call.media, call.rtt_ms, call.streams, fault, outage, call.browser)
