"""The router between real Chromium pages: media, renegotiation, outages, and connections that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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


class Call:
    """One publisher (ada) and one subscriber (bob)."""

    def __init__(self, rig: Rig, publisher: Page, subscriber: Page) -> None:
        self.rig, self.publisher, self.subscriber = rig, publisher, subscriber

    @property
    def router(self) -> MediaRouter:
        return self.rig.router

    @property
    def stream(self) -> StreamStatistics:
        return self.router.statistics().streams["s"]

    async def publish(self, codec: str = "", **more: Any) -> float:
        return float(
            await self.publisher.evaluate(
                "([body, codec]) => publish('/publish', body, codec)", [{"owner": "ada", "stream": "s", **more}, codec]
            )
        )

    async def republish(self, codec: str = "", **more: Any) -> float:
        return float(
            await self.publisher.evaluate(
                "([body, codec]) => publish('/republish', body, codec)", [{"stream": "s", **more}, codec]
            )
        )

    async def subscribe(self) -> dict[str, float]:
        took: dict[str, float] = await self.subscriber.evaluate("subscribe({subscriber: 'bob', stream: 's'})")
        return took

    async def frames(self, count: int, patience: int = 5000) -> float:
        """Return the milliseconds until so many more frames were presented."""
        return float(await self.subscriber.evaluate(f"framesFromNow({count}, {patience})"))

    async def stats(self, page: Page | None = None) -> dict[str, Any]:
        found: dict[str, Any] = await (page or self.subscriber).evaluate("stats()")
        return found


@pytest_asyncio.fixture(loop_scope="module")
async def call(running: Rig) -> AsyncIterator[Call]:
    call = Call(running, await running.page(), await running.page())
    yield call
    await running.router.leave("ada")
    await running.router.leave("bob")
    await running.close_pages()
    await until(lambda: running.router.statistics().peer_connections == 0)


async def test_subscriber_receives_video_and_audio(call: Call, record_property: Any) -> None:
    record_property("publisher connected, ms", await call.publish())
    took = await call.subscribe()
    record_property("subscriber, ms", took)
    assert took["firstFrame"] < 1000
    before = await call.stats()
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


@pytest.mark.parametrize(("participants", "seconds"), [(["ada"], 4), (["bob"], 4), (["ada", "bob"], 11)])
async def test_same_connections_carry_media_again_after_an_outage(
    call: Call, record_property: Any, participants: list[str], seconds: int
) -> None:
    await call.publish()
    await call.subscribe()
    await call.frames(20)
    for participant in participants:
        call.rig.traffic.drop(participant, True)
    await asyncio.sleep(seconds)  # the length of the outage
    frozen_at = await call.subscriber.evaluate("state.frames")
    for participant in participants:
        call.rig.traffic.drop(participant, False)
    back = await call.frames(1)
    record_property("return to first new frame, ms", back)
    assert back < 2000
    await call.frames(30)
    assert await call.subscriber.evaluate("state.frames") > frozen_at + 30
    for page in (call.publisher, call.subscriber):
        assert await page.evaluate("iceState(['connected', 'completed'], 3000)") is not None
        assert (await call.stats(page))["connection"] == "connected"
    assert call.router.statistics().peer_connections == 2


async def test_a_severed_publisher_stays_disconnected_until_it_republishes(call: Call, record_property: Any) -> None:
    await call.publish()
    await call.subscribe()
    await call.frames(20)
    call.rig.traffic.sever("ada")
    await call.publisher.evaluate("iceState(['disconnected', 'failed'], 15000)")
    await asyncio.sleep(2)  # it must not connect by itself
    assert (await call.stats(call.publisher))["ice"] in ("disconnected", "failed")
    assert (await call.stats())["ice"] == "connected"
    frames = asyncio.create_task(call.frames(3))
    record_property("publisher connected, ms", await call.republish())
    record_property("third new frame, ms", await frames)
    await until(lambda: call.router.statistics().peer_connections == 2)


async def test_a_severed_subscriber_stays_disconnected_until_it_subscribes(call: Call) -> None:
    await call.publish()
    await call.subscribe()
    await call.frames(20)
    call.rig.traffic.sever("bob")
    await call.subscriber.evaluate("iceState(['disconnected', 'failed'], 15000)")
    await asyncio.sleep(2)  # it must not connect by itself
    assert (await call.stats())["ice"] in ("disconnected", "failed")
    took = await call.subscribe()
    assert took["firstFrame"] < 1000
    await call.frames(20)


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
