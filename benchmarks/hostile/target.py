"""The server under attack, as its attackers reach it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

ROOM = "room"
_ids = itertools.count(1)


class BreachError(Exception):
    """The server did for an attacker what only others may have done."""


@dataclass
class Target:
    """The server under attack. `streams` and `addresses` are those of the publishers of the call that is to be hurt."""

    port: int
    secret: str
    http: aiohttp.ClientSession
    streams: list[str] = field(default_factory=list)
    addresses: list[tuple[str, int]] = field(default_factory=list)
    open: list[asyncio.StreamWriter] = field(default_factory=list)
    """Connections that stay open until the end of the measurement."""
    source: str = "127.0.0.1"
    """The address that attacks come from."""

    @property
    def auth(self) -> dict[str, str]:
        """Return the header of the REST API's user."""
        return {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", self.secret)}

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a TCP connection."""
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.source, 0))

    async def socket(self, **options: Any) -> aiohttp.ClientWebSocketResponse:
        """Return an open WebSocket that has not joined."""
        options |= {"max_msg_size": 0}
        found: aiohttp.ClientWebSocketResponse = await self.http.ws_connect(
            self.url(f"/openvidu?sessionId={ROOM}"), **options
        )
        return found

    async def token(self) -> str:
        """Return a token of the room, as an application's backend gets it."""
        async with self.http.post(
            self.url("/openvidu/api/sessions"), json={"customSessionId": ROOM}, headers=self.auth
        ):
            pass
        path = f"/openvidu/api/sessions/{ROOM}/connection"
        async with self.http.post(self.url(path), json={}, headers=self.auth) as answer:
            return str((await answer.json())["token"])

    async def member(self, metadata: str = "") -> aiohttp.ClientWebSocketResponse:
        """Return the socket of a participant of the room. Raises RuntimeError if the join is refused."""
        token = await self.token()
        ws = await self.socket()
        await join(ws, token, metadata)
        return ws


Attack = Callable[[Target], Awaitable[None]]


async def join(ws: aiohttp.ClientWebSocketResponse, token: str, metadata: str = "") -> dict[str, Any]:
    """Join the room and return the result. Raises RuntimeError if that is refused."""
    params = {"token": token, "session": ROOM, "platform": "", "secret": "", "metadata": metadata}
    joined = await call(ws, "joinRoom", **params)
    if "error" in joined:
        raise RuntimeError(joined["error"]["message"])
    result: dict[str, Any] = joined["result"]
    return result


async def send(ws: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> int:
    """Send a request without waiting for its response, and return its id."""
    number = next(_ids)
    await ws.send_str(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
    return number


async def call(ws: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> dict[str, Any]:
    """Send a request and return the next response; an error without an id counts as one."""
    await send(ws, method, **params)
    while True:
        message = await ws.receive(timeout=600)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"closed with {ws.close_code}")
        answer: dict[str, Any] = message.json()
        if "method" not in answer:
            return answer


async def read_all(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Take what arrives until the socket is closed."""
    with contextlib.suppress(OSError, aiohttp.ClientError):
        while not ws.closed:
            await ws.receive()


class Readers:
    """Participants that read what they get, until the end of the block."""

    def __init__(self, *sockets: aiohttp.ClientWebSocketResponse) -> None:
        self._tasks = [asyncio.create_task(read_all(one)) for one in sockets]

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
