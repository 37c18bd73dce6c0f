"""The cost oracle: parsers take linear time and little memory, whatever a sender repeats.

An input is a unit, repeated: pieces that mean something to the parser, in random order. Its CPU time is the least of five
measurements. From 8 KiB on, an input twice as long may cost at most 2.6 times as much; below `_FREE` nothing is compared. A
suspicion is measured again before it counts.
"""

from __future__ import annotations

import contextlib
import random
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fuzz import parsers
from fuzz.transcripts import PUBLISHER_OFFER
from pyvidu.protocol.jsonrpc import decode
from pyvidu.server.limits import MessageLimits, SdpLimits
from pyvidu.server.media import offer, rtcp, rtp, stun

KIB = 1024
SIZES = (8 * KIB, 16 * KIB, 32 * KIB)
MOST = 2.6
_FREE = 0.002  # seconds: what costs less is measured with too much error, and is cheap anyway
_MEMORY_PER_BYTE, _MEMORY = 80, 512 * KIB
_AGAIN = 3  # measurements of a suspicion
# So that the parsers, and not the limits of the offer as a whole, decide.
_NO_SDP_LIMITS = SdpLimits(**dict.fromkeys(SdpLimits.__slots__, 1 << 30))

Parser = Callable[[bytes], object]


class Target:
    """A parser, the pieces of its inputs, and what stands before and after them."""

    def __init__(self, name: str, parse: Parser, pieces: Sequence[bytes], frame: Callable[[bytes], bytes]) -> None:
        self.name = name
        self.parse = parse
        self.pieces = pieces
        self.frame = frame

    def input(self, unit: bytes, size: int) -> bytes:
        """Return an input of about `size` bytes."""
        return self.frame(unit * (size // len(unit) + 1))


def _sdp(limits: SdpLimits) -> Parser:
    return lambda data: offer.parse(data.decode("latin-1"), limits)


def _rtp(data: bytes) -> None:
    packet = rtp.parse(data)
    for identifier in (1, 15):
        rtp.find_extension(packet.extension_profile, packet.extension_block, identifier)


def _compound(body: bytes) -> bytes:
    """Return an RTCP packet of type 205 (a NACK) with this body, and what does not fit after it."""
    body += bytes(-len(body) % 4)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(body) // 4 & 0xFFFF, 1, 2) + body


def _extended(body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 3, 0xBEDE, len(body) // 4 & 0xFFFF) + body


def _stun(body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!HHI12s", 1, len(body) & 0xFFFF, 0x2112A442, b"transaction!") + body


_HEAD, _, _TAIL = PUBLISHER_OFFER.encode().partition(b"a=rtpmap:")
_LINES = [line + b"\r\n" for line in PUBLISHER_OFFER.encode().splitlines() if line]
_SDP_PIECES = [
    *_LINES,
    *(
        b" 96",
        b"a=fmtp:96 ",
        b"a=1;",
        b"apt=96;",
        b" ",
        b"\r\n",
        b";",
        b"=",
        b"a=rtcp-fb:* nack\r\n",
        b"m=video 9 x 96\r\n",
    ),
]
_JSON_PIECES = [
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b"[],",
        b"{},",
        b'"',
        b'"a":',
        b'"\\u0041",',
        b"\\\\",
        b'\\"',
        b"\\ud83d",
        b"1,",
        b"9",
        b"1e9,",
    ),
    *(b"-", b"0.1,", b"null,", b"true,", b" ", b"\n", "ü".encode(), b"\xff", b'"x" ,', b":"),
]
_BINARY_PIECES = [
    bytes([value]) * count for value in (0, 1, 0x10, 0x1F, 0x80, 0x81, 0xC8, 0xCD, 0xCE, 0xFF) for count in (1, 2, 4)
] + [b"\x80\xc9\x00\x01\x00\x00\x00\x01", b"\x84\xce\x00\x02" + bytes(8), b"\x00\x06\x00\x00", b"\x00\x06\x00\x04name"]


_MASK = b"\1\2\3\4"
_FRAMES = [
    bytes((first, 0x80 | len(body))) + _MASK + body
    for first in (0x00, 0x01, 0x80, 0x81, 0x82, 0x89, 0x8A, 0xC1)
    for body in (b"", b"x", b"hello" * 20)
] + [b"\x01\xfe\0\x80" + _MASK + bytes(128), b"\x81\xff" + bytes(7) + b"\x01" + _MASK + b"y", b"\x81", b"\x80"]


def _in_sdp(body: bytes) -> bytes:
    return _HEAD + body + b"\r\na=rtpmap:" + _TAIL


def _json(most: int | None) -> Parser:
    return lambda data: decode(data, most=most)


TARGETS = (
    Target("sdp", _sdp(_NO_SDP_LIMITS), _SDP_PIECES, _in_sdp),
    Target("sdp with its limits", _sdp(SdpLimits()), _SDP_PIECES, _in_sdp),
    Target("sdp, answered", parsers.sdp, _SDP_PIECES, _in_sdp),
    Target("websocket", parsers.websocket, _FRAMES, lambda body: b"\x01\x02\x07\0" + body),
    Target("json", _json(1 << 30), _JSON_PIECES, lambda body: b'{"x":[' + body + b"0]}"),
    Target(
        "json with its limits", _json(MessageLimits().elements), _JSON_PIECES, lambda body: b'{"x":"' + body + b'"}'
    ),
    Target("json, bare", _json(None), _JSON_PIECES, lambda body: body),
    Target("stun", stun.parse_request, _BINARY_PIECES, _stun),
    Target("rtp", _rtp, _BINARY_PIECES, _extended),
    Target("rtcp", rtcp.parse, _BINARY_PIECES, lambda body: body),
    Target("rtcp, NACK", rtcp.parse, _BINARY_PIECES, _compound),
)


def fuzz_cost(shapes: int, seed: int = 1, targets: Sequence[Target] = TARGETS) -> tuple[int, list[str]]:
    """Try so many units, in all; return how many inputs that were, and what cost too much."""
    chance = random.Random(seed)
    found: list[str] = []
    for number in range(shapes):
        target = targets[number % len(targets)]
        unit = b"".join(chance.choices(target.pieces, k=chance.choice((1, 1, 2, 3, 5))))
        found += list(excesses(target, unit))
    return shapes * len(SIZES), found


def excesses(target: Target, unit: bytes) -> Iterator[str]:
    """Yield what costs too much of a unit, repeated."""
    inputs = [target.input(unit, size) for size in SIZES]
    times = [seconds_of(target.parse, one) for one in inputs]
    for index in range(len(SIZES) - 1):
        if times[index + 1] < _FREE or times[index + 1] <= MOST * times[index]:
            continue
        again = [
            (seconds_of(target.parse, inputs[index]), seconds_of(target.parse, inputs[index + 1]))
            for _ in range(_AGAIN)
        ]
        if all(longer > MOST * shorter for shorter, longer in again):
            shorter, longer = min(again)
            yield (
                f"{target.name}: {unit[:60]!r} repeated to {SIZES[index + 1]} bytes costs {1000 * longer:.1f} ms, "
                f"to half of that {1000 * shorter:.1f} ms"
            )
    if (peak := _memory(target.parse, inputs[-1])) > _MEMORY_PER_BYTE * len(inputs[-1]) + _MEMORY:
        yield f"{target.name}: {unit[:60]!r} repeated to {SIZES[-1]} bytes takes {peak / KIB:.0f} KiB"


def seconds_of(parse: Parser, data: bytes) -> float:
    """Return the least CPU time of five, in seconds."""
    times = []
    for _ in range(5):
        began = time.process_time()
        with contextlib.suppress(Exception):  # a refusal; crashes are found elsewhere
            parse(data)
        times.append(time.process_time() - began)
        if times[0] < _FREE / 10:
            break
    return min(times)


def _memory(parse: Parser, data: bytes) -> int:
    """Return the bytes that parsing takes at its peak."""
    tracemalloc.start()
    try:
        kept: Any = None
        with contextlib.suppress(Exception):
            kept = parse(data)
        del kept
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
