"""A `World` of the fake host that the simulation uses, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from pyvidu.platform import Candidate, LocalMedia, PeerSettings
from tests.contract.endpoint import Connected, respond
from tests.contract.world import REPORTS, Availability, NetworkEvent, PeerLog, Seen, Server, Track
from tests.simulation.fake_tracks import FakeTrack
from tests.simulation.simulated_host import (
    FakeElements,
    FakeLoudness,
    FakeMedia,
    SimulatedClock,
    SimulatedSockets,
    simulated_host,
)
from tests.simulation.simulated_media import PACKETS, Router
from tests.simulation.simulated_network import Link, now


@dataclass(eq=False)
class _ServerSocket:
    transport: Connected
    open: bool = True


class _Endpoint:
    """What the simulation's sockets reach, in the place of the rooms."""

    def __init__(self) -> None:
        self.seen = Seen()

    def opened(self, transport: Connected, *, host: str, ip: str) -> _ServerSocket:
        return _ServerSocket(transport)

    def heard(self, socket: _ServerSocket) -> None:
        """Do nothing: nobody is evicted here."""

    def received(self, socket: _ServerSocket, text: str) -> None:
        respond(text, socket.transport, self.seen)

    def closed(self, socket: _ServerSocket, code: int, reason: str) -> None:
        if socket.open:
            socket.open = False
            self.seen.closes.append((code, reason))


class _Surroundings:
    """What a `Link` leads to: a server without rooms, and a media server."""

    def __init__(self) -> None:
        self.signaling = _Endpoint()
        self.media = Router()

    def answer_to_probe(self, url: str) -> str:
        return "" if url.endswith("missing") else "it exists"


class SimulatedWorld:
    """A `World`."""

    def __init__(self) -> None:
        self._surroundings = _Surroundings()
        self._link = Link(cast(Any, self._surroundings))
        self.host, self._peers = simulated_host(self._link)
        self._streams = count(1)

    def server(self, availability: Availability = "answering") -> Server:
        self._link.refused = availability == "refusing"
        if availability == "silent":
            self._link.drop("silent")
        return Server("ws://server/", "http://server/", "http://server/missing")

    async def seen(self) -> Seen:
        return self._surroundings.signaling.seen

    def remote(self) -> SimulatedRemote:
        return SimulatedRemote(self._surroundings, self._link, f"stream-{next(self._streams)}")

    def network_event(self, event: NetworkEvent) -> None:
        for listener in list(self._link.listeners):
            self._link.at_client(getattr(listener, REPORTS[event]))

    def offline(self, offline: bool) -> None:
        self._peers.refuse(refuse=offline)

    def place(self) -> str:
        return "place"

    def own_element(self) -> Any:
        return object()

    def is_in_document(self, identity: str) -> bool:
        return identity in cast(FakeElements, self.host.elements).document

    def tracks(self, stream: Any) -> list[Track]:
        return [Track(track.kind, track.enabled, not track.stopped) for track in stream.tracks.values()]

    def new_track(self, kind: str) -> FakeTrack:
        return FakeTrack(kind, f"another {kind}")

    def end_video(self, media: LocalMedia) -> None:
        cast(FakeMedia, media).video_ends()

    def alive(self) -> dict[str, int]:
        return {
            "timers": len(cast(SimulatedClock, self.host.clock).timers),
            "sockets": len(cast(SimulatedSockets, self.host.sockets).alive),
            "peer connections": len(self._peers.alive),
            "network monitors": len(self._link.listeners),
            "meters": FakeLoudness.alive,
        }


class SimulatedRemote:
    """A `Remote`: the media server's end of a numbered peer connection, and another client that sends to it."""

    def __init__(self, surroundings: _Surroundings, link: Link, stream: str) -> None:
        self._router = surroundings.media
        self._link = link
        self._others = Link(cast(Any, surroundings))
        self._stream = stream

    async def answer(self, offer: str) -> str:
        number = int(offer.rpartition("#")[2])
        peer = self._router.peers.get(number)
        if peer is None or peer.remote_stream is None:
            return await self._router.publish("ada", self._stream, offer)
        await self._send()
        return await self._router.subscribe("ada", self._stream, offer)

    async def offer(self) -> str:
        await self._send()
        return "an offer of the other end"

    async def accept(self, answer: str) -> None:
        await self._router.subscribe("ada", self._stream, answer)

    async def candidates(self) -> list[Candidate]:
        return []

    async def add_candidate(self, candidate: Candidate) -> None:
        """Do nothing: the simulation's network needs no candidates."""

    async def received(self, kind: str) -> int:
        peer = self._router.peers[self._router.publishers[self._stream]]
        stopped_at = peer.video_stopped_at if kind == "video" else None
        return int(PACKETS * (now() if stopped_at is None else stopped_at))

    def fall_silent(self) -> None:
        self._link.drop("silent")

    async def _send(self) -> None:
        """Let another client publish the stream."""
        _, peers = simulated_host(self._others)
        source = peers.create(PeerSettings(local_stream=FakeMedia().stream), PeerLog())
        answer = await self._router.publish("bob", self._stream, await source.create_offer())
        await source.set_answer(answer)
