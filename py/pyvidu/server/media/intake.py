"""What one participant may send to the media ports, counted before it is decrypted. Pure: sizes and times in."""

from __future__ import annotations

from typing import Generic, TypeVar

from pyvidu.server.limits import MediaLimits, TokenBucket

_LIMITS = MediaLimits()

C = TypeVar("C")


class ParticipantIntake(Generic[C]):
    """The budget that all connections `C` of a participant share: packets, and connections that are not established."""

    def __init__(self, now: float, limits: MediaLimits = _LIMITS) -> None:
        self.pending: set[C] = set()
        self._packets = TokenBucket(limits.packets, limits.packets_burst, now)

    def admits(self, now: float) -> bool:
        """Count a packet; return whether it is handled."""
        return self._packets.take(now)


class Intake:
    """The budget of one connection. RTP comes from publishers, of subscribers only RTCP is expected."""

    def __init__(
        self, shared: ParticipantIntake[C], now: float, *, publishes: bool, limits: MediaLimits = _LIMITS
    ) -> None:
        self._shared = shared
        self._bytes = (
            TokenBucket(limits.ingress, limits.ingress_burst, now)
            if publishes
            else TokenBucket(limits.feedback, limits.feedback_burst, now)
        )

    def admits(self, size: int, now: float) -> bool:
        """Count a datagram of `size` bytes; return whether it is handled."""
        return self._bytes.take(now, size) and self._shared.admits(now)
