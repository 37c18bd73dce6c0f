"""A host for the client core without a browser: simulated sockets and peer connections, recorded elements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulated_network import LATENCY, Link, SimulatedSocket, now

from pyvidu.platform import Device, Host, LoopClock, NetworkListener, PeerListener, PeerSettings, SocketListener
from pyvidu.reconnection.evidence import MediaSample

ICE_DISCONNECTS_AFTER = 5.0  # seconds without packets; measured in Chromium 156


class SimulatedSockets:
    def __init__(self, link: Link) -> None:
        self._link = link

    def open(self, url: str, listener: SocketListener) -> SimulatedSocket:
        return SimulatedSocket(self._link, url, listener)


class SimulatedPeer:
    """Connected as soon as it is answered, as long as its link works and its epoch has not passed."""

    def __init__(self, link: Link, settings: PeerSettings, listener: PeerListener) -> None:
        self._link = link
        self._epoch = link.media_epoch
        self._settings = settings
        self._listener: PeerListener | None = listener
        self._answered_at: float | None = None
        self._packets = 0.0
        self._counted_at = 0.0
        self.key_frames = 0
        self.sent: list[FakeTrack] = []
        self._marker: float | None = None
        self.remote_stream: Any = None if settings.local_stream is not None else object()
        self.received = {"audio": True, "video": True}
        self.closed = False
        self.native = self

    @property
    def ice_connection_state(self) -> str:
        if self.closed:
            return "closed"
        if self._answered_at is None:
            return "new"
        if self._flows:
            return "connected"
        silent_since = self._link.dropped_at
        return "disconnected" if now() - silent_since >= ICE_DISCONNECTS_AFTER else "connected"

    @property
    def _flows(self) -> bool:
        return self._link.works and self._epoch == self._link.media_epoch and not self.closed

    async def create_offer(self) -> str:
        await asyncio.sleep(LATENCY)
        if self._listener is not None:
            self._listener.peer_candidate({"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0})
        return "an offer"

    async def create_answer(self, offer: str) -> str:
        await self.create_offer()
        await self.set_answer(offer)
        return f"an answer to {offer}"

    async def set_answer(self, sdp: str) -> None:
        await asyncio.sleep(LATENCY)
        self._answered_at = self._counted_at = now()
        if self._listener is not None:
            self._listener.peer_ice_state("connected")

    async def add_candidate(self, candidate: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)

    def packet_marker(self) -> float | None:
        """The peers of a simulation always send; 20 packets a second."""
        if self._settings.local_stream is not None or self._answered_at is None:
            return None
        if self._flows:
            self._marker = float(int(now() * 20))
        return self._marker

    def hold_until_key_frame(self) -> None:
        """Every picture here is a key frame."""

    def ask_for_key_frame(self) -> None:
        self.key_frames += 1

    def send_key_frame(self) -> None:
        self.key_frames += 1

    async def replace_track(self, track: Any) -> None:
        if track.refused:
            raise OSError("the encoder cannot")
        self.sent.append(track)

    def enable_received(self, kind: str, enabled: bool) -> None:
        self.received[kind] = enabled

    async def sample(self) -> MediaSample:
        await asyncio.sleep(0)
        if self._flows:
            since = max(self._counted_at, self._link.restored_at)
            self._packets += max(0.0, now() - since) * 50
            self._counted_at = now()
        count = int(self._packets)
        receives = self._settings.local_stream is None
        return MediaSample(
            self.ice_connection_state,
            received_packets=count,
            stun_responses=count // 10,
            inbound_video_packets=count if receives else 0,
        )

    def close(self) -> None:
        self.closed = True
        self._listener = None


class SimulatedPeers:
    def __init__(self, link: Link) -> None:
        self._link = link
        self.made: list[SimulatedPeer] = []

    def create(self, settings: PeerSettings, listener: PeerListener) -> SimulatedPeer:
        peer = SimulatedPeer(self._link, settings, listener)
        self.made.append(peer)
        return peer

    @property
    def alive(self) -> list[SimulatedPeer]:
        return [peer for peer in self.made if not peer.closed]


class SimulatedReachability:
    """A fetch: refused at once by a link that is down, swallowed by a silent one."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def probe(self, url: str, timeout: float) -> bool:
        if self._link.down:
            await asyncio.sleep(LATENCY)
            return False
        try:
            async with asyncio.timeout(timeout):
                await self._link.passed(first_retry=1.0)
        except TimeoutError:
            return False
        return True


class _Monitor:
    def __init__(self, link: Link, listener: NetworkListener) -> None:
        self._link, self._listener = link, listener
        link.listeners.append(listener)

    def close(self) -> None:
        self._link.listeners.remove(self._listener)


@dataclass
class FakeTrack:
    kind: str
    label: str = ""
    size: tuple[int, int] = (640, 480)
    refused: bool = False
    stopped: bool = False


class FakeMedia:
    has_audio = has_video = True

    def __init__(self) -> None:
        self.stream = object()
        self.tracks = {kind: FakeTrack(kind, f"the first {kind}") for kind in ("audio", "video")}
        self.enabled: dict[str, bool] = {}
        self.stopped = False

    def enable(self, kind: str, enabled: bool) -> None:
        self.enabled[kind] = enabled

    @property
    def video_size(self) -> tuple[int, int]:
        return self.tracks["video"].size

    def kind_of(self, track: Any) -> str:
        return track.kind if isinstance(track, FakeTrack) else ""

    def label(self, kind: str) -> str:
        return self.tracks[kind].label

    def exchange(self, track: FakeTrack) -> FakeTrack:
        old, self.tracks[track.kind] = self.tracks[track.kind], track
        return old

    def discard(self, track: FakeTrack) -> None:
        track.stopped = True

    def stop(self) -> None:
        self.stopped = True


class FakeLoudness:
    """How loud everything is, whatever the stream; a test sets it."""

    level = -200.0
    alive = 0

    def __init__(self) -> None:
        FakeLoudness.alive += 1

    def decibels(self) -> float:
        return FakeLoudness.level

    def close(self) -> None:
        FakeLoudness.alive -= 1


class FakeDevices:
    async def list_inputs(self) -> list[Device]:
        return [Device("videoinput", "1", "a camera"), Device("audioinput", "2", "a microphone")]

    def measure_loudness(self, stream: Any) -> FakeLoudness:
        return FakeLoudness()

    async def get_user_media(self, *, audio: Any, video: Any) -> FakeMedia:
        return FakeMedia()

    async def get_display_media(self, *, audio: Any) -> FakeMedia:
        return FakeMedia()


class FakeElement:
    plays = True  # a test may make all elements stand still

    def __init__(self, identity: str, on_playing: Callable[[], None]) -> None:
        self.id = identity
        self.element = self
        self.shown: list[Any] = []
        self.closed = False
        self._on_playing = on_playing

    def show(self, stream: Any) -> None:
        self.shown.append(stream)
        if self.plays:
            self._on_playing()

    def close(self) -> None:
        self.closed = True


class FakeElements:
    def create(self, target: Any, insert_mode: str, *, identity: str, on_playing: Any, **_: Any) -> FakeElement:
        return FakeElement(identity, on_playing)

    def adopt(self, element: Any, *, on_playing: Any, **_: Any) -> FakeElement:
        return FakeElement("own", on_playing)


def simulated_host(link: Link) -> tuple[Host, SimulatedPeers]:
    peers = SimulatedPeers(link)
    host = Host(
        clock=LoopClock(),
        sockets=SimulatedSockets(link),
        peers=peers,
        watch_network=lambda listener: _Monitor(link, listener),
        reachability=SimulatedReachability(link),
        devices=FakeDevices(),
        elements=FakeElements(),
        description="simulation",
    )
    return host, peers
