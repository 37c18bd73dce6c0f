"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01). Pure: no I/O.

The publisher numbers every packet it sends on a connection and estimates its bandwidth from the arrival times that the
server reports. That costs less than an estimator in the server and starts faster: a browser probes up to its rate
within a second or two, where REMB from a new estimator takes ten and more.
"""

from __future__ import annotations

import struct

from .path_loss import PathLoss
from .sequence import Unwrapper

TICKS_PER_SECOND = 4000  # a delta is in units of 250 microseconds
_TICKS_PER_REFERENCE = 256  # the reference time is in units of 64 ms
_REMEMBERED = 0.5
_LONGEST_RANGE = 2000
_RUN_WORTH_A_CHUNK = 14

_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2


class TransportFeedback:
    """Collects arrivals of one connection and packs them into feedback messages. `loss` decides which losses they name."""

    def __init__(self, loss: PathLoss | None = None) -> None:
        self._loss = loss or PathLoss()
        self._sequence = Unwrapper(16)
        self._arrivals: dict[int, int] = {}
        self._next: int | None = None
        self._earliest_new: int | None = None
        self._count = 0
        # Of packets before `_decided` it is decided whether they are named if they are missing; of the last run: `_named`.
        self._decided, self._named = 0, True

    @property
    def pending(self) -> bool:
        """Return whether something arrived since the last message."""
        return self._earliest_new is not None

    def received(self, sequence: int, now: float) -> None:
        """Record the arrival of a packet with this transport-wide sequence number at `now` (seconds)."""
        highest = self._sequence.highest
        extended = self._sequence.unwrap(sequence)
        if extended in self._arrivals:
            return
        self._loss.received(0 if highest is None else max(0, extended - highest - 1), now)
        self._arrivals[extended] = round(now * TICKS_PER_SECOND)
        if self._earliest_new is None or extended < self._earliest_new:
            self._earliest_new = extended

    def pack(self) -> bytes | None:
        """Return the feedback (after the two SSRCs) for arrivals since the last message; None without arrivals.

        It ends before losses that are left out (see `path_loss`); `pending` then says that there is more.
        """
        if self._earliest_new is None:
            return None
        first = self._first()
        last = max(self._arrivals)
        arrivals = self._arrivals
        earliest = next(arrivals[sequence] for sequence in range(first, last + 1) if sequence in arrivals)
        reference = earliest // _TICKS_PER_REFERENCE
        previous = reference * _TICKS_PER_REFERENCE
        symbols: list[int] = []
        deltas = b""
        for sequence in range(first, last + 1):
            arrival = arrivals.get(sequence)
            if arrival is None:
                if not self._names(sequence):
                    break
                symbols.append(_NOT_RECEIVED)
                continue
            delta = arrival - previous
            if 0 <= delta <= 255:
                symbols.append(_SMALL)
                deltas += bytes([delta])
            elif -32768 <= delta <= 32767:
                symbols.append(_LARGE)
                deltas += struct.pack("!h", delta)
            else:
                break  # reported in the next message, against a new reference time
            previous = arrival
        end = first + len(symbols)
        header = struct.pack("!HHI", first & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | self._count & 0xFF)
        self._count += 1
        self._forget(end, previous)
        return header + _chunks(symbols) + deltas

    def _first(self) -> int:
        """Return the sequence number with which the next message begins."""
        assert self._earliest_new is not None
        earliest = self._earliest_new
        first = earliest if self._next is None else min(earliest, self._next)
        oldest = max(self._arrivals) - _LONGEST_RANGE + 1
        if first < oldest:  # after an outage: everything older is lost, and need not be reported
            return min(sequence for sequence in self._arrivals if sequence >= oldest)
        return first if first == earliest or self._names(first) else earliest

    def _names(self, sequence: int) -> bool:
        """Return whether the feedback names a packet that is missing; what is decided once holds for its whole run."""
        if sequence >= self._decided:
            arrived = sequence + 1
            while arrived not in self._arrivals:
                arrived += 1
            self._named = self._loss.names(self._arrivals[arrived] / TICKS_PER_SECOND)
            self._decided = arrived
        return self._named

    def _forget(self, end: int, newest: int) -> None:
        self._next = end if self._next is None else max(self._next, end)
        self._earliest_new = min((sequence for sequence in self._arrivals if sequence >= end), default=None)
        # Packets reported recently are kept: a late one in between makes the next message start before them.
        horizon = newest - round(_REMEMBERED * TICKS_PER_SECOND)
        for sequence, arrival in list(self._arrivals.items()):
            if sequence < end and arrival < horizon:
                del self._arrivals[sequence]


def _chunks(symbols: list[int]) -> bytes:
    """Pack status symbols: a run-length chunk for long runs, vectors of seven two-bit symbols for the rest."""
    packed = b""
    position, end = 0, len(symbols)
    while position < end:
        run = position
        while run < end and symbols[run] == symbols[position] and run - position < 0x1FFF:
            run += 1
        if run - position >= _RUN_WORTH_A_CHUNK or run == end:
            packed += struct.pack("!H", symbols[position] << 13 | run - position)
            position = run
            continue
        vector = 0b11 << 14
        for index, symbol in enumerate(symbols[position : position + 7]):
            vector |= symbol << (12 - 2 * index)
        packed += struct.pack("!H", vector)
        position += 7
    return packed
