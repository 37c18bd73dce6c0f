"""Tells participants whose videos the server does not forward to them, and when it does again."""

from __future__ import annotations

from pyvidu.protocol.notifications import VideoForwardingChanged
from pyvidu.server import logs
from pyvidu.server.media.video_pauses import PausedVideo
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
        self._paused: frozenset[PausedVideo] = frozenset()
        self._told: set[tuple[str, str]] = set()  # of which participant and which stream

    def look(self, *, late: float) -> None:
        """Have the media plane decide, unless the look is `late`, and tell what has changed.

        Those who get notices only now are told of what is paused.
        """
        if late > _LATE:
            return
        before, self._paused = self._paused, self._rooms.media.pause_videos()
        for video in self._paused - before:
            logs.event("video paused", participant=video.participant, stream=video.stream, cause=video.cause)
        for video in before - self._paused:
            logs.event("video resumed", participant=video.participant, stream=video.stream)
        if self._paused or self._told:
            self._tell_all()

    def _tell_all(self) -> None:
        """Tell those who get notices and have not been told yet."""
        members = {participant.key: participant for room in self._rooms for participant in room.participants}
        owners = {owner.stream.id: owner for owner in members.values() if owner.stream is not None}
        paused = {(video.participant, video.stream) for video in self._paused}
        for name, stream in sorted(paused ^ self._told):
            if name not in members or stream not in owners:
                self._told.discard((name, stream))
            elif members[name].notices:
                self._tell(members[name], owners[stream], stream, forwarded=(name, stream) not in paused)

    def _tell(self, member: Participant, owner: Participant, stream: str, *, forwarded: bool) -> None:
        if forwarded:
            self._told.discard((member.key, stream))
        else:
            self._told.add((member.key, stream))
        tell([member], VideoForwardingChanged(owner.id, stream, forwarded, "" if forwarded else _REASON))
