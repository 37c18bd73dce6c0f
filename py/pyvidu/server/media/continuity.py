"""Rewriting of several discontinuous RTP streams into a continuous one. Pure: no I/O, no clock.

A subscriber's stream stays continuous when the publisher's endpoint is replaced (new SSRC, random sequence numbers,
random timestamps, another codec order) and when packets of a long outage never arrive. Each run of the publisher's
packets is a *segment* with constant offsets; a new segment starts one sequence number after everything sent before it,
and its timestamps advance by the time that really passed, so that a receiver's jitter buffer sees only a pause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .sequence import Unwrapper

# A NACK may still ask for packets of the segment before the current one.
SEGMENTS_KEPT = 3


@dataclass(slots=True)
class Segment:
    """A run of packets with constant offsets. `first` and `last` are the publisher's extended sequence numbers."""

    run: int
    first: int
    last: int
    sequence_offset: int
    timestamp_offset: int


class Origin(NamedTuple):
    """The publisher's packet that was forwarded under a given sequence number."""

    run: int
    sequence: int
    current: bool
    """Whether it belongs to the current segment: after the last key frame with which forwarding began."""


class Continuity:
    """The sequence numbers and timestamps of the packets forwarded to one subscriber."""

    def __init__(self, clock_rate: int, *, sequence: int, timestamp: int) -> None:
        """Give the first packet `sequence` and `timestamp`; `clock_rate` is in Hz."""
        self._clock_rate = clock_rate
        self.first = sequence & 0xFFFF
        """The sequence number from which a receiver counts."""
        self._next_sequence = sequence
        self._next_timestamp = timestamp
        self._highest_timestamp: int | None = None
        self._segments: list[Segment] = []
        self._requests = Unwrapper(16)
        self._requests.unwrap(self.first)
        self._base = sequence - self.first

    @property
    def run(self) -> int | None:
        """Return the run that is being forwarded; None before the first packet."""
        return self._segments[-1].run if self._segments else None

    @property
    def timestamp_offset(self) -> int:
        """Return what to add to the current run's timestamps."""
        return self._segments[-1].timestamp_offset

    @property
    def used(self) -> int:
        """Return how many sequence numbers were used, those of packets that never arrived here included."""
        return self._next_sequence - self._base - self.first

    def begin(self, run: int, sequence: int, timestamp: int, *, elapsed: float) -> None:
        """Start a segment at this packet of the publisher, `elapsed` seconds after the last packet forwarded."""
        start = self._next_timestamp
        if self._highest_timestamp is not None:
            start = self._highest_timestamp + max(1, round(elapsed * self._clock_rate))
        self._segments.append(Segment(run, sequence, sequence - 1, self._next_sequence - sequence, start - timestamp))
        del self._segments[:-SEGMENTS_KEPT]

    def place(self, sequence: int, timestamp: int) -> tuple[int, int] | None:
        """Return the 16-bit sequence number and 32-bit timestamp to forward a packet of the current run under.

        None for a packet from before the segment's start: its number belongs to what was sent before.
        """
        segment = self._segments[-1]
        if sequence < segment.first:
            return None
        ours = sequence + segment.sequence_offset
        stamp = timestamp + segment.timestamp_offset
        if sequence > segment.last:
            segment.last = sequence
            self._next_sequence = ours + 1
            self._requests.highest = ours - self._base
        if self._highest_timestamp is None or stamp > self._highest_timestamp:
            self._highest_timestamp = stamp
        return ours & 0xFFFF, stamp & 0xFFFFFFFF

    def locate(self, sequence: int) -> Origin | None:
        """Return the packet that was forwarded under a 16-bit sequence number; None if none was, or too long ago."""
        ours = self._base + self._requests.peek(sequence)
        for segment in reversed(self._segments):
            theirs = ours - segment.sequence_offset
            if segment.first <= theirs <= segment.last:
                return Origin(segment.run, theirs, segment is self._segments[-1])
        return None
