"""Peer connections without a network, whose steps hang or fail as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pyvidu.platform import Candidate, PeerListener, PeerSettings
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed, UplinkSample


class ScriptedPeer:
    """A peer connection that is connected as soon as it is negotiated.

    It records its calls in `calls`; `marker` is what its packet marker is made of. With each sample more audio has arrived.
    """

    def __init__(self, peers: ScriptedPeers, settings: PeerSettings, listener: PeerListener) -> None:
        self.settings = settings
        self.listener = listener
        self.number = len(peers.made) + 1
        self.ice_connection_state = "new"
        self.native = self
        receives = settings.local_stream is None or settings.receive_audio or settings.receive_video
        self.remote_stream = f"stream {self.number}" if receives else None
        self.calls: list[tuple[Any, ...]] = []
        self.candidates: list[Candidate] = []
        self.closed = False
        self.samples = self.polls = self.reports = 0
        self.reported: Callable[[], float | None] = lambda: None
        self.uplink: Callable[[], UplinkSample | None] = lambda: None
        self.refuses_video = False  # to cease to send it, or to send it again
        self.marker: Callable[[], float | None] = lambda: None
        self._peers = peers
        self._pending: list[asyncio.Future[None]] = []

    async def create_offer(self) -> str:
        await self._step("create_offer")
        return f"offer {self.number}"

    async def create_answer(self, offer: str) -> str:
        await self._step("create_answer", offer)
        return f"answer {self.number}"

    async def set_answer(self, sdp: str) -> None:
        await self._step("set_answer", sdp)
        self.ice_connection_state = "connected"

    async def add_candidate(self, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        await self._step("add_candidate")

    async def replace_track(self, track: Any) -> None:
        await self._step("replace_track", track)

    async def restart_receivers(self) -> None:
        await self._step("restart_receivers")

    async def sample(self) -> MediaSample:
        self.samples += 1
        return MediaSample(self.ice_connection_state, inbound_audio_packets=self.samples)

    async def uplink_sample(self) -> UplinkSample | None:
        return self.uplink()

    async def reported_at(self) -> float | None:
        self.reports += 1
        return self.reported()

    async def send_video(self, active: bool) -> bool:
        await self._step("send_video", active)
        return not self.refuses_video

    def packet_marker(self) -> float | None:
        self.polls += 1
        return self.marker()

    def sound_played(self) -> SoundPlayed | None:
        return None

    def enable_received(self, kind: str, enabled: bool) -> None:
        self.calls.append(("enable_received", kind, enabled))

    def ask_for_key_frame(self) -> None:
        self.calls.append(("ask_for_key_frame",))

    def send_key_frame(self) -> None:
        self.calls.append(("send_key_frame",))

    def close(self) -> None:
        self.closed = True
        for step in self._pending:
            if not step.done():
                step.set_exception(OSError("The peer connection is closed"))

    async def _step(self, name: str, *about: Any) -> None:
        self.calls.append((name, *about))
        if name in self._peers.errors:
            raise self._peers.errors[name]
        if name in self._peers.hanging:
            step = asyncio.get_running_loop().create_future()
            self._pending.append(step)
            await step


class ScriptedPeers:
    """Creates them. `errors` are raised by the steps of these names, the steps in `hanging` end when their peer is closed."""

    def __init__(self) -> None:
        self.made: list[ScriptedPeer] = []
        self.errors: dict[str, Exception] = {}
        self.hanging: set[str] = set()

    async def network_up(self) -> None:
        """Return: there is always a network."""

    def create(self, settings: PeerSettings, listener: PeerListener) -> ScriptedPeer:
        peer = ScriptedPeer(self, settings, listener)
        self.made.append(peer)
        return peer

    @property
    def alive(self) -> list[ScriptedPeer]:
        """Return those that are not closed."""
        return [peer for peer in self.made if not peer.closed]
