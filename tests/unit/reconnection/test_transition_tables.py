"""The engine's transition tables: complete, without dead parts, and as docs/reconnection.md has them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from enum import Enum
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyvidu.reconnection.actions import (
    AnnounceFrozen,
    AnnounceLost,
    AnnounceRecovered,
    MediaAction,
    OpenSocket,
    Renegotiate,
    TakeSample,
)
from pyvidu.reconnection.detector import Down
from pyvidu.reconnection.evidence import (
    AttemptClosed,
    AttemptOpened,
    AudioReference,
    IceStateChanged,
    MediaEvidence,
    MediaPathsDead,
    MediaSample,
    MembershipConfirmed,
    MembershipDenied,
    NetworkChanged,
    PageStoodStill,
    PeerReplaced,
    PongReceived,
    ReceiversRestarted,
    RenegotiationAborted,
    RenegotiationRefused,
    ResumeAccepted,
    ResumeRefused,
    RtpLate,
    RtpOverdue,
    RtpReturned,
    RtpSteady,
    Sampled,
    ServerReached,
    ServerUnreachable,
    SessionMoved,
    SignalingEvidence,
    SignalingLost,
    SignalingResumed,
    SocketClosed,
    SoundPlayed,
    SoundRead,
    StreamReturned,
    StreamStopped,
    Unheard,
    WentOffline,
    WentOnline,
    WokeUp,
)
from pyvidu.reconnection.outage import OutageLog
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.states import OUTAGE, PROBED, Command, OutageTimer, State
from pyvidu.reconnection.stream_recovery import RecoveryState, RecoveryTimer, StreamRecovery
from pyvidu.reconnection.supervisor import Supervisor
from pyvidu.reconnection.transitions import EventKind, Row
from tools import transition_tables

SUPERVISED = Supervisor.TABLE.rows[:-1]  # the last is the default
RECOVERED = StreamRecovery.TABLE.rows[:-1]
IDLE, OBSERVING, CHECKING, RENEGOTIATING, CONNECTING, DELAYING, GIVEN_UP = RecoveryState

EVENTS = {Down, *get_args(SignalingEvidence), *OutageTimer, *Command}
NO_TRANSITION = {  # in no state: a fact at most, or of interest to the detector only
    ServerUnreachable,
    SessionMoved,
    Unheard,
    RtpSteady,
    RtpOverdue,
    RtpLate,
}
STREAM_EVENTS = {*get_args(MediaEvidence), *RecoveryTimer}
NO_STREAM_TRANSITION = {AudioReference, SoundRead}  # the backlog's

owners = pytest.mark.parametrize(
    ("owner", "rows"),
    [(Supervisor, SUPERVISED), (StreamRecovery, RECOVERED)],
    ids=["supervisor", "stream"],
)


def reached(rows: tuple[Row, ...], state: Enum) -> set[Enum]:
    """Return the states that `rows` lead to from `state`, and itself."""
    found: set[Enum] = set()
    todo = {state}
    while todo:
        found |= todo
        todo = {row.next for row in rows if row.next and found & set(row.states)} - found
    return found


def always(rows: tuple[Row, ...], event: EventKind) -> set[Enum]:
    """Return the states in which `event` is handled whatever the guards say."""
    return {state for row in rows if event in row.events and row.guard is None for state in row.states}


def test_the_page_has_the_tables_of_the_engine() -> None:
    written = transition_tables.TARGET.read_text("utf-8")
    assert transition_tables.content(written) == written, "run `make format`"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        transition_tables.content("# A page\n")


@pytest.mark.parametrize(
    ("rows", "events"),
    [(SUPERVISED, EVENTS - NO_TRANSITION), (RECOVERED, STREAM_EVENTS - NO_STREAM_TRANSITION)],
    ids=["supervisor", "stream"],
)
def test_every_event_is_in_a_row_or_known_to_cause_no_transition(rows: tuple[Row, ...], events: set) -> None:
    assert {kind for row in rows for kind in row.events} == events


@pytest.mark.parametrize("state", [State.UP, State.ENDED])
def test_only_a_verdict_leads_out_of_the_states_outside_an_outage(state: State) -> None:
    assert [row.events for row in SUPERVISED if state in row.states] == ([(Down,)] if state is State.UP else [])


@owners
def test_every_guard_and_effect_is_a_method_and_every_such_method_is_in_a_row(
    owner: type, rows: tuple[Row, ...]
) -> None:
    named = {row.guard for row in rows} | {effect for row in rows for effect in row.effects}
    methods = {
        method
        for name, method in inspect.getmembers(owner, inspect.isfunction)
        if list(inspect.signature(method).parameters) == ["self", "event", "now"] and name != "_follow"
    }
    assert named - {None} == methods


def test_every_state_can_be_reached_and_every_state_of_an_outage_leads_to_both_ends() -> None:
    assert reached(SUPERVISED, State.UP) == set(State)
    assert all({State.UP, State.ENDED} <= reached(SUPERVISED, state) for state in OUTAGE)


def test_every_state_of_a_stream_can_be_reached_and_leads_back_to_idle() -> None:
    assert reached(RECOVERED, IDLE) == set(RecoveryState)
    assert all(IDLE in reached(RECOVERED, state) for state in RecoveryState)


def test_an_outage_interrupts_a_stream_in_every_state() -> None:
    assert always(RECOVERED, SignalingLost) == set(RecoveryState) - {OBSERVING}
    assert always(RECOVERED, SignalingResumed) == {OBSERVING, IDLE}


def test_every_timer_is_handled_in_the_states_in_which_it_runs() -> None:
    assert always(SUPERVISED, OutageTimer.DEADLINE) == set(OUTAGE)
    assert always(SUPERVISED, OutageTimer.PROBE) == set(PROBED)
    assert always(SUPERVISED, OutageTimer.GIVE_UP) == set(OUTAGE)
    assert always(RECOVERED, RecoveryTimer.DEADLINE) == {CONNECTING, DELAYING, GIVEN_UP}


def test_whatever_comes_of_a_sample_or_of_an_attempt_is_handled() -> None:
    assert always(RECOVERED, Sampled) == {CHECKING}
    assert always(RECOVERED, PeerReplaced) == {CHECKING, RENEGOTIATING, CONNECTING, DELAYING, GIVEN_UP}
    assert always(RECOVERED, RenegotiationRefused) == {RENEGOTIATING}
    assert always(RECOVERED, RenegotiationAborted) == {RENEGOTIATING}


ANYTHING = st.sampled_from(
    [
        AttemptClosed(),
        AttemptOpened(),
        MembershipConfirmed(),
        MembershipDenied(102),
        NetworkChanged(),
        PongReceived(0),
        PongReceived(1),
        PongReceived(2),
        ResumeAccepted(),
        ResumeRefused(-1),
        ResumeRefused(40007, session_gone=True),
        RtpReturned(),
        ServerReached(),
        ServerUnreachable(at_once=True),
        SessionMoved(),
        SocketClosed(1006),
        WentOffline(),
        WentOnline(),
        Unheard(),
        WokeUp(),
    ]
)


@settings(deadline=None)
@given(events=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 2.0]), ANYTHING), max_size=30))
def test_whatever_happened_silence_leads_to_an_attempt_or_the_end(events: list) -> None:
    now = 100.0
    supervisor = Supervisor(ReconnectionPolicy(), now, lambda: 0.5, OutageLog(calendar=lambda: 0.0))
    for seconds, event in events:
        now += seconds
        supervisor.tick(now)
        supervisor.handle(event, now)
    quiet, done = now + 20.0, []
    while supervisor.due_at is not None and max(now, supervisor.due_at) < quiet:
        now = max(now, supervisor.due_at)
        done += supervisor.tick(now)
    assert supervisor.state is State.ENDED or any(isinstance(action, OpenSocket | AnnounceLost) for action in done)


class AnyStream:
    """A stream to which anything may happen, and which then flows or is silent for good."""

    def __init__(self, *, receives: bool, suspended: bool) -> None:
        self.now = 100.0
        self.policy = ReconnectionPolicy()
        self.recovery = StreamRecovery(self.policy, self.now, receives=receives, suspended=suspended)
        self.done: list[MediaAction] = []
        self.counters = MediaSample("connected", frames_decoded=1)
        self.grows: tuple[str, ...] = ()
        self.asked = False  # for a sample
        self.negotiated = True

    def tell(self, evidence: MediaEvidence) -> None:
        match evidence:
            case IceStateChanged(state):
                self.counters = replace(self.counters, ice_state=state)
            case PeerReplaced(state):
                self.counters = MediaSample(state, frames_decoded=1)
                self.negotiated = True
            case SignalingResumed(negotiated=False):
                self.negotiated = False
            case Sampled():
                self.asked = False
        self._note(self.recovery.handle(evidence, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, in which samples are taken."""
        until = self.now + seconds
        while self.recovery.due_at is not None and self.recovery.due_at <= until:
            self.now = max(self.now, self.recovery.due_at)
            self._note(self.recovery.tick(self.now))
            if self.asked:
                grown = {name: getattr(self.counters, name) + 1 for name in self.grows}
                self.counters = replace(self.counters, **grown)
                self.tell(Sampled(self.counters))
        self.now = until

    def _note(self, actions: list[MediaAction]) -> None:
        self.done += actions
        assert self.count(AnnounceFrozen) - self.count(AnnounceRecovered) in (0, 1), "each is announced once"
        if TakeSample() in actions:
            assert not self.asked, "one sample at a time"
            self.asked = True

    def count(self, kind: type[MediaAction]) -> int:
        return sum(isinstance(action, kind) for action in self.done)


HAPPENING = st.one_of(
    st.sampled_from(["", "received_packets", "inbound_video_packets", "frames_decoded", "stun_requests"]),
    st.sampled_from(
        [
            AudioReference(SoundPlayed(1.0, 1, 48_000)),
            MediaPathsDead(),
            MediaPathsDead(other_family=True),
            PageStoodStill(3.0),
            ReceiversRestarted(),
            RenegotiationAborted("aborted"),
            RenegotiationRefused("refused"),
            RtpReturned(),
            SignalingLost(),
            SignalingResumed(force=False),
            SignalingResumed(force=False, negotiated=False),
            SignalingResumed(force=True),
            SoundRead(None),
            SoundRead(SoundPlayed(9.0, 1, 48_000)),
            StreamReturned(),
            StreamStopped(),
        ]
    ),
    st.sampled_from(["new", "checking", "connected", "disconnected", "failed"]).flatmap(
        lambda state: st.sampled_from([IceStateChanged(state), PeerReplaced(state)])
    ),
)
HAPPENINGS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 2.0, 6.0, 20.0]), HAPPENING), max_size=20)


def lived(happenings: list, *, receives: bool, suspended: bool) -> AnyStream:
    """Return a stream to which all that has happened, after the end of an outage, and of its first negotiation."""
    stream = AnyStream(receives=receives, suspended=suspended)
    for seconds, happening in happenings:
        stream.wait(seconds)
        if isinstance(happening, str):
            stream.grows = (happening,) if happening else ()
        else:
            stream.tell(happening)
    if stream.recovery.state is OBSERVING:
        stream.tell(SignalingResumed(force=False))
    if not stream.negotiated:
        stream.tell(PeerReplaced("new"))
    return stream


@settings(deadline=None, max_examples=40)
@given(happenings=HAPPENINGS, receives=st.booleans(), suspended=st.booleans())
def test_stream_that_flows_at_last_is_idle_and_not_announced_as_frozen(
    happenings: list, receives: bool, suspended: bool
) -> None:
    stream = lived(happenings, receives=receives, suspended=suspended)
    stream.grows = ("received_packets", "inbound_video_packets", "frames_decoded", "remote_reports")
    for _ in range(10):
        if stream.recovery.state is RENEGOTIATING:
            stream.tell(PeerReplaced("new"))
        if stream.counters.ice_state != "connected":
            stream.tell(IceStateChanged("connected"))
        stream.wait(5.0)
    assert stream.recovery.state is IDLE
    assert stream.count(AnnounceFrozen) == stream.count(AnnounceRecovered)


@settings(deadline=None, max_examples=40)
@given(
    happenings=HAPPENINGS,
    receives=st.booleans(),
    suspended=st.booleans(),
    reply=st.sampled_from(
        [PeerReplaced("new"), PeerReplaced("connected"), PeerReplaced("failed"), RenegotiationRefused("refused")]
    ),
)
def test_stream_that_is_silent_for_good_gets_three_attempts_and_then_one_every_pause(
    happenings: list, receives: bool, suspended: bool, reply: MediaEvidence
) -> None:
    stream = lived(happenings, receives=receives, suspended=suspended)
    media = stream.policy.media
    stream.grows, attempts = (), []
    before, until = stream.count(Renegotiate), stream.now + 60.0
    while stream.now < until:
        if stream.count(Renegotiate) > before + len(attempts):
            attempts.append(stream.now)
        if stream.recovery.state is RENEGOTIATING:
            stream.tell(reply)
        else:
            stream.wait(0.25)
    later = attempts[media.retries - 1 :]
    assert all(after - at >= media.retry_pause for at, after in pairwise(later))
    if stream.count(AnnounceFrozen) > stream.count(AnnounceRecovered):
        longest = media.retry_pause + media.connect_timeout + media.decode_window
        assert stream.now - max(attempts) < longest, "they go on"
