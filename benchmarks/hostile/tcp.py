"""What somebody without a token does to the port that HTTP and WebSockets share, beyond the tables of limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.hostile.target import ROOM, Attack, BreachError, Target, call, join

_UPGRADE = (
    b"GET /openvidu HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_MASK = b"\0\0\0\0"
_SECONDS = 10.0


async def foreign_pages(target: Target) -> None:
    """H4: a page of another origin joins with the secret as a recorder; requests for another Host (DNS rebinding)."""
    ws = await target.socket(headers={"Origin": "https://evil.example"})
    params: dict[str, Any] = {
        "token": f"wss://localhost?sessionId={ROOM}&secret={target.secret}&recorder=true",
        "session": ROOM,
    }
    params |= {"platform": "", "secret": target.secret, "metadata": "", "recorder": True}
    if "result" in await call(ws, "joinRoom", **params):
        raise BreachError("a page of another origin joined with the secret")
    for path in ("/openvidu/api/sessions", "/metrics", "/openvidu"):
        headers = {**target.auth, "Host": "evil.example"}
        async with target.http.get(target.url(path), headers=headers) as answer:
            if answer.status != 403:
                raise BreachError(f"{path} was served for another host: {answer.status}")


async def guesses(target: Target) -> None:
    """M4: 1,500 wrong secrets at once to the REST API, then 300 joins with invented tokens."""
    wrong = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", "MY_SECRET")}

    async def guess() -> None:
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
            async with target.http.get(target.url("/openvidu/api/sessions"), headers=wrong) as answer:
                if answer.status == 200:
                    raise BreachError("a wrong secret was accepted")

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(guess() for _ in range(1500))), _SECONDS)
    ws = await target.socket()
    for _ in range(300):
        with contextlib.suppress(RuntimeError):
            await join(ws, f"wss://localhost?sessionId={ROOM}&token=tok_{secrets.token_urlsafe(12)}")
            raise BreachError("an invented token was accepted")


async def dripped_heads(target: Target) -> None:
    """300 requests whose head comes a byte every half second, for 10 s."""
    await _drip(target, b"GET /openvidu HTTP/1.1\r\nHost: localhost\r\nX: ", 300)


async def dripped_bodies(target: Target) -> None:
    """300 requests with a body of 100 kB, of which a byte comes every half second, for 10 s."""
    head = b"POST /openvidu/api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    await _drip(target, head + f"Authorization: {target.auth['Authorization']}\r\n\r\n".encode(), 300)


async def _drip(target: Target, head: bytes, connections: int) -> None:
    for _ in range(connections):
        _, writer = await target.connection()
        writer.write(head)
        target.open.append(writer)
    for _ in range(round(2 * _SECONDS)):
        await asyncio.sleep(0.5)  # between two bytes
        for writer in target.open:
            with contextlib.suppress(OSError):
                writer.write(b"x")
    print(f"    closed by the server: {sum(writer.is_closing() for writer in target.open)}")


async def endless_heads(target: Target) -> None:
    """Twenty connections that send header lines as fast as they are taken, for 10 s."""
    await _pour(target, lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n", lambda: b"X: " + b"x" * 4000 + b"\r\n")


async def endless_bodies(target: Target) -> None:
    """Twenty connections that send chunked bodies to the REST API as fast as they are taken, for 10 s, without a secret."""
    head = b"POST /openvidu/api/sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    await _pour(target, lambda: head, lambda: b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


async def pipelines(target: Target) -> None:
    """Twenty connections that send requests for pages as fast as they are taken, and read no answer, for 10 s."""
    await _pour(target, lambda: b"", lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)


async def empty_fragments(target: Target) -> None:
    """Twenty WebSockets that send a message in fragments of no bytes as fast as they are taken, for 10 s."""
    await _pour(target, lambda: _UPGRADE + b"\x01\x80" + _MASK, lambda: (b"\x00\x80" + _MASK) * 1000)


async def small_fragments(target: Target) -> None:
    """Twenty WebSockets that send messages of 40 kB in fragments of one byte, as fast as they are taken, for 10 s."""
    fragments = b"\x01\x81" + _MASK + b"x" + (b"\x00\x81" + _MASK + b"x") * 40_000 + b"\x80\x80" + _MASK
    await _pour(target, lambda: _UPGRADE, lambda: fragments)


async def control_frames(target: Target) -> None:
    """Twenty WebSockets that send pings and pongs of 125 bytes as fast as they are taken, for 10 s, and read nothing."""
    frames = (b"\x89\xfd" + _MASK + b"p" * 125 + b"\x8a\xfd" + _MASK + b"p" * 125) * 100
    await _pour(target, lambda: _UPGRADE, lambda: frames)


async def _pour(target: Target, begin: Callable[[], bytes], more: Callable[[], bytes]) -> None:
    until, sent, chunk = time.monotonic() + _SECONDS, 0, more()

    async def one() -> None:
        nonlocal sent
        while time.monotonic() < until:
            with contextlib.suppress(OSError, TimeoutError):
                _, writer = await target.connection()
                target.open.append(writer)
                writer.write(begin())
                while time.monotonic() < until and not writer.is_closing():
                    writer.write(chunk)
                    await asyncio.wait_for(writer.drain(), max(0.1, until - time.monotonic()))
                    sent += len(chunk)
            await asyncio.sleep(0.01)  # before the next connection

    await asyncio.gather(*(one() for _ in range(20)))
    print(f"    taken: {sent / 2**20:.1f} MiB on {len(target.open)} connections")


async def requests(target: Target) -> None:
    """Fifty clients that ask for pages one after the other for 10 s."""
    until, answered = time.monotonic() + _SECONDS, 0

    async def ask() -> None:
        nonlocal answered
        while time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError):
                async with target.http.get(target.url("/")) as answer:
                    await answer.read()
                    answered += 1

    await asyncio.gather(*(ask() for _ in range(50)))
    print(f"    answered: {answered / _SECONDS:.0f} a second")


async def handshakes(target: Target) -> None:
    """Twenty clients that open WebSockets one after the other for 10 s and close them without a close frame."""
    until, opened = time.monotonic() + _SECONDS, 0

    async def again() -> None:
        nonlocal opened
        while time.monotonic() < until:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await target.connection()
                writer.write(_UPGRADE)
                await reader.readuntil(b"\r\n\r\n")
                opened += 1
                _reset(writer)

    await asyncio.gather(*(again() for _ in range(20)))
    print(f"    opened: {opened / _SECONDS:.0f} a second")


async def resets(target: Target) -> None:
    """5,000 TCP connections that are reset at once."""
    for _ in range(5000):
        with contextlib.suppress(OSError):
            _reset((await target.connection())[1])


def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def odd_numbers(target: Target) -> None:
    """A hundred messages of 49 kB of digits, exponents, doubled names and lone surrogates, before any join."""
    texts: tuple[str, ...] = (
        '{"id":' + "9" * 49_000 + "}",
        '{"id":[' + "1e999999," * 5_000 + "1]}",
        '{"id":"' + "\\ud800" * 8_000 + '"}',
    )
    texts += ("{" + ",".join('"a":1' for _ in range(8_000)) + "}", json.dumps({"jsonrpc": "2.0", "x": [0] * 12_000}))
    for number in range(100):
        ws = await target.socket()
        await ws.send_str(texts[number % len(texts)])
        await ws.receive(timeout=20)
        await ws.close()


ATTACKS: tuple[Attack, ...] = (
    foreign_pages, guesses, dripped_heads, dripped_bodies, endless_heads, endless_bodies, pipelines, empty_fragments,
    small_fragments, control_frames, requests, handshakes, resets, odd_numbers,
)  # fmt: skip
