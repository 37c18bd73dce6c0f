"""Forwarding one stream to one subscriber, packet by packet, without a network."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from aiortc.rtp import RtcpPacket

from pyvidu.server.media import answer, codecs, rtcp, rtp
from pyvidu.server.media import offer as offers
from pyvidu.server.media.forwarded_track import ForwardedTrack
from pyvidu.server.media.path_counters import PathCounters
from pyvidu.server.media.reception import MediaPacket, RtpClock, Run
from tests.server.work import calls

OFFER = offers.parse((Path(__file__).parent / "subscriber_offer.sdp").read_text())
VP8 = codecs.CodecIdentity(codecs.VP8)
H264 = codecs.CodecIdentity(codecs.H264, "1", "42e0")
KEY, DELTA = b"\x90\x80\x80\x07\x50\x00", b"\x90\x80\x80\x08\x51\x00"
H264_KEY = b"\x67\x42\xe0\x1f"


class Track:
    """A video track of a Chromium subscriber, and what was sent on it."""

    def __init__(self) -> None:
        self.sent: list[rtp.RtpPacket] = []
        choices = answer.for_subscriber(OFFER, {"video": VP8})
        choice = next(choice for choice in choices if choice.section.kind == "video")
        self.codecs = choice.codecs
        self.track = ForwardedTrack(choice, "name", lambda data: self.sent.append(rtp.parse(data)), lambda: 3.5)

    def run(self, codec: codecs.CodecIdentity = VP8, connection: int = 0) -> Run:
        return Run(codec, RtpClock(90000), connection)

    def give(self, run: Run, sequence: int, body: bytes = DELTA, *, arrival: float = 0.0, keep: bool = True) -> None:
        key = codecs.starts_key_frame(run.codec.name, body)
        packet = MediaPacket(run, sequence, 3000 * sequence, True, body, 0, key, None, arrival)
        run.clock.arrived(packet.timestamp, arrival)
        if keep:
            run.keep(packet)
        self.track.forward(packet)

    @property
    def numbers(self) -> list[int]:
        return [(packet.sequence - self.sent[0].sequence) % 65536 for packet in self.sent]


@pytest.fixture
def video() -> Track:
    return Track()


def test_video_begins_with_a_key_frame(video: Track) -> None:
    run = video.run()
    video.give(run, 10)
    assert not video.sent
    video.give(run, 11, KEY)
    video.give(run, 12)
    assert video.numbers == [0, 1]
    assert {packet.ssrc for packet in video.sent} == {video.track.ssrc}
    assert {packet.payload_type for packet in video.sent} == {96}


def test_republish_continues_sequence_numbers_and_advances_timestamps_by_the_elapsed_time(video: Track) -> None:
    first, second = video.run(), video.run()
    video.give(first, 10, KEY, arrival=1.0)
    video.give(second, 40000, DELTA, arrival=1.5)  # held back: no subscriber could decode it
    video.give(first, 11, arrival=1.6)  # the replaced endpoint is forwarded until the new one has a key frame
    video.give(second, 40001, KEY, arrival=2.1)
    video.give(first, 12, arrival=2.2)
    video.give(second, 40002, arrival=2.2)
    assert video.numbers == [0, 1, 2, 3]
    stamps = [(packet.timestamp - video.sent[0].timestamp) % 2**32 for packet in video.sent]
    assert stamps == [0, 3000, 3000 + 45000, 3000 + 45000 + 3000]


def test_replacing_connection_is_forwarded_although_the_replaced_one_began_a_run_after_its_offer(video: Track) -> None:
    before, replacing = video.run(connection=1), video.run(connection=2)
    video.give(before, 10, KEY, arrival=1.0)
    after_the_outage = video.run(connection=1)
    video.give(after_the_outage, 900, KEY, arrival=5.0)
    video.give(replacing, 1, KEY, arrival=5.1)
    video.give(after_the_outage, 901, arrival=5.1)
    video.give(replacing, 2, arrival=5.2)
    assert video.numbers == [0, 1, 2, 3]


def test_vp8_picture_ids_go_on_over_a_republish(video: Track) -> None:
    first, second = video.run(), video.run()
    video.give(first, 1, KEY)
    video.give(second, 1, b"\x90\x80\xff\xff\x50\x00")
    video.give(second, 2, b"\x90\x80\x80\x00\x51\x00")
    pictures = [found.picture for packet in video.sent if (found := codecs.vp8_descriptor(packet.body))]
    assert pictures == [7, 8, 9]


def test_a_republish_with_another_codec_switches_the_payload_type(video: Track) -> None:
    video.give(video.run(), 1, KEY)
    video.give(video.run(H264), 1, H264_KEY)
    types = {str(codec.payload_type): codec for codec in video.codecs}
    assert [types[str(packet.payload_type)].name for packet in video.sent] == ["vp8", "h264"]
    assert types[str(video.sent[1].payload_type)].identity == H264
    assert video.numbers == [0, 1]


def test_key_frame_whose_first_packet_is_late_is_forwarded_completely(video: Track) -> None:
    run = video.run()
    video.give(run, 5, DELTA)
    video.give(run, 7, DELTA)
    assert not video.sent
    video.give(run, 4, KEY)
    video.give(run, 8)
    assert video.numbers == [0, 1, 3, 4]


def test_a_nack_is_answered_by_retransmission(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    video.give(run, 2)
    original = video.sent[1]
    assert video.track.retransmit((original.sequence,), now=0.2)
    again = video.sent[2]
    assert (again.ssrc, again.payload_type) == (video.track.rtx_ssrc, 97)
    assert rtp.rtx_original(again) == (original.sequence, original.body)
    assert again.timestamp == original.timestamp


def test_nack_for_packets_no_longer_cached_retransmits_nothing_and_returns_false(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    video.give(run, 2, arrival=5.0)
    assert not video.track.retransmit(tuple(packet.sequence for packet in video.sent), now=5.1)
    assert len(video.sent) == 2


def test_packets_before_a_key_frame_are_not_retransmitted_and_need_no_other_key_frame(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    video.give(run, 2)
    run.recovery.gap(3, 3, now=0.0)
    video.give(run, 4, KEY)
    first = video.sent[0].sequence
    assert video.track.retransmit((first + 1, first + 2), now=0.2)
    assert len(video.sent) == 3
    assert video.track.retransmit((first + 3,), now=0.2)
    assert len(video.sent) == 4


def test_nack_for_a_packet_requested_from_the_publisher_is_answered_when_it_arrives(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    run.recovery.gap(2, 2, now=0.0)
    video.give(run, 3)
    missing = (video.sent[0].sequence + 1) % 65536
    assert video.track.retransmit((missing,), now=0.1)
    assert len(video.sent) == 2
    video.give(run, 2, arrival=0.2)
    assert video.sent[2].sequence == missing


def test_sender_reports_map_our_clock_to_the_rewritten_timestamps(video: Track) -> None:
    run = video.run()
    assert video.track.sender_report(0.0, 0.0) is None
    video.give(run, 1000, KEY, arrival=50.0)
    written = video.track.sender_report(52.0, 3_000_000_000.0)
    assert written is not None
    report = RtcpPacket.parse(written)[0]
    assert report.sender_info.ntp_timestamp == 3_000_000_052 << 32
    assert (report.sender_info.rtp_timestamp - video.sent[0].timestamp) % 2**32 == 2 * 90000
    assert report.sender_info.packet_count == 1


def nack(ssrc: int, *pairs: tuple[int, int]) -> rtcp.Nack:
    """Return a NACK as the server parses it; a pair is a sequence number and the bits of the 16 that follow."""
    items = b"".join(struct.pack("!HH", first & 0xFFFF, bits) for first, bits in pairs)
    [event] = rtcp.parse(struct.pack("!BBHII", 0x81, 205, 2 + len(pairs), 1, ssrc) + items)
    assert isinstance(event, rtcp.Nack)
    return event


def test_packets_named_many_times_in_one_nack_are_retransmitted_once(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    for sequence in range(2, 18):
        video.give(run, sequence)
    first = video.sent[0].sequence
    again = nack(video.track.ssrc, *[(first, 0xFFFF)] * 320)
    assert video.track.retransmit(again.sequences, now=0.2)
    assert len(video.sent) == 17 + 17


def test_packet_is_not_retransmitted_again_within_a_round_trip(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    for sequence in (2, 3):
        video.give(run, sequence)
    number = (video.sent[0].sequence,)
    sent_at = 3_000_000_000.0  # when the sender report left, in seconds since 1900
    middle = int(sent_at * 65536) & 0xFFFFFFFF
    video.track.reported(rtcp.ReportBlock(video.track.ssrc, 0, 0, 0, 0, middle, 6554), sent_at + 0.1 + 0.08)
    assert video.track.retransmit(number, now=0.2)
    assert video.track.retransmit(number, now=0.27)
    assert len(video.sent) == 4
    assert video.track.retransmit(number, now=0.29)
    assert len(video.sent) == 5


def test_losses_of_the_way_down_are_counted_without_those_of_the_publisher(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    for sequence in range(2, 101):
        if sequence % 10:
            video.give(run, sequence)
    assert video.track.counters() == PathCounters()
    # The publisher's path has lost nine of the first 99. Of the other 90 the subscriber has got 84, the 99th among them.
    highest = video.sent[0].sequence + 98
    video.track.reported(rtcp.ReportBlock(video.track.ssrc, 0, 15, highest, 0, 0, 0), 0.0)
    assert video.track.counters() == PathCounters(90, 6)


def test_no_more_bytes_are_retransmitted_than_were_forwarded(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY + bytes(1000))
    for sequence in range(2, 101):
        video.give(run, sequence, DELTA + bytes(1000))
    numbers = tuple(packet.sequence for packet in video.sent)
    forwarded = sum(len(packet.body) for packet in video.sent)
    for attempt in range(9):
        video.track.retransmit(numbers, now=0.1 + attempt / 10)
    again = sum(len(packet.body) - len(rtp.rtx_body(0, b"")) for packet in video.sent[100:])
    assert 0.9 * forwarded < again <= forwarded


def test_many_named_packets_cost_no_more_than_the_rate_of_nacks_allows(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    events = [nack(video.track.ssrc, *[(17 * pair, 0xFFFF) for pair in range(320)]) for _ in range(100)]

    def handled() -> None:
        for event in events:
            video.track.retransmit(event.sequences, now=0.2)

    assert calls(handled) < 30_000  # more than 544,000 packets are named
    assert calls(lambda: nack(1, *[(17 * pair, 0xFFFF) for pair in range(320)])) < 4_000


def report(track: ForwardedTrack, highest: int, lost: int) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(track.ssrc, 0, lost, highest, 0, 0, 0)


@pytest.mark.parametrize(("loss", "copied"), [(2, False), (25, True), (80, False)])
def test_what_a_path_that_loses_many_packets_asks_for_is_copied(video: Track, loss: int, copied: bool) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    first = video.numbers[0]
    for hundred in range(1, 6):
        for number in range(100):
            video.give(run, 100 * hundred - 98 + number)
        video.track.reported(report(video.track, first + 100 * hundred, loss * hundred), 1000.0 + hundred)
    assert (video.track.copied_after is not None) == copied


def test_what_the_publisher_s_path_has_lost_is_no_loss_of_the_subscriber_s(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    first = video.numbers[0]
    for hundred in range(1, 6):
        for number in range(0, 100, 2):
            video.give(run, 100 * hundred - 97 + number)
        video.track.reported(report(video.track, first + 100 * hundred, 50 * hundred), 1000.0 + hundred)
    assert video.track.copied_after is None
    assert video.track.counters().lost == 0


def test_paused_video_goes_on_with_a_key_frame_as_if_nothing_had_been_sent_in_between(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    video.give(run, 2)
    video.track.pause()
    video.give(run, 3, KEY, arrival=0.5)
    video.give(run, 4, arrival=0.6)
    video.track.resume()
    video.give(run, 5, arrival=10.0)
    video.give(run, 6, KEY, arrival=10.1)
    video.give(run, 7, arrival=10.1)
    assert video.numbers == [0, 1, 2, 3]
    stamps = [(packet.timestamp - video.sent[0].timestamp) % 2**32 for packet in video.sent]
    assert stamps == [0, 3000, 3000 + round(10.1 * 90_000), 3000 + round(10.1 * 90_000) + 3000]


def test_nack_for_a_packet_from_before_a_pause_needs_no_key_frame(video: Track) -> None:
    run = video.run()
    video.give(run, 1, KEY)
    before = video.sent[0].sequence
    video.track.pause()
    video.track.resume()
    video.give(run, 9, KEY, arrival=10.0)
    assert video.track.retransmit((before,), now=10.1)
    assert len(video.sent) == 2


def test_padding_is_sent_in_the_retransmission_stream(video: Track) -> None:
    video.give(video.run(), 1, KEY)
    first, second = video.track.send_padding(), video.track.send_padding()
    assert first is not None
    assert second == (first + 1) & 0xFFFF
    padding = video.sent[1]
    assert (padding.ssrc, padding.payload_type, padding.padding) == (video.track.rtx_ssrc, 97, len(padding.body))
    assert rtp.rtx_original(padding) is None
