"""Decides whether a counter grows, by a slope fitted to its value after every so many drops. Pure."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WARM_UP_ROWS = 1
"""The first rows do not count: caches fill, code is compiled, memory is allocated for good."""
SPAN_DROPS = 100
"""Growth is given for so many drops, however long the run was."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The tolerated growth within `SPAN_DROPS` drops: `absolute`, or a `share` of the counter if that is more."""

    absolute: float
    share: float = 0.0

    def of(self, level: float) -> float:
        """Return the tolerance for a counter whose value is `level`."""
        return max(self.absolute, self.share * abs(level))


@dataclass(frozen=True, slots=True)
class Growth:
    """How much a counter grows within `SPAN_DROPS` drops, and how much of that is tolerated."""

    per_span: float
    tolerated: float

    @property
    def grows(self) -> bool:
        """Return whether the growth exceeds the tolerance."""
        return self.per_span > self.tolerated


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of points (Theil-Sen). One wrong measurement does not bend it.

    Raises ValueError for fewer than two different abscissas: there is no slope then.
    """
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x1 != x2]
    if not slopes:
        raise ValueError(f"no slope can be fitted to {len(points)} points")
    return statistics.median(slopes)


def judge(
    rows: Sequence[tuple[int, Mapping[str, float]]], tolerances: Mapping[str, Tolerance], warm_up: int = WARM_UP_ROWS
) -> dict[str, Growth]:
    """Return the growth of each counter, by name. `rows` are drops so far and counters; warm-up rows do not count.

    Returns an empty dict for fewer than two rows after the warm-up. Raises KeyError for a counter without a tolerance: its
    growth would go undetected.
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
