"""The router between real Chromium pages: media, renegotiation, outages, and connections that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from pyvidu.server.media import key_frames
from pyvidu.server.media.ice_lite import IceSession
from pyvidu.server.media.router import MediaRouter
from pyvidu.server.media.statistics import StreamStatistics
from pyvidu.server.media.udp_port import UdpPort
from tests.server.media import media_rig
from tests.server.media.media_rig import Rig
from tests.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(media_rig.chromium() is None, reason="needs a Chromium: apt-get install chromium"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running() -> AsyncIterator[Rig]:
    async with media_rig.rig() as rig:
        yield rig


SMALL = {"video": {"width": 320, "height": 240, "frameRate": 15}}  # so that several calls at a time are not too much


class Call:
    """One publisher and one subscriber of a stream."""

    def __init__(
        self, rig: Rig, publisher: Page, subscriber: Page, names: tuple[str, str] = ("ada", "bob"), stream: str = "s"
    ) -> None:
        self.rig, self.publisher, self.subscriber = rig, publisher, subscriber
        self.names, self.name_of_stream = names, stream

    @classmethod
    async def begin(cls, rig: Rig, number: int) -> Call:
        """Open the pages of a call beside others, and begin it with small pictures."""
        names = (f"ada-{number}", f"bob-{number}")
        call = cls(rig, *await asyncio.gather(rig.page(), rig.page()), names, f"s-{number}")
        await call.publish(**SMALL)
        await call.subscribe()
        await call.frames(20, 10_000)
        return call

    @property
    def router(self) -> MediaRouter:
        return self.rig.router

    @property
    def stream(self) -> StreamStatistics:
        return self.router.statistics().streams[self.name_of_stream]

    async def publish(self, codec: str = "", **more: Any) -> float:
        body = {"owner": self.names[0], "stream": self.name_of_stream, **more}
        return float(
            await self.publisher.evaluate("([body, codec]) => publish('/publish', body, codec)", [body, codec])
        )

    async def republish(self, codec: str = "", **more: Any) -> float:
        body = {"stream": self.name_of_stream, **more}
        return float(
            await self.publisher.evaluate("([body, codec]) => publish('/republish', body, codec)", [body, codec])
        )

    async def subscribe(self) -> dict[str, float]:
        body = {"subscriber": self.names[1], "stream": self.name_of_stream}
        took: dict[str, float] = await self.subscriber.evaluate("(body) => subscribe(body)", body)
        return took

    async def frames(self, count: int, patience: int = 5000) -> float:
        """Return the milliseconds until so many more frames were presented."""
        return float(await self.subscriber.evaluate(f"framesFromNow({count}, {patience})"))

    async def stats(self, page: Page | None = None) -> dict[str, Any]:
        found: dict[str, Any] = await (page or self.subscriber).evaluate("stats()")
        return found

    async def leave(self) -> None:
        for name in self.names:
            await self.router.leave(name)


@pytest_asyncio.fixture(loop_scope="module")
async def call(running: Rig) -> AsyncIterator[Call]:
    call = Call(running, await running.page(), await running.page())
    yield call
    await call.leave()
    await all_is_over(running)


async def all_is_over(running: Rig) -> None:
    await running.close_pages()
    await until(lambda: running.router.statistics().peer_connections == 0)


@asynccontextmanager
async def calls_of(running: Rig, count: int) -> AsyncIterator[list[Call]]:
    """Yield so many calls at a time."""
    calls = await asyncio.gather(*(Call.begin(running, number) for number in range(count)))
    try:
        yield calls
    finally:
        for call in calls:
            await call.leave()
        await all_is_over(running)


async def test_subscriber_receives_video_and_audio(call: Call, record_property: Any) -> None:
    record_property("publisher connected, ms", await call.publish())
    took = await call.subscribe()
    record_property("subscriber, ms", took)
    assert took["firstFrame"] < 1000

    async def received() -> dict[str, Any] | None:
        """Return the statistics once both kinds have arrived: the first picture may be there before any sound."""
        stats = await call.stats()
        return stats if {"in_audio", "in_video"} <= stats.keys() else None

    before = await until(received)
    await call.frames(30)
    after = await call.stats()
    assert after["in_video"]["framesDecoded"] >= before["in_video"]["framesDecoded"] + 28
    assert after["in_audio"]["packetsReceived"] > before["in_audio"]["packetsReceived"] + 40
    assert after["in_video"]["packetsLost"] == after["in_audio"]["packetsLost"] == 0
    assert after["in_video"]["keyFramesDecoded"] >= 1
    # The RTCP reports alone show each end that what it sends arrives.
    publisher = await call.stats(call.publisher)
    assert publisher["remote_in_video"]["roundTripTimeMeasurements"] >= 1
    assert after["remote_out_video"]["reportsSent"] >= 1


async def test_bandwidth_estimate_of_the_publisher_rises_with_transport_feedback(call: Call) -> None:
    await call.publish()

    async def risen() -> bool:
        return bool((await call.stats(call.publisher))["out_video"].get("targetBitrate", 0) >= 500_000)

    await until(risen, 20, "a rise", every=0.2)


async def test_audio_and_video_stay_in_sync_over_a_republish(call: Call) -> None:
    await call.publish()
    await call.subscribe()
    for renegotiate in (False, True):
        if renegotiate:
            await call.republish()
        async with asyncio.timeout(15):  # on a busy machine the browser's own playout takes a while to settle
            while True:
                await call.frames(20, 10_000)
                stats = await call.stats()
                # Both estimates are on the publisher's clock as our sender reports give it.
                video, audio = (stats[f"in_{kind}"].get("estimatedPlayoutTimestamp") for kind in ("video", "audio"))
                if video is not None and audio is not None and abs(video - audio) < 150:
                    break


async def test_republish_keeps_the_subscriber_connection_and_shows_frames_within_1_s(
    call: Call, record_property: Any
) -> None:
    await call.publish()
    await call.subscribe()
    await call.frames(20)
    await call.subscriber.evaluate("state.before = state.pc; state.gaps.splice(0)")
    record_property("publisher connected, ms", await call.republish())
    await call.frames(20)
    gap = await call.subscriber.evaluate("Math.max(...state.gaps)")
    record_property("longest gap between frames, ms", gap)
    assert gap < 1000
    assert await call.subscriber.evaluate("state.pc === state.before && state.pc.connectionState") == "connected"
    stats = await call.stats()
    assert stats["in_video"]["packetsLost"] == 0
    assert stats["in_audio"]["packetsLost"] == 0
    await until(lambda: call.router.statistics().peer_connections == 2)


async def test_a_republish_may_change_the_codec(call: Call) -> None:
    await call.publish("h264", only=True)
    if call.stream.tracks["video"].codec != "h264":
        pytest.skip("this Chromium sends no H.264")
    await call.subscribe()
    await call.frames(10)
    await call.republish("vp8", only=True)
    await until(lambda: call.stream.tracks["video"].codec == "vp8")
    await call.frames(20)
    stats = await call.stats()
    assert stats["codecs"][stats["in_video"]["codecId"]] == "video/VP8"


async def test_republish_keeps_the_codec_of_the_subscribers_if_the_offer_contains_it(call: Call) -> None:
    await call.publish("h264", only=True)
    await call.subscribe()
    await call.frames(10)
    await call.republish("vp8")  # prefers VP8, offers both
    assert call.stream.tracks["video"].codec == "h264"
    await call.frames(20)


async def test_same_connections_carry_media_again_after_an_outage_of_either_or_both(
    running: Rig, record_property: Any
) -> None:
    async def outage(call: Call, participants: tuple[str, ...], seconds: int) -> None:
        before = call.stream
        for participant in participants:
            running.traffic.drop(participant, True)
        await asyncio.sleep(seconds)  # the length of the outage
        frozen_at = await call.subscriber.evaluate("state.frames")
        for participant in participants:
            running.traffic.drop(participant, False)
        back = await call.frames(1)
        record_property(f"return of {' and '.join(participants)} to first new frame, ms", back)
        assert back < 2000
        await call.frames(30)
        assert await call.subscriber.evaluate("state.frames") > frozen_at + 30
        # A key frame is requested, which need not wait for packets that were lost in the outage.
        assert call.stream.nacks_sent == before.nacks_sent
        assert call.stream.key_frames_requested > before.key_frames_requested
        for page in (call.publisher, call.subscriber):
            assert await page.evaluate("iceState(['connected', 'completed'], 3000)") is not None
            assert (await call.stats(page))["connection"] == "connected"

    async with calls_of(running, 3) as (first, second, third):
        await asyncio.gather(
            outage(first, first.names[:1], 4), outage(second, second.names[1:], 4), outage(third, third.names, 11)
        )
        assert running.router.statistics().peer_connections == 6


async def test_severed_ends_stay_disconnected_until_they_negotiate_anew(running: Rig, record_property: Any) -> None:
    async def stays_disconnected(page: Page, severed: str) -> None:
        running.traffic.sever(severed)
        await page.evaluate("iceState(['disconnected', 'failed'], 15000)")
        await asyncio.sleep(2)  # it must not connect by itself

    async with calls_of(running, 2) as (without_publisher, without_subscriber):
        await asyncio.gather(
            stays_disconnected(without_publisher.publisher, without_publisher.names[0]),
            stays_disconnected(without_subscriber.subscriber, without_subscriber.names[1]),
        )
        assert (await without_publisher.stats(without_publisher.publisher))["ice"] in ("disconnected", "failed")
        assert (await without_publisher.stats())["ice"] == "connected"
        assert (await without_subscriber.stats())["ice"] in ("disconnected", "failed")
        frames = asyncio.create_task(without_publisher.frames(3))
        record_property("publisher connected, ms", await without_publisher.republish())
        record_property("third new frame, ms", await frames)
        took = await without_subscriber.subscribe()
        assert took["firstFrame"] < 1000
        await without_subscriber.frames(20)
        await until(lambda: running.router.statistics().peer_connections == 4)


async def test_lost_packets_are_retransmitted_from_publisher_and_to_subscriber(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call.publish()
    await call.subscribe()
    await call.frames(20)
    counts = {"in": 0, "out": 0}
    receive, send = UdpPort.datagram_received, IceSession.send

    def lossy_receive(port: UdpPort, data: bytes, addr: Any) -> None:
        counts["in"] += 1
        if counts["in"] % 20:
            receive(port, data, addr)

    def lossy_send(session: IceSession, data: bytes) -> None:
        counts["out"] += 1
        if counts["out"] % 20:
            send(session, data)

    monkeypatch.setattr(UdpPort, "datagram_received", lossy_receive)
    monkeypatch.setattr(IceSession, "send", lossy_send)
    await call.frames(100, 12_000)
    stream = call.stream
    assert stream.nacks_sent > 0
    assert stream.tracks["video"].packets_recovered > 0
    assert stream.subscribers["bob"].packets_retransmitted > 0
    assert (await call.stats())["in_video"]["framesPerSecond"] >= 10


async def test_without_self_recovery_key_frames_are_requested_only_for_subscribers_requests() -> None:
    async with media_rig.rig(recovers_by_itself=False) as rig:
        call = Call(rig, await rig.page(), await rig.page())
        await call.publish()
        await call.subscribe()
        await call.frames(20)
        before = call.stream
        call.rig.traffic.drop("ada", True)
        await asyncio.sleep(2)  # the length of the drop
        call.rig.traffic.drop("ada", False)
        await call.frames(20, 10_000)
        after = call.stream
        wanted = after.subscribers["bob"].key_frames_wanted - before.subscribers["bob"].key_frames_wanted
        assert after.key_frames_requested - before.key_frames_requested <= wanted * (1 + key_frames.REPEATS)
