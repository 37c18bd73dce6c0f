"""Fuzzing over real sockets: the whole server with its listener, its WebSockets, its HTTP and its media router's UDP port.

Hostile clients send broken requests, handshakes, frames and messages in pieces of any size, and datagrams; they leave in any
way. Beside them a participant has its WebSocket, is answered, and keeps its stream. At the end nothing is left open.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from fuzz.mutator import Mutator
from fuzz.transcripts import PUBLISHER_OFFER, REST, RPC
from fuzz.watch import MAX_GROWTH, resident, watching
from pyvidu.server.app import SERVER, app_runner
from pyvidu.server.config import ServerConfig
from pyvidu.server.http.listener import TcpListener
from pyvidu.server.limits import Limits
from pyvidu.server.media import stun
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties
from tests.server.raw_websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from tests.server.server_world import SECRET, publish_params
from tests.waiting import until

HOST = "127.0.0.1"
CLIENTS = 16
"""At a time."""
PATIENCE = 10.0
"""Seconds until the participant's answer counts as missing."""
_LISTENS = 0.02  # seconds in which an answer may come
_UPGRADE = (
    b"GET /openvidu?sessionId=room HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_AUTH = aiohttp.encode_basic_auth("OPENVIDUAPP", SECRET)
_UNLIMITED = Limits(sessions=10**6, tokens=10**6, unjoined=10**6, load=10**9, lateness=10**9, memory=10**12)


class SocketRun:
    """Sends the inputs of one seed to a server of its own."""

    def __init__(self, seed: int) -> None:
        self.crashes: list[str] = []
        self.count = 0
        self._asked = 10**6
        self._mutator = Mutator(seed)
        self._random = self._mutator.random
        self._listener = TcpListener(_UNLIMITED)
        self._values: dict[str, str] = {}
        self._prey: aiohttp.ClientWebSocketResponse | None = None
        self._media = (HOST, 9)

    async def __call__(self, inputs: int) -> None:
        """Send so many."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.crashes.append(f"loop: {context}"))
        async with self._served() as http, http.ws_connect("/openvidu") as participant:
            await self._join(participant, "a-room-that-nobody-else-knows")
            memory = resident()
            while self.count < inputs:
                await self._renew(http)
                clients = min(CLIENTS, inputs - self.count)
                self.count += clients
                await asyncio.gather(*(self._client() for _ in range(clients)))
                self._datagram()
                await self._look(participant)
            if resident() - memory > MAX_GROWTH:
                self.crashes.append(f"memory grew by {(resident() - memory) / 2**20:.0f} MiB")
            try:
                await until(lambda: len(self._listener) <= 2, PATIENCE)  # the participant's, and that of the prey
            except AssertionError:
                self.crashes.append(f"{len(self._listener)} connections are left")

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[aiohttp.ClientSession]:
        runner = app_runner(ServerConfig(secret=SECRET, limits=_UNLIMITED, log_level="error"), self._listener)
        await runner.setup()
        assert runner.server is not None
        self._server = runner.app[SERVER]
        await self._listener.start(runner.server, HOST, 0)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            async with aiohttp.ClientSession(f"http://{HOST}:{self._listener.port}") as http:
                yield http
        finally:
            self._udp.close()
            await self._listener.close()
            await runner.cleanup()

    async def _join(self, ws: aiohttp.ClientWebSocketResponse, room: str) -> None:
        """Join and publish, so that there are ids to name and a port to send to."""
        self._server.rooms.get(room) or self._server.rooms.create(SessionProperties(custom_session_id=room))
        params = json.loads(json.dumps(RPC[1][1]).replace('"room"', json.dumps(room)))
        joined = await self._ask(ws, "joinRoom", **self._filled(params, room))
        published = await self._ask(ws, "publishVideo", **publish_params(sdpOffer=PUBLISHER_OFFER))
        self._values = {"$CONNECTION": joined["id"], "$STREAM": published["id"], "$RPC": joined["sessionId"]}
        found = re.search(rf"a=candidate:\d+ 1 udp \d+ {re.escape(HOST)} (\d+) typ host", published["sdpAnswer"])
        assert found is not None
        self._media = (HOST, int(found[1]))

    async def _renew(self, http: aiohttp.ClientSession) -> None:
        """Have a participant in the room that hostile clients know, who may evict it, resume it, or end the room."""
        room = self._server.rooms.get("room")
        if self._prey is None or self._prey.closed or room is None or not room.participants:
            if self._prey is not None:
                await self._prey.close()
            self._prey = await http.ws_connect("/openvidu")
            await self._join(self._prey, "room")

    async def _ask(self, ws: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        await ws.send_json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while (answer := await ws.receive_json()).get("id") != number:
                pass
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def _look(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Check that the participant is answered."""
        try:
            await self._ask(ws, "ping")
            await self._ask(ws, "echo")
        except (TimeoutError, TypeError, AssertionError) as error:  # TypeError: its WebSocket was closed
            self.crashes.append(f"the participant got no answer after {self.count} inputs: {error!r}")
            raise

    def _filled(self, params: Any, name: str = "room") -> Any:
        """Return `params` with ids of the prey and a new token of a room."""
        text, room = json.dumps(params), self._server.rooms.get(name)
        if "$TOKEN" in text and room is not None:
            token = self._server.rooms.issue_token(room, ConnectionProperties(), "ws://localhost:4443")
            text = text.replace("$TOKEN", token.url)
        for placeholder, value in self._values.items():
            text = text.replace(placeholder, value)
        return json.loads(text)

    # --- clients -----------------------------------------------------------------------------------------------------

    async def _client(self) -> None:
        data = self._request() if self._random.random() < 0.4 else self._frames()
        try:
            reader, writer = await asyncio.open_connection(HOST, self._listener.port)
        except OSError as error:
            self.crashes.append(f"no connection: {error!r}")
            return
        try:
            at = 0
            while at < len(data):
                size = self._random.choice((1, 7, 100, 1_400, 20_000))
                writer.write(data[at : at + size])
                at += size
                await asyncio.sleep(0)
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(_LISTENS):
                    got = await reader.read(65_536)
                if re.match(rb"HTTP/1\.[01] 500", got):
                    self.crashes.append(f"status 500: {data[:500]!r}")
        finally:
            if self._random.random() < 0.3:
                with contextlib.suppress(OSError):  # it is closed already
                    found = writer.get_extra_info("socket")
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def _request(self) -> bytes:
        """Return one or more HTTP requests, most of them broken."""
        whole = b""
        for _ in range(self._random.choice((1, 1, 1, 3))):
            method, path, body = self._random.choice(REST)
            content = self._mutator.text(self._mutator.json(self._filled(body), [])) if body is not None else b""
            head = (
                f"{method} /openvidu/api/{self._filled(path)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {_AUTH}\r\n"
            )
            if self._random.random() < 0.3:
                head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                whole += head.encode("utf-8", "replace") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
            else:
                head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
                whole += head.encode("utf-8", "replace") + content
        return self._mutator.damaged(whole) if self._random.random() < 0.5 else whole

    def _frames(self) -> bytes:
        """Return a handshake and frames: messages in fragments, control frames, and what RFC 6455 forbids."""
        frames = b""
        for number in range(self._random.choice((1, 3, 10))):
            method, params = self._random.choice(RPC)
            message: Any = {"jsonrpc": "2.0", "id": number, "method": method, "params": self._filled(params)}
            if self._random.random() < 0.7:
                message = self._mutator.json(message, list(self._values.values()))
            text = self._mutator.text(message)
            cuts = sorted(self._random.randrange(len(text) + 1) for _ in range(self._random.choice((0, 0, 1, 5))))
            parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
            for index, part in enumerate(parts):
                opcode = self._random.choice((TEXT, TEXT, BINARY)) if not index else CONTINUATION
                frames += frame(opcode, part, fin=index == len(parts) - 1)
                if self._random.random() < 0.2:
                    frames += frame(self._random.choice((PING, PONG, CLOSE, CONTINUATION, 3, 15)), part[:125])
        handshake = _UPGRADE if self._random.random() < 0.9 else self._mutator.damaged(_UPGRADE)
        return handshake + (self._mutator.damaged(frames) if self._random.random() < 0.5 else frames)

    def _datagram(self) -> None:
        request = stun.binding_request("u:v", "password", self._random.randbytes(12), nominates=True)
        data = self._mutator.damaged(
            self._random.choice((request, b"\x16\xfe\xff" + bytes(60), b"\x80\x60" + bytes(30)))
        )
        with contextlib.suppress(OSError):
            self._udp.sendto(data, self._media)


def fuzz_sockets(inputs: int, seed: int = 1) -> tuple[int, list[str]]:
    """Return the number of inputs sent, and the crashes."""
    crashes: list[str] = []
    with watching(crashes):
        run = SocketRun(seed)
        with contextlib.suppress(TimeoutError, TypeError, AssertionError):  # the participant's; recorded
            asyncio.run(run(inputs))
    return run.count, run.crashes + crashes
