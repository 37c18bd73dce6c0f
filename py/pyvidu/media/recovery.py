"""Carries out the decisions about one media connection, which are made in `reconnection/stream_recovery.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from pyvidu.errors import OpenViduError, RequestError
from pyvidu.platform import Clock, PeerConnection, Timer
from pyvidu.reconnection.actions import (
    AnnounceFrozen,
    AnnounceRecovered,
    CancelRenegotiation,
    MediaAction,
    NoteStep,
    Nudge,
    ReadSound,
    Renegotiate,
    ReportException,
    RestartReceivers,
    TakeAudioReference,
    TakeSample,
)
from pyvidu.reconnection.evidence import (
    AudioReference,
    MediaEvidence,
    MediaSample,
    PeerReplaced,
    ReceiversRestarted,
    RenegotiationAborted,
    RenegotiationRefused,
    Sampled,
    SoundPlayed,
    SoundRead,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.stream_recovery import StreamRecovery
from pyvidu.tasks import Tasks

from .connection import InboundMedia, MediaConnection

logger = logging.getLogger(__name__)


class MediaRecoveryListener(Protocol):
    """Listener for the steps and results of a recovery."""

    def media_noted(self, media: MediaConnection, step: NoteStep) -> None:
        """Add a step to the record of the outage."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Handle a stream that does not flow although it should; it is being renegotiated, or will be."""

    def media_recovered(self, media: MediaConnection) -> None:
        """Handle a frozen stream that flows again."""

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Handle `ICE_CONNECTION_DISCONNECTED` or `ICE_CONNECTION_FAILED`, with OpenVidu's meaning."""

    def media_settled(self) -> None:
        """Handle the end of a check and of what followed from it."""


class MediaRecovery:
    """The recovery of one media connection: takes samples, renegotiates, requests key frames, restarts receivers."""

    def __init__(
        self,
        media: MediaConnection,
        clock: Clock,
        policy: ReconnectionPolicy,
        listener: MediaRecoveryListener,
        *,
        frozen: bool = False,
        suspended: bool = False,
    ) -> None:
        receives = isinstance(media, InboundMedia)
        self.decisions = StreamRecovery(policy, clock.now(), receives=receives, announced=frozen, suspended=suspended)
        self._media = media
        self._clock = clock
        self._listener = listener
        self._tasks = Tasks()
        self._sampling: asyncio.Task[None] | None = None
        self._renegotiation: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._closed = False
        self._rearm()

    @property
    def is_settled(self) -> bool:
        """Return whether no check and no renegotiation is under way."""
        return self.decisions.is_settled

    def report(self, evidence: MediaEvidence) -> None:
        """Report evidence and carry out what follows from it."""
        if self._closed:
            return
        if isinstance(evidence, PeerReplaced) and self._sampling is not None:
            self._sampling.cancel()  # of the old peer connection
            self._sampling = None
        self._do(self.decisions.handle(evidence, self._clock.now()))

    def take_audio_reference(self) -> None:
        """Report the sound played now, which is in time."""
        self.report(AudioReference(self._sound()))

    def close(self) -> None:
        """Cancel what is under way."""
        self._closed = True
        self._tasks.cancel()
        self._rearm()

    def _do(self, actions: Sequence[MediaAction]) -> None:
        for action in actions:
            if self._closed:  # by the listener, in the event before
                return
            self._do_one(action)
        self._rearm()
        if self.is_settled:
            self._listener.media_settled()

    def _do_one(self, action: MediaAction) -> None:
        match action:
            case TakeSample():
                if self._sampling is None:
                    self._sampling = self._tasks.spawn(self._sample(), "a sample")
            case Nudge():
                self._nudge()
            case Renegotiate(fresh_network):
                self._cancel_renegotiation()
                self._renegotiation = self._tasks.spawn(self._renegotiate(fresh_network), "a renegotiation")
            case CancelRenegotiation():
                self._cancel_renegotiation()
            case TakeAudioReference():
                self.take_audio_reference()
            case ReadSound():
                self.report(SoundRead(self._sound()))
            case RestartReceivers():
                if self._media.peer is not None:
                    self._tasks.spawn(self._restart_receivers(self._media.peer), "a restart of receivers")
            case NoteStep():
                self._listener.media_noted(self._media, action)
            case AnnounceFrozen(because):
                self._listener.media_frozen(self._media, because)
            case AnnounceRecovered():
                self._listener.media_recovered(self._media)
            case ReportException(name, message):
                self._listener.media_exception(self._media, name, f"Stream {self._media.stream_id} {message}")

    def _cancel_renegotiation(self) -> None:
        """Cancel an attempt, unless it is the one that has just replaced the peer connection: that is over anyway."""
        old, self._renegotiation = self._renegotiation, None
        if old is not None and old is not asyncio.current_task():
            old.cancel()

    def _nudge(self) -> None:
        peer = self._media.peer
        if peer is None:
            return
        if isinstance(self._media, InboundMedia):
            peer.ask_for_key_frame()
        else:
            peer.send_key_frame()

    def _sound(self) -> SoundPlayed | None:
        return self._media.peer.sound_played() if self._media.peer is not None else None

    async def _sample(self) -> None:
        """Read the counters."""
        try:
            sample = await self._media.sample()
        except Exception:  # whatever the host raises, the check goes on
            logger.exception("The counters of stream %s could not be read", self._media.stream_id)
            sample = MediaSample(self._media.ice_state)
        self._sampling = None
        self.report(Sampled(sample))

    async def _renegotiate(self, fresh_network: bool) -> None:
        """Replace the peer connection; success is reported as `PeerReplaced` by the media plane."""
        try:
            await self._media.renegotiate(fresh_network=fresh_network)
        except RequestError as error:
            self.report(RenegotiationRefused(str(error)))
        except OpenViduError as error:  # the session or the stream ended, or the network dropped again
            self.report(RenegotiationAborted(str(error)))
        except Exception as error:  # whatever the host raises, the recovery goes on
            logger.exception("Stream %s could not be renegotiated", self._media.stream_id)
            self.report(RenegotiationAborted(repr(error)))

    async def _restart_receivers(self, peer: PeerConnection) -> None:
        await peer.restart_receivers()
        if peer is self._media.peer:
            self.report(ReceiversRestarted())

    def _tick(self) -> None:
        self._timer = None
        self._do(self.decisions.tick(self._clock.now()))

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = None if self._closed else self.decisions.due_at
        if due is not None:
            self._timer = self._clock.call_later(due - self._clock.now(), self._tick)
