"""A second opinion on a ping that is unanswered while RTP flows: probes of the server on connections of their own.

Over TCP a packet that is lost again and again delays a pong by seconds although the path is fine. Several connections are not
delayed all alike, unless nothing of TCP gets through.
"""

from __future__ import annotations

import math

from .policy import DetectionPolicy
from .rtt import RoundTrip

_PROBES = 3
_ROUND_TRIPS = 3  # of a probe: TCP, TLS, HTTP


class SecondOpinion:
    """The probes about the pings that are unanswered now, the oldest of which was sent at the time `asked` of each call."""

    def __init__(self, detection: DetectionPolicy, rtt: RoundTrip) -> None:
        self._detection = detection
        self._rtt = rtt
        self.clear()

    def clear(self) -> None:
        """Begin anew, because a ping was answered."""
        self._sent = self._answered = 0
        self._last = -math.inf
        self.reached = False
        """Whether the server has answered one."""

    def due_at(self, asked: float) -> float:
        """Return when the next probe is to be sent."""
        if self._sent >= _PROBES:
            return math.inf
        return max(asked + self._patience, self._last + self._detection.opinion_period)

    def matters(self, asked: float, now: float) -> bool:
        """Return whether the pings are unanswered for long enough."""
        return now >= asked + self._patience

    def probed(self, now: float) -> None:
        """Record that a probe is sent."""
        self._sent += 1
        self._last = now

    def notified(self, asked: float, now: float) -> None:
        """Record that something else has arrived on the socket: its way down works, so a probe may wait on the way up."""
        if self.matters(asked, now):
            self._answered = _PROBES

    def answered(self, *, by_server: bool) -> None:
        """Record that one was answered, or failed at once: the host forbids it, or somebody has refused it."""
        self._answered += 1
        self.reached |= by_server

    @property
    def _patience(self) -> float:
        return max(self._detection.opinion_after, self._rtt.timeout)

    def verdict_at(self, asked: float, usual: float) -> float:
        """Return when the pings count as unanswered for good; without probes that is `usual`.

        Sooner if no probe was answered, and never if only some were: then packets are lost.
        """
        if self._sent < _PROBES or self._answered >= _PROBES:
            return usual
        if self._answered:
            return math.inf
        time = max(self._detection.opinion_period, _ROUND_TRIPS * self._rtt.timeout)  # of the last one
        return min(usual, max(asked + self._detection.opinion_limit, self._last + time))
