"""Pauses the video of a published stream and resumes it, as is decided in `reconnection/weak_uplink.py`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pyvidu.platform import Clock, PeerConnection, Timer
from pyvidu.reconnection.weak_uplink import POLL, VideoChange, WeakUplink
from pyvidu.tasks import Tasks

from .connection import OutboundMedia

logger = logging.getLogger(__name__)


class Uplink:
    """What a published stream is sent by. `told` is called with whether its video is sent, whenever that changes.

    `sent` is whether it was sent by the media connection before.
    """

    def __init__(self, media: OutboundMedia, clock: Clock, told: Callable[[bool], None], *, sent: bool = True) -> None:
        self._media = media
        self._clock = clock
        self._told = told
        self._sent = sent
        self._peer: PeerConnection | None = None
        self._decisions: WeakUplink | None = None  # about `_peer`; None once they cannot be carried out
        self._tasks = Tasks()
        self._closed = False
        self._timer: Timer | None = None
        self._arm()

    def disturbed(self) -> None:
        """Take into account that an outage begins or ends."""
        if self._decisions is not None:
            self._decisions.disturbed(self._clock.now())

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._tasks.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        self._timer = self._clock.call_later(POLL, self._poll)

    def _poll(self) -> None:
        self._timer = None
        peer = self._media.peer
        if peer is not self._peer and peer is not None:  # a new one sends everything
            self._peer, self._decisions = peer, WeakUplink()
            self._tell(sent=True)
        if self._closed:  # by the application, in that event
            return
        if self._peer is not None and self._decisions is not None:
            self._tasks.spawn(self._look(self._peer, self._decisions), "a look at an uplink")
        else:
            self._arm()

    async def _look(self, peer: PeerConnection, decisions: WeakUplink) -> None:
        try:
            sample = await peer.uplink_sample()
            if sample is None:  # of no peer connection of this host
                return
            if peer is self._media.peer:
                change = decisions.take(sample, self._clock.now(), pausable=self._media.pausable())
                if change is not None:
                    await self._follow(peer, decisions, change)
        except Exception:  # whatever the host raises, another peer connection is watched
            if peer is self._media.peer:
                logger.exception("The uplink of stream %s could not be watched", self._media.stream_id)
                self._decisions = None
        if not self._closed:
            self._arm()

    async def _follow(self, peer: PeerConnection, decisions: WeakUplink, change: VideoChange) -> None:
        logger.info("uplink of stream %s: %s its video", self._media.stream_id, change)
        if not await peer.send_video(change == "resume"):
            if change == "pause":
                self._decisions = None
            else:  # until it is sent again
                decisions.paused = True
        elif peer is self._media.peer:
            self._tell(sent=change == "resume")

    def _tell(self, *, sent: bool) -> None:
        before, self._sent = self._sent, sent
        if sent != before:
            self._told(sent)
