"""What a single sender does to the WebSocket and the HTTP port: the attacks that the limits are made against."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.hostile.target import Attack, Target, call, read_all

KIB = 1024
MIB = 1024 * KIB

OFFER = Path(__file__).parents[2] / "tests" / "server" / "media" / "publisher_offer.sdp"


async def offer(target: Target) -> None:
    """C1: one publishVideo whose offer repeats a payload type 3,600 times and has an fmtp of 11 KiB (22 KiB in all)."""
    sdp = re.sub(r"(m=video .*)", lambda found: found[1].rstrip("\r") + " 96" * 3600, OFFER.read_text())
    sdp = re.sub(r"(a=rtpmap:96 [^\r\n]*)", lambda found: f"{found[1]}\r\na=fmtp:96 {'a=1;' * 2800}", sdp)
    ws = await target.member()
    params = {"sdpOffer": sdp, "doLoopback": False, "hasAudio": True, "hasVideo": True}
    await call(ws, "publishVideo", **params)


async def brackets(target: Target) -> None:
    """C2: ten messages of 1 MB of brackets, without a token."""
    for _ in range(10):
        ws = await target.socket()
        with contextlib.suppress(ConnectionError):
            await ws.send_str('{"x":[' + "[]," * 333_000 + "[]]}")
            await ws.receive(timeout=60)
        await ws.close()


async def brackets_in_size(target: Target) -> None:
    """C2: a hundred messages of 50 kB of brackets, by one that has joined."""
    ws = await target.member()
    text = '{"x":[' + ("[" * 90 + "]" * 90 + ",") * 275 + "[]]}"
    for _ in range(100):
        await ws.send_str(text)
        await ws.receive(timeout=60)


async def long_ids(target: Target) -> None:
    """C3: sixty requests with ids of 1 MB on one socket that never joins."""
    ws = await target.socket()
    with contextlib.suppress(ConnectionError):
        for number in range(60):
            request_id = f"{number}" + "x" * 1_000_000
            await ws.send_str(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "x", "params": {}}))
            await ws.receive(timeout=60)


async def half_frames(target: Target, size: int = 4 * MIB) -> None:
    """C3: sixty sockets that send all but the last byte of a frame of 4 MiB and stay."""
    for _ in range(60):
        reader, writer = await target.connection()
        writer.write(
            b"GET /openvidu HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            writer.write(b"\x81\xff" + size.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * (size - 1))
            await asyncio.wait_for(writer.drain(), 5)
        target.open.append(writer)
    await asyncio.sleep(1)  # for the server to read what there is


async def half_frames_in_size(target: Target) -> None:
    """C3: the same with frames of 127 KiB, which are read to their end."""
    await half_frames(target, 127 * KIB)


async def never_joined(target: Target) -> None:
    """C3: a hundred sockets that answer pings and never join; counted are those still open after 25 s."""
    sockets = [await target.socket() for _ in range(100)]
    readers = [asyncio.create_task(one.receive()) for one in sockets]
    await asyncio.sleep(25)  # the length of the measurement
    print(f"    still open after 25 s: {sum(not one.done() for one in readers)}")
    for one in readers:
        one.cancel()


async def replay(target: Target) -> None:
    """H2: eighty signals of 1 MB to oneself (45 kB each where a message has a limit), all read, none acknowledged."""
    for size, count in ((1_000_000, 80), (45_000, 1_800)):
        ws = await target.member()
        with contextlib.suppress(ConnectionError):
            for _ in range(count):
                await call(ws, "sendMessage", message=json.dumps({"to": [], "data": "x" * size, "type": "signal"}))
            return


async def slow_reader(target: Target) -> None:
    """H1: signals for 12 s to a participant that reads 1 MB/s; it may not lose its socket."""
    victim, sender = await target.member(), await target.member()
    size = 1_000_000 if (await call(sender, "echo", x="x" * 60_000)).get("error") is None else 45_000
    refused, sent, until = 0, 0, time.monotonic() + 12

    async def read() -> None:
        while (message := await victim.receive()).type is aiohttp.WSMsgType.TEXT:
            await asyncio.sleep(
                len(message.data) / 1_000_000
            )  # what is not taken from aiohttp fills the kernel's buffers
        print(f"    the victim's socket was closed: {victim.close_code}")

    reader = asyncio.create_task(read())
    while time.monotonic() < until:
        sent += 1
        answer = await call(sender, "sendMessage", message=json.dumps({"to": [], "data": "x" * size, "type": "signal"}))
        refused += "error" in answer
    print(f"    {sent} signals of {size} bytes, {refused} refused, victim open: {not reader.done()}")
    reader.cancel()


async def metadata(target: Target) -> None:
    """H1: five participants with metadata of 1 MB, then one who joins without any."""
    for _ in range(5):
        with contextlib.suppress(RuntimeError, ConnectionError):
            await target.member("m" * 1_000_000)
    ws = await target.socket()
    await ws.close()
    before = time.monotonic()
    await target.member()
    print(f"    the join of another took {time.monotonic() - before:.2f} s")


async def structures(target: Target) -> None:
    """H3: a publisher's filter with as many members as fit, and property changes with such values, ten others in the room."""
    others = [await target.member() for _ in range(10)]
    readers = [asyncio.create_task(read_all(one)) for one in others]
    sender = await target.member()
    size = 300_000 if (await call(sender, "echo", x="x" * 60_000)).get("error") is None else 15_000
    value: list[Any] = [[{}]] * (size // 6)
    for _ in range(20):
        with contextlib.suppress(ConnectionError):
            published = {"sdpOffer": OFFER.read_text(), "doLoopback": False, "hasAudio": True, "hasVideo": True}
            await call(sender, "publishVideo", **published, filter={"type": "x", "options": {"a": value}})
            await call(sender, "streamPropertyChanged", streamId="x", property="x", newValue=value, reason="x")
            await call(sender, "unpublishVideo")
    for one in readers:
        one.cancel()


async def silent_connections(target: Target) -> None:
    """H5: 2,000 TCP connections that send nothing (the server may have 1,024 descriptors); then a page wants in."""
    writers = []
    for _ in range(2000):
        with contextlib.suppress(OSError, TimeoutError):
            writers.append((await asyncio.wait_for(target.connection(), 1))[1])
        if len(writers) % 200 == 0:
            await asyncio.sleep(0.05)  # for the server to accept
    before = time.monotonic()
    reached = False
    while not reached and time.monotonic() < before + 90:
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http,
                http.get(f"http://127.0.0.1:{target.port}/healthz") as response,
            ):
                reached = response.status == 200
    print(f"    somebody got in after {time.monotonic() - before:.2f} s")
    for writer in writers:
        writer.close()


ATTACKS: tuple[Attack, ...] = (
    offer, brackets, brackets_in_size, long_ids, half_frames, half_frames_in_size, never_joined, replay, slow_reader,
    metadata, structures, silent_connections,
)  # fmt: skip
