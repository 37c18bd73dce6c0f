"""Light clients of the router: aiortc's own peer connections."""

from __future__ import annotations

import asyncio
import fractions
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack
from av import VideoFrame


class Clip(MediaStreamTrack):
    """A generated clip: 320x240, about 30 frames/s, every frame brighter than the one before."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 30)  # the time of a frame
        frame = VideoFrame(320, 240, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([self._count % 256]) * plane.buffer_size)
        frame.pts, frame.time_base = 3000 * self._count, fractions.Fraction(1, 90000)
        self._count += 1
        return frame


class Client:
    """A peer connection of aiortc's with the tracks it received."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.closed = asyncio.Event()
        self.connection.on("track", self._add)
        self.connection.on("connectionstatechange", self._look)

    def _add(self, track: MediaStreamTrack) -> None:
        self.tracks[track.kind] = track

    def _look(self) -> None:
        if self.connection.connectionState in ("closed", "failed"):
            self.closed.set()

    def sends(self, *, audio: bool = True, video: bool = True) -> Client:
        """Add tracks to send. Returns self."""
        if audio:
            self.connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        if video:
            self.connection.addTransceiver(Clip(), direction="sendonly")
        return self

    def sends_and_receives(self) -> Client:
        """Add tracks to send on transceivers that receive too. Returns self."""
        for track in (AudioStreamTrack(), Clip()):
            self.connection.addTransceiver(track, direction="sendrecv")
        return self

    def receives(self) -> Client:
        """Add transceivers that receive. Returns self."""
        for kind in ("audio", "video"):
            self.connection.addTransceiver(kind, direction="recvonly")
        return self

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def answer(self, offer: str, *, without: str = "") -> str:
        """Answer an offer; `without` is a kind that is not received."""
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in self.connection.getTransceivers():
            transceiver.direction = "inactive" if transceiver.kind == without else "recvonly"
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return str(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def frames(self, count: int, kind: str = "video", patience: float = 8) -> list[Any]:
        """Return the next decoded frames. Raises TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            return [await self.tracks[kind].recv() for _ in range(count)]
