"""What an SDP offer of a hostile client may cost: work in proportion to its length, and an early end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pyvidu.server.limits import SdpLimits
from pyvidu.server.media import answer, codecs
from pyvidu.server.media import offer as offers
from pyvidu.server.media.errors import MediaServerError
from tests.server.work import calls

PUBLISHER = (Path(__file__).parent / "publisher_offer.sdp").read_text().replace("\n", "\r\n")
MEDIA_LINE = next(line for line in PUBLISHER.split("\r\n") if line.startswith("m=video"))
SENT = {"audio": codecs.CodecIdentity("opus"), "video": codecs.CodecIdentity("vp8")}
TRANSPORT = answer.TransportDescription(
    "ufrag", "p" * 32, [("127.0.0.1", 5000)], [("sha-256", ":".join(["AB"] * 32))], "active"
)
EVERYTHING = SdpLimits(*[10**9] * 8)  # without limits the work still has to be linear


def with_formats(count: int) -> str:
    return PUBLISHER.replace(MEDIA_LINE, MEDIA_LINE + " 96" * count)


def with_lines(line: str) -> Callable[[int], str]:
    return lambda count: PUBLISHER.replace("a=rtpmap:96 ", f"{line}\r\n" * count + "a=rtpmap:96 ")


def quadratic(count: int) -> str:
    """The attack: each of the repeated formats has its long fmtp parsed again."""
    return with_formats(count).replace("a=rtpmap:96 ", f"a=fmtp:96 {'a=1;' * count}\r\na=rtpmap:96 ")


SHAPES: dict[str, Callable[[int], str]] = {
    "repeated formats and a long fmtp": quadratic,
    "repeated formats": with_formats,
    "one long fmtp": lambda count: PUBLISHER.replace("a=rtpmap:96 ", f"a=fmtp:96 {'a=1;' * count}\r\na=rtpmap:96 "),
    "many fmtp": with_lines("a=fmtp:96 a=1;b=2"),
    "feedback for all": with_lines("a=rtcp-fb:* nack"),
    "sources": with_lines("a=ssrc:1 cname:x"),
    "source groups": with_lines("a=ssrc-group:FID 1 2"),
    "extensions": with_lines("a=extmap:3 urn:x"),
    "candidates": with_lines("a=candidate:1 1 udp 1 192.0.2.1 1 typ host"),
    "media sections": lambda count: PUBLISHER + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n" * count,
    "bundled mids": lambda count: PUBLISHER.replace("BUNDLE 0 1", "BUNDLE 0 1" + " 1" * count),
    "digits": lambda count: PUBLISHER.replace("a=rtpmap:96 ", f"a=rtpmap:{'9' * count} "),
    "nothing": with_lines("x"),
}


def answered(sdp: str, limits: SdpLimits) -> Callable[[], None]:
    def work() -> None:
        offer = offers.parse(sdp, limits)
        for choices in (lambda: answer.for_publisher(offer, ()), lambda: answer.for_subscriber(offer, SENT)):
            with contextlib.suppress(MediaServerError):
                answer.write(offer, choices(), TRANSPORT)

    return work


@pytest.mark.parametrize("shape", SHAPES)
def test_an_offer_of_twice_the_length_takes_about_twice_the_work(shape: str) -> None:
    once, twice = (calls(answered(SHAPES[shape](count), EVERYTHING)) for count in (1000, 2000))
    assert twice <= 2.2 * once


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_offer_takes_no_more_work_than_twenty_of_a_browser(shape: str) -> None:
    usual = calls(answered(PUBLISHER, SdpLimits()))
    count = next(count for count in range(20_000, 0, -50) if len(SHAPES[shape](count)) <= SdpLimits().sdp_size)
    assert calls(answered(SHAPES[shape](count), SdpLimits())) <= 20 * usual


@pytest.mark.parametrize(
    ("sdp", "complaint"),
    [
        (with_formats(3600), "more than 128 formats"),
        (SHAPES["one long fmtp"](300), "a=fmtp:96 has more than 1024 characters"),
        (SHAPES["nothing"](4000), "more than 3000 lines"),
        ("v=0\r\n" + "x" * 52_000, "longer than 51200 characters"),
        (SHAPES["candidates"](300), "more than 256 candidates"),
        (SHAPES["media sections"](31), "more than 32 media sections"),
        (SHAPES["bundled mids"](31), "bundles more than 32 mids"),
        ("".join(f"a=rtcp-fb:* x{number}\r\n" for number in range(33)), "more than 32 a=rtcp-fb"),
        ("".join(f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n" * 9), "more than 8 fingerprints"),
    ],
)
def test_offer_beyond_a_limit_is_refused_with_the_limit(sdp: str, complaint: str) -> None:
    if not sdp.startswith("v=0"):
        at = PUBLISHER.index("a=rtpmap:96 ") if "rtcp-fb" in sdp else PUBLISHER.index("a=setup")
        sdp = PUBLISHER[:at] + sdp + PUBLISHER[at:]
    with pytest.raises(MediaServerError, match=complaint):
        offers.parse(sdp)


def test_each_payload_type_is_answered_once_however_often_it_is_offered() -> None:
    offer = offers.parse(with_formats(20))
    [*_, video] = answer.for_publisher(offer, ())
    assert [codec.payload_type for codec in video.section.codecs].count(96) == 1
