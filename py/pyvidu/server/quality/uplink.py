"""Tells participants that nothing of them arrives any more, or only their signaling not: their way down may still work.

A client whose way up alone is dead receives everything: it notices only that its pings are not answered, seconds later,
because a late pong while RTP flows is no proof of an outage.

Where media arrives and signaling does not, both may wait in a queue on the way up, or all TCP is dead. What is told then
reaches a client in the first case only.

Nor does what is told of a dead way up reach it, if TCP already waits for an acknowledgement. So the answer to a probe, which
comes by a way of its own when a VPN has been switched on, tells it too.
"""

from __future__ import annotations

import asyncio

from pyvidu.server.quality.missing_media import MissingMedia
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

INTERVAL = 0.05  # seconds from one look to the next
UNHEARD_AFTER = 0.4  # seconds without RTP: audio leaves gaps of 20 to 60 ms, with discontinuous transmission 400 ms
LATE_AFTER = 1.1  # seconds without signaling: a client answers the server's ping every second, and sends its own
_STOPPED_WITHIN = 2.0  # seconds: one who has sent no RTP for longer has another reason
_IDLE_AFTER = 3.0  # seconds without RTP: it sends none
_TOGETHER = 1.0  # seconds: RTP that stopped longer before signaling had another reason; a client pings once a second
_LATE = 0.2  # seconds: this process did not run, so what has arrived may not have been read


class UplinkWatch:
    """The ways up of all who publish. Call `look` every `INTERVAL` seconds."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._told: dict[Participant, float] = {}  # by participant: the last RTP before it was told
        self._late: dict[Participant, float] = {}  # the same of signaling that alone does not arrive
        self._unheard: dict[str, Participant] = {}  # by probe id: those of whom nothing arrives any more
        self._missing = MissingMedia(rooms)

    def is_unheard(self, probe_id: str) -> bool:
        """Return whether nothing arrives of a participant any more, although both its media and its signaling did."""
        participant = self._unheard.get(probe_id)
        if participant is None:
            return False
        stopped = self._rooms.media.heard().get(participant.key, 0.0)  # something may have arrived since the last look
        return _is_unheard(stopped, participant.peer.last_heard, asyncio.get_running_loop().time())

    def look(self, now: float, *, late: float) -> None:
        """Tell everybody of whom something should arrive and does not, unless the look is `late`; once a silence."""
        if late > _LATE:
            return
        media = self._rooms.media.heard()
        self._missing.look(media, now - late)  # what arrived since then may not have been read
        former, self._told = self._told, {}
        former_late, self._late = self._late, {}
        self._unheard = {}
        for room in self._rooms:
            for participant in room.participants:
                stopped, heard = media.get(participant.key, 0.0), participant.peer.last_heard
                if _is_unheard(stopped, heard, now):
                    self._unheard[participant.probe_id] = participant
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


def _is_unheard(stopped: float, heard: float, now: float) -> bool:
    """Return whether RTP has stopped and signaling too, at about the same time."""
    return now - stopped >= UNHEARD_AFTER and now - heard >= UNHEARD_AFTER and stopped >= heard - _TOGETHER
