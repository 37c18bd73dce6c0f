"""The recovery of one stream's media connection: evidence in, actions out. A frozen one is renegotiated, then verified.

During an outage of the signaling plane its path is observed. After it, and when RTP stops or returns or ICE breaks in a call,
it is checked by its counters (`media_health.py`). A frozen stream is renegotiated until a check finds it flowing, at most
`media.retries` times. `media/recovery.py` carries out the actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .actions import (
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
    TakeSample,
)
from .backlog import Backlog
from .decoding import HELD_BACK
from .evidence import (
    IceStateChanged,
    MediaEvidence,
    MediaPathsDead,
    MediaSample,
    NotReceived,
    PageStoodStill,
    PeerReplaced,
    ReceiversRestarted,
    RenegotiationAborted,
    RenegotiationRefused,
    RtpReturned,
    Sampled,
    SignalingLost,
    SignalingResumed,
    StreamReturned,
    StreamStopped,
)
from .ice import IceWatch, analyse
from .media_health import MediaJudgement, Proof
from .policy import ReconnectionPolicy
from .recovery_states import RecoveryState, RecoveryTimer
from .samples import Samples
from .standstill import ROUNDING
from .transitions import Table, row

IDLE, OBSERVING, CHECKING, RENEGOTIATING, CONNECTING, DELAYING, GIVEN_UP = RecoveryState
TIME_IS_UP = RecoveryTimer.DEADLINE


class StreamRecovery:
    """The decisions about one stream; the caller carries them out. Call `handle` with evidence, and `tick` at `due_at`.

    `receives` is False for a stream that we send. `announced`: the application was told that it is frozen, when it had
    another media connection. `suspended`: there is an outage of the signaling plane now.
    """

    def __init__(
        self,
        policy: ReconnectionPolicy,
        now: float,
        *,
        receives: bool,
        announced: bool = False,
        suspended: bool = False,
    ) -> None:
        self.state = IDLE
        self._policy = policy
        self._receives = receives
        self._announced = announced
        self._given_up = False  # since the last outage; further attempts may be under way
        self._attempts = 0
        self._because = "it did not connect"
        self._patience: float | None = None  # of the check, if it is not the usual one
        self._proof: Proof | None = None
        self._judgement = MediaJudgement("recovering", "")
        self.samples = Samples(now)
        self.sample_at: float | None = None
        self._state_ends_at: float | None = None
        self._ice = IceWatch(policy)
        self._backlog = Backlog(policy)
        if suspended:
            self.handle(SignalingLost(), now)

    @property
    def due_at(self) -> float | None:
        """Return the time at which `tick` must be called; None for never."""
        return _earliest(self.sample_at, self.timer_at)

    @property
    def timer_at(self) -> float | None:
        """Return the same for anything but a sample."""
        return _earliest(self._state_ends_at, self._ice.due_at, self._backlog.due_at)

    @property
    def is_settled(self) -> bool:
        """Return whether the stream is checked or given up; false during an outage, after which it will be checked."""
        return self.state is IDLE or self._given_up

    def handle(self, evidence: MediaEvidence, now: float) -> list[MediaAction]:
        """Return the actions that follow from `evidence`, observed at `now`."""
        actions: list[MediaAction] = []
        match evidence:
            case IceStateChanged(state):
                actions += self._ice.changed(state, now, in_call=self.state is not OBSERVING and not self._given_up)
            case PeerReplaced():
                self._replaced(now)
            case SignalingLost():
                self._ice.due_at = None
            case Sampled(sample):
                self._sampled(sample, now)
            case _:
                actions += self._backlog.observe(evidence, now)
        return actions + self._follow(evidence, now)

    def tick(self, now: float) -> list[MediaAction]:
        """Return the actions that follow from the passing of time."""
        actions: list[MediaAction] = []
        if _is_due(self._ice.due_at, now):
            actions += self._ice.tick()
        if _is_due(self._backlog.due_at, now):
            self._backlog.due_at = None  # until the sound is read
            actions.append(ReadSound())
        if _is_due(self._state_ends_at, now):
            self._state_ends_at = None
            actions += self._follow(TIME_IS_UP, now)
        if _is_due(self.sample_at, now):
            self.sample_at = None  # until the sample is taken
            actions.append(TakeSample())
        return actions

    def _follow(self, event: object, now: float) -> list[MediaAction]:
        """Make the table's transition for `event`."""
        found = self.TABLE.find(self, self.state, event, now)
        if found.next is not None:
            self._enter(found.next, now)
        return [action for effect in found.effects for action in effect(self, event, now)]

    def _enter(self, state: RecoveryState, now: float) -> None:
        """Enter `state`; its timers replace those of the old one."""
        if self.period is None:
            self.samples.begin(now)
        self.state = state
        self._proof = self._patience = self._state_ends_at = self.samples.decoding.watched_until = None
        self.sample_at = now if self.period else None
        match state:
            case RecoveryState.IDLE | RecoveryState.OBSERVING:
                self._attempts, self._given_up = 0, False
            case RecoveryState.GIVEN_UP:
                self._attempts = self._policy.media.retries - 1  # one is left for every further time
                self._state_ends_at = now + self._policy.media.retry_pause
            case RecoveryState.CONNECTING:
                self._state_ends_at = now + self._policy.media.connect_timeout
            case RecoveryState.DELAYING:
                self._state_ends_at = now + self._policy.media.nudge_period * self._attempts

    # --- beside the table: counters ------------------------------------------------------------------------

    def _sampled(self, sample: MediaSample, now: float) -> None:
        """Record the counters, and judge them during a check."""
        elapsed = self.samples.take(sample, now)
        self.sample_at = now + self.period if self.period else None
        if self._proof is not None:
            self._judgement = self._proof.take(sample, elapsed)

    @property
    def period(self) -> float | None:
        """Return the seconds between two samples, None if none are taken."""
        media = self._policy.media
        if self.state is CHECKING or self.samples.decoding.watched_until is not None:
            return media.poll
        return {OBSERVING: media.outage_poll, GIVEN_UP: media.given_up_poll}.get(self.state)

    def _replaced(self, now: float) -> None:
        """Forget what was observed of the old peer connection; a sample of it that is under way is not awaited."""
        self.samples.replaced(now)
        self.sample_at = now if self.period else None
        self._ice.replaced()
        self._backlog.stop()

    # --- guards of the table -----------------------------------------------------------------------------------------

    def _not_negotiated(self, event: SignalingResumed, now: float) -> bool:
        """Return whether there is no peer connection yet."""
        return not event.negotiated

    def _forced(self, event: SignalingResumed, now: float) -> bool:
        """Return whether every stream is to be renegotiated."""
        return event.force

    def _path_returned(self, event: Sampled, now: float) -> bool:
        """Return whether packets arrive on a path that was silent for `media.nudge_after`: some were lost."""
        return self.samples.returned_after(self._policy.media.nudge_after)

    def _frame_missing(self, event: Sampled, now: float) -> bool:
        """Return whether video arrives of which none was decoded for `media.nudge_period`."""
        return self.samples.decoding.stopped_for(self._policy.media.nudge_period, now)

    def _held_back(self, event: Sampled, now: float) -> bool:
        """Return whether video arrives of which none was decoded for 0.2 s, soon after a standstill."""
        return self.samples.decoding.stopped_for(HELD_BACK, now)

    def _is_announced(self, event: PeerReplaced, now: float) -> bool:
        """Return whether the application was told that the stream is frozen."""
        return self._announced

    def _first_sample(self, event: Sampled, now: float) -> bool:
        """Return whether this is the first sample of the check."""
        return self._proof is None

    def _recovering(self, event: Sampled, now: float) -> bool:
        """Return whether there is no verdict yet."""
        return self._judgement.verdict == "recovering"

    def _healthy(self, event: Sampled, now: float) -> bool:
        """Return whether the stream flows."""
        return self._judgement.verdict == "healthy"

    def _paused(self, event: Sampled, now: float) -> bool:
        """Return whether the path is fine, and nothing is sent on it."""
        return self._judgement.verdict == "paused"

    def _may_renegotiate(self, event: object, now: float) -> bool:
        """Return whether fewer than `media.retries` attempts were made."""
        return self._attempts < self._policy.media.retries

    def _other_family(self, event: MediaPathsDead, now: float) -> bool:
        """Return whether a path of the other IP family has worked too, and an attempt is left."""
        return event.other_family and self._may_renegotiate(event, now)

    def _ice_connected(self, event: IceStateChanged | PeerReplaced, now: float) -> bool:
        """Return whether the ICE state is connected."""
        return analyse(event.state) == "connected"

    def _ice_waiting(self, event: IceStateChanged | PeerReplaced, now: float) -> bool:
        """Return whether the ICE state is new or checking."""
        return analyse(event.state) == "waiting"

    def _ice_breaks(self, event: IceStateChanged, now: float) -> bool:
        """Return whether the ICE state is disconnected, failed or closed."""
        return analyse(event.state) in ("broken", "dead")

    # --- effects of the table ----------------------------------------------------------------------------------------

    def _nudge(self, event: object, now: float) -> list[MediaAction]:
        """Request or send a key frame."""
        return [Nudge()]

    def _nudge_again(self, event: object, now: float) -> list[MediaAction]:
        """Request a key frame once more: the last request may have been lost."""
        self.samples.decoding.count_anew(now)
        return [Nudge()]

    def _watch_decoder(self, event: object, now: float) -> list[MediaAction]:
        """Take samples for 1.5 s: what arrives may not be decoded."""
        self.samples.decoding.watch(now)
        self.sample_at = now
        return []

    def _restart_receivers(self, event: object, now: float) -> list[MediaAction]:
        """Discard what the receivers hold back."""
        self.samples.decoding.watched_until = self.sample_at = None
        return [RestartReceivers()]

    def _nudge_if_due(self, event: object, now: float) -> list[MediaAction]:
        """Request a key frame, if one is missing and the last request was long enough ago."""
        return [Nudge()] if self._judgement.nudge else []

    def _nudge_if_sent(self, event: object, now: float) -> list[MediaAction]:
        """Send a key frame: subscribers have missed frames that the next ones refer to."""
        return [] if self._receives else [Nudge()]

    def _be_patient(self, event: object, now: float) -> list[MediaAction]:
        """Let nothing arrive for `media.patience` before the verdict frozen."""
        self._patience = self._policy.media.patience
        return []

    def _be_brief(self, event: object, now: float) -> list[MediaAction]:
        """Let nothing arrive for `media.window` only: ICE itself has waited for 5 s already."""
        self._patience = self._policy.media.window
        return []

    def _begin(self, event: object, now: float) -> list[MediaAction]:
        """Begin to compare counters with the first ones."""
        self._proof = Proof(
            self.samples.last,
            self.samples.silent_for(now),
            self._policy,
            receives=self._receives,
            patience=self._patience,
            period=self.period or 0.0,
        )
        return []

    def _note_verdict(self, event: object, now: float) -> list[MediaAction]:
        """Record the verdict."""
        self._because = self._judgement.because
        return [NoteStep(self._judgement.verdict, self._because)]

    def _note_missing(self, event: object, now: float) -> list[MediaAction]:
        """Record the verdict of the server."""
        because = "the server receives nothing of what is sent from here"
        self._judgement = MediaJudgement("frozen", because)
        return self._note_verdict(event, now)

    def _note_dead(self, event: MediaPathsDead, now: float) -> list[MediaAction]:
        """Record that nothing arrives on any path."""
        self._judgement = MediaJudgement("frozen", event.because)
        return self._note_verdict(event, now)

    def _note_forced(self, event: object, now: float) -> list[MediaAction]:
        """Keep the reason why a healthy stream is renegotiated."""
        self._because = "forceMediaReconnectionAfterNetworkDrop"
        return []

    def _note_connected(self, event: object, now: float) -> list[MediaAction]:
        """Record that the new peer connection has connected."""
        return [NoteStep("connected")]

    def _note_failed(self, event: RenegotiationRefused | RenegotiationAborted, now: float) -> list[MediaAction]:
        """Record why an attempt has failed."""
        return [NoteStep("failed", event.message)]

    def _announce_frozen(self, event: object, now: float) -> list[MediaAction]:
        """Announce the frozen stream, once."""
        told, self._announced = self._announced, True
        because = event.because if isinstance(event, MediaPathsDead) else self._judgement.because
        return [] if told else [AnnounceFrozen(because)]

    def _announce_missing(self, event: object, now: float) -> list[MediaAction]:
        """Announce the stream as frozen if it is sent: a received one was found to flow, and its path is replaced."""
        return [] if self._receives else self._announce_frozen(event, now)

    def _announce_recovered(self, event: object, now: float) -> list[MediaAction]:
        """Announce that a stream announced as frozen flows."""
        told, self._announced = self._announced, False
        return [AnnounceRecovered()] if told else []

    def _renegotiate(self, event: object, now: float) -> list[MediaAction]:
        """Make an attempt. A frozen stream may have lost its network (handover), a healthy one (force) still has it."""
        self._attempts += 1
        because, self._because = self._because, "the last attempt did not connect"
        fresh_network = self._judgement.verdict == "frozen" or self._attempts > 1
        return [NoteStep("renegotiating", f"attempt {self._attempts}: {because}"), Renegotiate(fresh_network)]

    def _cancel(self, event: object, now: float) -> list[MediaAction]:
        """Cancel the attempt under way."""
        return [CancelRenegotiation()]

    def _give_up(self, event: object, now: float) -> list[MediaAction]:
        """Report, once, that no attempt has reconnected the stream; one follows every `media.retry_pause`."""
        told, self._given_up = self._given_up, True
        if told:
            return []
        message = f"could not be reconnected in {self._policy.media.retries} attempts"
        return [NoteStep("given up", message), ReportException("ICE_CONNECTION_FAILED", message)]

    # --- for a simulated world, which knows when packets begin and end to arrive -------------------------------------

    @property
    def matters_at(self) -> float:
        """Return a time before which no sample changes anything, if all counters go on as in the last one."""
        decoding = self.samples.decoding
        if self.state is OBSERVING:
            return decoding.may_stop_for(self._policy.media.nudge_period)
        if decoding.watched_until is not None:
            return min(decoding.may_stop_for(HELD_BACK), decoding.watched_until - 2 * ROUNDING)
        matters_in = self._proof.matters_in - self._policy.media.poll if self._proof is not None else 0.0
        return self.samples.taken_at + matters_in

    def skipped(self, times: Sequence[float], sample: MediaSample) -> None:
        """Take into account that counters went on as in the last sample, in samples at `times`; `sample` is the last."""
        for elapsed in self.samples.skipped(times, sample):
            if self._proof is not None:
                self._proof.skipped(sample, elapsed)
        self.sample_at = self.samples.taken_at + (self.period or 0.0)

    # fmt: off
    TABLE: ClassVar[Table[StreamRecovery, RecoveryState, MediaAction]] = Table(
        RecoveryState,
        # An outage of the signaling plane
        row(RENEGOTIATING, SignalingLost, None, OBSERVING, _cancel),
        row((IDLE, CHECKING, CONNECTING, DELAYING, GIVEN_UP), SignalingLost, None, OBSERVING),
        row(OBSERVING, Sampled, _path_returned, None, _nudge),
        row(OBSERVING, Sampled, _frame_missing, None, _nudge_again),
        row(OBSERVING, StreamReturned, None, None, _nudge),
        row((OBSERVING, IDLE), SignalingResumed, _not_negotiated, IDLE),
        row((OBSERVING, IDLE), SignalingResumed, _forced, RENEGOTIATING, _note_forced, _renegotiate),
        row((OBSERVING, IDLE), SignalingResumed, None, CHECKING),
        # In a call
        row(IDLE, StreamStopped, None, CHECKING, _nudge, _be_patient),  # whatever is sent shows where we are behind a NAT
        row(IDLE, StreamReturned, None, CHECKING, _nudge, _be_patient),
        row((IDLE, CHECKING), MediaPathsDead, _other_family, RENEGOTIATING, _note_dead, _renegotiate, _announce_frozen),
        row(IDLE, MediaPathsDead, None, CHECKING, _be_patient, _announce_frozen),
        row(CHECKING, MediaPathsDead, None, None, _announce_frozen),
        row(CHECKING, NotReceived, _may_renegotiate, RENEGOTIATING, _note_missing, _renegotiate, _announce_frozen),
        row(IDLE, NotReceived, _may_renegotiate, RENEGOTIATING, _note_missing, _renegotiate, _announce_missing),
        row(IDLE, ReceiversRestarted, None, CHECKING, _nudge, _be_patient),
        row(IDLE, PageStoodStill, None, None, _watch_decoder),
        row(IDLE, Sampled, _held_back, None, _restart_receivers),
        row(IDLE, PeerReplaced, _ice_waiting, CONNECTING),
        row(IDLE, PeerReplaced, _is_announced, CHECKING),
        row(IDLE, IceStateChanged, _ice_breaks, CHECKING, _be_brief),
        row(GIVEN_UP, IceStateChanged, _ice_connected, CHECKING),
        row(GIVEN_UP, (StreamReturned, PeerReplaced), None, CHECKING),
        # A check
        row((CHECKING, GIVEN_UP), Sampled, _first_sample, None, _begin),
        row((CHECKING, GIVEN_UP), Sampled, _recovering, None, _nudge_if_due),
        row((CHECKING, GIVEN_UP), Sampled, _healthy, IDLE, _note_verdict, _nudge_if_sent, _announce_recovered),
        row((CHECKING, GIVEN_UP), Sampled, _paused, IDLE, _note_verdict, _announce_recovered),
        row(CHECKING, Sampled, _may_renegotiate, RENEGOTIATING, _note_verdict, _renegotiate, _announce_frozen),
        row(CHECKING, Sampled, None, GIVEN_UP, _note_verdict, _give_up),
        # A renegotiation
        row((CHECKING, DELAYING), PeerReplaced, None, CHECKING),
        row((RENEGOTIATING, CONNECTING), PeerReplaced, _ice_connected, CHECKING, _note_connected),
        row((RENEGOTIATING, CONNECTING), PeerReplaced, _ice_waiting, CONNECTING),
        row(RENEGOTIATING, PeerReplaced, _may_renegotiate, RENEGOTIATING, _renegotiate),
        row(RENEGOTIATING, PeerReplaced, None, GIVEN_UP, _give_up),
        row(RENEGOTIATING, RenegotiationRefused, _may_renegotiate, DELAYING, _note_failed),
        row(RENEGOTIATING, RenegotiationRefused, None, GIVEN_UP, _note_failed, _give_up),
        row(RENEGOTIATING, RenegotiationAborted, None, CHECKING, _note_failed),
        row(CONNECTING, IceStateChanged, _ice_connected, CHECKING, _note_connected),
        row(CONNECTING, IceStateChanged, _ice_waiting, None),
        row(CONNECTING, (PeerReplaced, IceStateChanged, TIME_IS_UP), _may_renegotiate, RENEGOTIATING, _renegotiate),
        row(CONNECTING, (PeerReplaced, IceStateChanged, TIME_IS_UP), None, GIVEN_UP, _give_up),
        row(DELAYING, TIME_IS_UP, None, RENEGOTIATING, _renegotiate),
        row(GIVEN_UP, TIME_IS_UP, None, CHECKING),
        # Anything else
        row((), RtpReturned, None, None, _nudge),
        row((), object, None, None),
    )
    # fmt: on


def _earliest(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)


def _is_due(at: float | None, now: float) -> bool:
    return at is not None and at <= now
