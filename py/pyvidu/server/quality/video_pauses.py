"""Tells participants whose videos the server does not forward to them, and when it does again."""

from __future__ import annotations

from pyvidu.protocol.notifications import VideoForwardingChanged
from pyvidu.server import logs
from pyvidu.server.rooms.peer import tell
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

PERIOD = 0.25
"""Seconds between two looks."""
_LATE = 0.25  # seconds: this process did not run, so what the counters tell is not the network's
_REASON = "bandwidth"


class VideoPauseNotices:
    """Has videos paused and resumed, and tells their receivers, as far as they get notices. Call `look` every `PERIOD`."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._paused: set[tuple[str, str]] = set()  # by participant and stream
        self._told: set[tuple[str, str]] = set()

    def look(self, *, late: float) -> None:
        """Have the media plane decide, unless the look is `late`, and tell what has changed.

        Those who get notices only now are told of what is paused.
        """
        if late > _LATE:
            return
        for change in self._rooms.media.pause_videos():
            key = change.participant, change.stream
            (self._paused.add if change.paused else self._paused.discard)(key)
            logs.event("video paused" if change.paused else "video resumed", participant=key[0], stream=key[1])
        if self._paused or self._told:
            self._tell_all()

    def _tell_all(self) -> None:
        """Tell those who get notices and have not been told yet."""
        members = {participant.key: participant for room in self._rooms for participant in room.participants}
        owners = {owner.stream.id: owner for owner in members.values() if owner.stream is not None}
        self._paused = {key for key in self._paused if key[0] in members and key[1] in owners}
        self._told = {key for key in self._told if key[0] in members and key[1] in owners}
        for key in sorted(self._paused ^ self._told):
            if members[key[0]].notices:
                self._tell(members[key[0]], owners[key[1]], key[1], forwarded=key not in self._paused)

    def _tell(self, member: Participant, owner: Participant, stream: str, *, forwarded: bool) -> None:
        if forwarded:
            self._told.discard((member.key, stream))
        else:
            self._told.add((member.key, stream))
        tell([member], VideoForwardingChanged(owner.id, stream, forwarded, "" if forwarded else _REASON))
