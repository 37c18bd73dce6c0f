"""Tells participants that their stream does not arrive although their signaling was resumed, on another socket.

The media connection's way up is dead then: the page's address is another one. While its way down works, which a VPN that
was switched on leaves alone, ICE sees that after 7 s only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyvidu.server.rooms.peer import SignalingGap
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """For how long after a resume a stream may be missing that has had no longer gap lately; in seconds.

    `after_move` is the same after a resume from another address, from which media comes only once it is negotiated anew.
    """

    gap: float
    after: float
    after_move: float


# Sound and video together leave gaps of 20 ms, video alone of 30 to 70, sound with discontinuous transmission of 0.4 s.
_RHYTHMS = (_Rhythm(0.06, 0.1, 0.05), _Rhythm(0.15, 0.2, 0.05), _Rhythm(math.inf, 0.5, 0.2))
_LONGEST_GAP = 0.6  # a longer one is an outage or was wanted, and says nothing of the stream's rhythm
_STEADY = 10.0  # seconds without gaps before the outage
_FLOWED = 1.0  # seconds before signaling ceased: one who had sent no RTP for longer had another reason
_NEWS = 2.0  # seconds after the resume


@dataclass(slots=True)
class _Stream:
    """What was seen of a participant's RTP. Times are seconds of the event loop's clock."""

    last: float = 0.0  # RTP at the last look
    pause: float = 0.0  # without RTP at the last look
    gaps_ended: dict[_Rhythm, float] = field(default_factory=dict)  # the last gap too long for a rhythm
    told: float = 0.0  # the resume after which it was told

    def looked(self, last: float, now: float) -> None:
        """Note that RTP `last` arrived then."""
        if self.last < last < self.last + _LONGEST_GAP:
            for rhythm in _RHYTHMS:
                if self.pause > rhythm.gap:
                    self.gaps_ended[rhythm] = last
        self.last, self.pause = last, now - last

    def may_miss(self, gap: SignalingGap) -> float:
        """Return for how long after the resume the stream may be missing, in seconds."""
        rhythm = next(item for item in _RHYTHMS if self.gaps_ended.get(item, -math.inf) < gap.began - _STEADY)
        return rhythm.after_move if gap.moved else rhythm.after


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
                stream.looked(last, now)
                gap = participant.peer.gap
                if (
                    gap.began - _FLOWED <= last < gap.ended != stream.told
                    and stream.may_miss(gap) <= now - gap.ended <= _NEWS
                ):
                    stream.told = gap.ended
                    room.tell_media_missing(participant)
