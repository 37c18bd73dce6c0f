"""The detector's table, row by row: witness, probe, verdict."""

from __future__ import annotations

from itertools import count

import pytest

from pyvidu.reconnection.detector import Detector, Down, ProbeWebSocket, SendPing
from pyvidu.reconnection.evidence import (
    NetworkChanged,
    PongReceived,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    RtpSteady,
    ServerReached,
    ServerUnreachable,
    SignalingEvidence,
    SocketClosed,
    WentOffline,
    WokeUp,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.rtp_flow import RtpFlow
from pyvidu.reconnection.rtt import RoundTrip

POLICY = ReconnectionPolicy()


def a_detector(rtt: float | None = None) -> Detector:
    estimate = RoundTrip()
    if rtt is not None:
        estimate.sample(rtt)
    return Detector(POLICY, 0.0, estimate, count(), RtpFlow())


def test_a_healthy_plane_is_pinged_once_a_period() -> None:
    detector = a_detector()
    for second in range(5):
        assert detector.due_at == second
        assert detector.tick(second) == [SendPing(second)]
        assert detector.handle(PongReceived(second), second + 0.01) == []


def test_a_closed_socket_needs_no_second_witness() -> None:
    assert a_detector().handle(SocketClosed(1006), 3.0) == [Down("socket closed")]


def test_silence_starts_a_probe_and_only_its_silence_is_a_verdict() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(1.0) == [SendPing(1)]
    assert detector.tick(1.9) == []
    assert detector.tick(2.0) == [Down("late pong")]


class LatePong:
    """A detector that has suspected a late pong since 1.0 s, for the ping of 0.0 s, while RTP flows."""

    def __init__(self) -> None:
        self.media = RtpFlow()
        self.detector = Detector(POLICY, 0.0, RoundTrip(), count(), self.media)
        self.tell(RtpSteady(), 0.0)
        self.detector.tick(0.0)
        assert self.detector.tick(1.0) == [SendPing(1)]

    def tell(self, evidence: SignalingEvidence, now: float) -> None:
        self.media.note(evidence, now)
        assert self.detector.handle(evidence, now) == []

    def verdict_at(self, *, since: float = 1.0) -> float:
        """Return when the verdict comes if nothing else is observed and every timer is on time."""
        now = since
        while not any(isinstance(output, Down) for output in self.detector.tick(now)):
            now = max(now + 0.001, self.detector.due_at)
        return now


def test_rtp_that_flows_speaks_against_a_late_pong_and_does_not_outweigh_it() -> None:
    assert LatePong().verdict_at() == 4.0


def test_rtp_that_pauses_does_not_speak_against_a_late_pong_any_more() -> None:
    late = LatePong()
    late.tell(RtpOverdue(), 1.2)
    assert late.verdict_at() == 2.0


def test_a_pause_of_the_rtp_behind_a_late_pong_is_given_the_time_to_end() -> None:
    late = LatePong()
    late.tell(RtpOverdue(), 2.5)
    late.tell(RtpSteady(), 2.8)
    late.tell(RtpOverdue(), 3.1)
    assert late.verdict_at(since=3.1) == 3.5


def test_rtp_that_pauses_again_and_again_postpones_the_verdict_no_further_than_rtp_that_flows() -> None:
    late = LatePong()
    for tenth in range(12, 40, 4):
        late.tell(RtpOverdue(), tenth / 10)
        late.tell(RtpSteady(), tenth / 10 + 0.3)
    assert late.verdict_at(since=3.9) == 4.0


def test_a_stall_at_the_end_of_the_patience_costs_only_its_grace() -> None:
    late = LatePong()
    late.detector.tick(3.9)  # the heartbeat; the next one is due after the deadline
    assert late.detector.tick(4.5) == []
    assert late.verdict_at(since=4.51) == 4.8


def test_a_late_pong_is_no_drop() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.tick(1.0)
    detector.handle(PongReceived(0), 1.5)
    assert detector.tick(2.0) == [SendPing(2)]  # the heartbeat went on meanwhile
    detector.handle(PongReceived(2), 2.01)
    assert detector.tick(2.9) == []


def test_offline_is_a_witness_whose_probe_is_urgent() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(WentOffline(), 0.5) == [SendPing(1), ProbeWebSocket()]
    assert detector.tick(0.89) == []
    assert detector.tick(0.9) == [Down("offline")]


def test_offline_with_a_knock_refused_at_once_is_a_verdict() -> None:
    detector = a_detector()
    detector.handle(WentOffline(), 0.5)
    assert detector.handle(ServerUnreachable(at_once=False), 0.51) == []
    assert detector.handle(ServerUnreachable(at_once=True), 0.51) == [Down("offline")]


def test_a_refused_knock_alone_is_no_witness() -> None:
    detector = a_detector()
    assert detector.handle(ServerUnreachable(at_once=True), 0.5) == []
    assert detector.handle(ServerReached(), 0.5) == []


def test_offline_on_localhost_is_contradicted_by_the_pong() -> None:
    detector = a_detector()
    detector.handle(WentOffline(), 0.5)
    detector.handle(PongReceived(0), 0.51)
    assert detector.tick(0.9) == []
    assert detector.handle(ServerUnreachable(at_once=True), 1.0) == []


def test_on_a_slow_network_the_probe_is_given_longer() -> None:
    detector = a_detector(rtt=0.8)  # srtt + 4 rttvar = 2.4 s
    detector.handle(WentOffline(), 0.0)
    assert detector.tick(2.3) != [Down("offline")]
    assert Down("offline") in detector.tick(2.4) + detector.tick(2.41)


def test_a_timer_that_fires_late_says_that_we_were_stalled() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(2.5) == []  # due at 1.0: the page was stalled, the pong may be in the queue
    detector.handle(PongReceived(0), 2.51)
    assert detector.tick(2.52) == [SendPing(1)]


def test_a_stall_that_hid_a_real_drop_costs_only_its_grace() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.tick(2.5)
    assert detector.tick(2.8) == [SendPing(1)]
    assert detector.tick(3.8) == [Down("late pong")]


def test_a_laptop_that_slept_an_hour_is_probed_on_wake_not_at_the_next_ping() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.tick(3600.0) == [SendPing(1), ProbeWebSocket()]
    assert detector.handle(ServerUnreachable(at_once=True), 3600.01) == [Down("woke up")]


@pytest.mark.parametrize(("evidence", "witness"), [(WokeUp(), "woke up"), (NetworkChanged(), "network changed")])
def test_a_page_that_woke_or_moved_is_probed_at_once_and_urgently(evidence: object, witness: str) -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(evidence, 0.5) == [SendPing(1), ProbeWebSocket()]
    assert detector.tick(0.9) == [Down(witness)]


def test_pongs_of_unknown_pings_are_ignored() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(99), 0.5)
    assert detector.tick(1.0) == [SendPing(1)]


def test_media_silence_is_a_witness_whose_probe_is_urgent() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(RtpSilent(), 0.5) == [SendPing(1)]
    assert detector.tick(0.9) == [Down("rtp silent")]


def test_a_ping_sent_when_the_media_paused_has_been_a_probe_ever_since() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(RtpOverdue(), 0.5) == [SendPing(1)]
    assert detector.tick(0.64) == []
    assert detector.handle(RtpSilent(), 0.65) == [SendPing(2)]
    assert detector.tick(0.89) == []
    assert detector.tick(0.9) == [Down("rtp silent")]


def test_a_pause_that_ends_was_none() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.handle(RtpOverdue(), 0.1) == [], "a ping is out already"
    detector.handle(PongReceived(0), 0.11)
    detector.handle(RtpOverdue(), 0.2)
    detector.handle(PongReceived(1), 0.21)
    assert detector.tick(1.1) == []


def test_an_answer_behind_the_silence_that_it_refutes_is_waited_for() -> None:
    detector = a_detector()
    detector.tick(0.0)  # unanswered for 0.6 s when the silence is reported
    detector.handle(RtpSilent(), 0.6)
    assert detector.tick(0.69) == []
    detector.handle(PongReceived(1), 0.695)
    assert detector.tick(0.7) == []


def test_the_publisher_may_be_the_one_who_dropped() -> None:
    detector = a_detector()
    detector.handle(RtpSilent(), 0.5)
    detector.handle(PongReceived(0), 0.51)
    assert detector.tick(0.95) == []


def test_media_that_flows_again_refutes_its_silence_and_not_what_else_was_seen() -> None:
    detector = a_detector()
    detector.handle(RtpSilent(), 0.5)
    detector.handle(RtpReturned(), 0.7)
    assert detector.tick(0.9) == []
    assert detector.tick(1.5)[0] == SendPing(1)  # the ping that was lost meanwhile is late by itself
    detector.handle(WentOffline(), 1.6)
    detector.handle(RtpReturned(), 1.7)
    assert detector.tick(2.0) == [Down("offline")]


def test_where_every_timer_is_late_a_dead_socket_is_found_all_the_same() -> None:
    detector, now = a_detector(), 0.0
    detector.tick(now)
    verdicts: list[object] = []
    while not verdicts and now < 10:  # timers fire once a second, 0.7 s later than they were set to
        now += 1.0
        if now >= detector.due_at:
            verdicts = [output for output in detector.tick(now) if isinstance(output, Down)]
    assert verdicts


def test_after_one_pong_that_was_late_for_an_hour_the_next_drop_is_noticed_in_seconds() -> None:
    detector, now = a_detector(), 0.0
    detector.tick(now)
    now = 3600.0
    detector.handle(PongReceived(0), now)
    while now < 3610 and not any(isinstance(output, Down) for output in detector.tick(now)):
        now = max(now + 0.01, detector.due_at)
    assert now < 3607


def verdict_after(detector: Detector, since: float) -> float:
    """Return after how many seconds a path that is dead since `since` is reported, if every timer is on time."""
    now = since
    while not any(isinstance(output, Down) for output in detector.tick(now)):
        now = max(now + 0.001, detector.due_at)
    return now - since


@pytest.mark.parametrize("rtt", [0.8, 3.0, 60.0, 3600.0])
def test_whatever_the_round_trips_a_dead_path_is_told_within_six_seconds(rtt: float) -> None:
    detector = a_detector(rtt)
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert verdict_after(detector, 0.02) <= 6.0


def test_rtp_that_flows_does_not_move_that_bound() -> None:
    media = RtpFlow()
    estimate = RoundTrip()
    estimate.sample(2.0)
    detector = Detector(POLICY, 0.0, estimate, count(), media)
    media.note(RtpSteady(), 0.0)
    assert verdict_after(detector, 0.0) == 5.0


@pytest.mark.parametrize("woken_by", [None, WokeUp()])
def test_a_pong_that_waited_while_the_page_stood_still_measures_nothing(woken_by: SignalingEvidence | None) -> None:
    rtt = RoundTrip()
    detector = Detector(POLICY, 0.0, rtt, count(), RtpFlow())
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.02)
    before = rtt.timeout
    detector.tick(1.0)
    if woken_by is not None:
        detector.handle(woken_by, 7.0)
    detector.handle(PongReceived(1), 7.0)
    assert rtt.timeout == before


def test_pings_held_up_by_one_lost_packet_are_one_measurement() -> None:
    rtt = RoundTrip()
    detector = Detector(POLICY, 0.0, rtt, count(), RtpFlow())
    for second in (0, 1):
        detector.tick(second)
    detector.handle(PongReceived(0), 1.9)
    after_one = rtt.timeout
    detector.handle(PongReceived(1), 1.9)
    assert rtt.timeout == after_one
    detector.tick(2.0)
    detector.handle(PongReceived(2), 2.02)
    assert rtt.timeout != after_one


def test_what_was_sent_before_a_sleep_is_not_late_after_it() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(60.0) == [SendPing(1), ProbeWebSocket()]
    detector.handle(PongReceived(0), 60.01)  # to a ping of before the sleep: no evidence about the network now
    assert detector.tick(60.4) == [Down("woke up")]
