"""What the RTP of all received streams tells: of the network, and of each stream. Time is a number here, polls are calls."""

from __future__ import annotations

import math

from pyvidu.reconnection.evidence import (
    PageStoodStill,
    ReportsSilent,
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
    """Streams with a packet every `gap` seconds, numbered, whose monitor is polled when it is due.

    `reports` is the gap between two reports about what is sent, if there are any; they are read in every second poll.
    """

    def __init__(self, *gaps: float, reports: float | None = None) -> None:
        self.gaps = list(gaps)
        self.reports = reports
        self.lost: set[int] = set()  # reports, by their numbers
        self.reported_until = math.inf
        self.reads = 0
        self._read = 0.0
        self.frozen_at: dict[int, float] = {}
        self.found: list[RtpFinding] = []
        self.now = 0.0
        self.monitor = RtpMonitor(POLICY, self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.monitor.due_at <= until:
            self.now = max(self.now, self.monitor.due_at)
            wanted = self.reports is not None and self.monitor.wants_reports
            self.found += self.monitor.poll(self.markers(), self.now, self.read() if wanted else {})
        self.now = until

    def read(self) -> dict[object, float | None]:
        assert self.reports is not None
        self.reads += 1
        before = self._read
        if self.reads % 2:
            number = int(min(self.now, self.reported_until) / self.reports)
            self._read = max(item for item in range(number + 1) if item not in self.lost)
        return {"sent": before or None}

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


def test_reports_take_the_place_of_streams_and_are_no_stream() -> None:
    streams = Streams(reports=0.25)
    streams.run(2)
    assert not streams.steady, "their rhythm is not known yet"
    streams.run(6)
    assert streams.steady
    assert streams.told == []
    streams.reported_until = streams.now
    streams.run(0.85)
    assert (streams.told, streams.count(RtpOverdue())) == ([ReportsSilent()], 1)
    streams.run(5)
    streams.reported_until = math.inf
    streams.run(0.4)
    assert streams.told[1:] == [RtpReturned()]
    assert not streams.count(AudioReferenceDue())


def test_reports_are_not_needed_while_a_stream_is_a_witness() -> None:
    streams = Streams(0.05, reports=0.25)
    streams.run(5)
    reads, streams.reported_until = streams.reads, streams.now
    assert reads <= 42, "in the first two seconds"
    streams.run(5)
    assert (streams.reads, streams.told) == (reads, [])
    streams.gaps[:] = []
    streams.reported_until = math.inf
    streams.run(5)
    assert streams.steady
    assert streams.reads > reads


def test_silent_stream_is_the_witness_and_not_the_reports() -> None:
    streams = Streams(0.05, reports=0.25)
    streams.run(5)
    streams.freeze(0)
    streams.run(3)
    assert streams.told == [RtpSilent(), stopped(0)]


def test_rtp_that_is_no_witness_refutes_missing_reports() -> None:
    streams = Streams(2.0, reports=0.25)
    streams.run(9)
    assert streams.steady
    streams.gaps[:] = [0.05]
    streams.reported_until = streams.now
    streams.run(5)
    assert ReportsSilent() not in streams.found


def test_some_lost_reports_are_no_silence() -> None:
    streams = Streams(reports=0.25)
    streams.lost = {10, 30, 50, 51, 70, 90, 91}
    streams.run(30)
    assert streams.told == []


def test_reports_that_are_seconds_apart_are_no_witness() -> None:
    streams = Streams(reports=1.0)
    streams.run(20)
    streams.reported_until = streams.now
    streams.run(20)
    assert streams.found == []


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
