"""RTCP, transport-wide feedback, and which losses are requested: checked against other implementations and by table."""

from __future__ import annotations

import contextlib
import struct

import pytest
from aiortc import rtp as independent
from hypothesis import given
from hypothesis import strategies as st

from pyvidu.server.media import rtcp
from pyvidu.server.media.loss import ATTEMPTS, MOST_MISSING, LossRecovery
from pyvidu.server.media.transport_feedback import TICKS_PER_SECOND, TransportFeedback


class TestRtcp:
    def test_written_packets_are_parsed_by_another_implementation(self) -> None:
        block = rtcp.ReportBlock(5, 12, -3, 70000, 44, 0x12345678, 65536)
        written = rtcp.receiver_report(9, [block])
        written += rtcp.sender_report(7, ntp=1 << 40, timestamp=2**33 + 5, packets=3, octets=2**32 + 4, name="abc")
        written += rtcp.picture_loss(9, 5) + rtcp.nack(9, 5, [65535, 65536, 65540, 65600]) + rtcp.bye(7)
        receiver, sender, names, loss, nack, bye = independent.RtcpPacket.parse(written)
        assert receiver.reports[0] == independent.RtcpReceiverInfo(5, 12, -3, 70000, 44, 0x12345678, 65536)
        assert sender.sender_info == independent.RtcpSenderInfo(1 << 40, 5, 3, 4)
        assert names.chunks[0].items == [(1, b"abc")]
        assert (loss.fmt, loss.media_ssrc) == (1, 5)
        assert [number % 65536 for number in nack.lost] == [65535, 0, 4, 64]
        assert bye.sources == [7]

    def test_packets_of_another_implementation_are_parsed(self) -> None:
        info = independent.RtcpReceiverInfo(5, 255, -8388608, 1, 2, 3, 4)
        written = bytes(independent.RtcpSrPacket(8, independent.RtcpSenderInfo(11, 12, 13, 14), [info]))
        written += bytes(independent.RtcpRtpfbPacket(1, 8, 5, [1, 2, 17, 40]))
        written += bytes(independent.RtcpPsfbPacket(1, 8, 5))
        written += bytes(independent.RtcpPsfbPacket(4, 8, 0, struct.pack("!II", 6, 1 << 24)))
        assert rtcp.parse(written) == [
            rtcp.SenderReport(8, 11, 12),
            rtcp.ReportBlock(5, 255, -8388608, 1, 2, 3, 4),
            rtcp.Nack(5, (1, 2, 17, 40)),
            rtcp.KeyFrameRequest(5),
            rtcp.KeyFrameRequest(6),
        ]

    def test_unknown_packets_are_skipped(self) -> None:
        extended_report = struct.pack("!BBHI", 0x80, 207, 1, 1)
        assert rtcp.parse(extended_report + rtcp.picture_loss(1, 2)) == [rtcp.KeyFrameRequest(2)]

    @given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda tail: b"\x81\xc9\x00\x07" + tail))
    def test_malformed_packets_raise_at_most_value_error(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            rtcp.parse(data)


def unpack_feedback(information: bytes) -> dict[int, int]:
    """Return arrival times in ticks by sequence number, as a sender reads them (draft-holmer-rmcat, section 3.1)."""
    base, count, reference = struct.unpack_from("!HHI", information)
    position, symbols = 8, []
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", information, position)
        position += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk >> 14 == 3:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    time, arrivals = (reference >> 8) * 256, {}
    for index, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            time += information[position]
            position += 1
        elif symbol == 2:
            time += struct.unpack_from("!h", information, position)[0]
            position += 2
        if symbol:
            arrivals[(base + index) & 0xFFFF] = time
    assert position == len(information)
    return arrivals


class TestTransportFeedback:
    def test_feedback_contains_losses_and_arrival_times(self) -> None:
        feedback = TransportFeedback()
        for sequence, at in ((65534, 1.0), (65535, 1.001), (1, 1.05), (2, 1.3)):
            feedback.received(sequence, at)
        information = feedback.pack()
        assert information is not None
        assert unpack_feedback(information) == {65534: 4000, 65535: 4004, 1: 4200, 2: 5200}
        assert struct.unpack_from("!HH", information) == (65534, 5)
        assert not feedback.pending
        assert feedback.pack() is None

    def test_next_message_continues_the_sequence_and_increments_the_counter(self) -> None:
        feedback = TransportFeedback()
        feedback.received(10, 1.0)
        first = feedback.pack()
        feedback.received(12, 1.1)
        second = feedback.pack()
        assert first is not None
        assert second is not None
        assert struct.unpack_from("!HH", second) == (11, 2)
        assert (first[7], second[7]) == (0, 1)

    def test_late_packet_is_reported_with_its_neighbours(self) -> None:
        feedback = TransportFeedback()
        for sequence in (1, 2, 4):
            feedback.received(sequence, 1.0)
        feedback.pack()
        feedback.received(3, 1.02)
        information = feedback.pack()
        assert information is not None
        assert set(unpack_feedback(information)) == {3, 4}

    def test_outage_is_reported_without_one_entry_per_lost_packet(self) -> None:
        feedback = TransportFeedback()
        feedback.received(0, 1.0)
        feedback.pack()
        feedback.received(30000, 40.0)
        information = feedback.pack()
        assert information is not None
        assert unpack_feedback(information) == {30000: 40 * TICKS_PER_SECOND}
        assert len(information) < 20

    @given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 0.2), st.booleans()), min_size=1, max_size=200))
    def test_every_arrival_is_reported_within_a_tick(self, steps: list[tuple[int, float, bool]]) -> None:
        feedback, sequence, now, truth, told = TransportFeedback(), 0, 100.0, {}, {}
        for step, pause, pack in steps:
            sequence, now = sequence + step, now + pause
            feedback.received(sequence & 0xFFFF, now)
            truth[sequence & 0xFFFF] = round(now * TICKS_PER_SECOND)
            if pack:
                told.update(unpack_feedback(feedback.pack() or b""))
        while (information := feedback.pack()) is not None:
            told.update(unpack_feedback(information))
        assert told == truth

    def test_feedback_packet_is_padded_to_32_bits(self) -> None:
        for length in (8, 9, 10, 11):
            packet = rtcp.transport_feedback(1, 2, bytes(length))
            assert len(packet) == 4 * (struct.unpack_from("!H", packet, 2)[0] + 1)
            assert bool(packet[0] & 0x20) == bool(length % 4)
            assert not packet[0] & 0x20 or packet[-1] == -length % 4


class TestLossRecovery:
    def test_nack_is_sent_at_once_and_again_after_a_round_trip(self) -> None:
        recovery = LossRecovery()
        assert recovery.next_due() is None
        recovery.gap(5, 7, now=1.0)
        assert recovery.next_due() == 1.0
        assert recovery.due(1.0) == [5, 6, 7]
        assert recovery.due(1.01) == []
        assert recovery.recovered(6, 1.03)
        assert not recovery.recovered(6, 1.03)
        due = recovery.next_due()
        assert due is not None
        assert recovery.due(due) == [5, 7]

    def test_round_trip_is_measured_from_recovered_packets(self) -> None:
        recovery = LossRecovery()
        for index in range(60):
            recovery.gap(index, index, now=float(index))
            recovery.due(float(index))
            recovery.recovered(index, index + 0.2)
        assert recovery.round_trip == pytest.approx(0.2, abs=0.01)

    def test_nacks_for_a_packet_end_after_the_last_attempt(self) -> None:
        recovery = LossRecovery()
        recovery.gap(1, 1, now=0.0)
        asked = 0
        while (due := recovery.next_due()) is not None:
            asked += len(recovery.due(due))
        assert asked == ATTEMPTS
        assert recovery.given_up == 1
        assert 1 not in recovery

    def test_number_of_missing_packets_is_bounded(self) -> None:
        recovery = LossRecovery()
        for start in range(0, 100_000, 60):
            recovery.gap(start, start + 50, now=0.0)
        assert len(recovery.due(0.0)) == MOST_MISSING


def test_feedback_spans_two_thousand_numbers_at_most_and_goes_on_after_any_jump() -> None:
    for jumps in ([1, 30_000, 60_000], [1, 1_990, 3_980, 40_000, 70_000, 100_000], [60_000, 30_001, 1]):
        feedback = TransportFeedback()
        for step, sequence in enumerate(jumps):
            feedback.received(sequence & 0xFFFF, 10 + step / 1000)
        packed = 0
        while (information := feedback.pack()) is not None:
            assert struct.unpack_from("!HH", information)[1] in range(1, 2_001)
            packed += 1
            assert packed <= len(jumps), "each tells of one packet at least"
