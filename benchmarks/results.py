"""The results file, as values that are validated whenever they are read or written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.plan import Browser, Call, Cell, Client, Fault, Media, Metric, ServerMode

Milliseconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Percentiles(_Strict):
    """Nearest-rank percentiles of `n` trials, of which `never` took more than 20 s and rank as 20 s."""

    p50: Milliseconds
    p90: Milliseconds
    p95: Milliseconds
    max: Milliseconds
    never: Count
    n: Count


class Metrics(_Strict):
    """Times in milliseconds, and counts per trial. null: does not apply."""

    detect_ms: Percentiles | None
    signaling_ms: Percentiles | None
    inbound_ms: Percentiles | None
    outbound_ms: Percentiles | None
    requests: Percentiles | None = None
    renegotiated: Percentiles | None = None

    def times(self) -> dict[Metric, Percentiles | None]:
        """Return the four times."""
        return {
            "detect_ms": self.detect_ms,
            "signaling_ms": self.signaling_ms,
            "inbound_ms": self.inbound_ms,
            "outbound_ms": self.outbound_ms,
        }


class CellResult(_Strict):
    """One cell. `stalled` trials, in which an event loop stood still for more than 250 ms, are not among the `n`."""

    client: Client
    force: bool
    server: ServerMode
    tls: bool
    fault: Fault
    outage_s: float
    media: Media
    rtt_ms: float
    streams: int
    browser: Browser = "chromium"
    """That of the dropped page. Files of before there was a choice do not name it."""
    n: Count
    stalled: Count = 0
    metrics: Metrics
    date: str = ""
    command: str = ""
    """The command of the run that measured this cell."""

    @property
    def cell(self) -> Cell:
        """Return the cell that was measured."""
        call = Call(self.server, self.media, self.client, self.force, self.rtt_ms, self.streams, self.browser)
        return Cell(call, self.fault, self.outage_s)


class Rig(_Strict):
    """The machine, versions and command of a measurement."""

    versions: dict[str, str]
    cpu: str
    cores: Count
    memory_gib: float
    kernel: str
    load_average: list[float]
    """Of the last 1, 5 and 15 minutes when the run began. A high value means that others used the machine."""
    date: str
    seed: int
    command: str


class Results(_Strict):
    """The whole file. Each command replaces its own part and leaves the others."""

    rig: Rig
    cells: list[CellResult] = []
    boot: list[dict[str, Any]] = []
    page: list[dict[str, Any]] = []
    server: list[dict[str, Any]] = []
    storm: list[dict[str, Any]] = []
    room: list[dict[str, Any]] = []

    @classmethod
    def load(cls, path: Path) -> Results | None:
        """Return the content of the file, or None if there is no file."""
        return cls.model_validate_json(path.read_text("utf-8")) if path.exists() else None

    def measured(self, rig: Rig, cells: Sequence[CellResult], *, add: bool) -> Results:
        """Return a copy with the cells of a run on `rig`, which replace all cells or, with `add`, the same ones."""
        cells = [cell.model_copy(update={"date": rig.date, "command": rig.command}) for cell in cells]
        if not add:
            return self.model_copy(update={"rig": rig, "cells": cells})
        fresh = {cell.cell for cell in cells}
        return self.model_copy(update={"cells": [cell for cell in self.cells if cell.cell not in fresh] + cells})

    def save(self, path: Path) -> None:
        """Write the file atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
        fresh.replace(path)
