"""When the server is probed about a ping of 10.0 s, and what the answers make of the verdict that would come at 14.0 s."""

from __future__ import annotations

import math

import pytest

from pyvidu.reconnection.policy import DetectionPolicy
from pyvidu.reconnection.rtt import RoundTrip
from pyvidu.reconnection.second_opinion import SecondOpinion

ASKED, USUAL = 10.0, 14.0


def probed(answered: int, rtt: float = 0.0) -> SecondOpinion:
    """Return the opinion after its three probes, each sent when it was due."""
    estimate = RoundTrip()
    estimate.smoothed = rtt
    opinion = SecondOpinion(DetectionPolicy(), estimate)
    while (due := opinion.due_at(ASKED)) < math.inf:
        opinion.probed(due)
    for _ in range(answered):
        opinion.answered(by_server=True)
    return opinion


def test_three_probes_follow_each_other() -> None:
    opinion = SecondOpinion(DetectionPolicy(), RoundTrip())
    for due in (10.5, 10.8, 11.1):
        assert opinion.due_at(ASKED) == pytest.approx(due)
        assert opinion.verdict_at(ASKED, USUAL) == USUAL
        opinion.probed(due)
    assert opinion.due_at(ASKED) == math.inf
    opinion.clear()
    assert opinion.due_at(20.0) == 20.5


@pytest.mark.parametrize(("answered", "verdict"), [(0, 11.4), (1, math.inf), (2, math.inf), (3, USUAL), (4, USUAL)])
def test_verdict_depends_on_how_many_were_answered(answered: int, verdict: float) -> None:
    assert probed(answered).verdict_at(ASKED, USUAL) == pytest.approx(verdict)


def test_probes_wait_longer_on_a_slow_path_and_never_for_longer_than_without_them() -> None:
    assert probed(0, rtt=0.6).verdict_at(ASKED, USUAL) == pytest.approx(10 + 0.6 + 0.6 + 1.8)
    assert probed(0, rtt=1.5).verdict_at(ASKED, USUAL) == USUAL


def test_what_else_arrives_counts_as_an_answer_unless_it_was_under_way() -> None:
    opinion = probed(0)
    opinion.notified(ASKED, ASKED + 0.4)
    assert opinion.verdict_at(ASKED, USUAL) < USUAL
    opinion.notified(ASKED, ASKED + 0.5)
    assert opinion.verdict_at(ASKED, USUAL) == USUAL
