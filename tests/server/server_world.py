"""Stand-ins for what the rooms work with: a socket, a client behind it, and the media router."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from pyvidu.protocol.codes import PROBE_ANSWER
from pyvidu.server.faults.control import Faults
from pyvidu.server.faults.traffic import ImpairedTraffic
from pyvidu.server.http.hosts import unused_ice_servers
from pyvidu.server.limits import Limits
from pyvidu.server.load import Load
from pyvidu.server.media.path_counters import ParticipantPaths
from pyvidu.server.media.video_pauses import PausedVideo
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Room
from pyvidu.server.rooms.tokens import ConnectionProperties, Role, SessionProperties
from pyvidu.server.signaling.dispatcher import SignalingServer
from pyvidu.server.signaling.handlers import Context
from pyvidu.server.signaling.profiles import DefaultProfile, ProfileFactory
from pyvidu.server.signaling.rpc_session import ServerSocket
from pyvidu.server.traffic import Traffic
from pyvidu.tasks import Tasks

SECRET = "a-secret-of-the-tests"


class FakeTransport:
    """Keeps what is sent. Answers the server's pings while `alive`, as a browser does without its page."""

    def __init__(self, traffic: Traffic) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.pings = 0
        self.full = False
        self.path: Any = traffic.socket_path(None, self._flow)
        self.flows = True
        self.alive = True
        self.on_pong: Callable[[], None] = lambda: None
        self._waiting: list[str] = []

    def send(self, text: str) -> None:
        if self.closed:
            return
        if self.flows:
            self.sent.append(json.loads(text))
        else:
            self._waiting.append(text)

    def ping(self) -> None:
        self.pings += 1
        if self.alive and self.flows:
            self.on_pong()

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)

    def abort(self) -> None:
        self.closed = self.closed or (1006, "")

    def _flow(self, flows: bool) -> None:
        self.flows = flows
        if flows:
            self.sent += [json.loads(text) for text in self._waiting]
            self._waiting.clear()


class FakeMedia:
    """A media router that answers every offer at once, or once `gate` is open, and records the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.found_paths: dict[str, ParticipantPaths] = {}
        self.last_rtp: dict[str, float] = {}
        self.paused: frozenset[PausedVideo] = frozenset()  # the result of `pause_videos`
        self.closed = False

    async def publish(self, owner: str, stream_id: str, sdp_offer: str, *, loopback: bool = False) -> str:
        if loopback:
            self.calls.append(("loopback", stream_id))
        return await self._negotiate("publish", owner, stream_id, sdp_offer)

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        return await self._negotiate("republish", stream_id, sdp_offer)

    async def unpublish(self, stream_id: str) -> None:
        self.calls.append(("unpublish", stream_id))

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        return await self._negotiate("subscribe", subscriber, stream_id, sdp_offer)

    def heard(self) -> dict[str, float]:
        return self.last_rtp

    def paths(self) -> dict[str, ParticipantPaths]:
        return self.found_paths

    def pause_videos(self) -> frozenset[PausedVideo]:
        return self.paused

    async def offer(self, subscriber: str, stream_id: str) -> str:
        await self._negotiate("offer", subscriber, stream_id)
        return f"offer of {stream_id}"

    async def accept(self, subscriber: str, stream_id: str, sdp_answer: str) -> None:
        await self._negotiate("accept", subscriber, stream_id, sdp_answer)

    async def unsubscribe(self, subscriber: str, stream_id: str) -> None:
        self.calls.append(("unsubscribe", subscriber, stream_id))

    async def leave(self, participant: str) -> None:
        self.calls.append(("leave", participant))

    def request_key_frame(self, stream_id: str) -> None:
        self.calls.append(("key frame", stream_id))

    def statistics(self) -> Any:
        return {}

    async def close(self) -> None:
        self.closed = True

    def named(self, name: str) -> list[tuple[str, ...]]:
        return [call for call in self.calls if call[0] == name]

    async def _negotiate(self, *call: str) -> str:
        self.calls.append(call)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"answer to {call[-1]}"


class Client:
    """One client of a `World`: sends requests and keeps what it receives, over as many sockets as it opens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id = ""
        self.rpc_id = ""
        self.probe_id = ""
        self.last_id = 0
        self.transport: FakeTransport
        self.socket: ServerSocket
        self.open()

    def open(self, ip: str = "127.0.0.1") -> None:
        """Open a new socket from `ip` and use it for all later requests."""
        transport = FakeTransport(self.world.traffic)
        socket = self.world.signaling.opened(transport, host="localhost", ip=ip)
        transport.on_pong = lambda: self.world.signaling.heard(socket)
        self.transport, self.socket = transport, socket

    def send(self, method: str, /, **params: Any) -> int:
        """Send a request without waiting for its response."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        self.world.signaling.heard(self.socket)
        self.world.signaling.received(self.socket, json.dumps(message))
        return self.last_id

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the response to a request, result or error. Raises if none came."""
        transport, number = self.transport, self.send(method, **params)
        await settle()
        answers = [message for message in transport.sent if message.get("id") == number]
        assert answers, f"{method} was not answered"
        assert len(answers) == 1, f"{method} was answered {len(answers)} times"
        return answers[0]

    async def result(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the result of a request that must succeed."""
        response = await self.call(method, **params)
        assert "result" in response, response
        result: dict[str, Any] = response["result"]
        return result

    async def error(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the error of a request that must fail."""
        response = await self.call(method, **params)
        assert "error" in response, response
        error: dict[str, Any] = response["error"]
        return error

    async def join(self, role: Role = Role.PUBLISHER, data: str = "", server_data: str = "") -> dict[str, Any]:
        """Join the world's room with a fresh token."""
        properties = ConnectionProperties(role=role, data=server_data)
        token = self.world.rooms.issue_token(self.world.room, properties, "ws://localhost:4443")
        result = await self.result("joinRoom", **join_params(token.url, self.world.room.id, data))
        self.id, self.rpc_id = result["id"], result["sessionId"]
        self.probe_id = result.get("probeId", "")
        return result

    async def publish(self, **options: Any) -> str:
        """Publish and return the stream id."""
        result = await self.result("publishVideo", **publish_params(**options))
        stream_id: str = result["id"]
        return stream_id

    async def resume(self, ip: str = "127.0.0.1") -> dict[str, Any]:
        """Open a new socket from `ip`, send `connect` and return the response."""
        self.open(ip)
        return await self.call("connect", sessionId=self.rpc_id, reconnect=True)

    def notifications(self, method: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Return the notifications received on the current socket, optionally of one method."""
        pushed = [(m["method"], m["params"]) for m in self.transport.sent if "method" in m]
        return [item for item in pushed if method in (None, item[0])]

    def told(self) -> list[str]:
        """Return everything received on the current socket, in order: method of a notification, `result` or `error`."""
        kinds = ("method", "result", "error")
        return [
            next(m["method"] if kind == "method" else kind for kind in kinds if kind in m) for m in self.transport.sent
        ]

    def clear(self) -> None:
        """Drop the messages received so far."""
        self.transport.sent.clear()


class World:
    """A server without HTTP or WebSocket endpoints: rooms, RPC sessions and faults over fake sockets and fake media."""

    make_media: Callable[[], FakeMedia] = FakeMedia
    make_signaling: Callable[..., SignalingServer] = SignalingServer

    def answer_to_probe(self, url: str) -> str:
        """Return what the server answers to a plain GET."""
        return PROBE_ANSWER

    def __init__(
        self, make_profile: ProfileFactory | None = None, limits: Limits | None = None, *, server_offers: bool = False
    ) -> None:
        self.media = self.make_media()
        self.tasks = Tasks()
        self.rooms = Rooms(self.media, self.tasks, limits, life=1)
        self.traffic = ImpairedTraffic()
        self.load = Load(limits)
        context = Context(
            self.rooms, SECRET, unused_ice_servers, tell_probe_id=True, load=self.load, server_offers=server_offers
        )
        self.signaling = self.make_signaling(context, make_profile or evicting_after(12.0), self.tasks, self.traffic)
        self.profile = self.signaling.profile
        self.faults = Faults(self.traffic, self.rooms, self.signaling)
        self.room: Room = self.rooms.create(SessionProperties(custom_session_id="room"))
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> World:
        self._beat = self.tasks.spawn(self.signaling.beat(), "pings")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.faults.close()
        self.signaling.close()
        await self.tasks.close()
        assert len(self.tasks) == 0
        assert self.signaling.sockets == 0
        assert self.profile.clocks == 0  # type: ignore[attr-defined]

    async def member(self, role: Role = Role.PUBLISHER, data: str = "") -> Client:
        """Return a client that has joined the room."""
        client = Client(self)
        await client.join(role, data)
        return client


def evicting_after(seconds: float) -> ProfileFactory:
    """Return what makes a default profile with this eviction timeout."""
    return partial(DefaultProfile, eviction_timeout=seconds)


def join_params(token: str, session: str, metadata: str = "", secret: str = "") -> dict[str, Any]:
    return {
        "token": token,
        "session": session,
        "platform": "Test",
        "sdkVersion": "2.32.2",
        "secret": secret,
        "metadata": metadata,
        "recorder": False,
        "stt": False,
    }


def publish_params(**options: Any) -> dict[str, Any]:
    return {
        "sdpOffer": "an offer",
        "doLoopback": False,
        "hasAudio": True,
        "hasVideo": True,
        "audioActive": True,
        "videoActive": True,
        "typeOfVideo": "CAMERA",
        "frameRate": 30,
        "videoDimensions": '{"width":640,"height":480}',
        **options,
    }


async def settle() -> None:
    """Run everything that is ready to run, without advancing the clock."""
    for _ in range(20):
        await asyncio.sleep(0)
