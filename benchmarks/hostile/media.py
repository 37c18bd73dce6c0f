"""What one participant does to the media ports: the attacks that the limits are made against.

All peers are light ones of this process. Without a call in the room, `Call` makes one. `stolen_address` sends datagrams with
another's address and needs root.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import secrets
import socket
import struct

import aiohttp

from benchmarks.hostile.target import Attack, Target, call, read_all
from benchmarks.light.peers import VP8, LightPublisher, LightSubscriber
from benchmarks.light.recording import Recording, record
from pyvidu.server.media import rtcp, rtp
from pyvidu.server.media.dtls_srtp import Certificate


class Peer(LightSubscriber):
    """A subscriber that counts packets and bytes, and knows the SSRC and the last sequence numbers of its video."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate)
        self.packets = self.octets = 0
        self.ssrc = 0
        self.latest: list[int] = []

    def _rtp(self, data: bytes, now: float) -> None:
        packet = rtp.parse(data)
        self.packets += 1
        self.octets += len(data)
        if packet.payload_type == VP8:
            self.ssrc = packet.ssrc
            self.latest = [*self.latest[-16:], packet.sequence]
        super()._rtp(data, now)


class Flooder(LightPublisher):
    """A publisher that sends `filler` packets of 1,200 bytes more with each frame, while it `floods`."""

    filler = 350
    floods = False

    def _send_video(self, timestamp: int) -> None:
        super()._send_video(timestamp)
        for _ in range(self.filler if self.floods else 0):
            self._emit("video", VP8, b"\x80\x80\x80\x00" + bytes(1_200), timestamp, False)


@functools.cache
def _clip() -> Recording:
    """Return the recording; made once, as that takes longer than an attacker of the lowest priority may be silent."""
    return record(bit_rate=900_000)


class Call:
    """Ada publishes; the others subscribe to her, or to the first stream of the call in the room."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.certificate = Certificate()
        self.ada = Flooder(self.certificate, _clip())
        self.stream = ""
        self._readers: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Let Ada publish."""
        ws = await self.target.member()
        options = {"sdpOffer": await self.ada.offer(), "doLoopback": False, "hasAudio": True, "hasVideo": True}
        options |= {"audioActive": True, "videoActive": True, "typeOfVideo": "CAMERA", "frameRate": 15}
        result = (await call(ws, "publishVideo", **options, videoDimensions="{}"))["result"]
        self._read(ws)
        self.stream = result["id"]
        await self.ada.accept(result["sdpAnswer"])
        if not self.target.streams:
            self.target.streams, self.target.addresses = [self.stream], [self.ada.connection.address]

    async def subscriber(self) -> Peer:
        """Return another participant that receives her stream."""
        ws, peer = await self.target.member(), Peer(self.certificate)
        answer = await call(ws, "receiveVideoFrom", sender=self.target.streams[0], sdpOffer=await peer.offer())
        self._read(ws)
        await peer.accept(answer["result"]["sdpAnswer"])
        await asyncio.sleep(2)  # for its first packets
        return peer

    def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Answer pings from now on: one that does not is evicted."""
        self._readers.append(asyncio.create_task(read_all(ws)))


async def _begun(target: Target) -> Call:
    begun = Call(target)
    if not target.streams:
        await begun.begin()
    return begun


async def nacks(target: Target) -> None:
    """C4: a NACK of 1.3 kB that names the same 17 packets 320 times, 5.5 times a second (57 kbit/s), for 10 s."""
    eve = await (await _begun(target)).subscriber()
    before = eve.octets
    for _ in range(55):
        pairs = struct.pack("!HH", eve.latest[0], 0xFFFF) * 320
        eve.connection.send_rtcp(struct.pack("!BBHII", 0x81, 205, 2 + 320, 1, eve.ssrc) + pairs)
        await asyncio.sleep(10 / 55)  # 5.5 a second
    print(f"    sent to it: {(eve.octets - before) / 10_000:.0f} kB/s")


async def key_frames(target: Target) -> None:
    """M2: twenty PLI a second for 10 s."""
    running = await _begun(target)
    eve = await running.subscriber()
    before = running.ada.key_frames_asked
    for _ in range(200):
        eve.connection.send_rtcp(rtcp.picture_loss(1, eve.ssrc))
        await asyncio.sleep(0.05)  # twenty a second
    if running.stream:
        print(f"    key frames asked of the publisher: {running.ada.key_frames_asked - before}")


async def estimates(target: Target) -> None:
    """M2: REMB of 30 kbit/s, ten a second for 15 s."""
    eve = await (await _begun(target)).subscriber()
    for _ in range(150):
        eve.connection.send_rtcp(rtcp.bandwidth_estimate(1, 30_000, [eve.ssrc]))
        await asyncio.sleep(0.1)  # ten a second


async def stolen_address(target: Target) -> None:
    """M1: checks with own credentials from the publisher's address, 50 a second for 5 s."""
    running = await _begun(target)
    bob, eve = await running.subscriber(), await running.subscriber()
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    before = bob.packets
    for _ in range(250):
        check = eve.connection.check()
        for source in target.addresses:
            send_from(raw, source, eve.connection.server, check)
        await asyncio.sleep(0.02)  # fifty a second
    raw.close()
    print(f"    packets that another received: {(bob.packets - before) / 5:.0f} a second")


def send_from(raw: socket.socket, source: tuple[str, int], to: tuple[str, int], data: bytes) -> None:
    """Send a datagram as if it came from `source`."""
    head = struct.pack("!HHHH", source[1], to[1], 8 + len(data), 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0, *[socket.inet_aton(to[0])] * 2)
    raw.sendto(ip + head + data, (to[0], 0))


async def flood(target: Target) -> None:
    """A publisher of 50 Mbit/s for 5 s, three subscribers."""
    running = Call(target)
    await running.begin()
    own = dataclasses.replace(target, streams=[running.stream])
    peers = [await Call(own).subscriber() for _ in range(3)]
    before = sum(peer.packets for peer in peers)
    running.ada.floods = True
    await asyncio.sleep(5)  # the length of the measurement
    print(f"    forwarded: {(sum(peer.packets for peer in peers) - before) / 15:.0f} packets/s to each, of 5,400")


async def sources(target: Target) -> None:
    """A publisher that sends 20,000 packets, each with another SSRC."""
    running = Call(target)
    await running.begin()
    for number in range(20_000):
        packet = rtp.RtpPacket(
            VP8, True, number & 0xFFFF, number, secrets.randbits(32), b"\x80\x80\x80\x00" + bytes(20)
        )
        running.ada.connection.send_rtp(rtp.serialize(packet))
        if number % 50 == 0:
            await asyncio.sleep(0.01)  # 5,000 a second, at most


ATTACKS: tuple[Attack, ...] = (nacks, key_frames, estimates, stolen_address, flood, sources)
