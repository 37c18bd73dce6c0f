"""Round-trip time, smoothed as in TCP (RFC 6298)."""

from __future__ import annotations

SURPRISE = 1.0  # seconds by which a sample may exceed twice what was expected


class RoundTrip:
    """An estimate from samples, in seconds.

    A pong that was late because of a drop, a sleep or a clock that jumped is no measure of the path. So a single sample is
    capped, or no answer would be overdue for minutes after it. A path that has become slower shows in further samples.
    """

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self.variation = 0.0

    def sample(self, value: float) -> None:
        """Update the estimate with a measured round trip, in seconds."""
        value = min(value, 2 * self.timeout + SURPRISE)
        if self.smoothed is None:
            self.smoothed, self.variation = value, value / 2
        else:
            self.variation += (abs(self.smoothed - value) - self.variation) / 4
            self.smoothed += (value - self.smoothed) / 8

    @property
    def timeout(self) -> float:
        """Return the seconds after which an answer is overdue; 0 before the first sample."""
        return 0.0 if self.smoothed is None else self.smoothed + 4 * self.variation
