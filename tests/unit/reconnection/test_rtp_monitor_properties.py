"""Polls that do not matter may be skipped, whatever the streams do."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.rtp_monitor import AudioReferenceDue, RtpFinding, RtpMonitor

POLICY = ReconnectionPolicy()


FLOWS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.3, 0.4, 0.7, 1.1, 2.3, 5.0, 13.0]),  # seconds
        st.sets(st.integers(0, 3)),  # the streams that flow meanwhile; 3: reports arrive
        st.sampled_from([0.0, 0.0, 0.0, 0.4, 3.0]),  # seconds for which the page stands still first
    ),
    min_size=1,
    max_size=12,
)

# A gap that ceases to be recent while none is learnt, for the second after a return.
EXPIRING = [
    (2.3, {0}, 0.0),
    (0.2, set(), 0.0),
    (8.8, {0}, 0.0),
    (1.0, set(), 0.0),
    (0.8, {0}, 0.0),
    (2.3, set(), 0.0),
]


class Flows:
    """Three streams, each of which has packets before every poll or none, and reports every 0.25 s or none.

    `jumps`: skip the polls that may be skipped.
    """

    def __init__(self, *, jumps: bool) -> None:
        self.found: list[tuple[float, RtpFinding]] = []
        self.polls = 0
        self._jumps = jumps
        self._now = 0.0
        self._markers: dict[object, float | None] = {0: None, 1: None, 2: None}
        self._reports = 0.0
        self._monitor = RtpMonitor(POLICY, 0.0)

    def run(self, seconds: float, flowing: set[int], stall: float) -> None:
        until = self._now + seconds
        self._poll(self._monitor.due_at + stall, flowing)
        self._poll(self._monitor.due_at, flowing)  # a monitor that is told of a change polls twice before a jump
        while self._monitor.due_at < until:
            awaited = 3 in flowing and self._monitor.wants_reports and self._monitor.awaits_return
            matters_at = min(self._monitor.matters_at, until) if self._jumps and not awaited else -math.inf
            skipped, reports = [], []
            while (at := self._now + self._monitor.period) < matters_at:
                skipped.append(at)
                self._pass(at, flowing)
                reports.append(self._reported())
            if skipped:
                self._monitor.skipped(skipped, self._markers, reports)
            if self._monitor.due_at < until:
                self._poll(self._monitor.due_at, flowing)

    def _poll(self, at: float, flowing: set[int]) -> None:
        self._pass(at, flowing)
        self.polls += 1
        self.found += [(round(at, 6), finding) for finding in self._monitor.poll(self._markers, at, self._reported())]

    def _reported(self) -> dict[object, float | None]:
        return {3: self._reports // 0.25 or None} if self._monitor.wants_reports else {}

    def _pass(self, at: float, flowing: set[int]) -> None:
        self._reports += at - self._now if 3 in flowing else 0.0
        self._now = at
        for number in flowing - {3}:
            self._markers[number] = at


def lived(flows: list, *, jumps: bool) -> Flows:
    streams = Flows(jumps=jumps)
    for seconds, flowing, stall in flows:
        streams.run(seconds, flowing, stall)
    return streams


@settings(deadline=None, max_examples=60)
@given(flows=FLOWS)
@example(flows=EXPIRING)
def test_polls_that_do_not_matter_may_be_skipped(flows: list) -> None:
    def found(streams: Flows, wanted: Callable[[RtpFinding], bool]) -> list:
        return [(at, finding) for at, finding in streams.found if wanted(finding)]

    each, jumping = lived(flows, jumps=False), lived(flows, jumps=True)
    assert found(jumping, lambda finding: not isinstance(finding, AudioReferenceDue)) == found(
        each, lambda finding: not isinstance(finding, AudioReferenceDue)
    )
    taken = found(each, lambda finding: isinstance(finding, AudioReferenceDue))
    assert set(found(jumping, lambda finding: isinstance(finding, AudioReferenceDue))) <= set(taken)


def test_most_polls_of_a_long_call_may_be_skipped() -> None:
    flows = [(60.0, {0, 1}, 0.0), (60.0, {0}, 0.0), (60.0, set(), 0.0)]
    assert lived(flows, jumps=True).polls < 50
