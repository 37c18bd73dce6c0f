"""Resource limits of one server: generous for normal use, finite under abuse.

The real server has none of these. Each of them can be raised by a flag of `pyvidu serve`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, each per server, session, address or socket.

    `participants` and `tokens` (unused ones) are per session, `sockets` per address, `rate` and `burst` per socket:
    messages a second, and how many may come at once. A token not used for `token_lifetime` seconds is void, and so is a
    session that nobody joined for `idle_session` seconds (as on the real server); 0 means no expiry.
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
    """A limit is reached; the message names it."""


class TokenBucket:
    """A token bucket for the messages of one socket.

    Messages above the rate are read later: nothing is lost, TCP flow control slows the sender down.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._credit = float(burst)
        self._since = now

    def wait(self, now: float) -> float:
        """Count a message that came at `now` (seconds); return the seconds to wait before the next is read."""
        self._credit = min(self._burst, self._credit + (now - self._since) * self._rate) - 1
        self._since = now
        return max(0.0, -self._credit / self._rate)
