"""A forwarder's duties to its subscribers, packet by packet, with real sockets and encryption: no browser or decoder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from benchmarks.light.peers import VP8, LightPublisher, LightSubscriber
from benchmarks.light.recording import Recording, record
from pyvidu.server.media import codecs, key_frames, rtcp, rtp
from pyvidu.server.media.congestion import Downlink
from pyvidu.server.media.dtls_srtp import Certificate
from pyvidu.server.media.router import MediaRouter
from pyvidu.server.media.subscriber import NTP_EPOCH
from pyvidu.server.media.video_pauses import PausedVideo
from tests.stopwatch import stopwatch
from tests.waiting import until

H264_SPS, H264_IDR, H264_DELTA = b"\x67\x42\xe0\x1f\x8c", b"\x65\x88\x80", b"\x41\x9a\x02"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(width=160, height=120, seconds=4, bit_rate=100_000)


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


class RtpMonitor(LightSubscriber):
    """A subscriber that keeps the packets it received, and sends the RTCP that a test gives it."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate)
        self.packets: list[rtp.RtpPacket] = []

    def _rtp(self, data: bytes, now: float) -> None:
        self.packets.append(rtp.parse(data))
        super()._rtp(data, now)

    @property
    def video(self) -> list[rtp.RtpPacket]:
        return [packet for packet in self.packets if packet.payload_type == VP8]

    def ask(self, *packets: bytes) -> None:
        self.connection.send_rtcp(b"".join(packets))


class H264Publisher(LightPublisher):
    """Sends packets that a forwarder takes for H.264."""

    async def offer(self) -> str:
        return as_h264(await super().offer())

    def _send_video(self, timestamp: int) -> None:
        parts = [H264_SPS, H264_IDR] if self._frame == 0 else [H264_DELTA]
        for index, part in enumerate(parts):
            self._emit("video", VP8, part, timestamp, index == len(parts) - 1)
        self._frame += 1


class H264Ear(RtpMonitor):
    """A subscriber that offers only H.264."""

    async def offer(self) -> str:
        return as_h264(await super().offer())


def as_h264(offer: str) -> str:
    """Return an offer of VP8 changed into one of H.264 under the same payload type."""
    parameters = f"a=fmtp:{VP8} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    return offer.replace("VP8/90000", f"H264/90000\r\n{parameters}")


class LightCall:
    """A router with Ada's stream, and its subscribers."""

    def __init__(self, recording: Recording, certificate: Certificate) -> None:
        self.router = MediaRouter(host_addresses=["127.0.0.1"])
        self.ada: LightPublisher = LightPublisher(certificate, recording)
        self._certificate, self._recording = certificate, recording
        self._ears: list[LightSubscriber] = []

    async def publish(self, kind: type[LightPublisher] = LightPublisher) -> None:
        self.ada = kind(self._certificate, self._recording)
        await self.ada.accept(await self.router.publish("ada", "s", await self.ada.offer()))

    async def subscribe(self, name: str, kind: type[RtpMonitor] = RtpMonitor) -> RtpMonitor:
        ear = kind(self._certificate)
        self._ears.append(ear)
        await ear.accept(await self.router.subscribe(name, "s", await ear.offer()))
        return ear

    async def close(self) -> None:
        for peer in (self.ada, *self._ears):
            await peer.close()
        await self.router.close()


@pytest_asyncio.fixture
async def call(recording: Recording, certificate: Certificate) -> AsyncIterator[LightCall]:
    call = LightCall(recording, certificate)
    yield call
    await call.close()


async def test_each_subscription_begins_with_a_key_frame(call: LightCall) -> None:
    await call.publish()
    first = await call.subscribe("bob")
    await until(lambda: first.received.frames > 6)
    asked = call.ada.key_frames_asked
    again = await call.subscribe("bob")
    await until(lambda: again.received.frames > 2)
    assert first.received.begins_with_key_frame
    assert again.received.begins_with_key_frame
    assert call.ada.key_frames_asked == asked + 1
    assert first.received.audio_packets > 0


async def test_simultaneous_key_frame_requests_of_subscribers_are_coalesced(call: LightCall) -> None:
    await call.publish()
    rtp_monitors = [await call.subscribe(f"ear{number}") for number in range(4)]
    await until(lambda: all(ear.received.frames > 2 for ear in rtp_monitors))
    await asyncio.sleep(2 * key_frames.INTERVAL)  # the requests of the start are answered
    before = call.ada.key_frames_asked
    for ear in rtp_monitors:
        source = ear.video[0].ssrc
        full_intra_request = (
            b"\x84\xce\x00\x04" + (1).to_bytes(4, "big") + bytes(4) + source.to_bytes(4, "big") + bytes(4)
        )
        ear.ask(rtcp.picture_loss(1, source), full_intra_request)
        ear.ask(rtcp.picture_loss(1, source))
    wanted = call.router.statistics().streams["s"].subscribers
    await until(lambda: call.ada.key_frames_asked > before)
    await asyncio.sleep(2 * key_frames.INTERVAL)  # one that was held back is sent by then, and no other may be
    assert call.ada.key_frames_asked <= before + 2, "at once, and once more for those who asked meanwhile"
    now = call.router.statistics().streams["s"].subscribers
    assert [now[name].key_frames_wanted - wanted[name].key_frames_wanted for name in now] == [3] * 4


async def test_nack_of_a_subscriber_is_answered_from_the_cache_without_a_nack_to_the_publisher(call: LightCall) -> None:
    await call.publish()
    bob = await call.subscribe("bob")
    await until(lambda: len(bob.video) > 10)
    lost = bob.video[-4:]
    bob.ask(rtcp.nack(1, lost[0].ssrc, [packet.sequence for packet in lost]))
    await until(lambda: sum(packet.payload_type == VP8 + 1 for packet in bob.packets) == 4)
    repaired = [rtp.rtx_original(packet) for packet in bob.packets if packet.payload_type == VP8 + 1]
    assert repaired == [(packet.sequence, packet.body) for packet in lost]
    assert call.router.statistics().streams["s"].nacks_sent == 0


async def test_h264_is_forwarded_from_its_parameter_sets_on(call: LightCall) -> None:
    await call.publish(H264Publisher)
    first = await call.subscribe("bob", H264Ear)
    await until(lambda: len(first.video) > 6)
    again = await call.subscribe("bob", H264Ear)
    await until(lambda: len(again.video) > 3)
    for ear in (first, again):
        assert [packet.body for packet in ear.video[:3]] == [H264_SPS, H264_IDR, H264_DELTA]
    assert call.router.statistics().streams["s"].tracks["video"].codec == codecs.H264


async def test_media_flows_again_at_once_after_a_handover_of_either_end(call: LightCall) -> None:
    await call.publish()
    bob, cy = await call.subscribe("bob"), await call.subscribe("cy")
    await until(lambda: bob.received.frames > 6 and cy.received.frames > 6)
    for _ in range(5):
        for moving in (bob, call.ada):
            before = len(bob.packets), len(cy.packets)
            async with stopwatch() as watch:
                await moving.connection.move()
                await until(
                    lambda before=before: len(bob.packets) > before[0] + 3 and len(cy.packets) > before[1] + 3,  # type: ignore[misc]
                    every=0.002,
                )
                assert watch.seconds < 0.5


async def test_subscriber_that_loses_a_quarter_gets_what_it_asks_for_twice(call: LightCall) -> None:
    await call.publish()
    bob = await call.subscribe("bob")
    await until(lambda: len(bob.video) > 10)
    lost = bob.video[-4:]
    source, first = lost[0].ssrc, bob.video[0].sequence
    for reports in range(5):
        bob.ask(rtcp.receiver_report(1, [rtcp.ReportBlock(source, 64, 25 * reports, first + 100 * reports, 0, 0, 0)]))
    bob.ask(rtcp.nack(1, source, [packet.sequence for packet in lost]))
    await until(lambda: sum(packet.payload_type == VP8 + 1 for packet in bob.packets) == 8)
    repaired = [rtp.rtx_original(packet) for packet in bob.packets if packet.payload_type == VP8 + 1]
    assert repaired == 2 * [(packet.sequence, packet.body) for packet in lost]


async def test_reports_about_a_few_packets_each_are_no_losses_of_a_second(
    call: LightCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    monkeypatch.setattr(Downlink, "lost", lambda _downlink, fraction, *_: told.append(fraction))
    await call.publish()
    bob = await call.subscribe("bob")
    await until(lambda: len(bob.video) > 10)
    source, first = bob.video[0].ssrc, bob.video[0].sequence
    for reports in range(20):  # as with one NACK after another
        bob.ask(rtcp.receiver_report(1, [rtcp.ReportBlock(source, 128, 2 * reports, first + 4 * reports, 0, 0, 0)]))
    bob.ask(rtcp.nack(1, source, [bob.video[-1].sequence]))
    await until(lambda: any(packet.payload_type == VP8 + 1 for packet in bob.packets))
    assert told == []


async def test_video_that_a_path_does_not_carry_is_paused_and_goes_on_with_a_key_frame(call: LightCall) -> None:
    await call.publish()
    bob = await call.subscribe("bob")
    await until(lambda: bob.received.frames > 6)
    video, first = bob.video[0].ssrc, bob.video[0].sequence
    expected = 0

    async def until_paused(loss: float, paused: frozenset[PausedVideo]) -> None:
        """Report this loss of the video, and that all padding arrives, until these videos are paused."""
        nonlocal expected
        async with asyncio.timeout(8):
            while call.router.pause_videos() != paused:
                expected += 10
                last = int((time.time() + NTP_EPOCH + 1) * 65536) & 0xFFFFFFFF  # of a report that is still to come
                lost = round(loss * expected)
                blocks = [rtcp.ReportBlock(video, round(256 * loss), lost, first + expected, 0, last, 0)]
                if padding := [packet for packet in bob.packets if packet.payload_type == VP8 + 1]:
                    blocks.append(rtcp.ReportBlock(padding[-1].ssrc, 0, 0, padding[-1].sequence, 0, last, 0))
                bob.ask(rtcp.receiver_report(1, blocks))
                await asyncio.sleep(0.1)  # between two looks

    await until_paused(0.8, frozenset({PausedVideo("bob", "s", "loss")}))
    await asyncio.sleep(0.2)  # what was on its way
    before, sound = len(bob.video), bob.received.audio_packets
    await until(lambda: bob.received.audio_packets > sound + 20)
    assert len(bob.video) == before
    await until_paused(0.0, frozenset())
    await until(lambda: len(bob.video) > before + 5)
    assert codecs.starts_key_frame(codecs.VP8, bob.video[before].body)
