"""The file of a soak, and its table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from benchmarks.results import Percentiles, Rig
from benchmarks.soak.counters import PAGE, SERVER
from benchmarks.soak.growth import judge

PLACES = {"page": PAGE, "watcher": PAGE, "server": SERVER}
"""What is counted in each place: the page that is dropped, the page that watches, the server."""


class Row(BaseModel):
    """The counters after so many drops. Percentiles are of the drops since the row before, in milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drops: int
    seconds: float
    signaling_ms: Percentiles | None
    media_ms: Percentiles | None
    evicted: int
    troubles: list[str]
    page: dict[str, float]
    watcher: dict[str, float]
    server: dict[str, float]


class Soak(BaseModel):
    """The whole file. `growth` is for a hundred drops; `grew` names what grew by more than is tolerated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rig: Rig
    rows: list[Row]
    growth: dict[str, dict[str, float | bool]] = {}
    grew: list[str] = []

    @classmethod
    def of(cls, rig: Rig, rows: list[Row]) -> Soak:
        """Return a file of the rows and the verdict on them."""
        growth: dict[str, dict[str, float | bool]] = {}
        for place, tolerances in PLACES.items():
            counted = [(row.drops, getattr(row, place)) for row in rows]
            for name, found in judge(counted, tolerances).items():
                growth[f"{place}.{name}"] = {**asdict(found), "grows": found.grows}
        return cls(rig=rig, rows=rows, growth=growth, grew=[name for name, found in growth.items() if found["grows"]])

    def save(self, path: Path) -> None:
        """Write the file atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
        fresh.replace(path)


def line(row: Row) -> str:
    """Return a row as one line."""
    times = [
        f"{name} {found.p50:.0f} / {found.p95:.0f} ms{f', never {found.never}' if found.never else ''}"
        for name, found in (("signaling", row.signaling_ms), ("media", row.media_ms))
        if found is not None
    ]
    page, server = row.page, row.server
    return (
        f"{row.drops} drops, {row.seconds / 60:.1f} min: {', '.join(times)}; heap {page['js_heap_mib']:.1f} MiB, "
        f"wasm {page['wasm_mib']:.0f} MiB, {page['peer_connections']:.0f} peer connections, "
        f"{page['py_proxies']:.0f} proxies; server {server['memory_mib']:.0f} MiB, {server['tasks']:.0f} tasks"
    )


def show(soak: Soak, console: Console) -> None:
    """Print the first and last counters, and those that grew."""
    table = Table(title="after the first rows and after the last", title_justify="left")
    for head in ("counter", "first", "last", "per 100 drops", "tolerated"):
        table.add_column(head)
    for name, found in soak.growth.items():
        place, _, counter = name.partition(".")
        values = [f"{getattr(row, place)[counter]:g}" for row in (soak.rows[0], soak.rows[-1])]
        style = "bold red" if found["grows"] else ""
        table.add_row(name, *values, f"{found['per_span']:g}", f"{found['tolerated']:g}", style=style)
    console.print(table)
    for trouble in (trouble for row in soak.rows for trouble in row.troubles):
        console.print(trouble, style="red", highlight=False)
    verdict = f"grew: {', '.join(soak.grew)}" if soak.grew else "flat: nothing grew"
    console.print(f"{soak.rows[-1].drops} drops, {verdict}", style="bold red" if soak.grew else "bold", highlight=False)
