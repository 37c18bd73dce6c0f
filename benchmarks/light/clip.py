"""A recorded clip, encoded once and sent unchanged, which makes a sender cheap."""

from __future__ import annotations

import asyncio
import fractions
import time
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender

WIDTH, HEIGHT, RATE = 160, 120, 15
SECONDS = 4
_CLOCK = 90_000


def record() -> list[bytes]:
    """Return a moving pattern as VP8 frames; the first of each second is a key frame."""
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate = fractions.Fraction(1, RATE), fractions.Fraction(RATE)
    codec.bit_rate, codec.gop_size = 100_000, RATE
    codec.options = {"deadline": "realtime", "lag-in-frames": "0", "auto-alt-ref": "0"}
    packets = []
    for number in range(RATE * SECONDS):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane in frame.planes:
            row = bytes((number * 8 + x) % 256 for x in range(plane.line_size))
            plane.update(row * (plane.buffer_size // plane.line_size))
        frame.pts = number
        packets += codec.encode(frame)
    packets += codec.encode(None)
    return [bytes(packet) for packet in packets]


class ClipTrack(MediaStreamTrack):
    """Plays the clip in a loop. After a key frame request, the clip's first frame comes next."""

    kind = "video"

    def __init__(self, clip: list[bytes]) -> None:
        super().__init__()
        self._clip = clip
        self._began = time.monotonic()
        self._sent = 0
        self._next = 0
        self.sender: RTCRtpSender | None = None

    async def recv(self) -> Any:
        """Return the next frame, at its time."""
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - time.monotonic()))  # until the frame is due
        # aiortc passes the request to its encoder, which an encoded packet never reaches.
        if getattr(self.sender, "_RTCRtpSender__force_keyframe", False):
            self.sender._RTCRtpSender__force_keyframe = False  # type: ignore[union-attr]
            self._next = 0
        packet = av.Packet(self._clip[self._next])
        packet.pts, packet.time_base = self._sent * _CLOCK // RATE, fractions.Fraction(1, _CLOCK)
        self._next = (self._next + 1) % len(self._clip)
        self._sent += 1
        return packet
