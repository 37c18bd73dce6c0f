"""What the RTP of all received streams tells: of the network, and of each stream. Time is a number here, polls are calls."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyvidu.reconnection.evidence import (
    PageStoodStill,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    RtpSteady,
    StreamReturned,
    StreamStopped,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.rtp_monitor import AudioReferenceDue, OfStream, RtpFinding, RtpMonitor

POLICY = ReconnectionPolicy()


class Streams:
    """Streams with a packet every `gap` seconds, numbered, whose monitor is polled when it is due."""

    def __init__(self, *gaps: float) -> None:
        self.gaps = list(gaps)
        self.frozen_at: dict[int, float] = {}
        self.found: list[RtpFinding] = []
        self.now = 0.0
        self.monitor = RtpMonitor(POLICY, self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.monitor.due_at <= until:
            self.now = max(self.now, self.monitor.due_at)
            self.found += self.monitor.poll(self.markers(), self.now)
        self.now = until

    def stand_still(self, seconds: float) -> None:
        """Let the page not run: the poll that is due meanwhile is late."""
        self.now += seconds
        self.found += self.monitor.poll(self.markers(), self.now)

    def markers(self) -> dict[object, float | None]:
        return {
            number: min(self.now, self.frozen_at.get(number, self.now)) // gap + 1
            for number, gap in enumerate(self.gaps)
        }

    def freeze(self, *numbers: int) -> None:
        """Stop these streams; the others go on."""
        self.frozen_at = dict.fromkeys(numbers, self.now)

    def count(self, finding: RtpFinding) -> int:
        return self.found.count(finding)

    @property
    def told(self) -> list[RtpFinding]:
        """Return what was found, except that RTP is steady or overdue, and references."""
        return [
            finding for finding in self.found if not isinstance(finding, RtpSteady | RtpOverdue | AudioReferenceDue)
        ]

    @property
    def steady(self) -> bool:
        return self.count(RtpSteady()) > self.count(RtpOverdue())


def stopped(number: int) -> OfStream:
    return OfStream(number, StreamStopped())


def returned(number: int) -> OfStream:
    return OfStream(number, StreamReturned())


def test_silence_of_one_of_two_streams_is_not_found_to_be_rtp_silence() -> None:
    streams = Streams(0.05, 0.02)
    streams.run(5)
    streams.freeze(0)
    streams.run(5)
    assert streams.told == [stopped(0)]


def test_silence_and_return_of_all_streams_are_each_found_once() -> None:
    streams = Streams(0.05, 0.02)
    streams.run(5)
    streams.freeze(0, 1)
    streams.run(0.55)
    assert streams.told == [RtpSilent(), stopped(0), stopped(1)]
    assert streams.count(RtpOverdue()) == 1
    streams.run(5)
    streams.freeze()
    streams.run(0.2)
    assert streams.told[3:] == [RtpReturned(), returned(0), returned(1)]


def test_pause_of_all_streams_is_found_to_be_overdue_before_silence() -> None:
    streams = Streams(0.05, 0.02)
    streams.run(5)
    assert streams.count(RtpOverdue()) == 0
    streams.freeze(0, 1)
    streams.run(0.25)
    assert (streams.count(RtpOverdue()), streams.told) == (1, [])
    streams.freeze()
    streams.run(5)
    assert (streams.count(RtpOverdue()), streams.told) == (1, [])


def test_rtp_is_steady_until_all_regular_streams_pause_or_end() -> None:
    streams = Streams(0.05, 0.02, 3.0)
    streams.run(1.5)
    assert not streams.steady, "no stream is known for long enough"
    streams.run(3)
    streams.freeze(0)
    streams.run(3)
    assert (streams.count(RtpSteady()), streams.count(RtpOverdue())) == (1, 0), "one of two still flows"
    streams.freeze(0, 1)
    streams.run(0.25)
    assert not streams.steady
    streams.run(5)
    streams.freeze()
    streams.run(0.1)
    assert streams.steady
    streams.gaps[:] = []
    streams.run(0.1)
    assert (streams.count(RtpSteady()), streams.count(RtpOverdue())) == (2, 2), "the last one is gone"


def test_stream_that_becomes_a_witness_during_a_pause_is_found_to_be_overdue() -> None:
    streams = Streams(0.05)
    streams.run(1.9)
    streams.freeze(0)
    streams.run(0.25)  # it has been observed for two seconds now, and is not silent yet
    assert [found for found in streams.found if found != AudioReferenceDue()] == [RtpOverdue()]


def test_stream_that_ends_while_it_is_silent_does_not_return() -> None:
    streams = Streams(0.02, 0.05)
    streams.run(5)
    streams.freeze(1)
    streams.run(5)
    streams.gaps[:] = [0.02]
    streams.run(1)
    streams.gaps[:] = [0.02, 0.05]
    streams.freeze()
    streams.run(5)
    assert streams.told == [stopped(1)]


def test_gap_of_an_outage_does_not_delay_the_detection_of_the_next_one() -> None:
    streams = Streams(0.05)
    streams.run(5)
    for count in (1, 2, 3):
        streams.freeze(0)
        streams.run(0.55)
        assert streams.count(RtpSilent()) == count
        streams.run(8)
        streams.freeze()
        streams.run(1)


def test_gaps_right_after_an_outage_are_not_learnt() -> None:
    streams = Streams(0.05)
    streams.run(5)
    streams.freeze(0)
    streams.run(2)
    streams.freeze()
    streams.run(0.2)
    streams.freeze(0)  # the video waits for a key frame
    streams.run(0.6)
    streams.freeze()
    streams.run(2)
    streams.freeze(0)
    streams.run(0.4)
    assert streams.told[-2:] == [RtpSilent(), stopped(0)]


def test_static_screen_share_is_not_found_to_be_silent() -> None:
    streams = Streams(3.0)
    streams.run(30)
    streams.freeze(0)
    streams.run(30)
    assert (streams.told, streams.count(RtpSteady())) == ([], 0)


def test_sleep_of_the_page_is_found_and_is_not_a_gap() -> None:
    streams = Streams(0.05)
    streams.run(5)
    streams.stand_still(6)
    streams.run(0.1)
    streams.freeze(0)  # queued packets have arrived at once, then there is a pause
    streams.run(0.6)
    streams.freeze()
    streams.run(3)
    streams.freeze(0)
    streams.run(0.4)
    (standstill,) = [finding for finding in streams.found if isinstance(finding, PageStoodStill)]
    assert streams.told[0] == standstill
    assert round(standstill.seconds) == 6
    assert streams.told[-2:] == [RtpSilent(), stopped(0)]


def test_stall_of_half_a_second_is_not_found_to_be_a_sleep() -> None:
    streams = Streams(0.05)
    streams.run(5)
    streams.stand_still(0.5)
    streams.run(1)
    assert streams.told == []


def test_audio_reference_is_taken_once_a_second_while_rtp_flows() -> None:
    streams = Streams(0.05)
    streams.run(10)
    assert 9 <= streams.count(AudioReferenceDue()) <= 11
    streams.freeze(0)
    streams.run(0.1)
    before = streams.count(AudioReferenceDue())
    streams.run(10)
    assert streams.count(AudioReferenceDue()) == before


def test_audio_reference_is_not_taken_right_after_a_return_or_a_sleep() -> None:
    streams = Streams(0.05)
    streams.run(5)
    streams.freeze(0)
    streams.run(5)
    streams.freeze()
    before = streams.count(AudioReferenceDue())
    streams.run(0.95)
    assert streams.count(AudioReferenceDue()) == before
    streams.run(0.2)
    assert streams.count(AudioReferenceDue()) == before + 1
    streams.stand_still(6)
    streams.run(0.95)
    assert streams.count(AudioReferenceDue()) == before + 1, "what is played now may be late"


# --- polls that may be skipped ------------------------------------------------------------------------------------------

FLOWS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.3, 0.4, 0.7, 1.1, 2.3, 5.0, 13.0]),  # seconds
        st.sets(st.integers(0, 2)),  # the streams that flow meanwhile
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
    """Three streams, each of which has packets before every poll or none. `jumps`: skip the polls that may be skipped."""

    def __init__(self, *, jumps: bool) -> None:
        self.found: list[tuple[float, RtpFinding]] = []
        self.polls = 0
        self._jumps = jumps
        self._now = 0.0
        self._markers: dict[object, float | None] = {0: None, 1: None, 2: None}
        self._monitor = RtpMonitor(POLICY, 0.0)

    def run(self, seconds: float, flowing: set[int], stall: float) -> None:
        until = self._now + seconds
        self._poll(self._monitor.due_at + stall, flowing)
        self._poll(self._monitor.due_at, flowing)  # a monitor that is told of a change polls twice before a jump
        while self._monitor.due_at < until:
            matters_at = min(self._monitor.matters_at, until) if self._jumps else -math.inf
            skipped = []
            while (at := self._now + self._monitor.period) < matters_at:
                skipped.append(at)
                self._pass(at, flowing)
            if skipped:
                self._monitor.skipped(skipped, self._markers)
            if self._monitor.due_at < until:
                self._poll(self._monitor.due_at, flowing)

    def _poll(self, at: float, flowing: set[int]) -> None:
        self._pass(at, flowing)
        self.polls += 1
        self.found += [(round(at, 6), finding) for finding in self._monitor.poll(self._markers, at)]

    def _pass(self, at: float, flowing: set[int]) -> None:
        self._now = at
        for number in flowing:
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
