"""One track of a stream as it is forwarded to one subscriber: with its own headers, and sent again on request. No I/O."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from . import answer, codecs, rtcp, rtp
from .answer import AUDIO_LEVEL, SEND_TIME, Choice
from .continuity import SEGMENTS_KEPT, Continuity
from .path_counters import PathCounters, QuickestOfAMinute
from .path_probe import PADDING
from .reception import MediaPacket, Run
from .retransmission import Retransmissions

# Packets older than this (seconds) are not retransmitted: a subscriber that lacks them had an outage, and needs a key
# frame instead of a burst of old packets.
OLDEST_RETRANSMISSION = 1.0
# A receiver that loses this share of the packets, lately, gets each packet that it names twice, a round trip apart. Chromium
# repeats a NACK every 100 ms on a connection that only receives, whatever the round trip is, and at a loss of a quarter each
# way 44 % of them fail; with two copies it is 30 %. Beyond the upper bound a path is overloaded.
_COPIED_FROM, _COPIED_TO = 0.1, 0.4
_LATELY = 50  # packets


class ForwardedTrack:
    """One track as forwarded to one subscriber."""

    def __init__(
        self, choice: Choice, name: str, send_rtp: Callable[[bytes], None], clock: Callable[[], float]
    ) -> None:
        self.kind = choice.section.kind
        offered = choice.source  # what an offer of the server has announced
        self.ssrc = secrets.randbits(32) if offered is None else offered.ssrc
        self.rtx_ssrc = secrets.randbits(32) if offered is None or offered.rtx_ssrc is None else offered.rtx_ssrc
        self.packets = self.octets = self.retransmitted = self.nacked = 0
        self.report: rtcp.ReportBlock | None = None
        """The latest receiver report."""
        self.paused = False
        self._resumes = False  # with the next key frame
        self._offered = choice.codecs
        self._name = name
        self._send = send_rtp
        self._clock = clock
        self._level_extension = choice.extensions.get(AUDIO_LEVEL, 0)
        self._time_extension = choice.extensions.get(SEND_TIME, 0)
        # In the lower half: a wrap while the first packets may be lost would break SRTP's rollover counter.
        self._continuity = Continuity(
            codecs.CLOCK_RATES[choice.codecs[0].name],
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(31),
        )
        self._rtx_sequence = secrets.randbits(15)
        self._retransmissions = Retransmissions()
        self._round_trips = QuickestOfAMinute()
        self._counters = PathCounters()
        self._loss = 0.0  # the share lost lately
        self._runs: deque[Run] = deque(maxlen=SEGMENTS_KEPT)
        self._payload_type = -1
        self._rtx_payload_type: int | None = None
        self._shift: tuple[int, int] = (0, 0)
        self._last_body = b""
        self._last_arrival = 0.0
        self._last_timestamp = 0

    @property
    def run(self) -> Run | None:
        """Return the run that is being forwarded; None before the first packet."""
        return self._runs[-1] if self._runs else None

    def source(self, stream: str) -> answer.Source:
        """Return this track as the answer announces it; `stream` is its MediaStream id."""
        rtx = self.rtx_ssrc if self._offered[0].rtx is not None else None
        return answer.Source(self.ssrc, rtx, self._name, stream, f"{stream}_{self.kind}")

    def forward(self, packet: MediaPacket) -> bool:
        """Forward a packet; return whether it was the first of a run, so that a sender report is due."""
        if self.paused:
            return False
        run = packet.run
        if self._runs and run is self._runs[-1] and not self._resumes:
            self._emit(packet)
            return False
        if self._runs and run.order < self._runs[-1].order:
            return False  # the replaced endpoint's last packets
        if not packet.key or not self._select(run):
            return False
        self._resumes = False
        self._begin(packet)
        self._emit(packet)
        # The key frame may have begun earlier, or its first packet may be late: what followed was held back until now.
        if self.kind == "video":
            for sequence in range(packet.sequence + 1, run.highest + 1):
                if (following := run.find(sequence)) is not None:
                    self._emit(following)
        return True

    def pause(self) -> None:
        """Forward nothing until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Forward again, from the next key frame; to the receiver it looks as if nothing was sent in between."""
        self.paused, self._resumes = False, True

    def send_padding(self) -> int | None:
        """Send padding in the retransmission stream; return the packet's sequence number, None if there is no such stream."""
        if self._rtx_payload_type is None:
            return None
        sequence, self._rtx_sequence = self._rtx_sequence, (self._rtx_sequence + 1) & 0xFFFF
        extension = rtp.extension_block(self._send_time())
        body = bytes(PADDING - 1) + bytes([PADDING])
        header = self._rtx_payload_type, False, sequence, self._last_timestamp, self.rtx_ssrc
        self._send(rtp.serialize(rtp.RtpPacket(*header, body, PADDING, rtp.ONE_BYTE_EXTENSIONS, extension)))
        return sequence

    def _select(self, run: Run) -> bool:
        codec = answer.match(run.codec, self._offered)
        if codec is None:
            return False
        self._payload_type, self._rtx_payload_type = codec.payload_type, codec.rtx
        return True

    def _begin(self, packet: MediaPacket) -> None:
        elapsed = max(0.0, packet.arrival - self._last_arrival) if packet.run.passed is None else packet.run.passed
        self._continuity.begin(packet.run.number, packet.sequence, packet.timestamp, elapsed=elapsed)
        self._shift = (0, 0)
        if packet.run.codec.name == codecs.VP8:
            before, after = codecs.vp8_descriptor(self._last_body), codecs.vp8_descriptor(packet.body)
            if before is not None and after is not None:
                self._shift = (
                    before.picture + 1 - after.picture if before.picture >= 0 else 0,
                    before.level_zero + 1 - after.level_zero if before.level_zero >= 0 else 0,
                )
        self._runs.append(packet.run)

    def _emit(self, packet: MediaPacket) -> None:
        placed = self._continuity.place(packet.sequence, packet.timestamp)
        if placed is None:
            return
        body = self._body(packet)
        extension = self._send_time()
        if self._level_extension and packet.level is not None:
            extension += rtp.one_byte_extension(self._level_extension, packet.level)
        self._last_arrival, self._last_timestamp = packet.arrival, placed[1]
        if packet.run.codec.name == codecs.VP8:
            self._last_body = body
        self.packets += 1
        self.octets += len(body)
        self._retransmissions.forwarded(len(body))
        self._send(
            rtp.serialize(
                rtp.RtpPacket(
                    self._payload_type,
                    packet.marker,
                    *placed,
                    self.ssrc,
                    body,
                    packet.padding,
                    rtp.ONE_BYTE_EXTENSIONS,
                    rtp.extension_block(extension),
                )
            )
        )

    def _send_time(self) -> bytes:
        # Not the time of arrival: packets that were held back must not look as if the path had delayed them.
        return (
            rtp.one_byte_extension(self._time_extension, rtp.send_time(self._clock())) if self._time_extension else b""
        )

    def _body(self, packet: MediaPacket) -> bytes:
        return codecs.shift_vp8_counters(packet.body, *self._shift) if any(self._shift) else packet.body

    def reported(self, report: rtcp.ReportBlock, ntp_now: float) -> None:
        """Handle a receiver report that arrived at `ntp_now` (seconds since 1900)."""
        first, before = self.report is None, self._counters
        self.report = report
        self._retransmissions.reported(report, ntp_now)
        self._counters = self._counted(report, ntp_now)
        covered, lost = self._counters.expected - before.expected, self._counters.lost - before.lost
        if covered > 0 and not first:
            self._loss += (min(max(lost / covered, 0.0), 1.0) - self._loss) * min(covered / _LATELY, 1.0)

    def queue(self, report: rtcp.ReportBlock, ntp_now: float) -> float:
        """Return for how long what a report answers has waited, in seconds: by the round trip, beyond the quickest."""
        self._retransmissions.reported(report, ntp_now)
        round_trip = self._retransmissions.measured
        return 0.0 if round_trip is None else self._round_trips.excess(round_trip, ntp_now)

    def _counted(self, report: rtcp.ReportBlock, now: float) -> PathCounters:
        """Return what a report tells of the path."""
        if not self.packets:
            return PathCounters()
        # The publisher's path has lost these: they are missing in the report too, and were never sent.
        missing = self._continuity.used - self.packets
        expected = report.highest_sequence - self._continuity.first + 1
        round_trip = self._retransmissions.measured
        delay = self._round_trips.excess(round_trip, now) if round_trip is not None else None
        return PathCounters(expected - missing, report.packets_lost - missing, round_trip, delay)

    def counters(self) -> PathCounters:
        """Return what is known of the path of this track."""
        return self._counters

    @property
    def copied_after(self) -> float | None:
        """Return after how many seconds to send again what was sent again, by itself; None: not, few packets are lost."""
        return 1.01 * self._retransmissions.round_trip if _COPIED_FROM < self._loss < _COPIED_TO else None

    def retransmit(self, sequences: tuple[int, ...], now: float) -> bool:
        """Retransmit packets, as far as their budget allows.

        Return False, and send none, if one is not available and a key frame is needed.
        """
        found: list[tuple[int, MediaPacket]] = []
        for sequence in self._retransmissions.due(sequences, now):
            origin = self._continuity.locate(sequence)
            run = next((run for run in self._runs if origin is not None and run.number == origin.run), None)
            if origin is None or run is None or not origin.current:
                continue  # never sent, or a key frame was sent since
            if run.key_frame is not None and origin.sequence < run.key_frame.sequence:
                continue  # the same within a run
            packet = run.find(origin.sequence)
            if packet is not None and now - packet.arrival <= OLDEST_RETRANSMISSION:
                found.append((sequence, packet))
            elif origin.sequence not in run.recovery:  # one requested from the publisher is forwarded on arrival
                return False
        for sequence, packet in found:
            if self._retransmissions.take(sequence, len(packet.body), now):
                self._retransmit(sequence, packet)
        return True

    def _retransmit(self, sequence: int, packet: MediaPacket) -> None:
        if packet.run is not self._runs[-1]:
            return  # a newer run, and its key frame, was sent since
        placed = self._continuity.place(packet.sequence, packet.timestamp)
        if placed is None:
            return
        self.retransmitted += 1
        body = self._body(packet)
        again = rtp.RtpPacket(
            self._payload_type,
            packet.marker,
            sequence,
            placed[1],
            self.ssrc,
            body,
            packet.padding,
            rtp.ONE_BYTE_EXTENSIONS,
            rtp.extension_block(self._send_time()),
        )
        if self._rtx_payload_type is not None:
            again.payload_type, again.ssrc = self._rtx_payload_type, self.rtx_ssrc
            again.sequence, self._rtx_sequence = self._rtx_sequence, (self._rtx_sequence + 1) & 0xFFFF
            again.body = rtp.rtx_body(sequence, body)
        self._send(rtp.serialize(again))

    def sender_report(self, now: float, ntp_base: float) -> bytes | None:
        """Return the sender report for `now` (loop time); None before the first packet."""
        run = self.run
        timestamp = run.clock.timestamp_at(now) if run is not None else None
        if timestamp is None:
            return None
        return rtcp.sender_report(
            self.ssrc,
            ntp=int((now + ntp_base) * (1 << 32)),
            timestamp=timestamp + self._continuity.timestamp_offset,
            packets=self.packets,
            octets=self.octets,
            name=self._name,
        )
