"""Headers, sequence numbers, timestamps, VP8 counters: a subscriber's stream is continuous whatever the publisher does."""

from __future__ import annotations

import random

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap
from aiortc.rtp import RtpPacket as Independent
from hypothesis import given
from hypothesis import strategies as st

from pyvidu.server.media import codecs, rtp
from pyvidu.server.media.continuity import Continuity, Origin
from pyvidu.server.media.sequence import Unwrapper

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


def extension_map() -> HeaderExtensionsMap:
    known = HeaderExtensionsMap()
    known.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=1, uri=AUDIO_LEVEL),
                RTCRtpHeaderExtensionParameters(
                    id=3, uri="http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
                ),
                RTCRtpHeaderExtensionParameters(id=4, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
            ]
        )
    )
    return known


class TestPackets:
    def test_packets_of_another_implementation_are_parsed(self) -> None:
        packet = Independent(
            payload_type=96, marker=1, sequence_number=65535, timestamp=2**32 - 1, ssrc=7, payload=b"abc"
        )
        packet.csrc = [1, 2]
        packet.extensions = HeaderExtensions(audio_level=(True, 23), mid="video-0", transport_sequence_number=513)
        packet.padding_size = 5
        parsed = rtp.parse(packet.serialize(extension_map()))
        assert (parsed.payload_type, parsed.marker, parsed.sequence) == (96, True, 65535)
        assert (parsed.timestamp, parsed.ssrc, parsed.padding) == (2**32 - 1, 7, 5)
        assert parsed.body[:3] == b"abc"
        assert len(parsed.body) == 8
        found = [rtp.find_extension(parsed.extension_profile, parsed.extension_block, n) for n in (1, 3, 4, 9)]
        assert found == [bytes([0x80 | 23]), b"\x02\x01", b"video-0", None]

    def test_written_packets_are_parsed_by_another_implementation(self) -> None:
        written = rtp.serialize(
            rtp.RtpPacket(
                111,
                True,
                12,
                34,
                56,
                b"opus",
                0,
                rtp.ONE_BYTE_EXTENSIONS,
                rtp.extension_block(rtp.one_byte_extension(1, bytes([0x85]))),
            )
        )
        packet = Independent.parse(written, extension_map())
        assert (packet.payload_type, packet.marker, packet.sequence_number) == (111, 1, 12)
        assert (packet.timestamp, packet.ssrc, packet.payload) == (34, 56, b"opus")
        assert packet.extensions.audio_level == (True, 5)

    def test_two_byte_header_extensions_are_parsed(self) -> None:
        packet = Independent(payload_type=96)
        packet.extensions = HeaderExtensions(mid="a-mid-of-more-than-sixteen-bytes", transport_sequence_number=9)
        parsed = rtp.parse(packet.serialize(extension_map()))
        assert rtp.find_extension(parsed.extension_profile, parsed.extension_block, 3) == b"\x00\x09"

    def test_retransmission_contains_the_original_sequence_number_and_payload(self) -> None:
        wrapped = rtp.RtpPacket(97, False, 1, 2, 3, rtp.rtx_body(0xABCD, b"payload"))
        assert rtp.rtx_original(wrapped) == (0xABCD, b"payload")
        assert rtp.rtx_original(rtp.RtpPacket(97, False, 1, 2, 3, b"\0" * 9 + b"\x09", padding=9)) is None

    @given(st.binary(max_size=80))
    def test_malformed_packets_raise_at_most_value_error(self, data: bytes) -> None:
        try:
            packet = rtp.parse(data)
        except ValueError:
            return
        for identifier in range(16):
            rtp.find_extension(packet.extension_profile, packet.extension_block, identifier)
        rtp.rtx_original(packet)
        for name in (codecs.VP8, codecs.H264, codecs.OPUS):
            codecs.starts_key_frame(name, packet.body)
        codecs.shift_vp8_counters(packet.body, 1, 1)


class TestCounters:
    @given(st.integers(0, 65535), st.lists(st.integers(-20000, 30000), max_size=60))
    def test_unwrapped_counter_equals_the_original(self, start: int, steps: list[int]) -> None:
        counter, truth, highest = Unwrapper(16), start, start
        assert counter.unwrap(start) == start
        for step in steps:
            truth = highest + step
            assert counter.unwrap(truth % 65536) == truth
            highest = max(highest, truth)


class TestContinuity:
    def test_first_packet_gets_the_initial_sequence_number_and_timestamp(self) -> None:
        stream = Continuity(90000, sequence=100, timestamp=5000)
        assert stream.run is None
        stream.begin(1, 777, 123456, elapsed=0)
        assert stream.place(777, 123456) == (100, 5000)
        assert stream.place(779, 123456 + 3000) == (102, 8000)
        assert stream.place(778, 123456) == (101, 5000)

    def test_new_run_continues_sequence_numbers_and_advances_timestamps_by_the_elapsed_time(self) -> None:
        stream = Continuity(90000, sequence=65535, timestamp=2**32 - 1)
        stream.begin(1, 10, 0, elapsed=0)
        assert stream.place(10, 0) == (65535, 2**32 - 1)
        stream.begin(2, 50000, 999, elapsed=2.0)
        assert stream.place(50000, 999) == (0, 179999)
        assert stream.run == 2

    def test_packets_from_before_the_start_of_a_run_are_not_placed(self) -> None:
        stream = Continuity(48000, sequence=5, timestamp=0)
        stream.begin(1, 100, 0, elapsed=0)
        assert stream.place(99, 0) is None

    def test_rewritten_sequence_number_is_mapped_to_the_original_packet(self) -> None:
        stream = Continuity(90000, sequence=65530, timestamp=0)
        stream.begin(1, 1000, 0, elapsed=0)
        for sequence in range(1000, 1010):
            stream.place(sequence, 0)
        stream.begin(2, 7, 0, elapsed=0.1)
        stream.place(7, 0)
        assert stream.locate(65530) == Origin(1, 1000, current=False)
        assert stream.locate((65530 + 9) % 65536) == Origin(1, 1009, current=False)
        assert stream.locate((65530 + 10) % 65536) == Origin(2, 7, current=True)
        assert stream.locate((65530 + 11) % 65536) is None
        assert stream.locate(65529) is None

    @given(st.integers(0, 2**32))
    def test_sequence_numbers_and_timestamps_increase_over_many_runs(self, seed: int) -> None:
        chance = random.Random(seed)
        stream = Continuity(90000, sequence=chance.randrange(65536), timestamp=chance.randrange(2**32))
        numbers, stamps = Unwrapper(16), Unwrapper(32)
        last_number = last_stamp = None
        for run in range(chance.randrange(1, 6)):
            sequence, timestamp = chance.randrange(-100, 10**6), chance.randrange(2**33)
            elapsed = chance.random() * 5
            stream.begin(run, sequence, timestamp, elapsed=elapsed)
            for index in range(chance.randrange(1, 30)):
                placed = stream.place(sequence + index, timestamp + 3000 * index)
                assert placed is not None
                number, stamp = numbers.unwrap(placed[0]), stamps.unwrap(placed[1])
                assert stream.locate(placed[0]) == Origin(run, sequence + index, current=True)
                if last_number is not None and last_stamp is not None:
                    assert number == last_number + 1
                    assert stamp > last_stamp
                    if index == 0:
                        assert stamp - last_stamp == pytest.approx(elapsed * 90000, abs=1)
                last_number, last_stamp = number, stamp


class TestCodecs:
    VP8_KEY = b"\x90\x80\x81\x02" + b"\x50\x01\x00\x9d\x01\x2a"  # X, S; I; 15-bit picture id 0x102; a key frame's tag
    VP8_DELTA = b"\x90\x80\x81\x03" + b"\x51\x01\x00"

    def test_vp8_key_frame_is_recognized_by_the_first_packet_of_its_first_partition(self) -> None:
        assert codecs.starts_key_frame(codecs.VP8, self.VP8_KEY)
        assert not codecs.starts_key_frame(codecs.VP8, self.VP8_DELTA)
        assert not codecs.starts_key_frame(codecs.VP8, b"\x80" + self.VP8_KEY[1:])  # not the first packet of the frame
        assert codecs.starts_key_frame(codecs.VP8, b"\x10\x50")  # the one-byte descriptor
        assert not codecs.starts_key_frame(codecs.VP8, b"\x10")

    def test_h264_key_frame_is_recognized_by_its_parameter_sets(self) -> None:
        assert codecs.starts_key_frame(codecs.H264, b"\x67\x42\xe0\x1f")
        assert codecs.starts_key_frame(codecs.H264, b"\x78\x00\x01\x09\x00\x02\x67\x42\x00\x01\x68")  # AUD, SPS, PPS
        assert not codecs.starts_key_frame(codecs.H264, b"\x78\x00\x01\x68")
        assert not codecs.starts_key_frame(codecs.H264, b"\x7c\x85\x00")  # an IDR picture's fragment
        assert not codecs.starts_key_frame(codecs.H264, b"\x41\x9a")

    def test_vp8_counters_are_shifted_modulo_their_width(self) -> None:
        both = b"\x90\xc0\xff\xfe\xff" + b"\x51"
        assert codecs.shift_vp8_counters(both, 3, 2) == b"\x90\xc0\x80\x01\x01" + b"\x51"
        seven = b"\x90\x80\x7f\x51"
        assert codecs.shift_vp8_counters(seven, 1, 1) == b"\x90\x80\x00\x51"
        assert codecs.shift_vp8_counters(b"\x10\x51", 1, 1) == b"\x10\x51"

    def test_h264_codecs_are_distinguished_by_profile_and_packetization_mode_only(self) -> None:
        baseline = codecs.identify("H264", {"packetization-mode": "1", "profile-level-id": "42001f"})
        assert baseline == codecs.identify("h264", {"packetization-mode": "1", "profile-level-id": "42002a"})
        assert baseline != codecs.identify("h264", {"packetization-mode": "1", "profile-level-id": "42e01f"})
        assert baseline != codecs.identify("h264", {"profile-level-id": "42001f"})
        assert codecs.identify("VP8", {"max-fr": "30"}) == codecs.CodecIdentity("vp8")
