"""Tells a source that stood still from a path that delayed it. Pure: times of packets in, what passed out.

The audio of a browser goes on with the next timestamp after its machine has slept, or after its track was none for a while:
its timestamps do not show that time has passed, and the next sender report, which does, comes seconds later.
"""

from __future__ import annotations

from typing import NamedTuple

_SHORTEST = 0.5  # seconds: what is shorter is no more than an uneven pace of the source
_UNITS = 1 << 18  # of an `abs-send-time` in a second; it is a number of 24 bits
_PERIOD = 64.0  # seconds after which it begins again


class Pause(NamedTuple):
    """A pause of a source, in seconds."""

    passed: float
    """From the packet before to the first one after it."""
    hidden: float
    """So much of it the timestamps do not show."""


class SourcePauses:
    """Compares a source's timestamps with the times at which its packets were sent, by the sender's own clock."""

    def __init__(self, rate: int) -> None:
        """`rate` is that of the timestamps, in Hz."""
        self._rate = rate
        self._last: tuple[int, int, float] | None = None

    def before(self, timestamp: int, sent: int | None, now: float) -> Pause | None:
        """Return the pause before this packet, if its timestamp hides one.

        `timestamp` is unwrapped, `sent` the value of `abs-send-time` (None: it has none), `now` the time of arrival. A packet
        that arrives late after it was sent in time was delayed by the path: that is no pause.
        """
        last, self._last = self._last, None if sent is None else (timestamp, sent, now)
        if last is None or sent is None or now - last[2] < _SHORTEST:
            return None
        sent_after = (sent - last[1]) / _UNITS
        passed = sent_after + round((now - last[2] - sent_after) / _PERIOD) * _PERIOD  # the nearest to the arrivals
        hidden = passed - (timestamp - last[0]) / self._rate
        return Pause(passed, hidden) if hidden > _SHORTEST else None
