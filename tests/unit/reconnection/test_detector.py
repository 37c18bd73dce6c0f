"""The detector's table, row by row: witness, probe, verdict."""

from __future__ import annotations

from itertools import count

import pytest

from pyvidu.reconnection.detector import Detector, Down, ProbeReachability, ProbeWebSocket, SendPing, SilenceRefuted
from pyvidu.reconnection.evidence import (
    NetworkChanged,
    PongReceived,
    ReportsSilent,
    RtpLate,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    RtpSteady,
    ServerReached,
    ServerUnreachable,
    SignalingEvidence,
    SocketClosed,
    Unheard,
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


def test_ping_is_sent_once_per_period() -> None:
    detector = a_detector()
    for second in range(5):
        assert detector.due_at == second
        assert detector.tick(second) == [SendPing(second)]
        assert detector.handle(PongReceived(second), second + 0.01) == []


def test_closed_socket_is_a_verdict() -> None:
    assert a_detector().handle(SocketClosed(1006), 3.0) == [Down("socket closed")]


def test_late_pong_starts_a_probe_and_its_timeout_is_the_verdict() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(1.0) == [SendPing(1)]
    assert detector.tick(1.9) == []
    assert detector.tick(2.0) == [Down("late pong")]


class LatePong:
    """A detector that has suspected a late pong since 1.0 s, for the ping of 0.0 s, while RTP flows.

    It has probed the server at 0.5, 0.8 and 1.1 s; so many of the probes were `answered`.
    """

    def __init__(self, answered: int = 3, rtt: float | None = None, steady_at: float = 0.0) -> None:
        self.media = RtpFlow()
        estimate = RoundTrip()
        if rtt is not None:
            estimate.smoothed = rtt
        self.detector = Detector(POLICY, 0.0, estimate, count(), self.media)
        self.detector.tick(0.0)
        self.handle(RtpSteady(), steady_at)
        for at, output in (
            (0.5, ProbeReachability(2.0)),
            (0.8, ProbeReachability(2.0)),
            (1.0, SendPing(1)),
            (1.1, ProbeReachability(2.0)),
        ):
            assert self.detector.due_at == pytest.approx(at, abs=0.01)
            assert self.detector.tick(at + 0.001) == [output]
        for _ in range(answered):
            self.handle(ServerReached(), 1.15)

    def handle(self, evidence: SignalingEvidence, now: float) -> None:
        self.media.note(evidence, now)
        assert self.detector.handle(evidence, now) == []

    def verdict_at(self, *, since: float = 1.2) -> float:
        """Return when the verdict comes if nothing else is observed and every timer is on time."""
        return round(self.verdict(since=since)[0], 2)

    def verdict(self, *, since: float = 1.2) -> tuple[float, Down]:
        """Return the same time, and the verdict."""
        now = since
        while not (found := [output for output in self.detector.tick(now) if isinstance(output, Down)]):
            now = max(now + 0.001, self.detector.due_at)
        return now, found[0]


def test_flowing_rtp_delays_the_verdict_on_a_late_pong() -> None:
    assert LatePong().verdict_at() == 4.0


def test_verdict_on_a_late_pong_comes_sooner_if_no_probe_is_answered_either() -> None:
    late = LatePong(answered=0)
    late.handle(ServerUnreachable(at_once=False), 1.3)
    assert late.verdict_at() == 1.4
    assert LatePong(answered=0, rtt=0.2).verdict_at() == 1.7, "three round trips after the last probe"


def test_verdict_comes_at_once_if_the_server_answers_a_probe_and_hears_nothing_else() -> None:
    late = LatePong(answered=0)
    assert late.detector.handle(ServerReached(unheard=True), 1.15) == [SendPing(2)]
    assert late.verdict_at() == 1.25, "a pong may have arrived that is queued behind the answer"


def test_rtp_that_is_steady_only_since_a_ping_has_the_server_probed_but_hastens_no_verdict() -> None:
    late = LatePong(answered=0, steady_at=0.4)
    assert late.verdict_at() == 4.0
    late = LatePong(answered=0, steady_at=0.4)
    assert late.detector.handle(ServerReached(unheard=True), 1.15) == [SendPing(2)]
    assert late.verdict_at() == 1.25


def test_answer_to_a_probe_about_a_ping_that_was_answered_is_no_evidence() -> None:
    late = LatePong(answered=0)
    late.handle(PongReceived(1), 1.1)
    late.handle(ServerReached(unheard=True), 1.15)
    late.detector.tick(2.0)
    late.handle(ServerReached(unheard=True), 2.4)
    assert not late.detector.suspects


def test_unanswered_probes_say_nothing_while_rtp_is_late_for_they_wait_in_the_same_queue() -> None:
    late = LatePong(answered=0)
    late.handle(RtpLate(late=True), 1.2)
    late.handle(ServerUnreachable(at_once=False), 1.3)
    assert late.verdict_at(since=1.31) == 4.0
    late = LatePong(answered=0)
    late.handle(RtpLate(late=True), 1.2)
    late.handle(RtpLate(late=False), 1.3)
    assert late.verdict_at(since=1.31) == 1.4


def test_verdict_on_a_late_pong_waits_as_long_as_for_any_if_some_probes_are_answered() -> None:
    assert LatePong(answered=1).verdict_at() == 5.0
    assert LatePong(answered=2).verdict_at() == 5.0


@pytest.mark.parametrize(
    ("answered", "evidence", "works"),
    [
        (3, None, True),
        (1, None, True),
        (0, ServerUnreachable(at_once=True), False),
        (1, RtpLate(late=True), False),
        (1, RtpOverdue(), False),
    ],
)
def test_verdict_on_a_late_pong_says_whether_the_network_works(
    answered: int, evidence: SignalingEvidence | None, works: bool
) -> None:
    late = LatePong(answered=answered)
    if evidence is not None:
        late.handle(evidence, 1.2)
    assert late.verdict(since=1.21)[1] == Down("late pong", network_works=works)


def test_probes_that_are_refused_at_once_say_nothing_about_a_late_pong() -> None:
    late = LatePong(answered=0)
    for _ in range(3):
        late.handle(ServerUnreachable(at_once=True), 1.2)
    assert late.verdict_at() == 4.0


def test_unanswered_probes_say_nothing_once_rtp_pauses_or_a_pong_arrives() -> None:
    late = LatePong(answered=0)
    late.handle(RtpOverdue(), 1.2)
    assert late.verdict_at() == 2.0
    late = LatePong(answered=0)
    late.handle(PongReceived(0), 1.3)
    assert late.detector.tick(1.4) == []
    assert late.verdict_at(since=1.41) > 5, "a pong of 1.3 s is no surprise any more"


def test_notification_shows_that_unanswered_probes_may_wait_on_the_way_up() -> None:
    late = LatePong(answered=0)
    late.detector.notified(1.3)
    assert late.verdict_at(since=1.31) == 4.0
    detector = a_detector()
    detector.notified(0.0)
    assert detector.due_at == 0.0, "nothing is unanswered"


def test_rtp_that_flows_again_since_the_ping_hastens_no_verdict() -> None:
    late = LatePong(answered=0)
    late.handle(RtpOverdue(), 1.2)
    late.handle(RtpSteady(), 1.3)
    assert late.verdict_at(since=1.31) == 4.0


def test_nothing_is_probed_without_rtp_nor_before_a_round_trip_is_over() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.due_at == 1.0
    media = RtpFlow()
    media.note(RtpSteady(), 0.0)
    slow = RoundTrip()
    slow.smoothed = 0.6
    detector = Detector(POLICY, 0.0, slow, count(), media)
    detector.tick(0.0)
    assert detector.due_at == 0.6
    detector.handle(WentOffline(), 0.1)
    assert detector.due_at > 0.6


def test_last_of_the_probes_has_time_to_be_answered_after_a_stall() -> None:
    late = LatePong.__new__(LatePong)
    late.media = RtpFlow()
    late.media.note(RtpSteady(), 0.0)
    late.detector = Detector(POLICY, 0.0, RoundTrip(), count(), late.media)
    late.detector.tick(0.0)
    assert late.verdict_at(since=1.2) == 2.1, "probes at 1.2, 1.5 and 1.8 s"


def test_pausing_rtp_does_not_delay_the_verdict_on_a_late_pong() -> None:
    late = LatePong()
    late.handle(RtpOverdue(), 1.2)
    assert late.verdict_at() == 2.0


def test_rtp_pause_during_a_late_pong_delays_the_verdict_by_its_own_timeout() -> None:
    late = LatePong()
    late.handle(RtpOverdue(), 2.5)
    late.handle(RtpSteady(), 2.8)
    late.handle(RtpOverdue(), 3.1)
    assert late.verdict_at(since=3.1) == 3.5


def test_repeated_rtp_pauses_delay_the_verdict_no_longer_than_flowing_rtp() -> None:
    late = LatePong()
    for tenth in range(12, 40, 4):
        late.handle(RtpOverdue(), tenth / 10)
        late.handle(RtpSteady(), tenth / 10 + 0.3)
    assert late.verdict_at(since=3.9) == 4.0


def test_stall_at_the_deadline_delays_the_verdict_by_the_grace_period() -> None:
    late = LatePong()
    late.detector.tick(3.9)  # the heartbeat; the next one is due after the deadline
    assert late.detector.tick(4.5) == []
    assert late.verdict_at(since=4.51) == 4.8


def test_pong_that_arrives_late_prevents_the_verdict() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.tick(1.0)
    detector.handle(PongReceived(0), 1.5)
    assert detector.tick(2.0) == [SendPing(2)]  # the heartbeat went on meanwhile
    detector.handle(PongReceived(2), 2.01)
    assert detector.tick(2.9) == []


def test_offline_starts_a_probe_with_the_short_timeout() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(WentOffline(), 0.5) == [SendPing(1), ProbeWebSocket()]
    assert detector.tick(0.89) == []
    assert detector.tick(0.9) == [Down("offline")]


def test_offline_with_an_immediately_refused_socket_probe_is_a_verdict() -> None:
    detector = a_detector()
    detector.handle(WentOffline(), 0.5)
    assert detector.handle(ServerUnreachable(at_once=False), 0.51) == []
    assert detector.handle(ServerUnreachable(at_once=True), 0.51) == [Down("offline")]


def test_immediately_refused_socket_probe_without_a_witness_is_ignored() -> None:
    detector = a_detector()
    assert detector.handle(ServerUnreachable(at_once=True), 0.5) == []
    assert detector.handle(ServerReached(), 0.5) == []


def test_pong_after_offline_prevents_the_verdict() -> None:
    detector = a_detector()
    detector.handle(WentOffline(), 0.5)
    detector.handle(PongReceived(0), 0.51)
    assert detector.tick(0.9) == []
    assert detector.handle(ServerUnreachable(at_once=True), 1.0) == []


def test_probe_timeout_grows_with_the_round_trip_time() -> None:
    detector = a_detector(rtt=0.8)  # srtt + 4 rttvar = 2.4 s
    detector.handle(WentOffline(), 0.0)
    assert detector.tick(2.3) != [Down("offline")]
    assert Down("offline") in detector.tick(2.4) + detector.tick(2.41)


def test_late_timer_is_treated_as_a_stall() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(2.5) == []  # due at 1.0: the page was stalled, the pong may be in the queue
    detector.handle(PongReceived(0), 2.51)
    assert detector.tick(2.52) == [SendPing(1)]


def test_drop_during_a_stall_is_detected_after_the_grace_period() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.tick(2.5)
    assert detector.tick(2.8) == [SendPing(1)]
    assert detector.tick(3.8) == [Down("late pong")]


def test_probe_is_sent_right_after_a_sleep_of_an_hour() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.tick(3600.0) == [SendPing(1), ProbeWebSocket()]
    assert detector.handle(ServerUnreachable(at_once=True), 3600.01) == [Down("woke up")]


@pytest.mark.parametrize(("evidence", "witness"), [(WokeUp(), "woke up"), (NetworkChanged(), "network changed")])
def test_wake_up_and_network_change_start_a_probe_with_the_short_timeout(evidence: object, witness: str) -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(evidence, 0.5) == [SendPing(1), ProbeWebSocket()]
    assert detector.tick(0.9) == [Down(witness)]


def test_server_that_hears_nothing_starts_a_probe_with_the_short_timeout() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(Unheard(), 0.5) == [SendPing(1)]
    assert detector.handle(Unheard(), 0.6) == [], "it is being checked"
    assert detector.tick(0.9) == [Down("unheard")]


def test_on_a_slow_path_a_server_that_hears_nothing_may_be_wrong_about_signaling_for_a_little_longer() -> None:
    detector = a_detector(rtt=0.2)  # srtt + 4 rttvar = 0.6 s
    detector.tick(0.0)
    detector.handle(Unheard(), 0.1)
    assert detector.tick(0.79) == []
    assert detector.tick(0.81) == [Down("unheard")]


def test_answer_refutes_a_server_that_hears_nothing() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    detector.handle(Unheard(), 0.5)
    detector.handle(PongReceived(1), 0.8)
    assert not detector.suspects
    assert detector.tick(1.5) == [SendPing(2)]


def test_server_that_hears_nothing_hastens_the_verdict_on_a_late_pong() -> None:
    late = LatePong()
    late.detector.handle(Unheard(), 1.2)
    assert late.verdict_at(since=1.3) == pytest.approx(1.6)


def test_returning_rtp_does_not_refute_a_server_that_hears_nothing() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    detector.handle(RtpSilent(), 0.5)
    assert detector.handle(Unheard(), 0.8) == [SendPing(2)]
    detector.handle(RtpReturned(), 0.85)
    assert detector.tick(0.9) == [Down("unheard")], "no later than without it"


def test_pongs_of_unknown_pings_are_ignored() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(99), 0.5)
    assert detector.tick(1.0) == [SendPing(1)]


def test_rtp_silence_starts_a_probe_with_the_short_timeout() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(RtpSilent(), 0.5) == [SendPing(1)]
    assert detector.tick(0.9) == [Down("rtp silent")]


def test_missing_reports_are_a_witness_as_missing_rtp_is() -> None:
    for refuted in (False, True):
        detector = a_detector()
        detector.tick(0.0)
        detector.handle(PongReceived(0), 0.01)
        assert detector.handle(ReportsSilent(), 0.5) == [SendPing(1)]
        if refuted:
            detector.handle(RtpReturned(), 0.6)
        assert detector.tick(0.9) == ([] if refuted else [Down("no reports")])


@pytest.mark.parametrize("silence", [RtpSilent(), ReportsSilent()])
def test_answer_after_rtp_fell_silent_refutes_the_silence_and_one_before_it_says_nothing(silence: RtpSilent) -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.handle(PongReceived(0), 0.01) == []
    detector.handle(silence, 0.5)
    assert detector.handle(PongReceived(1), 0.6) == [SilenceRefuted()]
    assert detector.handle(PongReceived(1), 0.7) == []
    assert detector.tick(0.9) == []


def test_ping_sent_at_an_rtp_pause_counts_as_the_probe_of_the_following_silence() -> None:
    detector = a_detector()
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert detector.handle(RtpOverdue(), 0.5) == [SendPing(1)]
    assert detector.tick(0.64) == []
    assert detector.handle(RtpSilent(), 0.65) == [SendPing(2)]
    assert detector.tick(0.89) == []
    assert detector.tick(0.9) == [Down("rtp silent")]


def test_answered_ping_after_an_rtp_pause_prevents_a_verdict() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.handle(RtpOverdue(), 0.1) == [], "a ping is out already"
    detector.handle(PongReceived(0), 0.11)
    detector.handle(RtpOverdue(), 0.2)
    detector.handle(PongReceived(1), 0.21)
    assert detector.tick(1.1) == []


def test_verdict_on_rtp_silence_waits_for_the_pong_of_the_latest_ping() -> None:
    detector = a_detector()
    detector.tick(0.0)  # unanswered for 0.6 s when the silence is reported
    detector.handle(RtpSilent(), 0.6)
    assert detector.tick(0.69) == []
    detector.handle(PongReceived(1), 0.695)
    assert detector.tick(0.7) == []


def test_pong_after_rtp_silence_prevents_the_verdict() -> None:
    detector = a_detector()
    detector.handle(RtpSilent(), 0.5)
    detector.handle(PongReceived(0), 0.51)
    assert detector.tick(0.95) == []


def test_returned_rtp_cancels_rtp_silence_and_not_other_witnesses() -> None:
    detector = a_detector()
    detector.handle(RtpSilent(), 0.5)
    detector.handle(RtpReturned(), 0.7)
    assert detector.tick(0.9) == []
    assert detector.tick(1.5)[0] == SendPing(1)  # the ping that was lost meanwhile is late by itself
    detector.handle(WentOffline(), 1.6)
    detector.handle(RtpReturned(), 1.7)
    assert detector.tick(2.0) == [Down("offline")]


def test_dead_socket_is_detected_although_every_timer_is_late() -> None:
    detector, now = a_detector(), 0.0
    detector.tick(now)
    verdicts: list[object] = []
    while not verdicts and now < 10:  # timers fire once a second, 0.7 s later than they were set to
        now += 1.0
        if now >= detector.due_at:
            verdicts = [output for output in detector.tick(now) if isinstance(output, Down)]
    assert verdicts


def test_drop_is_detected_within_7_s_after_a_pong_that_was_an_hour_late() -> None:
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
def test_dead_path_is_detected_within_6_s_at_any_round_trip_time(rtt: float) -> None:
    detector = a_detector(rtt)
    detector.tick(0.0)
    detector.handle(PongReceived(0), 0.01)
    assert verdict_after(detector, 0.02) <= 6.0


def test_flowing_rtp_does_not_extend_the_answer_limit() -> None:
    media = RtpFlow()
    estimate = RoundTrip()
    estimate.sample(2.0)
    detector = Detector(POLICY, 0.0, estimate, count(), media)
    media.note(RtpSteady(), 0.0)
    assert verdict_after(detector, 0.0) == 5.0


def a_slow_detector() -> Detector:
    """Return one of a path on which an answer is overdue after a minute."""
    estimate = RoundTrip()
    estimate.smoothed = 60.0
    return Detector(POLICY, 0.0, estimate, count(), RtpFlow())


def tick_until(detector: Detector, now: float, *, since: float = 0.0) -> None:
    """Fire each timer of a detector on time, without a verdict."""
    at = since
    while at < now:
        assert not any(isinstance(output, Down) for output in detector.tick(at))
        at = max(at + 0.001, detector.due_at)


@pytest.mark.parametrize(("woken_at", "seconds"), [((3.0,), 2.0), ((4.9,), 1.0), ((2.0, 4.5), 0.5)])
def test_time_awake_without_an_answer_counts_on_after_a_wake_up(woken_at: tuple[float, ...], seconds: float) -> None:
    detector, since = a_slow_detector(), 0.0
    for woken in woken_at:
        tick_until(detector, woken, since=since)
        detector.handle(WokeUp(), woken)
        since = woken
    assert verdict_after(detector, since) == pytest.approx(seconds, abs=0.01)


def test_time_asleep_is_no_time_without_an_answer() -> None:
    detector = a_slow_detector()
    detector.tick(0.0)
    detector.tick(3600.0)
    assert verdict_after(detector, 3600.0) == pytest.approx(4.0), "a second before it fell asleep"


def test_answer_after_a_wake_up_ends_the_time_without_one() -> None:
    detector = a_slow_detector()
    tick_until(detector, 3.0)
    detector.handle(WokeUp(), 3.0)
    detector.handle(PongReceived(3), 3.1)
    assert verdict_after(detector, 4.0) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("woken_by", [None, WokeUp()])
def test_pong_received_after_a_stall_is_not_a_round_trip_sample(woken_by: SignalingEvidence | None) -> None:
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


def test_pongs_that_arrive_together_are_one_round_trip_sample() -> None:
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


def test_pong_of_a_ping_from_before_a_sleep_does_not_prevent_the_verdict() -> None:
    detector = a_detector()
    detector.tick(0.0)
    assert detector.tick(60.0) == [SendPing(1), ProbeWebSocket()]
    detector.handle(PongReceived(0), 60.01)  # to a ping of before the sleep: no evidence about the network now
    assert detector.tick(60.4) == [Down("woke up")]
