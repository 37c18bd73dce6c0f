"""The loss on the way to a subscriber that its sender causes, from the subscriber's reports. Pure: counts and times in.

A browser sends a report with each NACK, about a few packets each: of those the share that was lost says nothing.
"""

from __future__ import annotations

from .path_counters import PathCounters
from .path_loss import PathLoss

PERIOD = 1.0
"""Seconds over which losses are counted together."""


class ReportedLoss:
    """The losses of one track's path. Times are seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self._path = PathLoss()
        self._latest = self._before = PathCounters()
        self._since: float | None = None

    def reported(self, counters: PathCounters, now: float) -> float | None:
        """Return the share of the packets that were lost (0 to 1) once in `PERIOD`, None at other times.

        It is 0 if the path loses that share whatever is sent. `counters` are those of the track, from its latest report.
        """
        self._path.counted(*_difference(self._latest, counters), now)
        self._latest = counters
        if self._since is None:
            self._before, self._since = counters, now
        if now - self._since < PERIOD:
            return None
        received, lost = _difference(self._before, counters)
        self._before, self._since = counters, now
        return 0.0 if self._path.is_own or not lost else lost / (received + lost)


def _difference(before: PathCounters, after: PathCounters) -> tuple[int, int]:
    """Return how many packets were received between two reports, and how many lost: late ones lower that number."""
    lost = max(0, after.lost - before.lost)
    return max(0, after.expected - before.expected - lost), lost
