"""What is received, offered by the server: offers that aiortc answers, and answers that cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pyvidu.server.limits import MediaLimits
from pyvidu.server.media import offer as offers
from pyvidu.server.media.codecs import CodecIdentity
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.proposal import parse_answer, propose
from pyvidu.server.media.router import MediaRouter
from tests.server.media.media_client import Client
from tests.server.media.test_router import published
from tests.waiting import until

Make = Callable[[], Client]
FINGERPRINT = ("sha-256", ":".join(["AB"] * 32))
VP8, OPUS = CodecIdentity("vp8"), CodecIdentity("opus")
HIGH = CodecIdentity("h264", "1", "640c")


def offered(**sent: CodecIdentity) -> str:
    return propose(sent, "s").write([("127.0.0.1", 4000)], [FINGERPRINT])


def test_offer_has_every_codec_that_could_be_forwarded_that_of_the_stream_first() -> None:
    for current, first in ((VP8, "96"), (HIGH, "102")):
        parsed = offers.parse(offered(audio=OPUS, video=current).replace("a=ice-lite\r\n", ""))
        video = parsed.media("video")
        assert video is not None
        assert video.formats[0] == first
        assert {codec.name for codec in video.codecs} == {"vp8", "h264"}
        assert current in {codec.identity for codec in video.codecs}
        assert (parsed.setup, video.direction, video.rtcp_mux) == ("actpass", "sendonly", True)
        assert video.ssrc is not None
    assert offers.parse(offered(audio=OPUS).replace("a=ice-lite\r\n", "")).media("video") is None


async def test_stream_that_the_server_offers_arrives_and_another_offer_replaces_the_connection(
    router: MediaRouter, client: Make
) -> None:
    await published(router, client)
    first = client()
    await router.accept("bob", "s", await first.answer(await router.offer("bob", "s")))
    assert len(await first.frames(10)) == 10
    assert await first.frames(3, "audio")
    second = client()
    await router.accept("bob", "s", await second.answer(await router.offer("bob", "s")))
    await second.frames(5)
    await asyncio.wait_for(first.closed.wait(), 5)
    await until(lambda: router.statistics().peer_connections == 2)
    again = client().sends()
    await again.accept(await router.republish("s", await again.offer()))
    await second.frames(10)
    await router.unsubscribe("bob", "s")
    assert router.statistics().peer_connections <= 2


async def test_only_what_is_answered_is_sent(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    subscriber = client()
    answer = await subscriber.answer(await router.offer("bob", "s"), without="video")
    await router.accept("bob", "s", answer)
    assert await subscriber.frames(5, "audio")
    await asyncio.sleep(0.2)  # the time of some frames
    assert set(router.statistics().streams["s"].subscribers) == {"bob"}


async def test_answers_that_cannot_be_used_are_refused_with_the_reason(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    with pytest.raises(MediaServerError, match="no stream x"):
        await router.offer("bob", "x")
    with pytest.raises(MediaServerError, match="no offer of the stream s waits"):
        await router.accept("bob", "s", "v=0")
    for answer, reason in (
        ("nonsense", "sdpAnswer is not a session description"),
        (offered(audio=OPUS, video=VP8).replace("a=ice-lite\r\n", ""), "sdpAnswer receives nothing"),
    ):
        await router.offer("bob", "s")
        with pytest.raises(MediaServerError, match=reason):
            await router.accept("bob", "s", answer)
    assert router.statistics().peer_connections == 1


async def test_connections_that_are_not_established_are_limited_as_for_offers_of_clients(client: Make) -> None:
    router = MediaRouter(host_addresses=["127.0.0.1"], limits=MediaLimits(pending=1))
    for stream in ("s", "t"):
        await published(router, client, stream, owner=f"owner of {stream}")
    answers = {stream: answer_to(await router.offer("bob", stream)) for stream in ("s", "t")}
    await router.accept("bob", "s", answers["s"])
    with pytest.raises(MediaServerError, match="1 connections of bob are not established yet"):
        await router.accept("bob", "t", answers["t"])
    await router.close()


async def test_offer_that_waits_is_forgotten_with_its_stream_its_subscriber_and_a_later_one(
    router: MediaRouter, client: Make
) -> None:
    await published(router, client)
    subscriber = client()
    early = await subscriber.answer(await router.offer("bob", "s"))
    await router.unsubscribe("bob", "s")
    with pytest.raises(MediaServerError, match="waits"):
        await router.accept("bob", "s", early)
    await router.offer("bob", "s")
    await router.leave("bob")
    with pytest.raises(MediaServerError, match="waits"):
        await router.accept("bob", "s", early)
    await router.offer("bob", "s")
    await router.unpublish("s")
    with pytest.raises(MediaServerError, match="no stream s"):
        await router.accept("bob", "s", early)


def answer_to(offer: str, **changes: str) -> str:
    """Return an offer turned into an answer of a browser, with some texts changed."""
    answer = offer.replace("a=ice-lite\r\n", "").replace("a=sendonly", "a=recvonly").replace("actpass", "active")
    for old, new in changes.items():
        answer = answer.replace(old.replace("_", " "), new)
    return answer


def test_answer_chooses_among_the_codecs_and_extensions_of_the_offer() -> None:
    proposal = propose({"video": VP8}, "s")
    offer = proposal.write([("127.0.0.1", 4000)], [FINGERPRINT])
    sent = {"video": VP8}
    (whole,) = proposal.accepted(parse_answer(answer_to(offer)), sent)
    assert [codec.payload_type for codec in whole.codecs] == [96, 102]
    assert whole.codecs[0].rtx == 97
    assert whole.extensions == {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": 2}
    assert whole.source is proposal.choices[0].source
    lines = answer_to(offer).replace(" 96 97 102 103\r\n", " 96\r\n").split("\r\n")
    without = "\r\n".join(line for line in lines if "rtx" not in line and "extmap" not in line and ":102" not in line)
    (reduced,) = proposal.accepted(parse_answer(without), sent)
    assert [(codec.payload_type, codec.rtx) for codec in reduced.codecs] == [(96, None)]
    assert reduced.extensions == {}
    only_h264 = "\r\n".join(line for line in lines if ":96" not in line).replace(" 96\r\n", " 102\r\n")
    with pytest.raises(MediaServerError, match="lacks the stream's video codec, VP8"):
        proposal.accepted(parse_answer(only_h264), sent)
    other = answer_to(offer).replace("rtpmap:96 VP8", "rtpmap:96 VP9").replace("rtpmap:102 H264", "rtpmap:102 AV1")
    with pytest.raises(MediaServerError, match="receives nothing"):
        proposal.accepted(parse_answer(other), sent)


def test_mutilated_answer_is_accepted_or_refused_and_breaks_nothing() -> None:
    proposal = propose({"audio": OPUS, "video": HIGH}, "s")
    whole = answer_to(proposal.write([("127.0.0.1", 4000)], [FINGERPRINT])).split("\r\n")
    outcomes = {True: 0, False: 0}
    for number, line in enumerate(whole):
        for instead in ([], [line[: len(line) // 2]], [line, line], [line.replace("1", "x")], [line[::-1]]):
            answer = "\r\n".join([*whole[:number], *instead, *whole[number + 1 :]])
            try:
                choices = proposal.accepted(parse_answer(answer), {"audio": OPUS, "video": HIGH})
            except MediaServerError:
                outcomes[False] += 1
            else:
                assert all(choice.source is not None and choice.codecs for choice in choices)
                outcomes[True] += 1
    assert min(outcomes.values()) > 20
