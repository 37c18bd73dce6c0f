"""A WebSocket client of single frames, also of frames that RFC 6455 forbids."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass
from typing import Any, Self

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_WITHIN = 10.0  # seconds for an answer


@dataclass(frozen=True)
class Frame:
    """A frame of the server."""

    opcode: int
    payload: bytes
    fin: bool
    reserved: int
    masked: bool

    @property
    def close_code(self) -> int | None:
        """Return the code of a close frame, None without one."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


class RawWebSocket:
    """One connection, after the handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int, **more: str) -> Self:
        """Connect; `more` are headers of the request, with `_` for `-`. Check the server's answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        status, headers, reader, writer = await handshake(host, port, {"Sec-WebSocket-Key": key} | renamed(more))
        assert status == 101, headers
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
        assert headers["sec-websocket-accept"] == accept
        assert "sec-websocket-extensions" not in headers
        return cls(reader, writer)

    def send(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        """Send a frame; see `frame`."""
        self.write(frame(opcode, payload, **options))

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def flushed(self) -> None:
        """Wait until they are with the kernel."""
        await self._writer.drain()

    async def receive(self) -> Frame | None:
        """Return the next frame, None at the end of the connection."""
        try:
            async with asyncio.timeout(_WITHIN):
                first, second = await self._reader.readexactly(2)
                length = second & 127
                if length > 125:
                    width = 2 if length == 126 else 8
                    length = int.from_bytes(await self._reader.readexactly(width), "big")
                payload = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Frame(first & 15, payload, bool(first & 128), (first >> 4) & 7, bool(second & 128))

    async def answer(self, opcode: int = TEXT) -> Frame:
        """Return the next frame with that opcode; the server's own pings do not count."""
        while (found := await self.receive()) is not None:
            assert not found.masked
            assert not found.reserved
            if found.opcode != PING:
                assert found.opcode == opcode, found
                return found
        raise AssertionError("the server has closed the connection")

    async def json(self) -> Any:
        """Return the next message."""
        return json.loads((await self.answer()).payload)

    async def closed_with(self) -> int | None:
        """Return the code of the close frame that comes next; check that the connection ends once it is answered."""
        code = (await self.answer(CLOSE)).close_code
        self.send(CLOSE, struct.pack("!H", code or 1000))
        while (found := await self.receive()) is not None:
            assert found.opcode != CLOSE, "one close frame is sent"
        return code

    async def aclose(self) -> None:
        """End the connection."""
        self._writer.transport.abort()


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
    width: int | None = None,
) -> bytes:
    """Return the bytes of a frame. `length` is what it says instead of its length, `width` the bytes that it is said in."""
    said = len(payload) if length is None else length
    width = width if width is not None else 0 if said < 126 else 2 if said < 65536 else 8
    head = bytes([fin << 7 | reserved << 4 | opcode, masked << 7 | {0: said, 2: 126, 8: 127}[width]])
    head += said.to_bytes(width, "big") if width else b""
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def renamed(headers: dict[str, str]) -> dict[str, str]:
    """Return headers with `-` for `_`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def handshake(
    host: str, port: int, headers: dict[str, str], method: str = "GET"
) -> tuple[int, dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]:
    """Return status and headers of the answer to an upgrade; a header whose value is "" is left out of the request."""
    usual = {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
    }
    reader, writer = await asyncio.open_connection(host, port)
    lines = [f"{name}: {value}" for name, value in (usual | headers).items() if value]
    writer.write("\r\n".join([f"{method} /openvidu HTTP/1.1", *lines, "", ""]).encode("utf-8", "surrogateescape"))
    async with asyncio.timeout(_WITHIN):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    pairs = [line.partition(": ") for line in head[1:] if line]
    return int(head[0].split()[1]), {name.lower(): value for name, _, value in pairs}, reader, writer
