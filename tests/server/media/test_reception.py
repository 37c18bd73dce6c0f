"""A publisher's track: what is forwarded, what counts as a loss, what as an outage, and what is reported about it."""

from __future__ import annotations

from pyvidu.server.media import codecs, rtp
from pyvidu.server.media.reception import Reception
from pyvidu.server.media.rtcp import SenderReport

KEY, DELTA = b"\x10\x50\x00", b"\x10\x51\x00"


def packet(sequence: int, *, ssrc: int = 1, timestamp: int | None = None, body: bytes = DELTA) -> rtp.RtpPacket:
    return rtp.RtpPacket(96, True, sequence & 0xFFFF, 3000 * sequence if timestamp is None else timestamp, ssrc, body)


def video(*, ssrc: int | None = 1, breaks: bool = True) -> Reception:
    return Reception(codecs.CodecIdentity(codecs.VP8), ssrc=ssrc, repairs=True, breaks_on_outage=breaks)


def test_received_packets_have_extended_sequence_numbers_and_key_frame_marks() -> None:
    track = video()
    first = track.receive(packet(65535, body=KEY), None, 0.0)
    second = track.receive(packet(65536), None, 0.03)
    assert first is not None
    assert second is not None
    assert (first.sequence, second.sequence) == (65535, 65536)
    assert (first.key, second.key) == (True, False)
    assert track.run.key_frame is first


def test_a_small_gap_is_a_loss_and_a_retransmission_fills_it() -> None:
    track = video()
    track.receive(packet(1), None, 0.0)
    track.receive(packet(4), None, 0.03)
    assert track.run.recovery.due(0.03) == [2, 3]
    again = rtp.RtpPacket(97, True, 900, 6000, 2, rtp.rtx_body(2, DELTA))
    recovered = track.receive_retransmission(again, 0.05)
    assert recovered is not None
    assert (recovered.sequence, recovered.body) == (2, DELTA)
    assert 2 not in track.run.recovery
    assert (track.packets_lost, track.packets_recovered) == (2, 1)
    assert track.receive_retransmission(again, 0.06) is None  # a duplicate: bandwidth probing


def test_a_long_gap_is_an_outage_and_begins_a_new_run() -> None:
    track = video()
    track.receive(packet(1), None, 0.0)
    before = track.run
    track.receive(packet(300), None, 0.5)
    assert track.run is not before
    assert track.run.number > before.number
    assert track.run.recovery.next_due() is None


def test_small_gap_after_a_long_silence_is_an_outage_and_begins_a_new_run() -> None:
    track = video()
    track.receive(packet(1), None, 0.0)
    before = track.run
    track.receive(packet(10), None, 4.0)
    assert track.run is not before


def test_gap_after_a_pause_is_a_loss_if_the_publisher_was_not_away_meanwhile() -> None:
    track = video()
    track.receive(packet(1), None, 1.0, returned=0.5)
    before = track.run
    track.receive(packet(4), None, 3.5, returned=0.5)
    assert track.run is before
    assert track.run.recovery.due(3.5) == [2, 3]
    track.receive(packet(6), None, 6.0, returned=5.98)  # another track's packet was the first after the outage
    assert track.run is not before
    after = track.run
    track.receive(packet(8), None, 6.02, returned=5.98)
    assert track.run is after


def test_nothing_before_a_key_frame_is_requested_again() -> None:
    track = video()
    track.receive(packet(1), None, 0.0)
    track.receive(packet(4), None, 0.03)
    track.receive(packet(6, body=KEY), None, 0.06)
    track.receive(packet(8), None, 0.09)
    assert track.run.recovery.due(0.09) == [7]


def test_pause_without_a_gap_is_not_an_outage() -> None:
    track = video()
    track.receive(packet(1), None, 0.0)
    before = track.run
    track.receive(packet(2), None, 60.0)
    assert track.run is before


def test_without_self_recovery_an_outage_begins_no_new_run() -> None:
    track = video(breaks=False)
    track.receive(packet(1), None, 0.0)
    before = track.run
    track.receive(packet(300), None, 4.0)
    assert track.run is before
    assert track.run.recovery.next_due() is None, "a browser sends old packets first, the key frame after them"


def test_packets_of_another_ssrc_than_the_announced_one_are_dropped() -> None:
    track = video(ssrc=1)
    assert track.receive(packet(1, ssrc=2), None, 0.0) is None
    assert track.receive(packet(1, ssrc=1), None, 0.0) is not None


def test_unannounced_ssrc_may_change_after_a_silence() -> None:
    track = video(ssrc=None)
    assert track.receive(packet(1, ssrc=5), None, 0.0) is not None
    before = track.run
    assert track.receive(packet(40000, ssrc=6), None, 0.1) is None
    assert track.receive(packet(40001, ssrc=6), None, 0.7) is not None
    assert track.run is not before
    assert track.packets_lost == 0


def test_receiver_report_contains_interval_and_cumulative_losses() -> None:
    track = video()
    assert track.report(0.0) is None
    for sequence in (1, 2, 4):
        track.receive(packet(sequence), None, 0.033 * sequence)
    track.reported(SenderReport(1, (100 << 32) + (1 << 31), 12000), offset=-100.0, now=0.5)
    block = track.report(1.0)
    assert block is not None
    assert (block.fraction_lost, block.packets_lost, block.highest_sequence) == (64, 1, 4)
    assert (block.last_report, block.delay_since_last_report) == (100 << 16 | 1 << 15, 32768)
    again = track.report(2.0)
    assert again is not None
    assert (again.fraction_lost, again.packets_lost) == (0, 1)


def test_the_clock_starts_with_the_first_arrival_and_then_follows_the_sender_reports() -> None:
    track = video()
    assert track.clock.timestamp_at(0.0) is None
    track.receive(packet(0, timestamp=1000), None, 10.0)
    assert track.clock.timestamp_at(11.0) == 1000 + 90000
    # The sender report: at the publisher's 500.0 s the RTP timestamp was 91900; its clock is 489 s ahead of ours.
    track.reported(SenderReport(1, 500 << 32, 91900), offset=-489.0, now=11.2)
    assert track.clock.timestamp_at(11.0) == 91900
    assert track.clock.timestamp_at(12.0) == 91900 + 90000


def with_content(track: Reception) -> list[int]:
    """Return the numbers of the packets of which the content is kept."""
    found = [track.run.find(number) for number in range(1000)]
    return [one.sequence for one in found if one is not None and one.body]


def test_content_of_packets_that_nobody_is_sent_any_more_is_forgotten_but_not_that_they_came() -> None:
    track = video()
    for number in range(1, 301):
        track.receive(packet(number), None, number / 64)
    assert with_content(track) == list(range(300 - 128, 301))
    assert track.receive(packet(50), None, 4.7) is None, "a duplicate"
    track.receive(packet(301), None, 3600.0)
    assert with_content(track) == [301]
