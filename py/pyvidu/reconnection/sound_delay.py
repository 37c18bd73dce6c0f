"""By how much the received sound is late: where it waits in a queue on the way, so do answers over TCP."""

from __future__ import annotations

from .backlog import transit
from .evidence import SoundPlayed
from .quickest import Quickest

LATE = 0.5  # seconds: longer than a browser's jitter buffer grows by packets that arrive unevenly
_ANOTHER_CLOCK = 30.0  # seconds by which no queue delays anything


class SoundDelay:
    """The delay of one received stream's sound, compared with the quickest of the last minute."""

    def __init__(self) -> None:
        self._first: SoundPlayed | None = None
        self._quickest = Quickest()

    def is_late(self, played: SoundPlayed) -> bool:
        """Return whether the sound played now is late."""
        if self._first is None or abs(transit(self._first, played)) > _ANOTHER_CLOCK:  # the sender restarted
            self._first, self._quickest = played, Quickest()
        return self._quickest.excess(transit(self._first, played), played.at) >= LATE
