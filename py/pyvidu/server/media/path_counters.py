"""What the endpoints of a participant tell of its two paths, the way up and the way down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathCounters:
    """Counts since the connections of one way began, and present times in seconds; None: not known."""

    expected: int = 0
    """Packets, those lost included."""
    lost: int = 0
    """Packets that did not arrive at first, whether they were sent again or not."""
    round_trip_time: float | None = None
    delay: float | None = None
    """By how much it takes longer than the quickest of the last minute: what waits in a queue."""
    congested: bool = False
    """It carries less than what video needs."""

    @classmethod
    def combined(cls, parts: Iterable[PathCounters]) -> PathCounters:
        """Return the sum of the counts, and the shortest of each time: a queue delays all, a busy encoder its own video."""
        found = list(parts)
        return cls(
            sum(part.expected for part in found),
            sum(part.lost for part in found),
            _shortest(part.round_trip_time for part in found),
            _shortest(part.delay for part in found),
            any(part.congested for part in found),
        )


@dataclass(frozen=True, slots=True)
class ParticipantPaths:
    """Both ways of one participant, as seen from it; None: nothing is sent that way."""

    uplink: PathCounters | None = None
    downlink: PathCounters | None = None


class QuickestOfAMinute:
    """The shortest of the times of the last minute or two. Times are seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self._since = 0.0
        self._earlier = self._latest = float("inf")

    def excess(self, seconds: float, now: float) -> float:
        """Take a time into account, and return by how much it is longer than the shortest."""
        if now - self._since >= 60:
            self._since, self._earlier, self._latest = now, self._latest, seconds
        self._latest = min(self._latest, seconds)
        return seconds - min(self._earlier, self._latest)


def _shortest(times: Iterable[float | None]) -> float | None:
    return min((time for time in times if time is not None), default=None)
