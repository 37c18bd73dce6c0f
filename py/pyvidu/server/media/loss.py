"""Packets that did not come from the publisher: which to ask for again, when, and when to give up. Pure: no I/O.

A single request on the gap's discovery is not enough: the request or the answer to it can be lost as well, so each
missing packet is asked for at intervals that follow the measured round trip, a bounded number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

# Enough for 1.5 s of a 500 kbit/s stream. A longer gap is not a loss but an outage: no sender still has the packets.
LONGEST_REPAIRABLE_GAP = 100
ATTEMPTS = 8
# Missing at a time: whoever leaves gap upon gap wants to keep us busy.
MOST_MISSING = 3 * LONGEST_REPAIRABLE_GAP
SHORTEST_INTERVAL = 0.02
LONGEST_INTERVAL = 0.3
FIRST_ROUND_TRIP = 0.05


@dataclass(slots=True)
class _Missing:
    due: float
    asked_at: float = 0.0
    attempts: int = 0


class LossRecovery:
    """The missing packets of one run. Times are seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self.round_trip = FIRST_ROUND_TRIP
        self.given_up = 0
        """How many packets were asked for in vain, in all."""

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._missing

    def gap(self, first: int, last: int, now: float) -> None:
        """Note that the packets from `first` to `last`, both included, are missing, at most `LONGEST_REPAIRABLE_GAP`."""
        for sequence in range(first, last + 1):
            self._missing[sequence] = _Missing(due=now)
        while len(self._missing) > MOST_MISSING:
            del self._missing[next(iter(self._missing))]
            self.given_up += 1

    def recovered(self, sequence: int, now: float) -> bool:
        """Note that a missing packet came after all; tell whether it was one we missed."""
        missing = self._missing.pop(sequence, None)
        if missing is None:
            return False
        if missing.attempts == 1:  # after a second request nobody knows which one was answered
            self.round_trip += (now - missing.asked_at - self.round_trip) / 8
        return True

    def due(self, now: float) -> list[int]:
        """Return what to ask for now, in order, and count it as asked."""
        asked = []
        interval = min(max(1.5 * self.round_trip, SHORTEST_INTERVAL), LONGEST_INTERVAL)
        for sequence, missing in list(self._missing.items()):
            if missing.due > now:
                continue
            if missing.attempts >= ATTEMPTS:
                del self._missing[sequence]
                self.given_up += 1
                continue
            missing.attempts += 1
            missing.asked_at = now
            missing.due = now + interval * missing.attempts
            asked.append(sequence)
        return sorted(asked)

    def next_due(self) -> float | None:
        """Return when `due` should be called next; None while nothing is missing."""
        return min((missing.due for missing in self._missing.values()), default=None)
