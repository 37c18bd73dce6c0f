"""Who was evicted from a room lately because the network dropped, and may come back even if the server is busy."""

from __future__ import annotations

from collections import deque

_WITHIN = 60.0  # seconds
_MOST = 1_000


class RecentEvictions:
    """Counts evictions of the last minute. Each admits one join.

    A participant that joins again has a new token, and after a handover another address: it cannot be recognized.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_MOST)

    def add(self, now: float) -> None:
        """Count an eviction at `now` (seconds)."""
        self._times.append(now)

    def take(self, now: float) -> bool:
        """Return whether there is an eviction of the last minute that no join was admitted for, and use it up."""
        while self._times and self._times[0] < now - _WITHIN:
            self._times.popleft()
        if not self._times:
            return False
        self._times.popleft()
        return True
