"""Tells participants that nothing of them arrives any more: their way down may still work.

A client whose way up alone is dead receives everything: it notices only that its pings are not answered, seconds later,
because a late pong while RTP flows is no proof of an outage.
"""

from __future__ import annotations

from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

INTERVAL = 0.1  # seconds from one look to the next
UNHEARD_AFTER = 0.4  # seconds without RTP: audio leaves gaps of 20 to 60 ms, with discontinuous transmission 400 ms
_STOPPED_WITHIN = 2.0  # seconds: one who has sent no RTP for longer has another reason
_LATE = 0.2  # seconds: this process did not run, so what has arrived may not have been read


class UplinkWatch:
    """The ways up of all who publish. Call `look` every `INTERVAL` seconds."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._told: dict[Participant, float] = {}  # by participant: the last RTP before it was told

    def look(self, now: float, *, late: float) -> None:
        """Tell everybody of whom nothing has arrived for `UNHEARD_AFTER`, unless the look is `late`; once a silence."""
        if late > _LATE:
            return
        media = self._rooms.media.heard()
        former, self._told = self._told, {}
        for room in self._rooms:
            for participant in room.participants:
                stopped = media.get(participant.key, 0.0)
                if not UNHEARD_AFTER <= now - stopped <= _STOPPED_WITHIN:
                    continue
                if former.get(participant) == stopped:
                    self._told[participant] = stopped
                elif now - participant.peer.last_heard >= UNHEARD_AFTER:
                    self._told[participant] = stopped
                    room.tell_unheard(participant)
