"""The WebSocket of a server process against RFC 6455, by raw frames, in the order of the Autobahn test suite's chapters."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.server.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawWebSocket,
    frame,
    handshake,
)

PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG = 1002, 1007, 1009
Connect = Callable[..., Awaitable[RawWebSocket]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


@pytest_asyncio.fixture(loop_scope="module")
async def connect(server: RunningServer) -> AsyncIterator[Connect]:
    opened: list[RawWebSocket] = []

    async def open_one(**headers: str) -> RawWebSocket:
        opened.append(await RawWebSocket.open(server.host, server.port, **headers))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def socket(connect: Connect) -> RawWebSocket:
    return await connect()


def request(id_: str = "1", length: int = 0) -> bytes:
    """Return a request of at least `length` bytes whose answer has its id."""
    text = json.dumps({"jsonrpc": "2.0", "id": id_, "method": "ping"}, ensure_ascii=False).encode()
    return text + b" " * (length - len(text))


async def is_open(socket: RawWebSocket) -> bool:
    """Return whether a request is answered."""
    socket.send(TEXT, request("still open"))
    return bool((await socket.json())["id"] == "still open")


# --- 1 and 2: framing, pings and pongs --------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("length", [0, 125, 126, 127, 128, 32_768])
async def test_message_of_any_length_is_read(socket: RawWebSocket, opcode: int, length: int) -> None:
    socket.send(opcode, request("a", length))
    assert (await socket.json())["id"] == "a"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_empty_message_is_answered_with_a_parse_error(socket: RawWebSocket, opcode: int) -> None:
    socket.send(opcode)
    assert (await socket.json())["error"]["code"] == -32700
    assert await is_open(socket)


async def test_length_in_more_bytes_than_needed_is_read(socket: RawWebSocket) -> None:
    for width in (2, 8):
        socket.send(TEXT, request("wide"), width=width)
        assert (await socket.json())["id"] == "wide"


async def test_frames_that_arrive_byte_by_byte_are_read(socket: RawWebSocket) -> None:
    for byte in frame(TEXT, request("slow", 300)):
        socket.write(bytes([byte]))
        await socket.flushed()
    assert (await socket.json())["id"] == "slow"


async def test_frames_that_arrive_in_one_segment_are_read_in_order(socket: RawWebSocket) -> None:
    socket.write(b"".join(frame(TEXT, request(str(number))) for number in range(10)))
    assert [(await socket.json())["id"] for _ in range(10)] == [str(number) for number in range(10)]


@pytest.mark.parametrize("payload", [b"", b"\x00\xff\xfe\xfd", b"x" * 125])
async def test_ping_is_answered_with_its_payload(socket: RawWebSocket, payload: bytes) -> None:
    socket.send(PING, payload)
    assert (await socket.answer(PONG)).payload == payload


async def test_of_many_pings_at_least_the_last_is_answered(socket: RawWebSocket) -> None:
    socket.write(b"".join(frame(PING, b"%d" % number) for number in range(10)))
    while (await socket.answer(PONG)).payload != b"9":
        pass


async def test_unsolicited_pong_is_ignored(socket: RawWebSocket) -> None:
    socket.send(PONG, b"nobody asked")
    assert await is_open(socket)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_control_frame_of_more_than_125_bytes_is_a_protocol_error(socket: RawWebSocket, opcode: int) -> None:
    socket.send(opcode, struct.pack("!H", 1000) + b"x" * 124)
    assert await socket.closed_with() == PROTOCOL_ERROR


# --- 3 and 4: reserved bits and opcodes; masks ------------------------------------------------------------------------


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
async def test_reserved_bit_is_a_protocol_error(socket: RawWebSocket, opcode: int, reserved: int) -> None:
    socket.send(opcode, request() if opcode in (TEXT, BINARY) else b"", reserved=reserved)
    assert await socket.closed_with() == PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_reserved_opcode_is_a_protocol_error(socket: RawWebSocket, opcode: int, payload: bytes) -> None:
    socket.send(opcode, payload)
    assert await socket.closed_with() == PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING])
async def test_frame_without_a_mask_is_a_protocol_error(socket: RawWebSocket, opcode: int) -> None:
    socket.send(opcode, request() if opcode != PING else b"", masked=False)
    assert await socket.closed_with() == PROTOCOL_ERROR


async def test_frame_without_a_mask_that_arrives_byte_by_byte_is_a_protocol_error(socket: RawWebSocket) -> None:
    for byte in frame(TEXT, request("masked", 200)) + frame(TEXT, request("bare"), masked=False)[:2]:
        socket.write(bytes([byte]))
        await socket.flushed()
        await asyncio.sleep(0)  # a turn of the loop, so that bytes arrive alone
    assert (await socket.json())["id"] == "masked"
    assert await socket.closed_with() == PROTOCOL_ERROR


async def test_message_before_a_protocol_error_is_answered(socket: RawWebSocket) -> None:
    socket.write(frame(TEXT, request("first")) + frame(3))
    assert (await socket.json())["id"] == "first"
    assert await socket.closed_with() == PROTOCOL_ERROR


# --- 5: fragments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_fragments_with_pings_between_them_are_one_message(socket: RawWebSocket, size: int) -> None:
    text = request("in parts", 100)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        socket.send(TEXT if number == 0 else CONTINUATION, part, fin=last)
        if not last and number < 3:
            socket.send(PING, b"between")
            assert (await socket.answer(PONG)).payload == b"between"
    assert (await socket.json())["id"] == "in parts"


async def test_empty_fragments_are_read(socket: RawWebSocket) -> None:
    socket.send(TEXT, fin=False)
    socket.send(CONTINUATION, request("in the middle"), fin=False)
    socket.send(CONTINUATION)
    assert (await socket.json())["id"] == "in the middle"


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_control_frame_in_fragments_is_a_protocol_error(socket: RawWebSocket, opcode: int) -> None:
    socket.send(opcode, b"", fin=False)
    assert await socket.closed_with() == PROTOCOL_ERROR


@pytest.mark.parametrize("fin", [True, False])
async def test_continuation_of_nothing_is_a_protocol_error(socket: RawWebSocket, fin: bool) -> None:
    socket.send(CONTINUATION, request(), fin=fin)
    assert await socket.closed_with() == PROTOCOL_ERROR


async def test_continuation_after_the_last_fragment_is_a_protocol_error(socket: RawWebSocket) -> None:
    socket.send(TEXT, request()[:5], fin=False)
    socket.send(CONTINUATION, request()[5:])
    assert (await socket.json())["id"] == "1"
    socket.send(CONTINUATION, b"more", fin=False)
    assert await socket.closed_with() == PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
async def test_new_message_between_fragments_is_a_protocol_error(socket: RawWebSocket, opcode: int, fin: bool) -> None:
    socket.send(TEXT, b"{", fin=False)
    socket.send(opcode, request(), fin=fin)
    assert await socket.closed_with() == PROTOCOL_ERROR


# --- 6: UTF-8 ---------------------------------------------------------------------------------------------------------

VALID = ["", "κόσμε", "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff", "\ufeff\ufffd\ud7ff\ue000"]
INVALID = [
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\x80",  # a continuation byte alone
    b"\xc3",  # ends too early
    b"\xf0\x90\x80",
    b"\xc0\xaf",  # overlong
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80",  # a surrogate
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",  # above U+10FFFF
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
]


@pytest.mark.parametrize("text", VALID)
async def test_valid_text_is_read_also_in_fragments_that_divide_characters(socket: RawWebSocket, text: str) -> None:
    whole = request(text)
    socket.send(TEXT, whole)
    assert (await socket.json())["id"] == text
    for number in range(len(whole)):
        last = number == len(whole) - 1
        socket.send(TEXT if number == 0 else CONTINUATION, whole[number : number + 1], fin=last)
    assert (await socket.json())["id"] == text


@pytest.mark.parametrize("text", INVALID)
async def test_invalid_text_is_refused(socket: RawWebSocket, text: bytes) -> None:
    socket.send(TEXT, b'{"id": "' + text + b'"}')
    assert await socket.closed_with() == INVALID_TEXT


@pytest.mark.parametrize("text", INVALID)
async def test_invalid_text_in_fragments_is_refused(socket: RawWebSocket, text: bytes) -> None:
    for number, byte in enumerate(text):
        socket.send(TEXT if number == 0 else CONTINUATION, bytes([byte]), fin=False)
    socket.send(CONTINUATION)
    assert await socket.closed_with() == INVALID_TEXT


async def test_binary_message_that_is_no_text_is_answered_with_a_parse_error(socket: RawWebSocket) -> None:
    socket.send(BINARY, b"\xff\xfe")
    assert (await socket.json())["error"]["code"] == -32700
    assert await is_open(socket)


# --- 7: close ---------------------------------------------------------------------------------------------------------

VALID_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
INVALID_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", VALID_CODES)
@pytest.mark.parametrize("reason", [b"", b"x" * 123, "κόσμε".encode()])
async def test_close_is_answered_with_its_code(socket: RawWebSocket, code: int, reason: bytes) -> None:
    socket.send(CLOSE, struct.pack("!H", code) + reason)
    assert (await socket.answer(CLOSE)).close_code == code
    assert await socket.receive() is None


@pytest.mark.parametrize("code", INVALID_CODES)
async def test_close_with_a_code_that_may_not_be_sent_is_a_protocol_error(socket: RawWebSocket, code: int) -> None:
    socket.send(CLOSE, struct.pack("!H", code))
    assert await socket.closed_with() == PROTOCOL_ERROR


async def test_close_without_a_code_is_answered(socket: RawWebSocket) -> None:
    socket.send(CLOSE)
    assert (await socket.answer(CLOSE)).close_code in (None, 1000)
    assert await socket.receive() is None


async def test_close_with_half_a_code_is_a_protocol_error(socket: RawWebSocket) -> None:
    socket.send(CLOSE, b"\x03")
    assert await socket.closed_with() == PROTOCOL_ERROR


async def test_close_with_a_reason_that_is_no_text_is_refused(socket: RawWebSocket) -> None:
    socket.send(CLOSE, struct.pack("!H", 1000) + b"\xff")
    assert await socket.closed_with() in (PROTOCOL_ERROR, INVALID_TEXT)


async def test_frames_after_the_close_are_ignored(socket: RawWebSocket) -> None:
    socket.write(frame(CLOSE, struct.pack("!H", 1000)) + frame(PING, b"late") + frame(TEXT, request("late")))
    assert (await socket.answer(CLOSE)).close_code == 1000
    assert await socket.receive() is None


async def test_close_between_fragments_is_answered(socket: RawWebSocket) -> None:
    socket.send(TEXT, b"{", fin=False)
    socket.send(CLOSE, struct.pack("!H", 1000))
    assert (await socket.answer(CLOSE)).close_code == 1000
    assert await socket.receive() is None


async def test_connection_that_ends_within_a_frame_leaves_the_others_alone(connect: Connect) -> None:
    ada, bob = await connect(), await connect()
    ada.write(frame(TEXT, request())[:9])
    await ada.flushed()
    await ada.aclose()
    assert await is_open(bob)


# --- 9 and 10: limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2**20, 2**40, 2**63 - 1])
async def test_frame_that_announces_too_much_is_refused_before_it_arrives(socket: RawWebSocket, length: int) -> None:
    socket.send(TEXT, b"{", length=length)
    assert await socket.closed_with() == TOO_BIG


async def test_length_with_its_highest_bit_set_is_refused(socket: RawWebSocket) -> None:
    socket.send(TEXT, b"{", length=2**63, width=8)
    assert await socket.closed_with() in (PROTOCOL_ERROR, TOO_BIG)


async def test_fragments_that_are_too_much_together_are_refused(socket: RawWebSocket) -> None:
    for number in range(6):
        socket.send(CONTINUATION if number else TEXT, b" " * 20_000, fin=False)
    socket.send(CONTINUATION, b" ", length=20_000)
    assert await socket.closed_with() == TOO_BIG


# --- 12: extensions; the handshake ------------------------------------------------------------------------------------


async def test_compression_is_not_agreed_on(connect: Connect) -> None:
    socket = await connect(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    assert await is_open(socket)


async def test_upgrade_is_read_whatever_its_case(connect: Connect) -> None:
    assert await is_open(await connect(Upgrade="WebSocket", Connection="keep-alive, UPGRADE"))


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        ({"Sec-WebSocket-Version": "12"}, "GET", 400),
        ({"Sec-WebSocket-Version": ""}, "GET", 400),
        ({"Sec-WebSocket-Key": ""}, "GET", 400),
        ({"Sec-WebSocket-Key": "too short"}, "GET", 400),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ\u00bd="}, "GET", 400),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ\udced="}, "GET", 400),
        ({"Sec-WebSocket-Version": "13\udced\udca0\udc80"}, "GET", 400),
        ({"Connection": "\udced"}, "GET", 400),
        ({"Connection": "close"}, "GET", 400),
        ({}, "POST", 405),
    ],
)
async def test_wrong_handshake_is_refused(
    server: RunningServer, headers: dict[str, str], method: str, status: int
) -> None:
    found, answer, _, writer = await handshake(server.host, server.port, headers, method)
    writer.transport.abort()
    assert found == status
    assert answer["server"] == "pyvidu"


async def test_answer_to_what_is_not_http_names_no_version(server: RunningServer) -> None:
    for wrong in ({"Content-Length": "x"}, {"X": "x" * 9000}):
        _, answer, _, writer = await handshake(server.host, server.port, wrong)
        writer.transport.abort()
        assert answer["server"] == "pyvidu"
