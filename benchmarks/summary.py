"""Turns trials into the cells of the results. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.plan import METRICS, Cell
from benchmarks.results import CellResult, Metrics
from benchmarks.statistics import percentiles
from benchmarks.trial import TrialRecord


def cells(records: Iterable[TrialRecord]) -> list[CellResult]:
    """Return one result for each cell, in the order in which the cells first came. Stalled trials are counted apart."""
    groups: dict[Cell, list[TrialRecord]] = {}
    for record in records:
        groups.setdefault(record.cell, []).append(record)
    return [cell_result(cell, group) for cell, group in groups.items()]


def cell_result(cell: Cell, records: Sequence[TrialRecord], *, with_stalled: bool = False) -> CellResult:
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
        n=len(counted),
        stalled=sum(record.stalled for record in records),
        metrics=Metrics(
            **times,
            requests=percentiles([float(item.requests) for item in counted], math.inf),
            renegotiated=percentiles([float(item.renegotiated) for item in counted], math.inf),
        ),
    )
