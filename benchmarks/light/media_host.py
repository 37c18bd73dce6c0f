"""Camera and peer connections for the client core on CPython: the media of the light peers, without a decoder.

ICE is `connected` until the connection is closed: whether packets arrive is seen by the counters, as in a browser's first
seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.light.peers import LightPublisher, LightSubscriber
from benchmarks.light.recording import Recording, record
from pyvidu.platform import Candidate, PeerListener, PeerSettings
from pyvidu.reconnection.evidence import MediaSample, UplinkSample
from pyvidu.server.media.dtls_srtp import Certificate

_WIDTH, _HEIGHT, _RATE, _BIT_RATE = 160, 120, 15, 60_000  # two hundred participants share a core


class LightCamera:
    """The `LocalMedia` of a recording: a camera and a microphone that are never muted, replaced or resized."""

    stream = "a recording"
    has_audio = has_video = True
    shows_screen = False
    video_size = (_WIDTH, _HEIGHT)

    def enable(self, kind: str, enabled: bool) -> None:
        pass

    def has_ended(self, kind: str) -> bool:
        return False

    def track(self, kind: str) -> None:
        return None

    def hint(self, content: str) -> None:
        pass

    def when_video_ends(self, tell: Callable[[], None]) -> None:
        pass

    def when_resized(self, tell: Callable[[], None], *, screen: bool) -> None:
        pass

    def stop(self) -> None:
        pass


class LightDevices:
    """Devices with one camera, a recording."""

    async def get_user_media(self, *, audio: Any, video: Any) -> LightCamera:
        return LightCamera()

    def measure_loudness(self, stream: Any) -> None:
        return None


class LightPeer:
    """A `PeerConnection` of a light publisher or subscriber. It makes offers only: a server of `client-offers`."""

    remote_stream: Any = None

    def __init__(self, media: LightPublisher | LightSubscriber, listener: PeerListener) -> None:
        self.ice_connection_state = "new"
        self._media = media
        self._listener = listener
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def native(self) -> LightPublisher | LightSubscriber:
        return self._media

    async def create_offer(self) -> str:
        return await self._media.offer()

    async def create_answer(self, offer: str) -> str:
        raise NotImplementedError("a light peer makes the offers")

    async def set_answer(self, sdp: str) -> None:
        self._enter("checking")
        self._tasks.append(asyncio.create_task(self._connect(sdp)))

    async def add_candidate(self, candidate: Candidate) -> None:
        pass  # the answer has the server's only one

    def packet_marker(self) -> float | None:
        return self._media.rtp_at if isinstance(self._media, LightSubscriber) else None

    def sound_played(self) -> None:
        return None

    def enable_received(self, kind: str, enabled: bool) -> None:
        pass

    def ask_for_key_frame(self) -> None:
        if isinstance(self._media, LightSubscriber):
            self._media.ask_for_key_frame()

    async def restart_receivers(self) -> None:
        pass

    def send_key_frame(self) -> None:
        if isinstance(self._media, LightPublisher):
            self._media.send_key_frame()

    async def replace_track(self, track: Any) -> None:
        raise OSError("a light publisher sends its recording")

    async def sample(self) -> MediaSample:
        connection = self._media.connection
        counted = MediaSample(
            self.ice_connection_state,
            received_packets=connection.packets,
            stun_responses=connection.checks_answered,
        )
        if isinstance(self._media, LightPublisher):
            return counted
        received = self._media.received
        return MediaSample(
            counted.ice_state,
            counted.received_packets,
            counted.stun_responses,
            inbound_audio_packets=received.audio_packets,
            inbound_video_packets=received.video_packets,
            frames_decoded=received.frames,
        )

    async def uplink_sample(self) -> UplinkSample | None:
        return None

    async def send_video(self, active: bool) -> bool:
        return False

    def close(self) -> None:
        self.ice_connection_state = "closed"
        for task in self._tasks:
            task.cancel()
        self._tasks = [asyncio.create_task(self._media.close())]

    async def _connect(self, answer: str) -> None:
        try:
            await self._media.accept(answer)
        except (TimeoutError, OSError):
            self._enter("failed")
        else:
            self._enter("connected")

    def _enter(self, state: str) -> None:
        self.ice_connection_state = state
        self._listener.peer_ice_state(state)


@dataclass
class LightPeers:
    """Creates `LightPeer`s, which share a certificate and a recording."""

    certificate: Certificate = field(default_factory=Certificate)

    @cached_property
    def recording(self) -> Recording:
        """Return what they send."""
        return record(width=_WIDTH, height=_HEIGHT, rate=_RATE, bit_rate=_BIT_RATE)

    def create(self, settings: PeerSettings, listener: PeerListener) -> LightPeer:
        if settings.local_stream is not None:
            return LightPeer(LightPublisher(self.certificate, self.recording), listener)
        return LightPeer(LightSubscriber(self.certificate), listener)

    async def network_up(self) -> None:
        pass
