"""Reception of one track of a publisher: order, loss, duplicates, clock, missing packets, retransmission history.

Pure: packets and times in, packets out. `publisher` passes it the packets, and sends its NACKs and reports.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

from . import codecs, rtp
from .loss import LONGEST_REPAIRABLE_GAP, LossRecovery
from .path_counters import PathCounters, QuickestOfAMinute
from .rtcp import ReportBlock, SenderReport
from .sequence import Unwrapper
from .source_pauses import SourcePauses

HISTORY_SIZE = 1024
# So many seconds after its arrival a packet is sent to nobody any more: what it contains is forgotten then, not that it came.
CONTENT_SECONDS = 2.0
# After so many seconds without packets a gap of any size is an outage: the decoders need a key frame, not old packets.
OUTAGE_SECONDS = 1.0
# A new SSRC on a negotiated payload type is accepted once the old one has sent nothing for so many seconds.
SOURCE_CHANGE_SECONDS = 0.5

_runs = itertools.count(1)


class Run:
    """Packets of one track that belong together: at most a repairable gap lies between two of them.

    Runs are numbered across all publishers. `order` grows from one run to the next of a stream: a publisher's connection
    that is being replaced may begin a run later than the one that replaces it, and is before that nevertheless.
    """

    __slots__ = (
        "_recent", "_slots", "awaits_key_frame", "clock", "codec", "highest", "key_frame", "number", "order", "passed",
        "recovery",
    )  # fmt: skip

    def __init__(
        self, codec: codecs.CodecIdentity, clock: RtpClock, connection: int, passed: float | None = None
    ) -> None:
        self.number = next(_runs)
        self.order = connection, self.number
        self.codec = codec
        self.clock = clock
        self.passed = passed
        """It begins so many seconds after the run before it; None: the arrivals tell."""
        self.awaits_key_frame = True
        self.highest = -1
        self.key_frame: MediaPacket | None = None
        """The first packet of the latest key frame."""
        self.recovery = LossRecovery()
        self._recent: deque[MediaPacket] = deque()  # those of whom the content is kept, in the order of arrival
        self._slots: list[MediaPacket | None] = [None] * (HISTORY_SIZE if codec.name != codecs.OPUS else 0)

    def keep(self, packet: MediaPacket) -> None:
        """Store a packet for retransmission."""
        self.highest = max(self.highest, packet.sequence)
        if packet.key and (self.key_frame is None or packet.sequence > self.key_frame.sequence):
            self.key_frame = packet
        if self._slots:
            self._slots[packet.sequence % HISTORY_SIZE] = packet
            self._recent.append(packet)
            while self._recent[0].arrival < packet.arrival - CONTENT_SECONDS:
                self._recent.popleft().body = b""

    def find(self, sequence: int) -> MediaPacket | None:
        """Return a stored packet by its extended sequence number; None if it is not stored.

        One that arrived more than `CONTENT_SECONDS` before the latest has no content.
        """
        packet = self._slots[sequence % HISTORY_SIZE] if self._slots else None
        return packet if packet is not None and packet.sequence == sequence else None


@dataclass(slots=True)
class MediaPacket:
    """A received packet, with what the subscribers' headers are made from. `sequence` is extended."""

    run: Run
    sequence: int
    timestamp: int
    marker: bool
    body: bytes
    padding: int
    key: bool
    level: bytes | None
    arrival: float


class RtpClock:
    """A source's RTP timestamp at a time of the server's clock: first from arrivals, then from its sender reports.

    `offset` (the server's clock minus the publisher's, seconds) is shared by the tracks of a connection. Audio and
    video stay synchronized because the offset is shared, not because it is exact.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.last_report: SenderReport | None = None
        self.last_report_at = 0.0
        self._time: float | None = None
        self._timestamp = 0

    def arrived(self, timestamp: int, now: float) -> None:
        """Use the first packet's arrival as its capture time until a sender report arrives."""
        if self._time is None:
            self._time, self._timestamp = now, timestamp

    def reported(self, report: SenderReport, timestamp: int, offset: float, now: float) -> None:
        """Use the publisher's own clock from a sender report; `timestamp` is the report's, unwrapped."""
        self.last_report, self.last_report_at = report, now
        self._time, self._timestamp = report.ntp / (1 << 32) + offset, timestamp

    def after_standstill(self, seconds: float) -> RtpClock:
        """Return this clock for a source whose timestamps stood still for so long."""
        clock = RtpClock(self.rate)
        clock.last_report, clock.last_report_at, clock._time = self.last_report, self.last_report_at, self._time
        clock._timestamp = self._timestamp - round(seconds * self.rate)
        return clock

    def timestamp_at(self, now: float) -> int | None:
        """Return the (unwrapped) RTP timestamp at `now` (server's clock, seconds); None before the first packet."""
        if self._time is None:
            return None
        return self._timestamp + round((now - self._time) * self.rate)


class Reception:
    """The reception of one track of one publisher's connection."""

    def __init__(
        self,
        codec: codecs.CodecIdentity,
        *,
        ssrc: int | None,
        repairs: bool,
        breaks_on_outage: bool,
        connection: int = 0,
    ) -> None:
        """Receive the SSRC `ssrc`, or any if the offer names none.

        `connection` numbers the publisher's connections, in the order in which one replaces another. `repairs`: lost packets
        can be requested again. `breaks_on_outage`: an outage begins a new run.
        """
        self.codec = codec
        self.clock = RtpClock(codecs.CLOCK_RATES[codec.name])
        self.ssrc = ssrc
        self._connection = connection
        self.run = Run(codec, self.clock, connection)
        self.packets_received = 0
        self.octets_received = 0
        self.packets_recovered = 0
        self.key_frames = 0
        self.jitter = 0.0
        self._announced = ssrc is not None
        self._repairs = repairs
        self._breaks_on_outage = breaks_on_outage
        self._sequence = Unwrapper(16)
        self._timestamps = Unwrapper(32)
        self._pauses = SourcePauses(self.clock.rate)
        self._first: int | None = None
        self._last_arrival = 0.0
        self._last_transit: float | None = None
        self._transits = QuickestOfAMinute()
        self._delay: float | None = None
        self._expected_before = 0
        self._received_before = 0

    @property
    def highest(self) -> int | None:
        """Return the highest extended sequence number received; None before the first packet."""
        return self._sequence.highest

    @property
    def last_arrival(self) -> float:
        """Return the time of the last packet, 0 before the first; in seconds of the event loop's clock."""
        return self._last_arrival

    @property
    def packets_lost(self) -> int:
        """Return how many expected packets have not arrived, by RFC 3550 (duplicates lower the number)."""
        return self._expected - self.packets_received if self._first is not None else 0

    @property
    def _expected(self) -> int:
        if self._first is None or self._sequence.highest is None:
            return 0
        return self._sequence.highest - self._first + 1

    def counters(self) -> PathCounters:
        """Return what is known of the path of this track."""
        return PathCounters(self._expected, self.packets_lost, delay=self._delay)

    def receive(
        self,
        packet: rtp.RtpPacket,
        level: bytes | None,
        now: float,
        returned: float | None = None,
        sent: bytes | None = None,
    ) -> MediaPacket | None:
        """Handle a packet of the track itself; return it, or None if it is not to be forwarded.

        `returned` is when the first packet of the publisher came after its last outage (`OUTAGE_SECONDS`): a pause of this
        track alone is none. A video of two frames a second, of which most are lost, pauses for seconds. None: only this
        track tells.
        `sent` is the value of its `abs-send-time`, where the timestamps of a source may stand still.
        """
        if packet.ssrc != self.ssrc and not self._change_source(packet.ssrc, now):
            return None
        highest = self._sequence.highest
        sequence = self._sequence.unwrap(packet.sequence)
        self.packets_received += 1
        self.octets_received += len(packet.body)
        timestamp = self._timestamps.unwrap(packet.timestamp)
        if sent is not None and len(sent) == 3:
            self._notice_pause(timestamp, int.from_bytes(sent, "big"), now)
        self._measure_jitter(timestamp, now)
        self.clock.arrived(timestamp, now)
        outage = now - self._last_arrival > OUTAGE_SECONDS if returned is None else self._last_arrival < returned
        self._last_arrival = now
        if highest is None or self._first is None:
            self._first = sequence
        elif sequence > highest + 1:
            self._gap(highest + 1, sequence - 1, outage, now)
        return self._accept(sequence, timestamp, packet.marker, packet.body, packet.padding, level, now)

    def receive_retransmission(self, packet: rtp.RtpPacket, now: float) -> MediaPacket | None:
        """Handle a packet of the retransmission stream (RFC 4588); return the original, or None as `receive` does."""
        original = rtp.rtx_original(packet)
        if original is None or self._sequence.highest is None:
            return None
        sequence = self._sequence.peek(original[0])
        if sequence > self._sequence.highest:
            return None
        timestamp = self._timestamps.peek(packet.timestamp)
        # Not counted as received: the reported loss is the network's, before repair (RFC 4588, section 6.3).
        return self._accept(sequence, timestamp, packet.marker, original[1], packet.padding, None, now)

    def _change_source(self, ssrc: int, now: float) -> bool:
        if self._announced or (self.ssrc is not None and now - self._last_arrival < SOURCE_CHANGE_SECONDS):
            return False
        if self.ssrc is not None:
            self.clock = RtpClock(self.clock.rate)
            self.run = Run(self.codec, self.clock, self._connection)
        self.ssrc = ssrc
        self._sequence, self._timestamps, self._pauses = Unwrapper(16), Unwrapper(32), SourcePauses(self.clock.rate)
        self._first, self._last_transit = None, None
        self._transits, self._delay = QuickestOfAMinute(), None
        self.packets_received = self._expected_before = self._received_before = 0
        return True

    def _notice_pause(self, timestamp: int, sent: int, now: float) -> None:
        """Begin a new run after a source that stood still: later by what has passed, so that it looks like a pause."""
        pause = self._pauses.before(timestamp, sent, now)
        if pause is None:
            return
        self.clock = self.clock.after_standstill(pause.hidden)
        self.run = Run(self.codec, self.clock, self._connection, pause.passed)
        self._last_transit = self._delay = None
        self._transits = QuickestOfAMinute()

    def _gap(self, first: int, last: int, outage: bool, now: float) -> None:
        size = last - first + 1
        if not self._repairs:
            return
        if self._breaks_on_outage and (size > LONGEST_REPAIRABLE_GAP or outage):
            self.run = Run(self.codec, self.clock, self._connection)
        elif size <= LONGEST_REPAIRABLE_GAP:
            self.run.recovery.gap(first, last, now)
        # Nothing of a longer gap is requested, not even its end: a browser sends that before anything new, and the key
        # frame, which makes all of it useless, would come a second later.

    def _accept(
        self, sequence: int, timestamp: int, marker: bool, body: bytes, padding: int, level: bytes | None, now: float
    ) -> MediaPacket | None:
        if self.run.recovery.recovered(sequence, now):
            self.packets_recovered += 1
        if self._repairs:
            highest = self._sequence.highest
            if self.run.find(sequence) is not None or (highest is not None and sequence <= highest - HISTORY_SIZE):
                return None  # a duplicate (browsers probe the bandwidth with those), or too late to be of use
        key = codecs.starts_key_frame(self.codec.name, body)
        if key:
            self.key_frames += 1
            self.run.recovery.superseded(sequence)
        packet = MediaPacket(self.run, sequence, timestamp, marker, body, padding, key, level, now)
        self.run.keep(packet)
        return packet

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        transit = now * self.clock.rate - timestamp
        if self._last_transit is not None:
            self.jitter += (abs(transit - self._last_transit) - self.jitter) / 16
        self._last_transit = transit
        delay = self._transits.excess(transit / self.clock.rate, now)
        self._delay = delay if self._delay is None else self._delay + (delay - self._delay) / 16

    def reported(self, report: SenderReport, offset: float, now: float) -> None:
        """Handle a sender report of this track; `offset` is that of `RtpClock`."""
        self.clock.reported(report, self._timestamps.peek(report.timestamp), offset, now)

    def report(self, now: float) -> ReportBlock | None:
        """Return this track's report block, its fraction lost since the last call; None before the first packet."""
        if self.ssrc is None or self._sequence.highest is None:
            return None
        expected = self._expected - self._expected_before
        lost = expected - (self.packets_received - self._received_before)
        self._expected_before, self._received_before = self._expected, self.packets_received
        fraction = min(255, lost * 256 // expected) if expected > 0 and lost > 0 else 0
        last, delay = 0, 0
        if self.clock.last_report is not None:
            last = self.clock.last_report.ntp >> 16 & 0xFFFFFFFF
            delay = round((now - self.clock.last_report_at) * 65536)
        return ReportBlock(
            self.ssrc, fraction, self.packets_lost, self._sequence.highest, round(self.jitter), last, delay
        )
