"""Flat, or does it grow? A slope fitted to what was counted after every so many drops. Pure."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WARM_UP_ROWS = 1
"""The first rows say nothing: caches fill, code is compiled, memory is taken that is kept."""
SPAN_DROPS = 100
"""Growth is told for so many drops, however long the run was."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What growth within `SPAN_DROPS` drops is none: `absolute`, or a `share` of the counter itself if that is more."""

    absolute: float
    share: float = 0.0

    def of(self, level: float) -> float:
        """The tolerance for a counter that stands at `level`."""
        return max(self.absolute, self.share * abs(level))


@dataclass(frozen=True, slots=True)
class Growth:
    """How much a counter grows within `SPAN_DROPS` drops, and how much is tolerated."""

    per_span: float
    tolerated: float

    @property
    def grows(self) -> bool:
        """Whether that is more than a tolerance explains."""
        return self.per_span > self.tolerated


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points (Theil-Sen): one measurement gone wrong does not bend it.

    Raises ValueError for fewer than two different abscissas: there is no slope then.
    """
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x1 != x2]
    if not slopes:
        raise ValueError(f"no slope can be fitted to {len(points)} points")
    return statistics.median(slopes)


def judge(
    rows: Sequence[tuple[int, Mapping[str, float]]], tolerances: Mapping[str, Tolerance], warm_up: int = WARM_UP_ROWS
) -> dict[str, Growth]:
    """The growth of each counter, by name. `rows` are drops so far and counters; those of the warm-up do not count.

    Returns nothing while there are too few rows to say. Raises KeyError for a counter without a tolerance: it would grow
    unseen.
    """
    counted = rows[warm_up:]
    if len(counted) < 2:
        return {}
    found = {}
    for name in counted[0][1]:
        values = [row[name] for _, row in counted]
        per_span = slope([(drops, value) for (drops, _), value in zip(counted, values, strict=True)]) * SPAN_DROPS
        found[name] = Growth(round(per_span, 3), round(tolerances[name].of(statistics.median(values)), 3))
    return found
