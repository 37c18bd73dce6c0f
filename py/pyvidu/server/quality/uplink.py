"""Tells participants that nothing of them arrives any more, or only their signaling not: their way down may still work.

A client whose way up alone is dead receives everything: it notices only that its pings are not answered, seconds later,
because a late pong while RTP flows is no proof of an outage.

Where media arrives and signaling does not, both may wait in a queue on the way up, or all TCP is dead. What is told then
reaches a client in the first case only.
"""

from __future__ import annotations

from pyvidu.server.quality.missing_media import MissingMedia
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

INTERVAL = 0.1  # seconds from one look to the next
UNHEARD_AFTER = 0.4  # seconds without RTP: audio leaves gaps of 20 to 60 ms, with discontinuous transmission 400 ms
LATE_AFTER = 1.1  # seconds without signaling: a client answers the server's ping every second, and sends its own
_STOPPED_WITHIN = 2.0  # seconds: one who has sent no RTP for longer has another reason
_IDLE_AFTER = 3.0  # seconds without RTP: it sends none
_LATE = 0.2  # seconds: this process did not run, so what has arrived may not have been read


class UplinkWatch:
    """The ways up of all who publish. Call `look` every `INTERVAL` seconds."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._told: dict[Participant, float] = {}  # by participant: the last RTP before it was told
        self._late: dict[Participant, float] = {}  # the same of signaling that alone does not arrive
        self._missing = MissingMedia(rooms)

    def look(self, now: float, *, late: float) -> None:
        """Tell everybody of whom something should arrive and does not, unless the look is `late`; once a silence."""
        if late > _LATE:
            return
        media = self._rooms.media.heard()
        self._missing.look(media, now)
        former, self._told = self._told, {}
        former_late, self._late = self._late, {}
        for room in self._rooms:
            for participant in room.participants:
                stopped, heard = media.get(participant.key, 0.0), participant.peer.last_heard
                if LATE_AFTER <= now - heard <= _STOPPED_WITHIN and not UNHEARD_AFTER <= now - stopped <= _IDLE_AFTER:
                    self._late[participant] = heard
                    if former_late.get(participant) != heard:
                        room.tell_late(participant)
                if not UNHEARD_AFTER <= now - stopped <= _STOPPED_WITHIN:
                    continue
                if former.get(participant) == stopped:
                    self._told[participant] = stopped
                elif now - heard >= UNHEARD_AFTER:
                    self._told[participant] = stopped
                    room.tell_unheard(participant)
