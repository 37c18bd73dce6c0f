"""Samples that do not matter may be skipped, whatever happens to the stream."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pyvidu.reconnection.actions import (
    MediaAction,
    ReportException,
    TakeSample,
)
from pyvidu.reconnection.evidence import (
    IceStateChanged,
    MediaEvidence,
    MediaSample,
    PageStoodStill,
    PeerReplaced,
    RenegotiationAborted,
    RenegotiationRefused,
    Sampled,
    SignalingLost,
    SignalingResumed,
    StreamStopped,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.stream_recovery import RecoveryState, StreamRecovery

POLICY = ReconnectionPolicy()
IDLE, OBSERVING, CHECKING, RENEGOTIATING, CONNECTING, DELAYING, GIVEN_UP = RecoveryState

VIDEO = ("received_packets", "inbound_video_packets", "frames_decoded")
UNDECODED = ("received_packets", "inbound_video_packets")
STUN = ("stun_responses",)
REPORTS = ("received_packets", "remote_reports")
EXCEPTION = ReportException("ICE_CONNECTION_FAILED", "could not be reconnected in 3 attempts")


class Sampling:
    """A stream that is told little and sampled much. `jumps`: skip the samples that may be skipped."""

    def __init__(self, ice_state: str, *, receives: bool, jumps: bool) -> None:
        self.done: list[tuple[float, MediaAction]] = []
        self.samples = 0
        self._jumps = jumps
        self._now = 0.0
        self._counters = MediaSample(ice_state, frames_decoded=1)
        self._arrives: tuple[str, ...] = ()
        self._recovery = StreamRecovery(POLICY, 0.0, receives=receives)

    def tell(self, evidence: MediaEvidence) -> None:
        self._do(self._recovery.handle(evidence, self._now))

    def run(self, seconds: float, arrives: tuple[str, ...]) -> None:
        """Let the counters of `arrives` grow before every sample. The first two are always taken, as in a world."""
        self._arrives, until, taken_first = arrives, self._now + seconds, self.samples + 2
        recovery = self._recovery
        while recovery.due_at is not None and recovery.due_at < until:
            times = self._skippable(until) if self._jumps and self.samples >= taken_first else []
            if times:
                recovery.skipped(times, self._counters)
            else:
                self._now = max(self._now, recovery.due_at)
                self._do(recovery.tick(self._now))
        self._now = until

    def _skippable(self, until: float) -> list[float]:
        recovery = self._recovery
        if recovery.sample_at is None or recovery.period is None:
            return []
        times, at = [], recovery.sample_at
        limit = min(recovery.matters_at, until, until if recovery.timer_at is None else recovery.timer_at)
        while at < limit:
            times.append(at)
            self._grow()
            at += recovery.period
        return times

    def _grow(self) -> None:
        self._counters = replace(self._counters, **{name: getattr(self._counters, name) + 1 for name in self._arrives})

    def _do(self, actions: list[MediaAction]) -> None:
        self.done += [(round(self._now, 6), action) for action in actions if action != TakeSample()]
        if TakeSample() in actions:
            self.samples += 1
            self._grow()
            self._do(self._recovery.handle(Sampled(self._counters), self._now))


PHASES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                None,
                SignalingLost(),
                SignalingResumed(force=False),
                StreamStopped(),
                PageStoodStill(8.0),
                IceStateChanged("disconnected"),
                PeerReplaced("connected"),
                RenegotiationAborted("another one began"),
                RenegotiationRefused("no"),
            ]
        ),
        st.sampled_from([0.1, 0.3, 0.7, 1.6, 3.3, 6.0]),  # seconds
        st.sampled_from([(), STUN, REPORTS, VIDEO, UNDECODED, ("stun_requests",)]),
    ),
    min_size=1,
    max_size=8,
)


def lived(phases: list, ice_state: str, *, receives: bool, jumps: bool) -> Sampling:
    stream = Sampling(ice_state, receives=receives, jumps=jumps)
    for evidence, seconds, arrives in phases:
        if evidence is not None:
            stream.tell(evidence)
        stream.run(seconds, arrives)
    return stream


@settings(deadline=None, max_examples=80)
@given(phases=PHASES, ice_state=st.sampled_from(["connected", "disconnected", "checking"]), receives=st.booleans())
def test_samples_that_do_not_matter_may_be_skipped(phases: list, ice_state: str, receives: bool) -> None:
    each = lived(phases, ice_state, receives=receives, jumps=False)
    assert lived(phases, ice_state, receives=receives, jumps=True).done == each.done


def test_most_samples_of_an_outage_and_of_a_patient_check_may_be_skipped() -> None:
    phases = [(SignalingLost(), 60.0, ()), (SignalingResumed(force=False), 1.0, VIDEO), (StreamStopped(), 4.0, ())]
    assert lived(phases, "connected", receives=True, jumps=True).samples < 20
    assert lived(phases, "connected", receives=True, jumps=False).samples > 600
