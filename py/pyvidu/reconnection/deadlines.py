"""How long the steps of an attempt may take: by the policy, and more on a path whose measured round trips are long."""

from __future__ import annotations

from .policy import ReconnectionPolicy
from .rtt import RoundTrip

_ROUND_TRIPS = 4  # until a WebSocket is open: TCP, TLS, its own handshake, and one for a lost packet


class Deadlines:
    """All times in seconds. They follow `rtt`, which may change at any time."""

    def __init__(self, policy: ReconnectionPolicy, rtt: RoundTrip) -> None:
        self._policy = policy
        self._rtt = rtt

    @property
    def opening(self) -> float:
        """Return the seconds within which a new socket must be open."""
        return max(self._policy.attempts.deadline, self._handshake)

    @property
    def resume(self) -> float:
        """Return the seconds within which `connect` must be answered."""
        return max(self._policy.attempts.resume_deadline, self._handshake)

    @property
    def membership(self) -> float:
        """Return the seconds within which the membership must be confirmed."""
        return max(
            self._policy.attempts.membership_deadline, min(2 * self._rtt.timeout, self._policy.attempts.deadline_cap)
        )

    def hanging(self, hung: int) -> float:
        """Return the seconds after which an attempt that is not open counts as hanging rather than slow.

        Opening takes several round trips. Besides, each of the `hung` attempts that hung although the server was reachable
        doubles the time for the next one: otherwise, on a path slower than estimated, every attempt would be dropped before
        it could open.
        """
        usual = max(self._policy.attempts.hang_after, _ROUND_TRIPS * self._rtt.timeout)
        return min(usual * 2.0 ** min(hung, 16), self._policy.attempts.deadline)

    @property
    def _handshake(self) -> float:
        """Return roughly how many seconds the round trips of one attempt take."""
        return min(_ROUND_TRIPS * (self._rtt.smoothed or 0.0), self._policy.attempts.deadline_cap)
