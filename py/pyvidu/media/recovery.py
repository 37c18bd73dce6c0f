"""Proving and repairing one media connection: sample, judge, nudge, renegotiate, verify."""

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
    """Told how it goes."""

    def media_noted(self, media: MediaConnection, step: StreamStepName, because: str = "") -> None:
        """A line for the record of the outage."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """The verdict is frozen; the media connection is being renegotiated."""

    def media_recovered(self, media: MediaConnection) -> None:
        """A frozen stream flows again."""

    def media_given_up(self, media: MediaConnection, message: str) -> None:
        """Renegotiating did not help as often as it may be tried."""


class MediaRecovery:
    """One media connection and what is known of its health."""

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
        """Seconds since its path was last heard, as far as `listen` has been called."""
        return self._clock.now() - self._heard_at

    async def listen(self) -> MediaSample:
        """The counters of this moment; takes note whether the path is heard."""
        sample = await self.media.sample()
        if path_answers(self._sample, sample) or sample.received_packets < self._sample.received_packets:
            self._heard_at = self._clock.now()  # fewer packets than before: a new peer connection
        self._sample = sample
        return sample

    def ice_judged(self, verdict: IceVerdict) -> None:
        """Whoever is whole again gets a key frame: ICE sends nothing, no RTCP either, over a path that it thinks broken.

        So what was asked for when RTP came back has gone nowhere if the first check was not answered yet, a round trip later.
        """
        if verdict == "connected" and self._broken:
            self.nudge()
        self._broken = verdict == "broken" or (self._broken and verdict == "waiting")

    def note_sound(self) -> None:
        """Takes note of which sound is played now, as the last one in time."""
        peer = self.media.peer
        self._played_last = peer.sound_played() if peer is not None else None

    async def catch_up(self, stood_still: float = 0.0) -> None:
        """After a silence, or a sleep of `stood_still` seconds: if what arrives is a backlog, it is thrown away.

        Of a page that slept the first sound told of may be the last one of before. And a part of the backlog may come behind
        the first sound of it, when receivers are new already: so it is listened to again after each restart.
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
        """What `peer` plays later than `played_after`; None if that takes too long."""
        deadline = self._clock.now() + self._policy.backlog_wait
        while peer is self.media.peer and self._clock.now() < deadline:
            played = peer.sound_played()
            if played is not None and played.at > played_after:
                return played
            await pause(self._clock, self._policy.return_poll)
        return None

    async def prove(self, patience: float | None = None) -> MediaJudgement:
        """Watches until there is a verdict; asks for key frames meanwhile where they help.

        `patience` is how long nothing may arrive until the stream is frozen; by default it depends on how long its path was
        silent before.
        """
        before = await self.listen()
        receives = isinstance(self.media, InboundMedia)
        proof = Proof(before, self.silent_for, self._policy, receives=receives, patience=patience)
        last = self._clock.now()
        while True:
            await pause(self._clock, self._policy.media_poll)
            sample, now = await self.listen(), self._clock.now()
            judgement = proof.take(sample, now - last)
            last = now
            if judgement.nudge:
                self.nudge()
            if judgement.verdict != "recovering":
                if judgement.verdict == "healthy" and not receives:
                    self.nudge()  # whoever watches us has missed what the next pictures build on
                return judgement

    def nudge(self) -> None:
        """A key frame, in the direction of the stream."""
        peer = self.media.peer
        if peer is not None:
            if isinstance(self.media, InboundMedia):
                peer.ask_for_key_frame()
            else:
                peer.send_key_frame()

    async def renegotiate(self, listener: MediaRecoveryListener, because: str) -> None:
        """Replaces the peer connection until one connects, a bounded number of times."""
        for attempt in range(1, self._policy.media_retries + 1):
            listener.media_noted(self.media, "renegotiating", f"attempt {attempt}: {because}")
            try:
                # A path that died may have died with its network; a healthy one (force option) is still there.
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
        """Whether ICE connects before it fails."""
        deadline = self._clock.now() + self._policy.media_connect_timeout
        while self._clock.now() < deadline and not self.media.is_closed:
            verdict = analyse(self.media.ice_state)
            if verdict != "waiting":
                return verdict == "connected"
            await pause(self._clock, self._policy.media_poll)
        return False
