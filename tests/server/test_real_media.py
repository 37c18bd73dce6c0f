"""The server with its real media router: SDP answers that a WebRTC stack accepts, and packets that arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from pyvidu.server.app import create_app
from pyvidu.server.config import ServerConfig
from pyvidu.server.http.hosts import media_addresses
from pyvidu.server.media.router import MediaRouter
from tests.server.live_server import LiveServer, Page, Serve
from tests.server.server_world import publish_params
from tests.waiting import until


@pytest.fixture
async def real(serve: Serve) -> LiveServer:
    return await serve(
        make_media=lambda traffic: MediaRouter(host_addresses=["127.0.0.1"], traffic=traffic), fault_control=True
    )


@pytest.fixture
async def connections() -> AsyncIterator[list[RTCPeerConnection]]:
    opened: list[RTCPeerConnection] = []
    yield opened
    for connection in opened:
        await connection.close()


def connection(opened: list[RTCPeerConnection]) -> RTCPeerConnection:
    opened.append(RTCPeerConnection(RTCConfiguration(iceServers=[])))
    return opened[-1]


async def offer(pc: RTCPeerConnection) -> str:
    await pc.setLocalDescription(await pc.createOffer())
    sdp: str = pc.localDescription.sdp
    return sdp


async def accept(pc: RTCPeerConnection, sdp: str) -> None:
    await pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))


async def publish(page: Page, pc: RTCPeerConnection) -> str:
    pc.addTrack(VideoStreamTrack())
    result = await page.result("publishVideo", **publish_params(sdpOffer=await offer(pc), hasAudio=False))
    await accept(pc, result["sdpAnswer"])
    stream_id: str = result["id"]
    return stream_id


async def test_subscriber_receives_frames_also_after_a_renegotiation(
    real: LiveServer, connections: list[RTCPeerConnection]
) -> None:
    ada, bob = await real.member(), await real.member()
    stream = await publish(ada, connection(connections))
    for method, name in (("receiveVideoFrom", "sender"), ("reconnectStream", "stream")):
        pc = connection(connections)
        pc.addTransceiver("video", direction="recvonly")
        result = await bob.result(method, **{name: stream, "sdpOffer": await offer(pc)})
        await accept(pc, result["sdpAnswer"])
        track = pc.getReceivers()[0].track
        frame = await asyncio.wait_for(track.recv(), 10)
        assert (frame.width, frame.height) == (640, 480)


async def test_malformed_offer_is_refused_and_the_next_offer_is_answered(
    real: LiveServer, connections: list[RTCPeerConnection]
) -> None:
    ada = await real.member()
    for nonsense in ("", "v=0", "x" * 1000):
        error = (await ada.call("publishVideo", **publish_params(sdpOffer=nonsense)))["error"]
        assert error["code"] == 302
    pc = connection(connections)
    assert await publish(ada, pc)
    await until(lambda: pc.connectionState == "connected")


async def test_drop_and_its_end_affect_the_packets_of_one_participant_only(
    real: LiveServer, connections: list[RTCPeerConnection]
) -> None:
    ada, bob = await real.member(), await real.member()
    streams = [await publish(page, connection(connections)) for page in (ada, bob)]

    def received() -> list[int]:
        counts = real.server.media.statistics().streams
        return [sum(track.packets_received for track in counts[stream].tracks.values()) for stream in streams]

    async def grown(before: list[int], *which: int) -> None:
        await until(lambda: all(received()[index] > before[index] + 10 for index in which))

    await grown([0, 0], 0, 1)
    body = {"kind": "media-only", "participant": ada.id, "seconds": 60}
    async with real.http.post(real.url("/faults"), json=body) as response:
        fault = await response.json()
    before = received()
    await grown(before, 1)
    assert received()[0] == before[0]
    async with real.http.delete(real.url(f"/faults/{fault['id']}")):
        pass
    await grown(before, 0, 1)


async def test_application_without_a_media_argument_starts_and_stops() -> None:
    runner = web.AppRunner(create_app(ServerConfig()))
    await runner.setup()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", None),  # and only for this machine
        ("localhost", None),
        ("10.0.0.7", ["10.0.0.7", "127.0.0.1"]),
        ("0.0.0.0", None),
        ("::", None),
        ("meet.example", None),
    ],
)
def test_media_addresses_follow_the_host_that_signaling_listens_on(host: str, addresses: list[str] | None) -> None:
    assert media_addresses(host) == addresses
