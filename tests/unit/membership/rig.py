"""A participation without a network: a scripted server, scripted peer connections, and a record of what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyvidu.configuration import AdvancedConfiguration
from pyvidu.membership import LocalStream, Participation, RemoteStream, StreamState
from pyvidu.membership.room_state import RoomState
from pyvidu.platform import SocketListener
from pyvidu.reconnection.policy import ReconnectionPolicy, RequestPolicy
from tests.unit.counted_clock import CountedClock
from tests.unit.reports import Reports
from tests.unit.scripted_peers import ScriptedPeers
from tests.unit.signaling.scripted_server import ScriptedServer, ScriptedSocket

TOKEN = "wss://server:4443?sessionId=room&token=tok_1"
OWN, BOB = "con_own", "con_bob"
BOBS = "str_CAM_con_bob"
ENDPOINT = "endpoint_"


class Server(ScriptedServer):
    """A scripted server that admits everybody, and records the URLs of its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.probes: list[str] = []
        self.answers |= {
            "joinRoom": admission(),
            "publishVideo": {"id": "str_CAM_con_own", "sdpAnswer": "an answer", "createdAt": 5},
            "receiveVideoFrom": {"sdpAnswer": "an answer"},
            "reconnectStream": {"sdpAnswer": "an answer"},
        }

    def open(self, url: str, listener: SocketListener) -> ScriptedSocket:
        self.urls.append(url)
        return super().open(url, listener)

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        self.probes.append(url)
        return await super().probe(url, timeout, answers)

    @property
    def socket(self) -> ScriptedSocket:
        """Return the newest socket."""
        return self.sockets[-1]

    @property
    def alive(self) -> list[ScriptedSocket]:
        """Return the sockets that the client has not closed."""
        return [socket for socket in self.sockets if socket.listener is not None]

    def sent(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of each request `method`, on all sockets."""
        return [params for socket in self.sockets for _, name, params in socket.requests if name == method]

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.socket.push({"jsonrpc": "2.0", "method": method, "params": params})


def admission(*others: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an answer to `joinRoom`: the own participant and the others."""
    return {"id": OWN, "sessionId": "rpc", "value": list(others), "session": "room", "role": "PUBLISHER", **more}


def participant(identity: str = BOB, *streams: str) -> dict[str, Any]:
    """Return a participant, as in `joinRoom`'s answer."""
    described = [{"id": item, "hasAudio": True, "hasVideo": True} for item in streams]
    return {"id": identity, "createdAt": 1, "metadata": "", "streams": described}


class Local:
    """A source of a local stream."""

    stream = "the camera's stream"


def refusal(code: int, message: str = "no") -> dict[str, Any]:
    """Return an answer that refuses a request."""
    return {"code": code, "message": message}


class Rig:
    """A participation and everything around it."""

    def __init__(self, **configuration: Any) -> None:
        self.server = Server()
        self.peers = ScriptedPeers()
        self.reports: Any = Reports()
        self.configuration = AdvancedConfiguration(**configuration)
        self.clock = CountedClock()
        self.host = replace(
            self.server.host(), clock=self.clock, peers=self.peers, description="a test", calendar=lambda: 0.0
        )
        self.participation = Participation(self.host, lambda: self.configuration, self.reports)

    @property
    def room(self) -> RoomState:
        assert self.participation.room is not None
        return self.participation.room

    async def join(self, *others: dict[str, Any], **more: Any) -> None:
        """Join a room with these others."""
        self.server.answers["joinRoom"] = admission(*others, **more)
        await self.participation.join(TOKEN, "")

    async def publish(self) -> LocalStream:
        """Publish a stream with audio and video."""
        local = a_local_stream()
        await self.participation.member.publish(local)
        return local

    async def subscribe(self, owner: str = BOB) -> RemoteStream:
        """Receive the stream of a participant."""
        stream = self.room.participants[owner].stream
        assert stream is not None
        remote = RemoteStream(stream, lambda: None)
        await self.participation.subscribe(remote)
        return remote

    async def evicted(self) -> None:
        """Lose the membership: the socket is dropped, and the resume is refused."""
        self.server.answers["connect"] = refusal(40007)
        self.server.answers["videoData"] = refusal(102)
        self.server.socket.drop()
        await asyncio.sleep(3)


def a_local_stream() -> LocalStream:
    """Return a local stream with audio and video that is not published."""
    source: Any = Local()
    return LocalStream(StreamState(has_audio=True, has_video=True, audio_active=True, video_active=True), source)


def impatient(seconds: float = 10.0) -> ReconnectionPolicy:
    """Return a policy whose requests time out after `seconds`."""
    return ReconnectionPolicy(requests=RequestPolicy(timeout=seconds))
