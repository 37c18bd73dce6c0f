"""Round-trip time, smoothed as TCP does it (RFC 6298)."""

from __future__ import annotations

SURPRISE = 1.0  # seconds by which a sample may exceed twice what was expected


class RoundTrip:
    """An estimate fed with samples, in seconds.

    A pong that was late because of a drop, a sleep or a clock that jumped says nothing of the way: one alone is believed only
    so far, or after it nothing would be overdue for minutes. A way that has become longer says so again.
    """

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self.variation = 0.0

    def sample(self, value: float) -> None:
        """Takes a measured round trip into account."""
        value = min(value, 2 * self.timeout + SURPRISE)
        if self.smoothed is None:
            self.smoothed, self.variation = value, value / 2
        else:
            self.variation += (abs(self.smoothed - value) - self.variation) / 4
            self.smoothed += (value - self.smoothed) / 8

    @property
    def timeout(self) -> float:
        """After this long an answer is overdue; 0 before the first sample."""
        return 0.0 if self.smoothed is None else self.smoothed + 4 * self.variation
