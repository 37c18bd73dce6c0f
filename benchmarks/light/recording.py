"""A clip of a call, video and audio, encoded once, which light participants send in a loop."""

from __future__ import annotations

import fractions
import random
from dataclasses import dataclass
from typing import Any

import av

from pyvidu.server.media import codecs

_LARGEST_PAYLOAD = 1150
_AUDIO_FRAME = 960  # samples: 20 ms at 48 kHz


@dataclass(frozen=True)
class Recording:
    """VP8 frames, `rate` a second, the first a key frame; and Opus frames of 20 ms."""

    width: int
    height: int
    rate: int
    video: list[bytes]
    audio: list[bytes]


def record(
    *, width: int = 640, height: int = 480, rate: int = 15, seconds: int = 4, bit_rate: int = 500_000
) -> Recording:
    """Return a moving pattern, grainy enough to need `bit_rate` bits a second, and a tone."""
    return Recording(width, height, rate, _video(width, height, rate, seconds, bit_rate), _audio(seconds))


def payloads(frame: bytes, picture: int) -> list[bytes]:
    """Return a frame as VP8 RTP payloads (RFC 7741) with 15-bit picture ids."""
    name = (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
    parts = range(0, len(frame), _LARGEST_PAYLOAD)
    return [
        (b"\x90\x80" if start == 0 else b"\x80\x80") + name + frame[start : start + _LARGEST_PAYLOAD] for start in parts
    ]


def is_key_frame(payload: bytes) -> bool:
    """Return whether the payload begins a key frame."""
    return codecs.starts_key_frame(codecs.VP8, payload)


def _video(width: int, height: int, rate: int, seconds: int, bit_rate: int) -> list[bytes]:
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = fractions.Fraction(1, rate), fractions.Fraction(rate)
    codec.bit_rate, codec.gop_size = bit_rate, rate * seconds
    # A constant rate, key frames included: otherwise their bursts would be measured.
    codec.options = {
        "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0", "minrate": str(bit_rate),
        "maxrate": str(bit_rate), "bufsize": str(bit_rate // 2),
    }  # fmt: skip
    grain = random.Random(1)
    rows = [bytes(min(255, x * 160 // width + grain.randrange(48)) for x in range(2 * width)) for _ in range(16)]
    packets = []
    for number in range(rate * seconds):
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            size = plane.line_size
            at = 5 * number % width
            plane.update(
                b"".join(rows[line // 8 % 16][at : at + size].ljust(size, b"\x80") for line in range(plane.height))
            )
        frame.pts = number
        packets += codec.encode(frame)
    packets += codec.encode(None)
    return [bytes(packet) for packet in packets]


def _audio(seconds: int) -> list[bytes]:
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48_000, "stereo", "s16", 32_000
    packets = []
    for number in range(50 * seconds):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=_AUDIO_FRAME)
        frame.sample_rate, frame.pts = 48_000, number * _AUDIO_FRAME
        # A triangle wave of 300 Hz.
        samples = (abs((number * _AUDIO_FRAME + i) % 160 - 80) * 100 - 4000 for i in range(_AUDIO_FRAME))
        frame.planes[0].update(b"".join(2 * sample.to_bytes(2, "little", signed=True) for sample in samples))
        packets += codec.encode(frame)
    return [bytes(packet) for packet in packets]
