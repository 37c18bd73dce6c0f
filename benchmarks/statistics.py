"""Percentiles that count what never happened, and the verdict on a cell. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.measure import CEILING_MS
from benchmarks.results import CellResult, Percentiles

WORSE_SHARE, WORSE_MS = 1.10, 50.0
"""A metric is worse than the peer's beyond 10 % or 50 ms, whichever is more."""
PERCENTILES = ("p50", "p95")


def percentiles(values: Sequence[float | None], ceiling: float = CEILING_MS) -> Percentiles | None:
    """Return nearest-rank percentiles of times in ms. What never happened ranks as `ceiling`; None does not apply.

    Returns None when nothing applies.
    """
    found = [value for value in values if value is not None]
    ranked = sorted(min(value, ceiling) for value in found)
    if not ranked:
        return None

    def rank(share: float) -> float:
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)]

    return Percentiles(
        p50=rank(0.50), p90=rank(0.90), p95=rank(0.95), max=ranked[-1], never=sum(map(math.isinf, found)), n=len(ranked)
    )


def is_worse(ours: float, theirs: float) -> bool:
    """Return whether our time is worse than the peer's by more than the measurement error."""
    return ours > max(theirs * WORSE_SHARE, theirs + WORSE_MS)


def worse_metrics(ours: CellResult, theirs: CellResult) -> list[str]:
    """Return `metric percentile` of everything in which `ours` is worse."""
    found = []
    for name, mine in ours.metrics.times().items():
        other = theirs.metrics.times()[name]
        if mine is not None and other is not None:
            found += [f"{name} {p}" for p in PERCENTILES if is_worse(getattr(mine, p), getattr(other, p))]
    return found


def ratio(ours: Percentiles | None, theirs: Percentiles | None, percentile: str = "p50") -> float | None:
    """Return pyvidu / openvidu-browser: below 1 is better. None when there is nothing to compare."""
    if ours is None or theirs is None or not (other := getattr(theirs, percentile)):
        return None
    value: float = getattr(ours, percentile) / other
    return value
