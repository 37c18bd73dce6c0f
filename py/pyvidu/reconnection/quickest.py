"""How much slower something is than the quickest of its kind lately: for as long packets wait in a queue on the way."""

from __future__ import annotations

from collections import deque

MEMORY = 60.0  # seconds


class Quickest:
    """Durations of one path, in seconds, by the times at which they were measured. An error that all share cancels out."""

    def __init__(self) -> None:
        self._quickest: deque[tuple[float, float]] = deque()  # times and durations, both rising

    def excess(self, duration: float, now: float, *, forgets: bool = True) -> float:
        """Return by how much `duration` exceeds the quickest of the last minute, itself included.

        Without `forgets` also that of longer ago, because the queue may have been there all the time.
        """
        while self._quickest and forgets and self._quickest[0][0] < now - MEMORY:
            self._quickest.popleft()
        while self._quickest and self._quickest[-1][1] >= duration:
            self._quickest.pop()
        self._quickest.append((now, duration))
        return duration - self._quickest[0][1]
