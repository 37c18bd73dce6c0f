"""Extension of counters that wrap (RTP sequence numbers, timestamps) to integers that do not."""

from __future__ import annotations


class Unwrapper:
    """Turns a wrapping counter into an integer that keeps growing (RFC 3550's "extended" sequence number).

    A value is placed within half a cycle of the highest one seen so far, so late packets get their true, lower number.
    """

    __slots__ = ("_half", "_modulus", "highest")

    def __init__(self, bits: int) -> None:
        self._modulus = 1 << bits
        self._half = 1 << (bits - 1)
        self.highest: int | None = None

    def peek(self, value: int) -> int:
        """Return the extended value of `value`, without changing the state."""
        if self.highest is None:
            return value
        return self.highest + ((value - self.highest + self._half) % self._modulus) - self._half

    def unwrap(self, value: int) -> int:
        """Return the extended value of `value` and record it if it is the highest."""
        highest = self.highest
        if highest is None:
            self.highest = value
            return value
        extended = highest + ((value - highest + self._half) % self._modulus) - self._half
        if extended > highest:
            self.highest = extended
        return extended
