"""Offers and answers: which offers are accepted, and the error of each that is refused."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from pyvidu.server.media import answer, codecs
from pyvidu.server.media import offer as offers
from pyvidu.server.media.errors import MediaServerError

HERE = Path(__file__).parent
PUBLISHER = (HERE / "publisher_offer.sdp").read_text().replace("\n", "\r\n")
SUBSCRIBER = (HERE / "subscriber_offer.sdp").read_text().replace("\n", "\r\n")
VP8 = codecs.CodecIdentity("vp8")
OPUS = codecs.CodecIdentity("opus")
H264 = codecs.CodecIdentity("h264", "1", "42e0")
TRANSPORT = answer.TransportDescription(
    "ufrag", "p" * 32, [("127.0.0.1", 5000), ("::1", 5001)], [("sha-256", ":".join(["AB"] * 32))], "active"
)


def without(sdp: str, *starts: str) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if not line.startswith(starts))


class TestPublishersOffer:
    def test_one_codec_a_kind_is_chosen(self) -> None:
        audio, video = answer.for_publisher(offers.parse(PUBLISHER), ())
        assert [codec.name for codec in audio.codecs + video.codecs] == ["opus", "vp8"]
        assert (audio.direction, video.direction) == ("recvonly", "recvonly")
        assert video.section.ssrc is not None
        assert video.section.rtx_ssrc is not None

    def test_codec_of_the_subscribers_is_preferred(self) -> None:
        _, video = answer.for_publisher(offers.parse(PUBLISHER), [H264, OPUS])
        assert video.codecs[0].identity == H264

    def test_answer_is_parsed_by_another_implementation(self) -> None:
        offer = offers.parse(PUBLISHER)
        written = answer.write(offer, answer.for_publisher(offer, ()), TRANSPORT)
        parsed = SessionDescription.parse(written)
        audio, video = parsed.media
        assert [(m.kind, m.rtp.muxId, m.direction, m.rtcp_mux) for m in parsed.media] == [
            ("audio", "0", "recvonly", True),
            ("video", "1", "recvonly", True),
        ]
        assert [str(codec) for codec in audio.rtp.codecs] == ["opus/48000/2"]
        assert [str(codec) for codec in video.rtp.codecs] == ["VP8/90000", "rtx/90000"]
        assert video.ice.iceLite
        assert [(c.ip, c.port) for c in video.ice_candidates] == [("127.0.0.1", 5000), ("::1", 5001)]
        assert video.ice_candidates_complete
        assert {extension.uri for extension in video.rtp.headerExtensions} == {answer.TRANSPORT_SEQUENCE}
        assert {extension.uri for extension in audio.rtp.headerExtensions} == {
            answer.TRANSPORT_SEQUENCE,
            answer.AUDIO_LEVEL,
            answer.SEND_TIME,
        }
        feedback = {(entry.type, entry.parameter) for entry in video.rtp.codecs[0].rtcpFeedback}
        assert feedback == {
            ("nack", None),
            ("nack", "pli"),
            ("ccm", "fir"),
            ("goog-remb", None),
            ("transport-cc", None),
        }

    def test_an_offer_without_a_codec_of_ours_is_refused(self) -> None:
        only_av1 = without(
            PUBLISHER.replace("VP8/90000", "VP9/90000"), "a=rtpmap:102 ", "a=rtpmap:108 ", "a=rtpmap:116 "
        )
        with pytest.raises(MediaServerError, match="vp8 or h264 is needed"):
            answer.for_publisher(offers.parse(without(only_av1, "a=rtpmap:118 ")), ())

    def test_publisher_offer_without_a_sending_section_is_refused(self) -> None:
        with pytest.raises(MediaServerError, match="no section that sends"):
            answer.for_publisher(offers.parse(PUBLISHER.replace("a=sendonly", "a=recvonly")), ())


class TestSubscribersOffer:
    def test_subscriber_answer_contains_all_supported_codecs_and_the_current_one_first(self) -> None:
        for sent in (VP8, H264):
            choices = answer.for_subscriber(offers.parse(SUBSCRIBER), {"audio": OPUS, "video": sent})
            video = next(choice for choice in choices if choice.section.kind == "video")
            assert video.codecs[0].identity == sent
            assert {codec.name for codec in video.codecs} == {"vp8", "h264"}

    def test_data_channel_section_is_rejected_and_the_media_sections_are_accepted(self) -> None:
        offer = offers.parse(SUBSCRIBER)
        choices = answer.for_subscriber(offer, {"audio": OPUS, "video": VP8})
        for choice in choices:
            choice.source = answer.Source(5, 6, "name", "stream", f"track-{choice.section.kind}")
        written = answer.write(offer, choices, TRANSPORT)
        assert "m=application 0 " in written
        assert "a=group:BUNDLE 0 1\r\n" in written
        assert "a=ssrc-group:FID 5 6\r\n" in written
        assert "a=msid:stream track-video\r\n" in written

    def test_a_kind_that_the_stream_lacks_is_inactive(self) -> None:
        audio, video = answer.for_subscriber(offers.parse(SUBSCRIBER), {"video": VP8})
        assert (audio.direction, video.direction) == ("inactive", "sendonly")

    def test_subscriber_without_the_streams_codec_is_refused_with_its_name(self) -> None:
        with pytest.raises(MediaServerError, match="lacks the stream's video codec, VP8"):
            answer.for_subscriber(offers.parse(SUBSCRIBER.replace("VP8/90000", "VP9/90000")), {"video": VP8})

    def test_subscriber_offer_without_a_receiving_section_is_refused(self) -> None:
        with pytest.raises(MediaServerError, match="no section that receives video"):
            answer.for_subscriber(offers.parse(SUBSCRIBER.replace("a=recvonly", "a=inactive")), {"video": VP8})


@pytest.mark.parametrize(
    ("sdp", "complaint"),
    [
        ("", "does not start with v=0"),
        ("hello", "does not start with v=0"),
        ("v=0\r\ns=-\r\n", "no media section"),
        ("v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 40, "more than 32"),
        ("v=0\r\n" + "x" * 300_000, "longer than"),
        ("v=0\r\nm=audio nine\r\n", "malformed media line"),
        (without(PUBLISHER, "a=ice-ufrag"), "no valid a=ice-ufrag"),
        (without(PUBLISHER, "a=ice-pwd"), "no valid a=ice-pwd"),
        (without(PUBLISHER, "a=fingerprint"), "no a=fingerprint"),
        (PUBLISHER.replace("sha-256 ", "sha-256 ZZ:"), "malformed sha-256 fingerprint"),
        (without(PUBLISHER, "a=setup"), "a=setup:\\(none\\)"),
        (PUBLISHER.replace("setup:actpass", "setup:holdconn"), "a=setup:holdconn"),
        (without(PUBLISHER, "a=rtcp-mux"), "no a=rtcp-mux"),
        (without(PUBLISHER, "a=group"), "does not bundle"),
        (PUBLISHER.replace("BUNDLE 0 1", "BUNDLE 9 1"), "bundles the mid '9'"),
        (PUBLISHER.replace("a=mid:1", "a=mid:0"), "uses a mid twice"),
        (PUBLISHER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8"), "malformed line in its video section"),
        (PUBLISHER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:x VP8/90000"), "malformed line in its video section"),
        (PUBLISHER.replace("t=0 0", "t=0 0\r\na=ice-lite"), "ICE lite"),
    ],
)
def test_malformed_offer_is_refused_with_the_reason(sdp: str, complaint: str) -> None:
    with pytest.raises(MediaServerError, match=complaint):
        offers.parse(sdp)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([PUBLISHER, SUBSCRIBER]))
def test_randomly_altered_offer_is_answered_or_refused(seed: int, sdp: str) -> None:
    chance = random.Random(seed)
    lines = sdp.split("\r\n")
    for _ in range(chance.randrange(1, 12)):
        index = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines[index] = lines[chance.randrange(len(lines))]
            case 1:
                del lines[index]
            case 2:
                lines[index] = lines[index][: chance.randrange(len(lines[index]) + 1)]
            case 3:
                line = lines[index]
                at = chance.randrange(len(line) + 1)
                lines[index] = line[:at] + chr(chance.randrange(1, 0x500)) + line[at + 1 :]
            case _:
                lines.insert(index, f"m=video 9 X {chance.randrange(999)}")
    with contextlib.suppress(MediaServerError):
        offer = offers.parse("\r\n".join(lines))
        for choices in (
            lambda: answer.for_publisher(offer, ()),
            lambda: answer.for_subscriber(offer, {"audio": OPUS, "video": VP8}),
        ):
            with contextlib.suppress(MediaServerError):
                answer.write(offer, choices(), TRANSPORT)
