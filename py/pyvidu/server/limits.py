"""How much one server takes: generous for people, finite for whoever does not mean well.

The real server has none of these. Each of them can be raised by a flag of `pyvidu serve`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`participants` and `tokens` (unused ones) are of one session, `sockets` of one address, `rate` and `burst` of one
    socket: messages a second, and how many may come at once. A token not used for `token_lifetime` seconds is void, and so
    is a session that nobody joined for `idle_session` seconds (as on the real server); 0 lets them live for ever.
    """

    sessions: int = 10_000
    participants: int = 1_000
    tokens: int = 10_000
    sockets: int = 5_000
    rate: float = 200.0
    burst: int = 2_000
    token_lifetime: float = 24 * 3600.0
    idle_session: float = 3600.0


class LimitReached(Exception):
    """There is no room for one more; the sentence says of what."""


class TokenBucket:
    """A token bucket for the messages of one socket. Who is too fast is read no faster: nothing is lost, TCP
    slows it down.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._credit = float(burst)
        self._since = now

    def wait(self, now: float) -> float:
        """One more message came at `now`: the seconds to wait before the next is read."""
        self._credit = min(self._burst, self._credit + (now - self._since) * self._rate) - 1
        self._since = now
        return max(0.0, -self._credit / self._rate)
