"""The level of a participant's network, from 0 to 5 as in OpenVidu, with what is wrong and on which way. Pure.

| level | meaning | loss | round trip | queue |
|---|---|---|---|---|
| 5 | excellent | up to 2 % | up to 0.2 s | up to 0.2 s |
| 4 | good | 5 % | 0.4 s | 0.4 s |
| 3 | not optimal | 10 % | 0.7 s | 0.8 s |
| 2 | poor | 25 % | 1.2 s | 1.5 s |
| 1 | bad | more | more | more |
| 0 | broken | nothing is heard of it | | |

A way down that carries less than video needs (`congestion.FLOOR`), and loses nothing, is rated 2 at most. The worst counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pyvidu.server.media.path_counters import ParticipantPaths, PathCounters

BEST = 5
_LOSS = (0.02, 0.05, 0.1, 0.25)
_ROUND_TRIP = (0.2, 0.4, 0.7, 1.2)  # seconds
_QUEUE = (0.2, 0.4, 0.8, 1.5)  # seconds
_CONGESTED = 2
_CONFIRMED = 3  # looks: a browser lowers its estimate at once, and reports a second later what it has lost
_WINDOW = 4  # seconds, one look a second, in which losses are counted
_FEWEST = 20  # packets in the window; fewer tell nothing about a share of losses
# Looks after a silence until the packets that were missed in it have been counted: the server counts its own at once, a
# browser reports what it has received of sound every 2.5 to 7.5 s (libwebrtc, rtcp_sender.cc).
_COUNTED_UP, _COUNTED_DOWN = 3, 9
# Looks in a row: a level falls soon and rises late, so that it does not go up and down at a bound between two.
_FALLS, _RISES = 2, 12


@dataclass(frozen=True, slots=True)
class Rating:
    """A level from 0 to 5. `reason` and `direction` are "" at 5, and `direction` is where nothing is heard."""

    level: int = BEST
    reason: str = ""
    """`silence`, `bandwidth`, `loss`, `queue` or `roundTripTime`."""
    direction: str = ""
    """`uplink` or `downlink`, as seen from the participant."""


class PathRating:
    """The ratings of one way, from its counters once a second.

    `counted_after`: looks after a silence in which losses are still those of the silence.
    """

    def __init__(self, direction: str, counted_after: int) -> None:
        self._direction = direction
        self._counted_after = counted_after
        self._uncounted = 0  # looks
        self._counted: deque[tuple[int, int]] = deque(maxlen=_WINDOW + 1)
        self._congested_for = 0  # looks

    def rate(self, counters: PathCounters | None, *, silent: bool) -> Rating:
        """Return the rating of the last seconds. What is lost while nothing is heard is not loss, but `silence`."""
        self._uncounted = self._counted_after if silent else max(0, self._uncounted - 1)
        if self._uncounted:
            self._counted.clear()
        if counters is None:
            self._counted.clear()
            return Rating()
        self._congested_for = self._congested_for + 1 if counters.congested else 0
        loss = _level(self._loss(counters), _LOSS)
        levels = {
            "loss": loss,
            "bandwidth": _CONGESTED if self._congested_for >= _CONFIRMED and loss == BEST else BEST,
            "queue": _level(counters.delay, _QUEUE),
            "roundTripTime": _level(counters.round_trip_time, _ROUND_TRIP),
        }
        reason = min(levels, key=levels.__getitem__)
        return Rating(levels[reason], reason, self._direction) if levels[reason] < BEST else Rating()

    def _loss(self, counters: PathCounters) -> float | None:
        """Return the share of the packets of the window that were lost."""
        if self._counted and counters.expected < self._counted[-1][0]:
            self._counted.clear()  # a connection was replaced
        self._counted.append((counters.expected, counters.lost))
        expected = counters.expected - self._counted[0][0]
        return (counters.lost - self._counted[0][1]) / expected if expected >= _FEWEST else None


class NetworkRating:
    """The steady rating of one participant. Call `look` once a second."""

    def __init__(self) -> None:
        self.current = Rating()
        self._ways = PathRating("uplink", _COUNTED_UP), PathRating("downlink", _COUNTED_DOWN)
        self._latest: deque[Rating] = deque(maxlen=_RISES)

    def look(self, paths: ParticipantPaths, *, silent: bool) -> bool:
        """Take the last second into account; return whether `current` has another level."""
        before = self.current.level
        counters = paths.uplink, paths.downlink
        ratings = [way.rate(counted, silent=silent) for way, counted in zip(self._ways, counters, strict=True)]
        latest = Rating(0, "silence") if silent else min(ratings, key=_by_level)
        self._latest.append(latest)
        if silent or before == 0:
            self.current = latest  # what is told of silence, and of its end, is steady already
            self._latest.clear()
            return self.current.level != before
        lower = max(list(self._latest)[-_FALLS:], key=_by_level)
        if lower.level < before and len(self._latest) >= _FALLS:
            self.current = lower
        elif len(self._latest) == _RISES and (upper := min(self._latest, key=_by_level)).level > before:
            self.current = upper
        elif latest.level == before:
            self.current = latest  # the same level may have another reason by now
        return self.current.level != before


def _by_level(rating: Rating) -> int:
    return rating.level


def _level(value: float | None, bounds: tuple[float, ...]) -> int:
    """Return the level of a value: 5 up to the first bound, 1 beyond the last."""
    if value is None:
        return BEST
    return BEST - sum(value > bound for bound in bounds)
