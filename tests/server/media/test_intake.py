"""What one participant may send to the media ports: bytes, packets, sources, connections that are not established."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.light.connection import LightConnection
from benchmarks.light.peers import LightPublisher, LightSubscriber
from benchmarks.light.recording import record
from pyvidu.server.limits import MediaLimits
from pyvidu.server.media import rtp
from pyvidu.server.media.dtls_srtp import Certificate
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.router import MediaRouter
from pyvidu.server.media.udp_port import UdpPort
from tests.server.media.test_dtls_srtp import Ends
from tests.waiting import until

LIMITS = MediaLimits()


def packet(ssrc: int, sequence: int, size: int = 1000, payload_type: int = 96) -> bytes:
    body = b"\x90\x80\x80\x07\x51\x00" + bytes(size)
    return rtp.serialize(rtp.RtpPacket(payload_type, True, sequence & 0xFFFF, sequence, ssrc, body))


class Forwarding:
    """A publisher that sends what a test wants, and the packets that are forwarded of it."""

    def __init__(self, router: MediaRouter) -> None:
        self.router = router
        self.certificate = Certificate()
        self.peers: list[LightConnection] = []

    async def publisher(self) -> LightPublisher:
        ada = LightPublisher(self.certificate, record(width=160, height=120, seconds=1, bit_rate=100_000))
        self.peers.append(ada.connection)
        answer = await self.router.publish("ada", "s", await ada.offer())
        await ada.connection.accept(answer)
        return ada

    async def subscriber(self) -> LightSubscriber:
        bob = LightSubscriber(self.certificate)
        self.peers.append(bob.connection)
        await bob.accept(await self.router.subscribe("bob", "s", await bob.offer()))
        return bob

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()

    def received(self) -> int:
        return self.router.statistics().streams["s"].tracks["video"].packets_received

    async def sends(self, send: Callable[[bytes], None], packets: list[bytes]) -> float:
        """Send packets; return how long that took, in seconds."""
        began = asyncio.get_running_loop().time()
        for number, one in enumerate(packets):
            send(one)
            if number % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.2)  # for the kernel to deliver what is not dropped
        return asyncio.get_running_loop().time() - began


@pytest.fixture
async def forwarding(router: MediaRouter) -> Any:
    made = Forwarding(router)
    yield made
    await made.close()


async def test_publisher_is_received_up_to_its_rate(forwarding: Forwarding) -> None:
    ada = await forwarding.publisher()
    packets = [packet(ada.ssrcs["video"], number) for number in range(1, 3001)]
    took = await forwarding.sends(ada.connection.send_rtp, packets)
    assert 900 < forwarding.received() < (1 + took) * LIMITS.ingress / 1000, "of 3 MB"


async def test_small_packets_are_received_up_to_their_rate(forwarding: Forwarding) -> None:
    ada = await forwarding.publisher()
    packets = [packet(ada.ssrcs["video"], number, 10) for number in range(1, 9001)]
    took = await forwarding.sends(ada.connection.send_rtp, packets)
    assert 2700 < forwarding.received() <= (1 + took) * LIMITS.packets, "of 9,000"


async def test_feedback_of_a_subscriber_is_received_up_to_its_rate(forwarding: Forwarding) -> None:
    await forwarding.publisher()
    bob = await forwarding.subscriber()
    estimate = b"\x8f\xce\x00\xff" + bytes(4 * 255)  # not the application feedback that is used
    took = await forwarding.sends(bob.connection.send_rtcp, [estimate] * 600)
    [transport] = forwarding.router.connections("bob")
    assert transport.dropped >= 600 - (2 + took) * LIMITS.feedback / len(estimate) - 1, "of 600 kB"


async def test_packets_of_new_sources_are_dropped_beyond_the_limit() -> None:
    ends = Ends()
    await ends.connect()
    for number in range(1000):
        ends.server.receive(ends.client.protect_rtp(packet(number, 1)))
        ends.server.receive(ends.client.protect_rtcp(b"\x80\xc9\x00\x01" + (5000 + number).to_bytes(4, "big")))
    assert len(ends.packets["server"]) == 32
    ends.server.receive(ends.client.protect_rtp(packet(0, 2)))
    assert len(ends.packets["server"]) == 33
    await ends.close()


async def test_connections_that_are_not_established_are_limited(router: MediaRouter) -> None:
    certificate = Certificate()
    ada = LightPublisher(certificate, record(width=160, height=120, seconds=1, bit_rate=100_000))
    offer = await ada.offer()
    for number in range(250):
        await router.publish("ada", f"s{number}", offer)
    with pytest.raises(MediaServerError, match="250 connections"):
        await router.publish("ada", "one more", offer)
    with pytest.raises(MediaServerError, match="250 connections"):
        await router.republish("s1", offer)
    assert router.statistics().peer_connections == 250
    await router.publish("bob", "another's", offer)
    await router.unpublish("s7")
    await router.publish("ada", "one more", offer)
    await ada.close()


async def test_established_connections_are_not_counted() -> None:
    forwarding = Forwarding(MediaRouter(host_addresses=["127.0.0.1"], limits=MediaLimits(pending=1)))
    await forwarding.publisher()
    for _ in range(3):
        await forwarding.subscriber()
        await until(lambda: all(one.connected for one in forwarding.router.connections("bob")))
    await forwarding.close()
    await forwarding.router.close()


async def test_connection_that_is_not_established_in_time_is_closed_and_established_ones_stay() -> None:
    router = MediaRouter(host_addresses=["127.0.0.1"], limits=MediaLimits(established_within=2.0))
    forwarding = Forwarding(router)
    await forwarding.publisher()
    await until(lambda: all(one.connected for one in router.connections("ada")))
    silent = LightPublisher(Certificate(), record(width=160, height=120, seconds=1, bit_rate=100_000))
    await router.publish("eve", "silent", await silent.offer())
    checks_only = LightSubscriber(Certificate())
    answer = await router.subscribe("eve", "s", await checks_only.offer())
    checks_only.connection.datagram_received = lambda *_: None  # type: ignore[method-assign]  # it never answers
    with pytest.raises(TimeoutError):
        await checks_only.connection.accept(answer, patience=0.2)
    assert len(router.connections("eve")) == 2
    await until(lambda: not router.connections("eve"))
    assert [one.connected for one in router.connections("ada")] == [True]
    await router.republish("silent", await silent.offer())  # the endpoint is still there to be replaced
    assert len(router.connections("eve")) == 1
    await silent.close()
    await checks_only.close()
    await forwarding.close()
    await router.close()
    assert router.statistics().peer_connections == 0


class FullTransport:
    """A UDP socket whose buffer is full: what is sent stays in the process."""

    def __init__(self) -> None:
        self.waiting = 0
        self.high = 0

    def sendto(self, data: bytes, address: object) -> None:
        self.waiting += len(data)

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> None:
        return None


async def test_packets_are_dropped_while_the_kernel_takes_none() -> None:
    transport: Any = FullTransport()
    port = UdpPort(lambda *_: None)
    port.connection_made(transport)
    port.send(bytes(1000), ("127.0.0.1", 9))
    assert transport.waiting == 1000
    port.pause_writing()  # asyncio does that above `high`
    for _ in range(50):
        port.send(bytes(1000), ("127.0.0.1", 9))
    assert transport.waiting == 1000
    assert port.unsent == 50
    port.resume_writing()
    port.send(bytes(1000), ("127.0.0.1", 9))
    assert (transport.waiting, transport.high) == (2000, 4 * 1024 * 1024)
