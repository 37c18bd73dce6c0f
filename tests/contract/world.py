"""What a test of the seam is given: a host, a server to connect to, the other end of a media connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pyvidu.platform import Candidate, Host, LocalMedia, PeerConnection, Socket

Availability = Literal["answering", "refusing", "silent"]
NetworkEvent = Literal["offline", "online", "changed", "woke up", "unloading"]
REPORTS: dict[NetworkEvent, str] = {
    "offline": "network_offline",
    "online": "network_online",
    "changed": "network_changed",
    "woke up": "page_woke_up",
    "unloading": "page_unloading",
}
DEADLINE = 15.0  # seconds within which whatever a test waits for happens; only a broken host takes as long


@dataclass(frozen=True, slots=True)
class Server:
    """The addresses of one server: of its WebSocket, and of a resource that exists and one that does not."""

    web_socket: str
    resource: str
    missing: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server has got so far from all sockets: the messages, and the close codes with their reasons."""

    messages: list[str] = field(default_factory=list)
    closes: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Track:
    """The state of one MediaStreamTrack."""

    kind: str
    enabled: bool
    live: bool


class Remote(Protocol):
    """The other end of a media connection, as a server has it. It sends sound and moving pictures to a receiver."""

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer, without candidates."""

    async def offer(self) -> str:
        """Return an offer to send sound and video, without candidates."""

    async def accept(self, answer: str) -> None:
        """Accept the answer to `offer`."""

    async def candidates(self) -> list[Candidate]:
        """Return all of its candidates."""

    async def add_candidate(self, candidate: Candidate) -> None:
        """Add a candidate of the host's peer connection."""

    async def received(self, kind: str) -> int:
        """Return how many packets of a kind (`audio` or `video`) it has received."""

    def fall_silent(self) -> None:
        """Send and answer nothing from now on, without telling."""


class World(Protocol):
    """A host and what is around it. Each test has one of its own."""

    host: Host

    def server(self, availability: Availability = "answering") -> Server:
        """Return a server that answers, that refuses connections, or that nothing is ever heard of.

        Its WebSocket returns each message. `send N` has N numbers sent instead, `close CODE REASON` closes the socket,
        `abort` ends its TCP connection. A test uses one kind only.
        """

    async def seen(self) -> Seen:
        """Return what the server has got."""

    def remote(self) -> Remote:
        """Return the other end of a new media connection."""

    def network_event(self, event: NetworkEvent) -> None:
        """Let the host observe an event of the network or the page."""

    def offline(self, offline: bool) -> None:
        """Let the host believe that it has no network, and make no peer connection until it has: as Firefox does."""

    def place(self) -> str:
        """Return the id of an element to which videos can be added."""

    def own_element(self) -> Any:
        """Return a video element of the application."""

    def is_in_document(self, identity: str) -> bool:
        """Return whether there is an element with this id."""

    def tracks(self, stream: Any) -> list[Track]:
        """Return the tracks of a MediaStream, local or received."""

    def new_track(self, kind: str) -> Any:
        """Return another MediaStreamTrack."""

    def end_video(self, media: LocalMedia) -> None:
        """End the video from outside, as a user does who stops sharing a screen."""

    def alive(self) -> dict[str, int]:
        """Return how many resources of each kind the host holds that it must release."""


class SocketLog:
    """A `SocketListener` that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.on_open: Callable[[Socket], None] = lambda _socket: None
        self.on_text: Callable[[Socket, str], None] = lambda _socket, _text: None
        self.told_by: set[int] = set()

    @property
    def texts(self) -> list[str]:
        """Return the messages received."""
        return [event[1] for event in self.events if event[0] == "received"]

    @property
    def closed(self) -> tuple[int, str] | None:
        """Return code and reason of the close event, None before."""
        return next(((event[1], event[2]) for event in self.events if event[0] == "closed"), None)

    @property
    def is_open(self) -> bool:
        """Return whether the opening was told."""
        return bool(self.events) and self.events[0][0] == "opened"

    def socket_opened(self, socket: Socket) -> None:
        self._note(socket, "opened", socket.is_open)
        self.on_open(socket)

    def socket_received(self, socket: Socket, text: str) -> None:
        self._note(socket, "received", text)
        self.on_text(socket, text)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        self._note(socket, "closed", code, reason, socket.is_open)

    def _note(self, socket: Socket, *event: Any) -> None:
        self.told_by.add(id(socket))
        self.events.append(event)


class PeerLog:
    """A `PeerListener` that keeps what it is told, and the state that the connection has at that moment."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.states: list[str] = []
        self.states_read: list[str] = []
        self.peer: PeerConnection | None = None
        self.on_candidate: Callable[[Candidate], None] = lambda _candidate: None

    def peer_candidate(self, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        self.on_candidate(candidate)

    def peer_ice_state(self, state: str) -> None:
        self.states.append(state)
        if self.peer is not None:
            self.states_read.append(self.peer.ice_connection_state)


class NetworkLog:
    """A `NetworkListener` that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def network_offline(self) -> None:
        self.told.append("network_offline")

    def network_online(self) -> None:
        self.told.append("network_online")

    def network_changed(self) -> None:
        self.told.append("network_changed")

    def page_woke_up(self) -> None:
        self.told.append("page_woke_up")

    def page_unloading(self) -> None:
        self.told.append("page_unloading")


async def until(condition: Callable[[], object], what: str) -> None:
    """Return when `condition` holds. Raises AssertionError when that takes longer than `DEADLINE`."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + DEADLINE
    while not condition():
        assert loop.time() < ends, f"within {DEADLINE:g} s not: {what}"
        await asyncio.sleep(0.01)  # between two looks


async def quiet(seconds: float = 0.15) -> None:
    """Let pass the time in which something would arrive that must not: a multiple of all latencies here."""
    await asyncio.sleep(seconds)  # see above
