"""Fuzzing of WebSocket and REST: hostile clients at both, a healthy call beside them, and what counts as a crash.

A crash is an uncaught exception, an error in the log, a status 500, output that is no JSON, a healthy call that misses
anything, a packet for another machine, or memory that grows. The clock is virtual, so evictions and expiries happen.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import encode_basic_auth, web

from fuzz.mutator import Mutator
from fuzz.transcripts import REST, RPC
from fuzz.watch import MAX_GROWTH, resident, watching
from pyvidu.server.app import SERVER, create_app
from pyvidu.server.config import Profile, ServerConfig
from pyvidu.server.limits import Limits
from pyvidu.server.rooms.room import Room
from pyvidu.server.rooms.tokens import Role, SessionProperties
from pyvidu.server.traffic import DirectTraffic
from tests.server.server_world import SECRET, Client, FakeMedia, settle

BATCH = 50  # inputs between two checks of the healthy call
HOSTILE = 6  # clients at a time
_STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)")
_AUTH = encode_basic_auth("OPENVIDUAPP", SECRET)


class Wire(asyncio.Transport):
    """The server's end of an HTTP connection that has no socket."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.closed = False
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Run:
    """One profile's share of the inputs."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.mutator = Mutator(seed)
        self.crashes: list[str] = []
        self.count = 0
        # Rate limits belong to sockets; here every input must arrive.
        config = ServerConfig(
            secret=SECRET, profile=profile, limits=Limits(sessions=100, tokens=200, load=10**9), log_level="error"
        )
        self.app = create_app(config, make_media=lambda _: FakeMedia())
        self.server = self.app[SERVER]
        self.signaling, self.rooms, self.traffic = self.server.signaling, self.server.rooms, DirectTraffic()
        self.room: Room
        self._clients: list[Client] = []
        self._wires: list[tuple[Any, Wire]] = []

    async def __call__(self, inputs: int) -> None:
        """Send so many inputs."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.crash(f"loop: {context}"))
        runner = web.AppRunner(self.app, access_log=None)
        await runner.setup()
        assert runner.server is not None
        self.room = self.rooms.create(SessionProperties(custom_session_id="healthy-room-nobody-knows"))
        ada, bob = Client(self), Client(self)  # type: ignore[arg-type]
        await ada.join()
        await bob.join()
        while self.count < inputs:
            self._renew(runner.server)
            for _ in range(min(BATCH, inputs - self.count)):
                self.count += 1
                self._rest() if self.mutator.random.random() < 0.2 else self._rpc()
            await settle()
            await asyncio.sleep(0.05)  # what the inputs caused is written by then
            self._check_output()
            await self._check_call(ada, bob)
        self.signaling.close()
        for protocol, _ in self._wires:
            protocol.connection_lost(None)
        await runner.cleanup()

    def crash(self, what: str) -> None:
        """Record a crash."""
        self.crashes.append(what)

    def _renew(self, http: web.Server) -> None:
        """Replace closed clients and connections, and some others at random. Keep their room in existence."""
        if len(self.rooms) > 40:  # created by hostile REST requests; below the limit of sessions
            for room in self.rooms:
                if room is not self.room:
                    room.close()
        if self.rooms.get("room") is None:
            self.rooms.create(SessionProperties(custom_session_id="room"))
        self._clients = [c for c in self._clients if c.socket.open and self.mutator.random.random() < 0.97]
        while len(self._clients) < HOSTILE:
            self._clients.append(Client(self))  # type: ignore[arg-type]
        kept = []
        for protocol, wire in self._wires:
            if wire.closed or self.mutator.random.random() < 0.3:  # a half-sent request would swallow the next ones
                protocol.connection_lost(None)
            else:
                kept.append((protocol, wire))
        self._wires = kept
        while len(self._wires) < 4:
            protocol, wire = http(), Wire()
            protocol.connection_made(wire)
            self._wires.append((protocol, wire))

    def _known(self) -> list[str]:
        room = self.rooms.get("room")
        people = room.participants if room else []
        streams = [person.stream.id for person in people if person.stream]
        return [*[person.id for person in people], *streams]

    def _filled(self, value: Any) -> Any:
        """Return `value` with its `$NAMES` replaced by existing tokens, connections, streams and RPC sessions."""
        text = json.dumps(value)
        if "$" not in text:
            return value
        room, choice = self.rooms.get("room"), self.mutator.random.choice
        if "$TOKEN" in text and room is not None and len(room.tokens) < 100:
            properties = self.server.rooms  # a fresh token of a random role
            token = properties.issue_token(room, _connection(choice(list(Role))), "ws://localhost:4443")
            text = text.replace("$TOKEN", token.url)
        people = room.participants if room else []
        streams = [person.stream.id for person in people if person.stream]
        sessions = [person.peer.id for person in people if hasattr(person.peer, "id")]
        for name, values in (
            ("$CONNECTION", [p.id for p in people]),
            ("$STREAM", streams),
            ("$RPC", sessions),
        ):
            text = text.replace(name, choice(values) if values else "none")
        return json.loads(text)

    def _rpc(self) -> None:
        client, chance = self.mutator.random.choice(self._clients), self.mutator.random.random()
        method, params = self.mutator.random.choice(RPC)
        if client.socket.session is None and chance < 0.5:
            method, params = RPC[1]
        message = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": self._filled(params)}
        if chance > 0.15:  # otherwise unbroken, so that other inputs meet every state of the server
            message = self.mutator.json(message, self._known())
        data = self.mutator.text(message)
        if chance > 0.85:
            data = self.mutator.damaged(data)
        try:
            self.signaling.heard(client.socket)
            self.signaling.received(client.socket, data if chance > 0.5 else data.decode("utf-8", "replace"))
        except Exception as error:  # noqa: BLE001 - any exception is a crash
            self.crash(f"{data[:500]!r}: {error!r}")

    def _rest(self) -> None:
        protocol, wire = self.mutator.random.choice(self._wires)
        chance = self.mutator.random.random()
        method, path, body = self.mutator.random.choice(REST)
        path = self._filled(path)
        content = b""
        if body is not None:
            body = self._filled(body)
            content = self.mutator.text(self.mutator.json(body, self._known()) if chance > 0.1 else body)
        if chance > 0.8:
            content = self.mutator.damaged(content)
        if 0.4 < chance < 0.6:
            path = self.mutator.damaged(path.encode()).decode("latin-1")
        head = (
            f"{method} /openvidu/api/{path} HTTP/1.1\r\nHost: localhost:4443\r\nAuthorization: {_AUTH}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode("latin-1")
        if 0.6 < chance < 0.7:
            head = self.mutator.damaged(head)
        if wire.closed:
            return
        try:
            protocol.data_received(head + content)
        except Exception as error:  # noqa: BLE001 - any exception is a crash
            self.crash(f"{head + content[:500]!r}: {error!r}")

    def _check_output(self) -> None:
        for client in self._clients:
            client.transport.sent.clear()  # `FakeTransport` has parsed each: invalid JSON would have raised
        for _, wire in self._wires:
            if b"500" in _STATUS.findall(wire.written):
                self.crash(f"status 500: {bytes(wire.written)[:500]!r}")
            wire.written.clear()
        media = self.server.media
        assert isinstance(media, FakeMedia)
        media.calls.clear()

    async def _check_call(self, ada: Client, bob: Client) -> None:
        """Check that a signal from Ada reaches Bob, both get responses, and both are still members."""
        text = str(self.count)
        try:
            await ada.result("ping", interval=5000)
            await ada.result("sendMessage", message=json.dumps({"to": [bob.id], "data": text, "type": "signal:x"}))
            await bob.result("echo")
            got = [params["data"] for _, params in bob.notifications("sendMessage")]
            if got != [text]:
                self.crash(f"the healthy call got {got} instead of {text}")
            if self.count % (20 * BATCH) == 0:
                await ada.publish()
                await ada.result("unpublishVideo")
        except AssertionError as error:
            self.crash(f"the healthy call: {error}")
        ada.clear()
        bob.clear()


def fuzz(inputs: int, seed: int = 1) -> tuple[int, list[str]]:
    """Return the number of inputs sent, and the crashes."""
    from tests.virtual_time import run_virtual

    crashes: list[str] = []
    count, memory = 0, 0
    with watching(crashes):
        profiles: list[Profile] = ["default", "kurento"]
        shares = [(inputs // 20, p) for p in profiles] + [(inputs // 2 - inputs // 20, p) for p in profiles]
        shares.append((inputs - sum(share for share, _ in shares), "default"))
        for number, (share, profile) in enumerate(shares):
            run = Run(profile, seed * 1000 + number)
            run_virtual(run(share))
            count += run.count
            crashes += run.crashes
            if number == 1:
                memory = resident()
    if resident() - memory > MAX_GROWTH:
        crashes.append(f"memory grew by {(resident() - memory) / 2**20:.0f} MiB")
    return count, crashes


def _connection(role: Role) -> Any:
    from pyvidu.server.rooms.tokens import ConnectionProperties

    return ConnectionProperties(role=role)
