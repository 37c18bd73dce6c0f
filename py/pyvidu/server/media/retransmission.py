"""Which packets a subscriber's NACKs have sent again: none twice within a round trip, no more bytes than were forwarded.

Pure: requests, sizes and times in, decisions out. Without these limits a NACK of 1.3 kB had 4.3 MB sent back.
"""

from __future__ import annotations

from pyvidu.server.limits import MediaLimits, TokenBucket

from .rtcp import ReportBlock

_LIMITS = MediaLimits()
# Seconds: the round trip before the first receiver report, and the bounds of one that a subscriber's reports show. Below
# the lower bound libwebrtc repeats no NACK; above the upper one a repeated NACK was not answered by what was sent.
FIRST_ROUND_TRIP = 0.05
SHORTEST_ROUND_TRIP, LONGEST_ROUND_TRIP = 0.01, 0.3
# A report that shows a longer one is wrong, as of a report that is not ours.
_IMPLAUSIBLE = 10.0


class Retransmissions:
    """The budget of one forwarded track. Times are seconds of any one monotonic clock."""

    def __init__(self, limits: MediaLimits = _LIMITS) -> None:
        self.round_trip = FIRST_ROUND_TRIP
        self.measured: float | None = None
        """The latest round trip that a report showed, whatever it was."""
        self._limits = limits
        self._credit = 0
        self._named = TokenBucket(limits.nacks, limits.nacks_burst, 0.0)
        self._sent_at: dict[int, float] = {}  # by sequence number as sent, the latest last

    def forwarded(self, size: int) -> None:
        """Count the bytes of a packet that was forwarded: as many may be sent again."""
        self._credit += size
        if self._credit > self._limits.retransmission:
            self._credit = self._limits.retransmission

    def reported(self, report: ReportBlock, ntp_now: float) -> None:
        """Measure the round trip with a receiver report that arrived at `ntp_now`, seconds since 1900 (RFC 3550, 6.4.1)."""
        if not report.last_report:
            return
        passed = (int(ntp_now * 65536) - report.last_report - report.delay_since_last_report) & 0xFFFFFFFF
        if passed < _IMPLAUSIBLE * 65536:
            self.measured = passed / 65536
            self.round_trip = min(max(self.measured, SHORTEST_ROUND_TRIP), LONGEST_ROUND_TRIP)

    def due(self, sequences: tuple[int, ...], now: float) -> list[int]:
        """Return those of the named packets that have not been sent again within a round trip; none above the rate."""
        if not self._named.take(now, len(sequences)):
            return []
        latest = now - self.round_trip
        return [sequence for sequence in sequences if self._sent_at.get(sequence, latest) <= latest]

    def take(self, sequence: int, size: int, now: float) -> bool:
        """Count a packet to be sent again; return False if it is not to be, for lack of credit."""
        if size > self._credit:
            return False
        self._credit -= size
        self._sent_at.pop(sequence, None)
        self._sent_at[sequence] = now
        if len(self._sent_at) > self._limits.nack_size:
            del self._sent_at[next(iter(self._sent_at))]
        return True
