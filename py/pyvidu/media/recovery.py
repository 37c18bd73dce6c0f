"""Check and repair of one media connection: sample, judge, nudge, renegotiate, verify."""

from __future__ import annotations

import logging
from typing import Protocol

from pyvidu.errors import OpenViduError, RequestError
from pyvidu.platform import Clock, PeerConnection, pause
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed
from pyvidu.reconnection.ice import IceVerdict, analyse
from pyvidu.reconnection.media_health import MediaJudgement, Proof, lateness, path_answers
from pyvidu.reconnection.outage import StreamStepName
from pyvidu.reconnection.policy import ReconnectionPolicy

from .connection import InboundMedia, MediaConnection

logger = logging.getLogger(__name__)


class MediaRecoveryListener(Protocol):
    """Listener for the steps and results of a recovery."""

    def media_noted(self, media: MediaConnection, step: StreamStepName, because: str = "") -> None:
        """Add a line to the record of the outage."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Handle the verdict frozen; the media connection is being renegotiated."""

    def media_recovered(self, media: MediaConnection) -> None:
        """Handle a frozen stream that flows again."""

    def media_given_up(self, media: MediaConnection, message: str) -> None:
        """Handle a stream that no permitted renegotiation attempt has reconnected."""


class MediaRecovery:
    """One media connection and what has been observed of its health."""

    def __init__(self, media: MediaConnection, clock: Clock, policy: ReconnectionPolicy) -> None:
        self.media = media
        self.frozen = False
        self.because = ""
        self._broken = False
        self._clock = clock
        self._policy = policy
        self._sample = MediaSample("new")
        self._heard_at = clock.now()
        self._played_last: SoundPlayed | None = None

    @property
    def silent_for(self) -> float:
        """Return the seconds since something last arrived on the path, as far as `sample` has been called."""
        return self._clock.now() - self._heard_at

    async def sample(self) -> MediaSample:
        """Return the current counters, and record whether anything has arrived on the path."""
        sample = await self.media.sample()
        if path_answers(self._sample, sample) or sample.received_packets < self._sample.received_packets:
            self._heard_at = self._clock.now()  # fewer packets than before: a new peer connection
        self._sample = sample
        return sample

    def ice_judged(self, verdict: IceVerdict) -> None:
        """Nudge when ICE reconnects: while ICE considers the path broken, nothing is sent, not even RTCP.

        So a request for a key frame made when RTP returned was not sent if the first connectivity check, answered a round
        trip later, was still pending.
        """
        if verdict == "connected" and self._broken:
            self.nudge()
        self._broken = verdict == "broken" or (self._broken and verdict == "waiting")

    def note_sound(self) -> None:
        """Record which sound is played now, as the last one in time."""
        peer = self.media.peer
        self._played_last = peer.sound_played() if peer is not None else None

    async def catch_up(self, stood_still: float = 0.0) -> None:
        """Discard what arrives after a silence, or after a sleep of `stood_still` seconds, if it is a backlog.

        After a sleep, the first sound reported may be the last one from before it. And part of the backlog may arrive after
        the receivers were restarted: so the lateness is measured again after each restart.
        """
        last, peer = self._played_last, self.media.peer
        if last is None or peer is None:
            return
        played_after = last.at + stood_still
        for _ in range(self._policy.backlog_restarts):
            played = await self._next_sound(peer, played_after)
            if played is None or lateness(last, played) < self._policy.backlog_lateness:
                return
            await peer.restart_receivers()
            played_after = played.at + self._policy.backlog_settling

    async def _next_sound(self, peer: PeerConnection, played_after: float) -> SoundPlayed | None:
        """Return the first sound that `peer` plays later than `played_after`; None if `backlog_wait` passes without one."""
        deadline = self._clock.now() + self._policy.backlog_wait
        while peer is self.media.peer and self._clock.now() < deadline:
            played = peer.sound_played()
            if played is not None and played.at > played_after:
                return played
            await pause(self._clock, self._policy.return_poll)
        return None

    async def prove(self, patience: float | None = None) -> MediaJudgement:
        """Watch until there is a verdict; request key frames meanwhile where they help.

        `patience` is how many seconds nothing may arrive until the stream is frozen; by default it depends on how long its
        path was silent before.
        """
        before = await self.sample()
        receives = isinstance(self.media, InboundMedia)
        proof = Proof(before, self.silent_for, self._policy, receives=receives, patience=patience)
        last = self._clock.now()
        while True:
            await pause(self._clock, self._policy.media_poll)
            sample, now = await self.sample(), self._clock.now()
            judgement = proof.take(sample, now - last)
            last = now
            if judgement.nudge:
                self.nudge()
            if judgement.verdict != "recovering":
                if judgement.verdict == "healthy" and not receives:
                    self.nudge()  # subscribers have missed frames that the next ones refer to
                return judgement

    def nudge(self) -> None:
        """Request a key frame of a received stream, or send one in a published stream."""
        peer = self.media.peer
        if peer is not None:
            if isinstance(self.media, InboundMedia):
                peer.ask_for_key_frame()
            else:
                peer.send_key_frame()

    async def renegotiate(self, listener: MediaRecoveryListener, because: str) -> None:
        """Replace the peer connection until one connects, at most `media_retries` times."""
        for attempt in range(1, self._policy.media_retries + 1):
            listener.media_noted(self.media, "renegotiating", f"attempt {attempt}: {because}")
            try:
                # A frozen stream may have lost its network (handover), a healthy one (force option) still has it.
                await self.media.renegotiate(fresh_network=self.frozen)
            except RequestError as error:
                listener.media_noted(self.media, "failed", str(error))
                await pause(self._clock, self._policy.media_nudge_period * attempt)
            except OpenViduError as error:  # the session or the stream ended, or the network dropped again
                listener.media_noted(self.media, "failed", str(error))
                return
            else:
                if await self._connected():
                    listener.media_noted(self.media, "connected")
                    return
            because = "the last attempt did not connect"
        listener.media_given_up(
            self.media,
            f"Stream {self.media.stream_id} could not be reconnected in {self._policy.media_retries} attempts",
        )

    async def _connected(self) -> bool:
        """Return whether ICE connects before it fails, the stream ends or `media_connect_timeout` passes."""
        deadline = self._clock.now() + self._policy.media_connect_timeout
        while self._clock.now() < deadline and not self.media.is_closed:
            verdict = analyse(self.media.ice_state)
            if verdict != "waiting":
                return verdict == "connected"
            await pause(self._clock, self._policy.media_poll)
        return False
