"""A probe of a path with padding packets: how many of them arrive, and whether they wait. Pure: numbers and reports in."""

from __future__ import annotations

from collections import deque

from .rtcp import ReportBlock, is_after
from .sound_first import ProbeResult

PADDING = 255
"""Bytes of padding in one packet, the most that RTP allows (RFC 3550, 5.1)."""
INTERVAL = 0.01
"""Seconds between two packets, which makes 250 kbit/s with the headers: somewhat more than `congestion.FLOOR`."""
PACKETS = 100
"""A second: a policer may let pass at once what it has not needed for that long."""
# A probe has failed as soon as so large a share of so many packets is lost: not at the quarter that is lost at random.
_LOST, _OF_PACKETS = 0.6, 10
# And as soon as packets wait for so many seconds more than before it: in a queue nothing is lost for seconds.
_QUEUE = 0.25
REPORTED_EVERY = 10
"""Packets after which a sender report is sent: by its answer a queue is noticed."""


class PathProbe:
    """One probe. `sent` counts its packets, `followed_by` the sender report after them, `reported` the receiver's reports.

    It begins at `now`, in seconds since 1900, when packets wait for `queue` seconds.
    """

    def __init__(self, queue: float, now: float) -> None:
        self._before, self._began = queue, now
        self.result: ProbeResult | None = None
        """None until a report has told it."""
        self._first: int | None = None
        self._last = 0
        self._reported: int | None = None  # the highest sequence number of the report before
        self._arrived = 0.0
        self._latest: deque[tuple[int, float]] = deque()  # packets that a report covers, and how many of them arrived
        self._report: float | None = None  # the time of the sender report

    @property
    def complete(self) -> bool:
        """Return whether all packets are sent."""
        return self._first is not None and self._last - self._first + 1 >= PACKETS

    @property
    def is_report_due(self) -> bool:
        """Return whether a sender report is to be sent now."""
        return self._first is not None and (self._last - self._first + 1) % REPORTED_EVERY == 0

    def sent(self, sequence: int) -> None:
        """Count a packet by its sequence number, which is 16 bits long."""
        if self._first is None:
            self._first = sequence
        self._last = _near(sequence, self._last) if self._last else sequence

    def followed_by(self, ntp: float) -> None:
        """Take the time of the sender report, in seconds since 1900: what answers it has all packets before it behind it."""
        self._report = ntp

    def reported(self, report: ReportBlock, queue: float) -> None:
        """Take a receiver report into account; `queue` is for how long what it answers has waited, in seconds."""
        if self._first is None or self.result is not None:
            return
        highest = _near(report.highest_sequence, self._last)
        covered = min(highest, self._last) - max(self._reported or 0, self._first - 1)
        if covered > 0:
            self._cover(covered, covered * (1 - report.fraction_lost / 256))
        self._reported = highest
        grown = max(0.0, queue - self._before) if is_after(report.last_report, self._began) else 0.0
        if (loss := self._latest_loss()) >= _LOST or grown >= _QUEUE:
            self.result = ProbeResult(loss, grown)
            return
        if self._report is not None and is_after(report.last_report, self._report):
            self.result = ProbeResult(max(0.0, 1 - self._arrived / (self._last - self._first + 1)), grown)

    def _cover(self, packets: int, arrived: float) -> None:
        self._arrived += arrived
        self._latest.append((packets, arrived))
        while sum(count for count, _ in self._latest) - self._latest[0][0] >= _OF_PACKETS:
            self._latest.popleft()

    def _latest_loss(self) -> float:
        """Return the share of the latest packets that was lost; 0 while they are too few."""
        packets = sum(count for count, _ in self._latest)
        return 1 - sum(arrived for _, arrived in self._latest) / packets if packets >= _OF_PACKETS else 0.0


def _near(value: int, reference: int) -> int:
    """Return the number with the lower 16 bits of `value` that is nearest to `reference`."""
    return reference + ((value - reference + 0x8000) & 0xFFFF) - 0x8000
