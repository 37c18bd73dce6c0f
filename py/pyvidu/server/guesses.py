"""Wrong guesses of the secret: slowed for each address, and counted for the log. Pure: addresses and times in.

The right secret is never slowed, so that one who guesses cannot keep the backend out that has the same address.
"""

from __future__ import annotations

import ipaddress
import math

from pyvidu.server.limits import Limits, TokenBucket

_MOST_ADDRESSES = 10_000  # the oldest is forgotten
_LONGEST_DELAY = 10.0  # seconds
_TELL_EVERY = 60.0  # seconds
_IPV6_NETWORK = 64  # bits: what one subscriber has


class WrongGuesses:
    """The wrong guesses of each address. Times are seconds of any one monotonic clock."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._buckets: dict[str, TokenBucket] = {}
        self.number = 0
        """All so far."""
        self._untold = 0
        self._told_at = -math.inf

    def __len__(self) -> int:
        return len(self._buckets)

    def delay(self, address: str | None, now: float) -> float | None:
        """Count a wrong guess from `address`; return the seconds after which it is answered, None if it is refused at once.

        So only a few of each address wait, also of one that leaves without its answers.
        """
        self.number += 1
        self._untold += 1
        network = _network(address or "")
        bucket = self._buckets.pop(network, None)
        if bucket is None:
            bucket = TokenBucket(self._limits.guesses, self._limits.guesses_burst, now)
        self._buckets[network] = bucket
        if len(self._buckets) > _MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        if (seconds := bucket.wait(now)) <= _LONGEST_DELAY:
            return seconds
        bucket.wait(now, -1)  # it does not wait, so it delays no other
        return None

    def to_tell(self, now: float) -> int:
        """Return how many guesses to write into the log now: those since the last time, once a minute; 0 for nothing."""
        if not self._untold or now - self._told_at < _TELL_EVERY:
            return 0
        count, self._untold, self._told_at = self._untold, 0, now
        return count


def _network(address: str) -> str:
    """Return what addresses of one sender have in common: of IPv6 the first 64 bits, of IPv4 all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> (128 - _IPV6_NETWORK) << (128 - _IPV6_NETWORK), _IPV6_NETWORK)))
    return str(found)
