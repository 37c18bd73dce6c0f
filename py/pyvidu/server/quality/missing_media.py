"""Tells participants that their stream does not arrive although their signaling was resumed, on another socket.

The media connection's way up is dead then: the page's address is another one. While its way down works, which a VPN that
was switched on leaves alone, ICE sees that after 7 s only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pyvidu.server.rooms.peer import SignalingGap
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

MISSING_AFTER = 0.5  # seconds after the resume: with discontinuous transmission sound leaves gaps of 0.4
STEADY_MISSING_AFTER = 0.2  # the same of a stream without gaps lately
# The same after a resume from another address, from which a media connection comes only once it is negotiated anew.
MOVED_MISSING_AFTER = 0.2
STEADY_MOVED_MISSING_AFTER = 0.05
_GAP = 0.15  # seconds without RTP
_LONGEST_GAP = 0.6  # a longer one is an outage or was wanted, and says nothing of the stream's rhythm
_STEADY = 10.0  # seconds without gaps before the outage
_FLOWED = 1.0  # seconds before signaling ceased: one who had sent no RTP for longer had another reason
_NEWS = 2.0  # seconds after the resume


@dataclass(slots=True)
class _Stream:
    """What was seen of a participant's RTP. Times are seconds of the event loop's clock."""

    pausing_since: float | None = None  # in a gap: when RTP last arrived
    gap_ended: float = -math.inf
    told: float = 0.0  # the resume after which it was told


class MissingMedia:
    """The streams of all who publish. Call `look` several times a second."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._streams: dict[Participant, _Stream] = {}

    def look(self, heard: Mapping[str, float], now: float) -> None:
        """Tell everybody whose stream has not followed its signaling, once a resume.

        `heard` is when RTP last arrived of everybody who publishes, by the participant's key.
        """
        former, self._streams = self._streams, {}
        for room in self._rooms:
            for participant in room.participants:
                if participant.key not in heard:
                    continue
                last = heard[participant.key]
                stream = self._streams[participant] = former.get(participant) or _Stream()
                paused = stream.pausing_since
                if paused is not None and paused < last < paused + _LONGEST_GAP:
                    stream.gap_ended = last
                stream.pausing_since = last if now - last > _GAP else None
                gap = participant.peer.gap
                if (
                    gap.began - _FLOWED <= last < gap.ended != stream.told
                    and _after(stream, gap) <= now - gap.ended <= _NEWS
                ):
                    stream.told = gap.ended
                    room.tell_media_missing(participant)


def _after(stream: _Stream, gap: SignalingGap) -> float:
    """Return for how long after the resume a stream may be missing, in seconds."""
    steady = stream.gap_ended < gap.began - _STEADY
    if gap.moved:
        return STEADY_MOVED_MISSING_AFTER if steady else MOVED_MISSING_AFTER
    return STEADY_MISSING_AFTER if steady else MISSING_AFTER
