"""All media connections of a session: proves them after an outage, watches them during the call, repairs what is frozen.

The verdicts come from `reconnection/`, the repair of one connection is in `repair.py`; here is who is examined, and when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from pyvidu.platform import Host, Timer, pause
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.media_health import MediaVerdict
from pyvidu.reconnection.outage import Outage, StreamStepName
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.signaling import SignalingPlane

from .connection import InboundMedia, MediaConnection
from .ear import Ear
from .repair import Patient

logger = logging.getLogger(__name__)


class MediaPlaneListener(Protocol):
    """Told of frozen streams and other media problems."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """A stream does not flow although it should; it is being renegotiated."""

    def media_recovered(self, media: MediaConnection) -> None:
        """A frozen stream flows again."""

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
        self._patients: dict[MediaConnection, Patient] = {}
        self._examinations: dict[MediaConnection, asyncio.Task[None]] = {}
        self._timers: dict[MediaConnection, Timer] = {}
        self._watch: asyncio.Task[None] | None = None
        self._catching_up: set[asyncio.Task[None]] = set()
        self._outage: Outage | None = None
        self._ear = Ear(host.clock, policy, self._markers, self)

    def add(self, media: MediaConnection) -> None:
        """Watches `media` from now on."""
        self._patients[media] = Patient(media, self._host.clock, self._policy)
        self._ear.listen()

    def remove(self, media: MediaConnection) -> None:
        """Forgets `media`, which is closed by its owner."""
        self._patients.pop(media, None)
        self._cancel_timer(media)
        examination = self._examinations.pop(media, None)
        if examination is not None:
            examination.cancel()

    def find(self, owner: str, endpoint: str, own: str) -> MediaConnection | None:
        """The media connection that a server's candidate is for: `owner` published the stream, `own` is our id.

        `endpoint` tells the streams of one owner apart; a stream that is being published has no id yet.
        """
        of_owner = [media for media in self._patients if media.owner == owner]
        exact = [media for media in of_owner if media.stream_id and endpoint.endswith(media.stream_id)]
        fresh = [media for media in of_owner if not media.stream_id and owner == own]
        return next(iter(exact or fresh), None)

    def suspend(self) -> None:
        """An outage has begun: repairs that need signaling stop; every path is listened to until it ends."""
        self._cancel_examinations()
        self._close_record()
        self._watch = asyncio.get_running_loop().create_task(self._listen())

    def prove_all(self, outage: Outage, *, force: bool) -> None:
        """After an outage: every stream is proved healthy or renegotiated; with `force` renegotiated in any case."""
        self._stop_watch()
        self._outage = outage
        for media, patient in self._patients.items():
            if media.stream_id and media.peer is not None:
                because = "forceMediaReconnectionAfterNetworkDrop" if force else ""
                self._begin(media, self._examine(patient, because))
        if not self._examinations:
            self._close_record()

    def ice_state_changed(self, media: MediaConnection, state: str) -> None:
        """During a call: a dead connection is replaced at once, a broken one is examined.

        openvidu-browser's `exception` tells of a connection that is still broken after 4 s.
        """
        self._cancel_timer(media)
        patient = self._patients.get(media)
        if patient is None:
            return
        verdict = analyse(state)
        patient.ice_judged(verdict)
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
            self._examine_unless_examined(media, self._policy.media_window)  # ICE itself has waited 5 s already

    def close(self) -> None:
        """Stops watching."""
        self._ear.close()
        self._stop_watch()
        for task in self._catching_up:
            task.cancel()
        self._cancel_examinations()
        self._patients.clear()

    # --- EarListener -------------------------------------------------------------------------------------------------

    def some_steady(self) -> None:
        """A witness for the network."""
        self._signaling.media_steady()

    def all_hushed(self) -> None:
        """A question to the network."""
        self._signaling.media_hushed()

    def all_silent(self) -> None:
        """A witness against the network."""
        self._signaling.media_silent()

    def sound_again(self) -> None:
        """A sign of life. What flows again has lost packets: a key frame shows the next picture at once."""
        self._signaling.media_flows()
        for patient in self._patients.values():
            patient.nudge()

    def one_silent(self, peer: object) -> None:
        """One stream does not follow its rhythm any more. Its publisher may have dropped; or its path is dead."""
        for media, patient in self._patients.items():
            if media.peer is peer:
                patient.note_sound()
                if self._signaling.is_up:
                    self._examine_unless_examined(media, self._policy.media_patience)

    def one_again(self, peer: object) -> None:
        """What comes now may have waited somewhere."""
        for media, patient in self._patients.items():
            if media.peer is peer:
                self._catch_up(patient)

    def sound_plays(self) -> None:
        """Taken down, for later lateness to be told by."""
        for media, patient in self._patients.items():
            if isinstance(media, InboundMedia):
                patient.note_sound()

    def woke_up(self, stood_still: float) -> None:
        """What waited while the page stood still would be played from its beginning."""
        for media, patient in self._patients.items():
            if isinstance(media, InboundMedia):
                self._catch_up(patient, stood_still)

    # --- RepairListener ----------------------------------------------------------------------------------------------

    def media_noted(self, media: MediaConnection, step: StreamStepName, because: str = "") -> None:
        """A line for the record of the outage that the streams are being proved after."""
        logger.debug("%s: %s (%s)", media.stream_id, step, because)
        if self._outage is not None:
            self._outage.note_stream(self._host.clock.now(), media.stream_id, step, because)

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Handed on."""
        self._listener.media_frozen(media, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """Handed on."""
        self._listener.media_recovered(media)

    def media_given_up(self, media: MediaConnection, message: str) -> None:
        """Told as the exception that it is for OpenVidu."""
        self.media_noted(media, "given up", message)
        self._listener.media_exception(media, "ICE_CONNECTION_FAILED", message)

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _examine(self, patient: Patient, force: str = "", patience: float | None = None) -> None:
        """Proves one stream, repairs it if it is frozen, and proves it again."""
        media, because = patient.media, force
        verdict = "frozen" if force else await self._prove(patient, patience)
        if verdict == "frozen" and not force:
            because = patient.because
            patient.frozen = True
            self._listener.media_frozen(media, because)
        if verdict == "frozen":
            await patient.renegotiate(self, because)
            verdict = await self._prove(patient)
        if patient.frozen and verdict in ("healthy", "paused"):
            patient.frozen = False
            self._listener.media_recovered(media)

    async def _prove(self, patient: Patient, patience: float | None = None) -> MediaVerdict:
        judgement = await patient.prove(patience)
        patient.because = judgement.because
        self.media_noted(patient.media, judgement.verdict, judgement.because)
        return judgement.verdict

    def _catch_up(self, patient: Patient, stood_still: float = 0.0) -> None:
        task = asyncio.get_running_loop().create_task(patient.catch_up(stood_still))
        self._catching_up.add(task)
        task.add_done_callback(self._catching_up.discard)

    def _examine_unless_examined(self, media: MediaConnection, patience: float) -> None:
        if media not in self._examinations and media.stream_id and media.peer is not None:
            self._begin(media, self._examine(self._patients[media], patience=patience))

    def _still_broken(self, media: MediaConnection) -> None:
        self._timers.pop(media, None)
        if analyse(media.ice_state) == "broken" and self._signaling.is_up:
            message = f"IceConnectionState of stream {media.stream_id} is disconnected"
            self._listener.media_exception(media, "ICE_CONNECTION_DISCONNECTED", message)

    async def _listen(self) -> None:
        """Takes note, all through an outage, of when each path was last heard.

        A path that is heard again has lost packets. A key frame at once, before signaling is back, and the picture moves.
        """
        while True:
            for patient in list(self._patients.values()):
                silent_for = patient.silent_for
                await patient.listen()
                if silent_for > self._policy.nudge_after_silence > patient.silent_for:
                    patient.nudge()
            await pause(self._host.clock, self._policy.media_watch_poll)

    def _markers(self) -> Mapping[object, float | None]:
        """The packet markers of this moment, by peer connection."""
        peers = [media.peer for media in self._patients if isinstance(media, InboundMedia)]
        return {peer: peer.packet_marker() for peer in peers if peer is not None}

    def _begin(self, media: MediaConnection, examination: Coroutine[Any, Any, None]) -> None:
        running = self._examinations.pop(media, None)
        if running is not None:
            running.cancel()
        task = asyncio.get_running_loop().create_task(examination)
        self._examinations[media] = task
        task.add_done_callback(lambda done: self._ended(media, done))

    def _ended(self, media: MediaConnection, task: asyncio.Task[None]) -> None:
        if self._examinations.get(media) is task:
            del self._examinations[media]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("examining %s failed", media.stream_id, exc_info=error)
        if not self._examinations:
            self._close_record()

    def _close_record(self) -> None:
        """Every stream is proved or given up: what happens from now on is no part of the outage."""
        if self._outage is not None:
            logger.info("%s", self._outage)
            self._outage = None

    def _cancel_examinations(self) -> None:
        for examination in self._examinations.values():
            examination.cancel()
        self._examinations.clear()
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
