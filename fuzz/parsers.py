"""The parsers of what anybody may send, each with what must hold for any input. A broken promise is an AssertionError.

`fuzz.guided` looks for inputs that break one; `fuzz/corpus/NAME.txt` has those that it found worth keeping, a bytes literal
a line, and a test parses them all.
"""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aiohttp._websocket.reader_py import WebSocketDataQueue, WebSocketReader
from aiohttp.http import WebSocketError

from pyvidu.protocol import jsonrpc, messages
from pyvidu.protocol.wire import WireError, from_wire
from pyvidu.server.http.masks import FrameHeads
from pyvidu.server.limits import KIB, MediaLimits, MessageLimits
from pyvidu.server.media import answer, codecs, offer, rtcp, rtp, stun
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.signaling.call_sizes import check_sizes

CORPUS = Path(__file__).parent / "corpus"
_MESSAGE = MessageLimits()
_CALLS = [cls for cls in vars(messages).values() if isinstance(cls, type) and "method" in vars(cls)]
_TRANSPORT = answer.TransportDescription("ufrag", "p" * 22, [("127.0.0.1", 9)], [("sha-256", "AB")], "active")


def sdp(data: bytes) -> None:
    """Check that an offer is refused with a reason, or answered as publisher's and subscriber's in a bounded length."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(MediaServerError):
        parsed = offer.parse(text)
        with contextlib.suppress(MediaServerError):
            written = answer.write(parsed, answer.for_publisher(parsed, ()), _TRANSPORT)
            assert written.count("m=") >= len(parsed.sections)
            assert len(written) < 4 * len(text) + 64 * KIB
        for kind, names in codecs.FORWARDED.items():
            for name in names:
                with contextlib.suppress(MediaServerError):
                    sent = {kind: codecs.identify(name, {"packetization-mode": "1"})}
                    answer.write(parsed, answer.for_subscriber(parsed, sent), _TRANSPORT)


def stun_request(data: bytes) -> None:
    """Check that a check is read, or not; and that only the right password authenticates it."""
    request = stun.parse_request(data)
    if request is not None:
        assert stun.is_stun(data)
        assert not request.authenticates("another password")
        for address in (("127.0.0.1", 9), ("::1", 9)):
            assert stun.is_stun(stun.success(request, address, "password"))
        assert stun.parse_request(stun.role_conflict(request, "password")) is None


def rtp_packet(data: bytes) -> None:
    """Check that a packet is refused with ValueError, or is the same when it is written and read again."""
    try:
        packet = rtp.parse(data)
    except ValueError:
        return
    if len(packet.extension_block) % 4 == 0:
        again = rtp.parse(rtp.serialize(packet))
        if packet.extension_block:
            assert again == packet
        else:  # an empty block is not written
            assert (again.body, again.sequence, again.ssrc) == (packet.body, packet.sequence, packet.ssrc)
    for identifier in (0, 1, 3, 15):
        value = rtp.find_extension(packet.extension_profile, packet.extension_block, identifier)
        assert value is None or value in packet.extension_block
    rtp.rtx_original(packet)
    for name in codecs.CLOCK_RATES:
        codecs.starts_key_frame(name, packet.body)
    assert len(codecs.shift_vp8_counters(packet.body, 7, 9)) == len(packet.body)


def rtcp_packet(data: bytes) -> None:
    """Check that a report is refused with ValueError, or read as few events and lost packets."""
    try:
        events = rtcp.parse(data)
    except ValueError:
        return
    assert len(events) <= len(data)
    for event in events:
        if isinstance(event, rtcp.Nack):
            assert len(event.sequences) <= MediaLimits().nack_size
            assert len(set(event.sequences)) == len(event.sequences)


def websocket(data: bytes) -> None:
    """Check that heads are found whatever the pieces in which they arrive, and that the reader gets no frame without a mask.

    The first bytes are the sizes of the pieces, one byte each, up to a zero.
    """
    sizes, _, stream = data.partition(b"\0")
    whole, forbidden = FrameHeads().checked(stream)
    heads, pieces, at = FrameHeads(), [], 0
    for size in [*sizes[:64], len(stream)]:
        piece, stop = heads.checked(stream[at : at + size])
        at += size
        pieces.append(piece)
        if stop or at >= len(stream):
            break
    else:
        stop = False
    if at >= len(stream):
        assert stop == forbidden
        assert b"".join(pieces) == whole
    queue = WebSocketDataQueue(_Protocol(), 1 << 20, loop=None)  # type: ignore[arg-type]
    with contextlib.suppress(WebSocketError, EofError):
        reader = WebSocketReader(queue, _MESSAGE.longest + 1, compress=False, decode_text=True)
        for piece in pieces:
            ended, _ = reader.feed_data(piece)
            if ended:
                break


class EofError(Exception):
    """The reader has ended."""


class _Protocol:
    """What aiohttp's queue asks of a connection."""

    _reading_paused = False

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self._reading_paused = False


def json_message(data: bytes) -> None:
    """Check that a message is refused as malformed, or is JSON to others too; and that parameters are refused or fit."""
    try:
        message = jsonrpc.decode(data, most=_MESSAGE.elements)
    except jsonrpc.MalformedMessage:
        return
    again = json.loads(data)
    assert isinstance(again, dict)
    if isinstance(message, jsonrpc.Request):
        assert message.params == (again.get("params") or {})
        for call in _CALLS:
            with contextlib.suppress(WireError):
                check_sizes(from_wire(call, message.params))
        with contextlib.suppress(jsonrpc.MessageTooLong):
            assert jsonrpc.decode(message.encode()) == message


@dataclass(frozen=True)
class Parser:
    """A parser by its name, with inputs to begin with."""

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    longest: int
    """Bytes of an input."""

    @property
    def file(self) -> Path:
        """Return where its inputs are kept."""
        return CORPUS / f"{self.name}.txt"

    def corpus(self) -> list[bytes]:
        """Return the inputs that are kept."""
        lines = self.file.read_text("ascii").splitlines() if self.file.exists() else []
        return [ast.literal_eval(line) for line in lines]

    def keep(self, inputs: Iterable[bytes]) -> None:
        """Keep these inputs, each once, the shortest first."""
        found = sorted(set(inputs), key=lambda data: (len(data), data))
        self.file.write_text("".join(f"{data!r}\n" for data in found), "ascii")


def _offers() -> Iterable[bytes]:
    from fuzz.transcripts import PUBLISHER_OFFER, SUBSCRIBER_OFFER

    return [text.encode() for text in (PUBLISHER_OFFER, SUBSCRIBER_OFFER)]


def _requests() -> Iterable[bytes]:
    from fuzz.transcripts import RPC

    for number, (method, params) in enumerate(RPC):
        short = {name: value[:200] if isinstance(value, str) else value for name, value in params.items()}
        yield jsonrpc.Request(number, method, short).encode().encode()


def _checks() -> Iterable[bytes]:
    return [
        stun.binding_request("u:v", "password", b"transaction!", nominates=nominates) for nominates in (True, False)
    ]


def _rtp_packets() -> Iterable[bytes]:
    block = rtp.extension_block(rtp.one_byte_extension(3, b"\x12\x34"))
    for body in (b"\x90\x80\x80\x07\x51\x00" + b"x" * 20, b"\x78\0\x02\x67\x42\0\x01\x68", b"\x7c\x87x"):
        yield rtp.serialize(rtp.RtpPacket(96, True, 1, 2, 3, body, 0, rtp.ONE_BYTE_EXTENSIONS, block))
    yield rtp.serialize(rtp.RtpPacket(97, False, 1, 2, 3, b"\0\x01x\x02\x02", 2))


def _reports() -> Iterable[bytes]:
    block = rtcp.ReportBlock(1, 2, 3, 4, 5, 6, 7)
    yield rtcp.sender_report(1, ntp=2, timestamp=3, packets=4, octets=5, name="name")
    yield rtcp.receiver_report(1, [block, block]) + rtcp.nack(1, 2, [1, 2, 9, 100])
    yield rtcp.picture_loss(1, 2) + rtcp.bandwidth_estimate(1, 500_000, [2, 3]) + rtcp.bye(1)


def _frames() -> Iterable[bytes]:
    mask = b"\1\2\3\4"
    text = b"\x81\x85" + mask + b"hello"
    yield b"\3\1\0" + text + b"\x89\x80" + mask + b"\x88\x82" + mask + b"\3\xe8"
    yield b"\0\x01\x81" + mask + b"a" + b"\x80\x81" + mask + b"b"
    yield b"\0\x82\xfe\0\x80" + mask + b"x" * 128
    yield b"\1\1\1\0\x81\xff" + bytes(7) + b"\x01" + mask + b"y" + b"\x81\x01z"


PARSERS = {
    parser.name: parser
    for parser in (
        Parser("sdp", sdp, _offers, 51_200),
        Parser("stun", stun_request, _checks, 1_500),
        Parser("rtp", rtp_packet, _rtp_packets, 1_500),
        Parser("rtcp", rtcp_packet, _reports, 1_500),
        Parser("websocket", websocket, _frames, 8 * KIB),
        Parser("json", json_message, _requests, 51_200),
    )
}
