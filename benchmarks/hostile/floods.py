"""What a participant sends over its WebSocket beyond the tables of limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time

import aiohttp

from benchmarks.hostile.signaling import OFFER
from benchmarks.hostile.target import ROOM, Attack, BreachError, Target, call, join, read_all, send

_SECONDS = 10.0


async def signals_to_all(target: Target) -> None:
    """Five participants that send signals of 40 kB to all as fast as they are taken, for 10 s."""
    text = json.dumps({"to": [], "data": "x" * 40_000, "type": "signal"})
    await _repeat(target, 5, "sendMessage", message=text)


async def small_signals(target: Target) -> None:
    """Five participants that send empty signals to all as fast as they are taken, for 10 s."""
    await _repeat(target, 5, "sendMessage", message=json.dumps({"to": [], "data": "", "type": "signal"}))


async def unknown_methods(target: Target) -> None:
    """Twenty participants that call a method that does not exist as fast as they are taken, for 10 s: each is logged."""
    await _repeat(target, 20, "x" * 90)


async def candidates(target: Target) -> None:
    """Five publishers that send ICE candidates as fast as they are taken, for 10 s."""
    candidate = "candidate:1 1 udp 1 203.0.113.1 9 typ host " + "x" * 3_000
    await _repeat(target, 5, "onIceCandidate", endpointName="x", candidate=candidate, sdpMid="0", sdpMLineIndex=0)


async def property_changes(target: Target) -> None:
    """Three publishers that tell the others of a changed property as fast as they are taken, for 10 s."""
    value = {"streamId": "x", "property": "videoActive", "newValue": False, "reason": "x" * 1_000}
    await _repeat(target, 3, "streamPropertyChanged", publishes=True, **value)


async def _repeat(target: Target, members: int, method: str, *, publishes: bool = False, **params: object) -> None:
    until, sent = time.monotonic() + _SECONDS, 0

    async def one() -> None:
        nonlocal sent
        ws = await target.member()
        if publishes:
            await call(ws, "publishVideo", sdpOffer=OFFER.read_text(), doLoopback=False, hasAudio=True, hasVideo=True)
        reader = asyncio.create_task(read_all(ws))
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
            while time.monotonic() < until and not ws.closed:
                await asyncio.wait_for(send(ws, method, **params), max(0.1, until - time.monotonic()))
                sent += 1
        reader.cancel()

    await asyncio.gather(*(one() for _ in range(members)))
    print(f"    taken: {sent / _SECONDS:.0f} requests a second")


async def joins(target: Target) -> None:
    """Ten clients that join and leave in turn for 10 s, each with a token of its own."""
    until, joined, refused = time.monotonic() + _SECONDS, 0, 0

    async def again() -> None:
        nonlocal joined, refused
        while time.monotonic() < until:
            try:
                ws = await target.member("m" * 9_000)
                joined += 1
                await send(ws, "leaveRoom")
                await ws.close()
            except (RuntimeError, ConnectionError):
                refused += 1

    await asyncio.gather(*(again() for _ in range(10)))
    print(f"    joined: {joined / _SECONDS:.0f} a second, refused: {refused}")


async def resumes(target: Target) -> None:
    """One that resumes its RPC session on a new WebSocket again and again for 10 s, and ten that guess those of others."""
    ws = await target.socket()
    own = str((await join(ws, await target.token()))["sessionId"])
    until, resumed = time.monotonic() + _SECONDS, 0

    async def resume() -> None:
        nonlocal resumed
        while time.monotonic() < until:
            socket = await target.socket()
            resumed += "result" in await call(socket, "connect", sessionId=own, received=0)

    async def guess() -> None:
        while time.monotonic() < until:
            socket = await target.socket()
            with contextlib.suppress(ConnectionError):
                for _ in range(20):
                    if "result" in await call(socket, "connect", sessionId=secrets.token_hex(13), received=0):
                        raise BreachError("a guessed RPC session was resumed")
            await socket.close()

    await asyncio.gather(resume(), *(guess() for _ in range(10)))
    print(f"    resumed: {resumed / _SECONDS:.0f} times a second")


async def others_streams(target: Target) -> None:
    """A publisher that evicts the others, ends their streams and renegotiates them, or does so by the id of another room."""
    ws = await target.member()
    for stream in target.streams:
        connection = "con_" + stream.rpartition("con_")[2]
        orders: tuple[tuple[str, dict[str, object]], ...] = (
            ("forceDisconnect", {"connectionId": connection}),
            ("forceUnpublish", {"streamId": stream}),
            ("reconnectStream", {"stream": stream, "sdpString": OFFER.read_text(), "forciblyReconnect": True}),
        )
        for method, params in orders:
            if "result" in await call(ws, method, **params):
                raise BreachError(f"{method} of another's stream was carried out")


async def held_rooms(target: Target) -> None:
    """Fifty participants of the room that read nothing, while one sends signals of 40 kB to all for 10 s."""
    silent = [await target.member() for _ in range(50)]
    text = json.dumps({"to": [], "data": "x" * 40_000, "type": "signal"})
    await _repeat(target, 1, "sendMessage", message=text)
    print(f"    of {len(silent)} that do not read still open: {sum(not one.closed for one in silent)} in {ROOM}")


ATTACKS: tuple[Attack, ...] = (
    signals_to_all, small_signals, unknown_methods, candidates, property_changes, joins, resumes, others_streams, held_rooms,
)  # fmt: skip
