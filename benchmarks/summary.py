"""Turns trials into the cells of the results. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from benchmarks.measure import Numbers
from benchmarks.plan import METRICS, Cell
from benchmarks.results import CellResult, Metrics
from benchmarks.statistics import percentiles


class Measured(Protocol):
    """What is needed of a trial: of one that was just made, or that was read from a file."""

    @property
    def cell(self) -> Cell:
        """Return what was measured."""

    @property
    def numbers(self) -> Numbers:
        """Return its results."""

    @property
    def stalled(self) -> bool:
        """Return whether an event loop stood still meanwhile."""


def cells(records: Iterable[Measured]) -> list[CellResult]:
    """Return one result for each cell, in the order in which the cells first came. Stalled trials are counted apart."""
    groups: dict[Cell, list[Measured]] = {}
    for record in records:
        groups.setdefault(record.cell, []).append(record)
    return [cell_result(cell, group) for cell, group in groups.items()]


def cell_result(cell: Cell, records: Sequence[Measured], *, with_stalled: bool = False) -> CellResult:
    """Return the result of one cell, without its stalled trials unless `with_stalled`."""
    counted = [record.numbers for record in records if with_stalled or not record.stalled]
    call = cell.call
    times = {name: percentiles([item.metric(name) for item in counted]) for name in METRICS}
    return CellResult(
        client=call.client,
        force=call.force,
        server=call.server,
        tls=True,
        fault=cell.fault,
        outage_s=cell.outage_s,
        media=call.media,
        rtt_ms=call.rtt_ms,
        streams=call.streams,
        browser=call.browser,
        n=len(counted),
        stalled=sum(record.stalled for record in records),
        metrics=Metrics(
            **times,
            requests=percentiles([float(item.requests) for item in counted], math.inf),
            renegotiated=percentiles([float(item.renegotiated) for item in counted], math.inf),
        ),
    )
