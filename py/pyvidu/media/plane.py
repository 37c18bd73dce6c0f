"""All media connections of a session: checked after an outage, watched during the call, renegotiated when frozen.

The verdicts come from `reconnection/`, the repair of one connection is in `recovery.py`; this module decides which connection
is checked, and when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Protocol

from pyvidu.platform import Host, Timer, pause
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.media_health import MediaVerdict
from pyvidu.reconnection.outage import Outage, StreamStepName
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.signaling import SignalingPlane
from pyvidu.tasks import Tasks

from .connection import InboundMedia, MediaConnection
from .recovery import MediaRecovery
from .rtp_monitor import RtpMonitor

logger = logging.getLogger(__name__)


class MediaPlaneListener(Protocol):
    """Listener for frozen streams and other media problems."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Handle a stream that does not flow although it should; it is being renegotiated."""

    def media_recovered(self, media: MediaConnection) -> None:
        """Handle a frozen stream that flows again."""

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Handle `ICE_CONNECTION_DISCONNECTED` or `ICE_CONNECTION_FAILED`, with OpenVidu's meaning."""


class MediaPlane:
    """Watches the media connections passed to `add` until they are passed to `remove`."""

    def __init__(
        self, host: Host, signaling: SignalingPlane, policy: ReconnectionPolicy, listener: MediaPlaneListener
    ) -> None:
        self._host = host
        self._signaling = signaling
        self._policy = policy
        self._listener = listener
        self._recoveries: dict[MediaConnection, MediaRecovery] = {}
        self._checks: dict[MediaConnection, asyncio.Task[None]] = {}
        self._timers: dict[MediaConnection, Timer] = {}
        self._watch: asyncio.Task[None] | None = None
        self._catching_up = Tasks()
        self._outage: Outage | None = None
        self._rtp_monitor = RtpMonitor(host.clock, policy, self._markers, self)

    def add(self, media: MediaConnection) -> None:
        """Watch `media` from now on."""
        self._recoveries[media] = MediaRecovery(media, self._host.clock, self._policy)
        self._rtp_monitor.start()

    def remove(self, media: MediaConnection) -> None:
        """Stop watching `media`, which its owner closes."""
        self._recoveries.pop(media, None)
        self._cancel_timer(media)
        check = self._checks.pop(media, None)
        if check is not None:
            check.cancel()

    def find(self, owner: str, endpoint: str, own: str) -> MediaConnection | None:
        """Return the media connection that a candidate of the server is for, or None.

        `owner` is the connection id of the stream's publisher, `own` is ours. `endpoint` distinguishes the streams of one
        owner; a stream that is being published has no id yet.
        """
        of_owner = [media for media in self._recoveries if media.owner == owner]
        exact = [media for media in of_owner if media.stream_id and endpoint.endswith(media.stream_id)]
        fresh = [media for media in of_owner if not media.stream_id and owner == own]
        return next(iter(exact or fresh), None)

    def suspend(self) -> None:
        """Stop all repairs, which need signaling, and observe every path until the outage ends."""
        self._cancel_checks()
        self._close_record()
        self._watch = asyncio.get_running_loop().create_task(self._listen())

    def prove_all(self, outage: Outage, *, force: bool) -> None:
        """Check every stream after an outage and renegotiate the frozen ones; with `force` renegotiate every stream."""
        self._stop_watch()
        self._outage = outage
        for media, recovery in self._recoveries.items():
            if media.stream_id and media.peer is not None:
                because = "forceMediaReconnectionAfterNetworkDrop" if force else ""
                self._begin(media, self._check(recovery, because))
        if not self._checks:
            self._close_record()

    def ice_state_changed(self, media: MediaConnection, state: str) -> None:
        """Handle a new ICE state: during a call a dead connection is replaced at once, a broken one is checked.

        As in openvidu-browser, a connection that is still broken after 4 s is reported as an `exception`.
        """
        self._cancel_timer(media)
        recovery = self._recoveries.get(media)
        if recovery is None:
            return
        verdict = analyse(state)
        recovery.ice_judged(verdict)
        if not self._signaling.is_up:
            return
        if verdict == "dead":
            message = f"IceConnectionState of stream {media.stream_id} is {state}"
            self._listener.media_exception(media, "ICE_CONNECTION_FAILED", message)
        elif verdict == "broken":
            self._timers[media] = self._host.clock.call_later(
                self._policy.ice_disconnected_timeout, lambda: self._still_broken(media)
            )
        if verdict in ("dead", "broken"):
            self._check_unless_checked(media, self._policy.media_window)  # ICE itself has waited for 5 s already

    def close(self) -> None:
        """Stop watching and cancel all repairs."""
        self._rtp_monitor.close()
        self._stop_watch()
        self._catching_up.cancel()
        self._cancel_checks()
        self._recoveries.clear()

    # --- RtpMonitorListener -------------------------------------------------------------------------------------------------

    def rtp_steady(self) -> None:
        """Report to the signaling plane that RTP flows, a witness for the network."""
        self._signaling.rtp_steady()

    def rtp_overdue(self) -> None:
        """Report to the signaling plane that RTP is overdue, so that it sends a ping in case RTP is silent."""
        self._signaling.rtp_overdue()

    def rtp_silent(self) -> None:
        """Report to the signaling plane that RTP is silent, a witness against the network."""
        self._signaling.rtp_silent()

    def rtp_returned(self) -> None:
        """Report to the signaling plane that RTP arrives again, and nudge: after lost packets, decoding needs a key frame."""
        self._signaling.rtp_returned()
        for recovery in self._recoveries.values():
            recovery.nudge()

    def stream_silent(self, peer: object) -> None:
        """Check a stream whose RTP has stopped: its publisher may have dropped, or its path is dead."""
        for media, recovery in self._recoveries.items():
            if media.peer is peer:
                recovery.note_sound()
                if self._signaling.is_up:
                    self._check_unless_checked(media, self._policy.media_patience)

    def stream_returned(self, peer: object) -> None:
        """Discard a backlog, if the RTP that arrives now was queued on its way."""
        for media, recovery in self._recoveries.items():
            if media.peer is peer:
                self._catch_up(recovery)

    def audio_reference_due(self) -> None:
        """Record the sound played now, the reference that later lateness is measured against."""
        for media, recovery in self._recoveries.items():
            if isinstance(media, InboundMedia):
                recovery.note_sound()

    def page_stood_still(self, seconds: float) -> None:
        """Discard what was queued while the page stood still: it would be played from its beginning."""
        for media, recovery in self._recoveries.items():
            if isinstance(media, InboundMedia):
                self._catch_up(recovery, seconds)

    # --- MediaRecoveryListener ----------------------------------------------------------------------------------------------

    def media_noted(self, media: MediaConnection, step: StreamStepName, because: str = "") -> None:
        """Add a line to the record of the outage after which the streams are being checked."""
        logger.debug("%s: %s (%s)", media.stream_id, step, because)
        if self._outage is not None:
            self._outage.note_stream(self._host.clock.now(), media.stream_id, step, because)

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Forward to the listener."""
        self._listener.media_frozen(media, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """Forward to the listener."""
        self._listener.media_recovered(media)

    def media_given_up(self, media: MediaConnection, message: str) -> None:
        """Report it as OpenVidu does, as the exception `ICE_CONNECTION_FAILED`."""
        self.media_noted(media, "given up", message)
        self._listener.media_exception(media, "ICE_CONNECTION_FAILED", message)

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _check(self, recovery: MediaRecovery, force: str = "", patience: float | None = None) -> None:
        """Check one stream, renegotiate it if it is frozen, and check it again."""
        media, because = recovery.media, force
        verdict = "frozen" if force else await self._prove(recovery, patience)
        if verdict == "frozen" and not force:
            because = recovery.because
            recovery.frozen = True
            self._listener.media_frozen(media, because)
        if verdict == "frozen":
            await recovery.renegotiate(self, because)
            verdict = await self._prove(recovery)
        if recovery.frozen and verdict in ("healthy", "paused"):
            recovery.frozen = False
            self._listener.media_recovered(media)

    async def _prove(self, recovery: MediaRecovery, patience: float | None = None) -> MediaVerdict:
        judgement = await recovery.prove(patience)
        recovery.because = judgement.because
        self.media_noted(recovery.media, judgement.verdict, judgement.because)
        return judgement.verdict

    def _catch_up(self, recovery: MediaRecovery, stood_still: float = 0.0) -> None:
        self._catching_up.spawn(recovery.catch_up(stood_still))

    def _check_unless_checked(self, media: MediaConnection, patience: float) -> None:
        if media not in self._checks and media.stream_id and media.peer is not None:
            self._begin(media, self._check(self._recoveries[media], patience=patience))

    def _still_broken(self, media: MediaConnection) -> None:
        self._timers.pop(media, None)
        if analyse(media.ice_state) == "broken" and self._signaling.is_up:
            message = f"IceConnectionState of stream {media.stream_id} is disconnected"
            self._listener.media_exception(media, "ICE_CONNECTION_DISCONNECTED", message)

    async def _listen(self) -> None:
        """Record, throughout an outage, when anything last arrived on each path.

        A path on which packets arrive again has lost some: a key frame at once, before signaling is back, moves the picture.
        """
        while True:
            for recovery in list(self._recoveries.values()):
                silent_for = recovery.silent_for
                await recovery.sample()
                if silent_for > self._policy.nudge_after_silence > recovery.silent_for:
                    recovery.nudge()
            await pause(self._host.clock, self._policy.media_watch_poll)

    def _markers(self) -> Mapping[object, float | None]:
        """Return the current packet markers, by peer connection."""
        peers = [media.peer for media in self._recoveries if isinstance(media, InboundMedia)]
        return {peer: peer.packet_marker() for peer in peers if peer is not None}

    def _begin(self, media: MediaConnection, check: Coroutine[object, object, None]) -> None:
        running = self._checks.pop(media, None)
        if running is not None:
            running.cancel()
        task = asyncio.get_running_loop().create_task(check)
        self._checks[media] = task
        task.add_done_callback(lambda done: self._ended(media, done))

    def _ended(self, media: MediaConnection, task: asyncio.Task[None]) -> None:
        if self._checks.get(media) is task:
            del self._checks[media]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("examining %s failed", media.stream_id, exc_info=error)
        if not self._checks:
            self._close_record()

    def _close_record(self) -> None:
        """Close the record of the outage: every stream is checked or given up, and what follows is not part of it."""
        if self._outage is not None:
            logger.info("%s", self._outage)
            self._outage = None

    def _cancel_checks(self) -> None:
        for check in self._checks.values():
            check.cancel()
        self._checks.clear()
        for media in list(self._timers):
            self._cancel_timer(media)

    def _cancel_timer(self, media: MediaConnection) -> None:
        timer = self._timers.pop(media, None)
        if timer is not None:
            timer.cancel()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
