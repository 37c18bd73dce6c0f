"""Rates the network of every participant once a second and tells the rooms what has changed."""

from __future__ import annotations

from collections.abc import Iterable

from pyvidu.protocol.notifications import NetworkQualityLevelChanged
from pyvidu.server.media.path_counters import ParticipantPaths
from pyvidu.server.quality.rating import BEST, NetworkRating
from pyvidu.server.rooms.peer import tell
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant

_LATE = 0.5  # seconds: this process did not run, so what the counters tell is not the network's


class QualityWatch:
    """The ratings of all participants. Call `look` once a second."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._ratings: dict[Participant, NetworkRating] = {}

    def look(self, *, late: float) -> None:
        """Rate everybody anew, unless the look is `late`; tell each room of the levels that have changed.

        Newcomers are told of all that are not the best.
        """
        if late > _LATE:
            return
        paths = self._rooms.media.paths()
        former, self._ratings = self._ratings, {}
        for room in self._rooms:
            for participant in room.participants:
                if participant not in former:
                    self._tell_of_others(participant, former)
                if participant.hidden:
                    continue
                rating = self._ratings[participant] = former.get(participant) or NetworkRating()
                before = rating.current.level
                if rating.look(paths.get(participant.key, ParticipantPaths()), silent=participant.silent):
                    _tell(room.participants, participant, rating, before)

    def _tell_of_others(self, newcomer: Participant, ratings: dict[Participant, NetworkRating]) -> None:
        for other in newcomer.room.others(newcomer):
            rating = ratings.get(other)
            if rating is not None and rating.current.level != BEST:
                _tell([newcomer], other, rating, BEST)


def _tell(recipients: Iterable[Participant], of: Participant, rating: NetworkRating, before: int) -> None:
    now = rating.current
    tell(recipients, NetworkQualityLevelChanged(of.id, now.level, before, now.reason, now.direction))
