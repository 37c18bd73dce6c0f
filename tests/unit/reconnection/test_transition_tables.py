"""The engine's transition tables: complete, without dead parts, and as docs/reconnection.md has them."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest
import transition_tables
from hypothesis import given
from hypothesis import strategies as st

from pyvidu.reconnection.actions import AnnounceLost, OpenSocket
from pyvidu.reconnection.detector import Down
from pyvidu.reconnection.evidence import (
    AttemptClosed,
    AttemptOpened,
    MembershipConfirmed,
    MembershipDenied,
    NetworkChanged,
    PongReceived,
    ResumeAccepted,
    ResumeRefused,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    RtpSteady,
    ServerReached,
    ServerUnreachable,
    SessionMoved,
    SignalingEvidence,
    SocketClosed,
    WentOffline,
    WentOnline,
    WokeUp,
)
from pyvidu.reconnection.outage import OutageLog
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.states import OUTAGE, PROBED, Command, OutageTimer, State
from pyvidu.reconnection.supervisor import Supervisor

EVENTS = {Down, *get_args(SignalingEvidence), *OutageTimer, *Command}
NO_TRANSITION = {  # in no state: a fact at most, or of interest to the detector only
    ServerUnreachable,
    SessionMoved,
    WentOffline,
    RtpSteady,
    RtpOverdue,
    RtpSilent,
}
ROWS = Supervisor.TABLE.rows[:-1]  # the last is the default


def test_the_page_has_the_tables_of_the_engine() -> None:
    written = transition_tables.TARGET.read_text("utf-8")
    assert transition_tables.content(written) == written, "run `make format`"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        transition_tables.content("# A page\n")


def test_every_event_is_in_a_row_or_known_to_cause_no_transition() -> None:
    assert {kind for row in ROWS for kind in row.events} == EVENTS - NO_TRANSITION


@pytest.mark.parametrize("state", [State.UP, State.ENDED])
def test_only_a_verdict_leads_out_of_the_states_outside_an_outage(state: State) -> None:
    assert [row.events for row in ROWS if state in row.states] == ([(Down,)] if state is State.UP else [])


def test_every_guard_and_effect_is_a_method_and_every_such_method_is_in_a_row() -> None:
    named = {row.guard for row in ROWS} | {effect for row in ROWS for effect in row.effects}
    methods = {
        method
        for name, method in inspect.getmembers(Supervisor, inspect.isfunction)
        if list(inspect.signature(method).parameters) == ["self", "event", "now"] and name != "_follow"
    }
    assert named - {None} == methods


def test_every_state_can_be_reached_and_every_state_of_an_outage_leads_to_both_ends() -> None:
    def reached(state: State) -> set[State]:
        found: set[State] = set()
        todo = {state}
        while todo:
            found |= todo
            todo = {row.next for row in ROWS if row.next and found & set(row.states)} - found
        return found

    assert reached(State.UP) == set(State)
    assert all({State.UP, State.ENDED} <= reached(state) for state in OUTAGE)


def test_every_timer_is_handled_in_the_states_in_which_it_runs() -> None:
    def always(timer: OutageTimer) -> set[State]:
        return {state for row in ROWS if timer in row.events and row.guard is None for state in row.states}

    assert always(OutageTimer.DEADLINE) == set(OUTAGE)
    assert always(OutageTimer.PROBE) == set(PROBED)
    assert always(OutageTimer.GIVE_UP) == set(OUTAGE)


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
        WokeUp(),
    ]
)


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
