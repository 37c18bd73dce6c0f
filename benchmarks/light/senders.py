"""The process of some light senders: participants that publish the clip, receive nothing and send only the bare protocol.

Reads one line with tokens, prints a line when all of them publish, and leaves at the end of its input.
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from benchmarks.light.clip import HEIGHT, RATE, WIDTH, ClipTrack, record
from benchmarks.light.host import http_client
from benchmarks.light.rpc import Rpc


class Sender:
    """A participant with one video stream."""

    def __init__(self, http: aiohttp.ClientSession, clip: list[bytes]) -> None:
        self._clip = clip
        self._rpc = Rpc(http)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # none: the default is a public server

    async def publish(self, token: str) -> None:
        """Join and publish."""
        await self._rpc.join(token)
        track = ClipTrack(self._clip)
        track.sender = self._peer.addTrack(track)
        (transceiver,) = self._peer.getTransceivers()
        transceiver.direction = "sendonly"
        vp8 = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/VP8"]
        transceiver.setCodecPreferences(vp8)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription.sdp
        answer = await self._rpc.publish(offer, audio=False, width=WIDTH, height=HEIGHT, rate=RATE)
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdpAnswer"], "answer"))

    async def leave(self) -> None:
        """Leave the room."""
        await self._rpc.leave()
        await self._peer.close()


async def main() -> None:
    """Run the senders until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tokens: list[str] = json.loads(await reader.readline())
    clip = record()
    async with http_client() as http:
        senders = [Sender(http, clip) for _ in tokens]
        for sender, token in zip(senders, tokens, strict=True):
            await sender.publish(token)
        print(json.dumps({"publishing": len(senders)}), flush=True)
        await reader.readline()
        await asyncio.gather(*(sender.leave() for sender in senders), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
