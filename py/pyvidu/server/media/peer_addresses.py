"""The addresses that checks of one peer came from: which are proved by a packet that only the peer can have encrypted.

Pure. A check proves less: with its own password a peer can send one with any source address, and a captured check can be
sent again by anybody.
"""

from __future__ import annotations

import math
from typing import Any

from pyvidu.server.limits import MediaLimits

Address = tuple[Any, ...]
"""A datagram's sender as asyncio gives it: (host, port) for IPv4, two more fields for IPv6."""

_LIMITS = MediaLimits()


class _Source:
    __slots__ = ("authentic_at", "sent")

    def __init__(self, sent: int) -> None:
        self.sent = sent  # bytes, while it is not proved
        self.authentic_at = -math.inf


class PeerAddresses:
    """What is known of each address. Times are seconds of any one monotonic clock."""

    def __init__(self, limits: MediaLimits = _LIMITS) -> None:
        self._limits = limits
        self._sources: dict[Address, _Source] = {}
        self._least_sent = 0  # counted for each new address: the most that a forgotten one, not proved, was sent
        self._checks: dict[bytes, int] = {}  # the hash of the address of each transaction, the latest last

    def repeats(self, transaction: bytes) -> bool:
        """Return whether a check of this transaction was accepted already."""
        return transaction in self._checks

    def retransmitted(self, transaction: bytes, address: Address) -> bool:
        """Return whether it is sent again from the same address, as a client does that got no answer."""
        return self._checks.get(transaction) == hash(address)

    def checked(self, transaction: bytes, address: Address) -> Address | None:
        """Record an accepted check; return an address that is forgotten for it, if there are too many."""
        self._checks[transaction] = hash(address)
        if len(self._checks) > self._limits.checks:
            del self._checks[next(iter(self._checks))]
        return self._add(address)

    def moved(self, address: Address, now: float) -> Address | None:
        """Record that a packet from a new address was decrypted; return an address that is forgotten for it."""
        forgotten = self._add(address)
        self.authentic(address, now)
        return forgotten

    def _add(self, address: Address) -> Address | None:
        if address in self._sources:
            return None
        self._sources[address] = _Source(self._least_sent)
        if len(self._sources) <= self._limits.addresses:
            return None
        forgotten = next(iter(self._sources))
        source = self._sources.pop(forgotten)
        if source.authentic_at == -math.inf:
            self._least_sent = max(self._least_sent, source.sent)
        return forgotten

    def authentic(self, address: Address, now: float) -> None:
        """Record that a packet from this address was decrypted."""
        if (source := self._sources.get(address)) is not None:
            source.authentic_at = now

    def proved(self, address: Address) -> bool:
        """Return whether a packet from this address was decrypted."""
        source = self._sources.get(address)
        return source is not None and source.authentic_at > -math.inf

    def holds(self, address: Address, now: float) -> bool:
        """Return whether the peer uses this address, so that no check of another gets it."""
        source = self._sources.get(address)
        return source is not None and now - source.authentic_at < self._limits.address_held

    def admits(self, address: Address, size: int) -> bool:
        """Count `size` bytes for this address; return False if they may not be sent until it is proved."""
        source = self._sources.get(address)
        if source is None:
            return False
        if source.authentic_at == -math.inf:
            if source.sent + size > self._limits.unproved:
                return False
            source.sent += size
        return True
