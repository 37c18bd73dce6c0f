"""All media connections of a session: their RTP is polled, and each has a recovery that is told of what happens.

The decisions are made in `reconnection/`: about all RTP in `rtp_monitor.py`, about each stream in `stream_recovery.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from pyvidu.platform import Host, PeerConnection, Timer, pause
from pyvidu.reconnection.actions import NoteStep
from pyvidu.reconnection.evidence import (
    IceStateChanged,
    MediaEvidence,
    MediaPathsDead,
    MediaSample,
    NotReceived,
    PageStoodStill,
    PeerReplaced,
    RtpLate,
    RtpReturned,
    RtpSilent,
    SignalingLost,
    SignalingResumed,
    StreamStopped,
)
from pyvidu.reconnection.media_health import DEAD_AFTER, paths_are_dead
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.publisher_silence import PublisherSilence
from pyvidu.reconnection.rtp_monitor import AudioReferenceDue, OfStream, RtpFinding, RtpMonitor
from pyvidu.reconnection.sound_delay import SoundDelay
from pyvidu.reconnection.standstill import STALL
from pyvidu.signaling import SignalingPlane
from pyvidu.tasks import Tasks

from .connection import InboundMedia, MediaConnection, OutboundMedia
from .recovery import MediaRecovery
from .reports import Reports
from .uplink import Uplink

logger = logging.getLogger(__name__)


class MediaPlaneListener(Protocol):
    """Listener for frozen streams and other media problems."""

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Handle a stream that does not flow although it should; it is being renegotiated, or will be."""

    def media_recovered(self, media: MediaConnection) -> None:
        """Handle a frozen stream that flows again."""

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Handle `ICE_CONNECTION_DISCONNECTED` or `ICE_CONNECTION_FAILED`, with OpenVidu's meaning."""

    def video_sending_changed(self, media: MediaConnection, *, sent: bool) -> None:
        """Handle that the video of a published stream is paused, for an uplink that is too weak, or sent again."""

    def publisher_heard(self, connection_id: str, *, heard: bool) -> None:
        """Handle that nothing is heard of a publisher any more, or something again, where the server does not tell."""

    def media_settled(self) -> None:
        """Handle that every stream is verified or given up, for the first time since `MediaPlane.prove_all`."""


class MediaPlane:
    """Watches the media connections passed to `add` until they are passed to `remove`."""

    def __init__(
        self, host: Host, signaling: SignalingPlane, policy: ReconnectionPolicy, listener: MediaPlaneListener
    ) -> None:
        self._clock = host.clock
        self._signaling = signaling
        self._policy = policy
        self._listener = listener
        self._recoveries: dict[MediaConnection, MediaRecovery] = {}
        self._uplinks: dict[MediaConnection, Uplink] = {}
        self._monitor: RtpMonitor | None = None  # while there are streams, and for one poll more
        self._reports = Reports(self._clock)
        self._timer: Timer | None = None
        self._silence = PublisherSilence()
        self._silence_timer: Timer | None = None
        self._tasks = Tasks(
            failed=lambda error: logger.info("Whether media paths are dead could not be read: %r", error)
        )
        self._refuted = False  # the server has answered since all RTP fell silent
        self._outage: Outage | None = None
        self._delays: dict[PeerConnection, SoundDelay] = {}
        self._late = False  # the sound of all received streams
        self._proving = False  # since `prove_all`, until every stream is settled
        self._closed = False

    def add(self, media: MediaConnection, *, frozen: bool = False, video_sent: bool = True) -> None:
        """Watch `media` from now on.

        `frozen`: its stream was reported as frozen, on an earlier media connection; `video_sent` is False if its video was
        reported as paused.
        """
        if self._closed:
            return
        suspended = not self._signaling.is_up
        self._recoveries[media] = MediaRecovery(
            media, self._clock, self._policy, self, frozen=frozen, suspended=suspended
        )
        if isinstance(media, OutboundMedia) and self._policy.media.pause_weak_video:
            told = partial(self._video_sending_changed, media)
            self._uplinks[media] = Uplink(media, self._clock, told, sent=video_sent)
        if self._monitor is None:
            self._monitor = RtpMonitor(self._policy, self._clock.now())
            self._arm()

    def remove(self, media: MediaConnection) -> None:
        """Stop watching `media`, which its owner closes."""
        recovery, uplink = self._recoveries.pop(media, None), self._uplinks.pop(media, None)
        if uplink is not None:
            uplink.close()
        if recovery is not None:
            recovery.close()
            self._heard(media)
            self.media_settled()

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
        """Stop all renegotiations, which need signaling, and observe every path until the outage ends."""
        self._close_record()
        self._proving = False
        self._disturbed()
        for recovery in list(self._recoveries.values()):
            recovery.report(SignalingLost())

    def prove_all(self, outage: Outage, *, force: bool) -> None:
        """Check every stream after an outage and renegotiate the frozen ones; with `force` renegotiate every stream."""
        self._outage = outage
        self._proving = False
        self._disturbed()
        for media, recovery in list(self._recoveries.items()):
            recovery.report(SignalingResumed(force, media.is_negotiated))
        self._proving = True  # only now: one after the other has begun to be checked
        self.media_settled()

    def silence_refuted(self) -> None:
        """Take into account that the network works: whoever is silent is so by itself."""
        self._refuted = True
        self._silence.trusted(self._clock.now())
        self._arm_silence()

    def missing(self, stream_id: str) -> None:
        """Handle that the server receives nothing of a stream that is sent, although it hears the signaling.

        All media connections have the same address: where that has moved, no other sends anything either.
        """
        sent = [media.stream_id for media in self._recoveries if isinstance(media, OutboundMedia)]
        if stream_id and stream_id in sent:
            for media, recovery in list(self._recoveries.items()):
                if media.is_negotiated:
                    recovery.report(NotReceived())

    def ice_state_changed(self, media: MediaConnection, state: str) -> None:
        """Handle a new ICE state of the current peer connection."""
        self._report(media, IceStateChanged(state))

    def peer_replaced(self, media: MediaConnection) -> None:
        """Handle a newly negotiated peer connection."""
        self._report(media, PeerReplaced(media.ice_state))

    def close(self) -> None:
        """Stop watching and cancel all repairs."""
        self._closed = True
        self._tasks.cancel()
        for timer in (self._timer, self._silence_timer):
            if timer is not None:
                timer.cancel()
        for recovery in self._recoveries.values():
            recovery.close()
        for uplink in self._uplinks.values():
            uplink.close()
        self._reports.close()
        self._recoveries.clear()
        self._uplinks.clear()

    # --- MediaRecoveryListener ---------------------------------------------------------------------------------------

    def media_noted(self, media: MediaConnection, step: NoteStep) -> None:
        """Add a step to the record of the outage after which the streams are being checked."""
        logger.debug("%s: %s (%s)", media.stream_id, step.step, step.because)
        if self._outage is not None:
            self._outage.note_stream(self._clock.now(), media.stream_id, step.step, step.because)
        if step.step == "healthy":
            self._heard(media)
        elif step.step == "paused":
            self._silence.path_answers(media.owner, self._clock.now())
            self._arm_silence()

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Forward to the listener."""
        self._listener.media_frozen(media, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """Forward to the listener."""
        self._listener.media_recovered(media)

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Forward to the listener."""
        self._listener.media_exception(media, name, message)

    def media_settled(self) -> None:
        """Close the record of the outage if every stream is checked or given up: what follows is not part of it."""
        waits = self._outage is not None or self._proving
        if waits and all(recovery.is_settled for recovery in self._recoveries.values()):
            self._close_record()
            if self._proving and not self._closed:
                self._proving = False
                self._listener.media_settled()

    # --- RTP ---------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        assert self._monitor is not None, "the timer is set for a monitor"
        reports = self._reports.read(self._reported())
        findings = self._monitor.poll(self._markers(), self._clock.now(), reports)
        for media in [media for media in self._recoveries if media.owner in self._silence.silent]:
            if media.peer in self._monitor.flowing:
                self._heard(media)
        if self._recoveries:
            self._arm()
        else:  # until the next stream
            self._monitor = self._timer = None
        for finding in findings:
            self._found(finding)

    def _found(self, finding: RtpFinding) -> None:
        match finding:
            case OfStream(source, evidence):
                for media in [media for media in self._recoveries if media.peer is source]:
                    self._report(media, evidence)
                    # Pyvidu's server, which replays, tells who is not heard.
                    if isinstance(evidence, StreamStopped) and not self._signaling.replays:
                        self._silence.stopped(media.owner, self._clock.now())
            case AudioReferenceDue():
                for recovery in self._receiving():
                    recovery.take_audio_reference()
                self._look_for_delay()
            case PageStoodStill():
                self._disturbed()
                for recovery in self._receiving():
                    recovery.report(finding)
            case _:
                if isinstance(finding, RtpSilent):
                    self._silence.doubted(self._clock.now())
                    if self._signaling.replays:  # pyvidu's server, whose reports come often
                        self._refuted = False
                        self._tasks.spawn(self._look_at_paths())
                self._signaling.rtp(finding)
                if isinstance(finding, RtpReturned):
                    self._tasks.cancel()
                    self.silence_refuted()
                    for recovery in list(self._recoveries.values()):
                        recovery.report(finding)

    def _look_for_delay(self) -> None:
        """Report whether the sound of all received streams is late: of one alone, its publisher's way may be the cause."""
        former, self._delays = self._delays, {}
        late = []
        for media in self._recoveries:
            if isinstance(media, InboundMedia) and media.peer is not None and (played := media.peer.sound_played()):
                delay = self._delays[media.peer] = former.get(media.peer) or SoundDelay()
                late.append(delay.is_late(played))
        is_late = bool(late) and all(late)
        if is_late is not self._late:
            self._late = is_late
            self._signaling.rtp(RtpLate(is_late))

    async def _look_at_paths(self) -> None:
        """Report it if nothing arrives at all: ICE sees that seconds later, since it checks a path every 2.5 s."""
        began = self._clock.now()
        before = await self._read_all()
        await pause(self._clock, DEAD_AFTER)
        after = await self._read_all()
        stalled = self._clock.now() - began > DEAD_AFTER + STALL
        if not self._refuted or stalled:
            return
        both = [peer for peer in before if peer in after]  # not those of streams that have come or gone
        if paths_are_dead([before[peer] for peer in both], [after[peer] for peer in both]):
            for media, recovery in [item for item in self._recoveries.items() if item[0].peer in both]:
                families = before[media.peer].ip_families if media.peer is not None else 0
                recovery.report(MediaPathsDead(other_family=families > 1))

    async def _read_all(self) -> dict[PeerConnection, MediaSample]:
        """Return the counters of all peer connections."""
        peers = [media.peer for media in self._recoveries if media.peer is not None]
        return dict(zip(peers, await asyncio.gather(*(peer.sample() for peer in peers)), strict=True))

    def _markers(self) -> Mapping[object, float | None]:
        """Return the current packet markers, by peer connection."""
        peers = [media.peer for media in self._recoveries if isinstance(media, InboundMedia)]
        return {peer: peer.packet_marker() for peer in peers if peer is not None}

    def _reported(self) -> list[PeerConnection]:
        """Return the peer connections of which the reports are needed."""
        wanted = self._monitor is not None and self._monitor.wants_reports
        peers = [media.peer for media in self._recoveries if wanted and isinstance(media, OutboundMedia)]
        return [peer for peer in peers if peer is not None]

    def _receiving(self) -> list[MediaRecovery]:
        return [recovery for media, recovery in self._recoveries.items() if isinstance(media, InboundMedia)]

    def _arm(self) -> None:
        assert self._monitor is not None, "called after it was made"
        self._timer = self._clock.call_later(self._monitor.due_at - self._clock.now(), self._poll)

    # --- silent publishers -------------------------------------------------------------------------------------------

    def _heard(self, media: MediaConnection) -> None:
        if self._silence.heard(media.owner) and not self._closed:
            self._listener.publisher_heard(media.owner, heard=True)

    def _disturbed(self) -> None:
        self._tasks.cancel()
        for uplink in self._uplinks.values():
            uplink.disturbed()
        self._silence.disturbed(self._clock.now())
        self._arm_silence()

    def _look_for_silence(self) -> None:
        self._silence_timer = None
        for publisher in self._silence.tick(self._clock.now()):
            if not self._closed:  # by the listener, in the event before
                self._listener.publisher_heard(publisher, heard=False)
        self._arm_silence()

    def _arm_silence(self) -> None:
        if self._silence_timer is not None:
            self._silence_timer.cancel()
        due = None if self._closed else self._silence.due_at
        now = self._clock.now()
        self._silence_timer = None if due is None else self._clock.call_later(due - now, self._look_for_silence)

    def _video_sending_changed(self, media: MediaConnection, sent: bool) -> None:
        self._listener.video_sending_changed(media, sent=sent)

    def _report(self, media: MediaConnection, evidence: MediaEvidence) -> None:
        recovery = self._recoveries.get(media)
        if recovery is not None:
            recovery.report(evidence)

    def _close_record(self) -> None:
        if self._outage is not None:
            logger.info("%s", self._outage)
            self._outage = None
