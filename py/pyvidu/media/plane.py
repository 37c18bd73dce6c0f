"""All media connections of a session: proves them after an outage, watches them during the call, repairs what is frozen.

The verdicts come from `reconnection/media_health.py`; here is the shell that samples counters and carries verdicts out, all
streams at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from pyvidu.errors import OpenViduError
from pyvidu.platform import Host, Timer
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.media_health import judge
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.signaling import SignalingPlane

from .connection import InboundMedia, MediaConnection
from .ear import Ear

logger = logging.getLogger(__name__)


class MediaPlaneListener(Protocol):
    """Told of media problems during the call."""

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """`ICE_CONNECTION_DISCONNECTED` or `ICE_CONNECTION_FAILED`, with OpenVidu's meaning."""


class MediaPlane:
    """Watches over the media connections handed to `add` until they are handed to `remove`."""

    def __init__(
        self, host: Host, signaling: SignalingPlane, policy: ReconnectionPolicy, listener: MediaPlaneListener
    ) -> None:
        self._host = host
        self._signaling = signaling
        self._policy = policy
        self._listener = listener
        self._media: list[MediaConnection] = []
        self._repairs: dict[MediaConnection, asyncio.Task[None]] = {}
        self._timers: dict[MediaConnection, Timer] = {}
        self._ear = Ear(host.clock, policy, self._heard, signaling.media_silent, signaling.media_flows)

    def add(self, media: MediaConnection) -> None:
        """Watches `media` from now on."""
        self._media.append(media)
        self._ear.listen()

    def remove(self, media: MediaConnection) -> None:
        """Forgets `media`, which is closed by its owner."""
        if media in self._media:
            self._media.remove(media)
        self._cancel_timer(media)
        repair = self._repairs.pop(media, None)
        if repair is not None:
            repair.cancel()

    def find(self, owner: str, endpoint: str, own: str) -> MediaConnection | None:
        """The media connection that a server's candidate is for: `owner` published the stream, `own` is our id.

        `endpoint` tells the streams of one owner apart; a stream that is being published has no id yet.
        """
        of_owner = [media for media in self._media if media.owner == owner]
        exact = [media for media in of_owner if media.stream_id and endpoint.endswith(media.stream_id)]
        fresh = [media for media in of_owner if not media.stream_id and owner == own]
        return next(iter(exact or fresh), None)

    def suspend(self) -> None:
        """An outage has begun: repairs that need signaling stop; they are judged anew afterwards."""
        for repair in self._repairs.values():
            repair.cancel()
        self._repairs.clear()
        for media in list(self._timers):
            self._cancel_timer(media)

    def prove_all(self, outage: Outage | None, *, force: bool) -> None:
        """After an outage: every stream is proved healthy or renegotiated; with `force` renegotiated in any case."""
        for media in self._media:
            if media.stream_id and media.peer is not None:
                self._begin(media, self._prove(media, outage, force=force))

    def ice_state_changed(self, media: MediaConnection, state: str) -> None:
        """During a call: a dead connection is replaced at once, a broken one after openvidu-browser's 4 s."""
        self._cancel_timer(media)
        if not self._signaling.is_up or media in self._repairs:
            return
        verdict = analyse(state)
        if verdict == "dead":
            self._repair_now(media, "ICE_CONNECTION_FAILED")
        elif verdict == "broken":
            self._timers[media] = self._host.clock.call_later(
                self._policy.ice_disconnected_timeout,
                lambda: self._repair_now(media, "ICE_CONNECTION_DISCONNECTED"),
            )

    def close(self) -> None:
        """Stops watching."""
        self._ear.close()
        self.suspend()
        self._media.clear()

    def _heard(self) -> Mapping[object, float | None]:
        """The packet markers of this moment, by peer connection."""
        peers = [media.peer for media in self._media if isinstance(media, InboundMedia)]
        return {peer: peer.packet_marker() for peer in peers if peer is not None}

    # --- repairs -----------------------------------------------------------------------------------------------------

    def _repair_now(self, media: MediaConnection, name: str) -> None:
        self._cancel_timer(media)
        if not self._signaling.is_up or media in self._repairs or media.is_closed:
            return
        message = f"ICE of stream {media.stream_id} is {media.ice_state}: the media connection is being renegotiated"
        self._listener.media_exception(media, name, message)
        self._begin(media, self._renegotiate(media, None, message))

    async def _prove(self, media: MediaConnection, outage: Outage | None, *, force: bool) -> None:
        if force:
            await self._renegotiate(media, outage, "forceMediaReconnectionAfterNetworkDrop")
            return
        clock = self._host.clock
        began = clock.now()
        before = await media.sample()
        while True:
            judgement = judge(before, await media.sample(), clock.now() - began, self._policy)
            if judgement.verdict != "recovering":
                break
            await asyncio.sleep(self._policy.media_poll)
        self._note(outage, f"{media.stream_id}: {judgement.verdict} ({judgement.because})")
        if judgement.verdict == "frozen":
            await self._renegotiate(media, outage, judgement.because)

    async def _renegotiate(self, media: MediaConnection, outage: Outage | None, because: str) -> None:
        for attempt in range(1, self._policy.media_retries + 1):
            self._note(outage, f"{media.stream_id}: renegotiating, attempt {attempt} ({because})")
            try:
                await media.renegotiate()
            except OpenViduError as error:
                self._note(outage, f"{media.stream_id}: {error}")
                logger.warning("renegotiation of %s failed: %s", media.stream_id, error)
            else:
                if await self._connected(media):
                    self._note(outage, f"{media.stream_id}: connected again")
                    return
            if media.is_closed or not self._signaling.is_up:
                return
        self._listener.media_exception(
            media,
            "ICE_CONNECTION_FAILED",
            f"Stream {media.stream_id} could not be reconnected after {self._policy.media_retries} attempts",
        )

    async def _connected(self, media: MediaConnection) -> bool:
        """Whether ICE connects; the verdict of a renegotiation that was answered."""
        deadline = self._host.clock.now() + self._policy.media_connect_timeout
        while self._host.clock.now() < deadline:
            if analyse(media.ice_state) == "connected":
                return True
            if analyse(media.ice_state) == "dead":
                return False
            await asyncio.sleep(self._policy.media_poll)
        return False

    def _begin(self, media: MediaConnection, repair: Coroutine[Any, Any, None]) -> None:
        running = self._repairs.pop(media, None)
        if running is not None:
            running.cancel()
        task = asyncio.get_running_loop().create_task(repair)
        self._repairs[media] = task
        task.add_done_callback(lambda done: self._ended(media, done))

    def _ended(self, media: MediaConnection, task: asyncio.Task[None]) -> None:
        if self._repairs.get(media) is task:
            del self._repairs[media]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("repairing %s failed", media.stream_id, exc_info=error)

    def _cancel_timer(self, media: MediaConnection) -> None:
        timer = self._timers.pop(media, None)
        if timer is not None:
            timer.cancel()

    def _note(self, outage: Outage | None, text: str) -> None:
        if outage is not None:
            outage.note(self._host.clock.now(), "stream", text)
