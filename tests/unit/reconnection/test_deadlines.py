"""Deadlines of an attempt: the policy's on a quick path, longer ones on a slow path, and their limits."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.deadlines import Deadlines
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.rtt import RoundTrip

ATTEMPTS = ReconnectionPolicy().attempts


def deadlines(rtt: float = 0.0) -> Deadlines:
    """Return the deadlines on a path with a steady round-trip time, 0 for one that was not measured."""
    estimate = RoundTrip()
    for _ in range(200 if rtt else 0):
        estimate.sample(rtt)
    return Deadlines(ReconnectionPolicy(), estimate)


@pytest.mark.parametrize("rtt", [0.0, 0.05, 0.5])
def test_quick_path_has_the_deadlines_of_the_policy(rtt: float) -> None:
    made = deadlines(rtt)
    assert (made.opening, made.resume, made.membership) == (
        ATTEMPTS.deadline, ATTEMPTS.resume_deadline, ATTEMPTS.membership_deadline,
    )  # fmt: skip


def test_slow_path_has_four_round_trips_to_open_and_resume_and_two_timeouts_for_the_membership() -> None:
    made = deadlines(1.2)
    assert made.opening == made.resume == pytest.approx(4.8, abs=0.01)
    assert made.membership == pytest.approx(2.4, abs=0.1)


def test_no_deadline_exceeds_the_cap_however_slow_the_path() -> None:
    made = deadlines(60.0)
    assert made.opening == made.resume == made.membership == ATTEMPTS.deadline_cap


def test_deadlines_follow_the_estimate() -> None:
    estimate = RoundTrip()
    made = Deadlines(ReconnectionPolicy(), estimate)
    before = made.opening
    estimate.sample(1.0)
    estimate.sample(1.0)
    assert made.opening > before


def test_time_after_which_an_attempt_hangs_doubles_with_each_that_hung_up_to_the_deadline() -> None:
    made = deadlines(0.1)
    assert [made.hanging(hung) / made.hanging(0) for hung in range(3)] == pytest.approx([1.0, 2.0, 4.0])
    assert made.hanging(0) == pytest.approx(0.4, abs=0.01)
    assert deadlines().hanging(0) == ATTEMPTS.hang_after
    assert made.hanging(10) == made.hanging(10_000) == ATTEMPTS.deadline
