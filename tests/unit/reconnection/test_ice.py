"""The verdict on an ICE state, and what its changes ask for. Time is a number here."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.actions import Nudge, ReportException
from pyvidu.reconnection.ice import IceWatch, analyse
from pyvidu.reconnection.policy import ReconnectionPolicy

POLICY = ReconnectionPolicy()
PATIENCE = POLICY.media.ice_disconnected_timeout


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("new", "waiting"),
        ("checking", "waiting"),
        ("connected", "connected"),
        ("completed", "connected"),
        ("disconnected", "broken"),
        ("failed", "dead"),
        ("closed", "dead"),
        ("a state of the future", "waiting"),
    ],
)
def test_ice_states_are_mapped_to_verdicts(state: str, verdict: str) -> None:
    assert analyse(state) == verdict


def changes(watch: IceWatch, *states: str, in_call: bool = True) -> list[object]:
    """Return what the changes to these states ask for, one after another at the same time."""
    return [action for state in states for action in watch.changed(state, 10.0, in_call=in_call)]


def test_first_connection_asks_for_nothing_and_one_that_returns_for_a_key_frame() -> None:
    watch = IceWatch(POLICY)
    assert changes(watch, "checking", "connected", "completed") == []
    assert changes(watch, "disconnected", "connected") == [Nudge()]
    assert changes(watch, "disconnected", "checking", "connected") == [Nudge()], "by way of new checks"
    assert changes(watch, "connected") == []


@pytest.mark.parametrize("state", ["failed", "closed"])
def test_dead_connection_is_reported_in_a_call_and_explained_by_an_outage(state: str) -> None:
    message = f"iceConnectionState is {state}"
    assert changes(IceWatch(POLICY), state) == [ReportException("ICE_CONNECTION_FAILED", message)]
    assert changes(IceWatch(POLICY), state, in_call=False) == []


def test_connection_that_stays_disconnected_in_a_call_is_reported_once_after_openvidus_timeout() -> None:
    watch = IceWatch(POLICY)
    changes(watch, "disconnected")
    assert watch.due_at == 10.0 + PATIENCE
    (report,) = watch.tick()
    assert isinstance(report, ReportException)
    assert (report.name, watch.due_at) == ("ICE_CONNECTION_DISCONNECTED", None)


@pytest.mark.parametrize("state", ["connected", "failed", "checking"])
def test_any_other_state_ends_the_waiting(state: str) -> None:
    watch = IceWatch(POLICY)
    changes(watch, "disconnected", state)
    assert watch.due_at is None


def test_outage_or_a_new_peer_connection_leaves_nothing_to_wait_for() -> None:
    watch = IceWatch(POLICY)
    changes(watch, "disconnected", in_call=False)
    assert watch.due_at is None
    changes(watch, "disconnected")
    watch.replaced()
    assert watch.due_at is None
    assert changes(watch, "connected") == [], "the new one was never broken"
