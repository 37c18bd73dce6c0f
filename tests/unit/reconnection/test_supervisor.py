"""The supervisor's states, with a clock that the test sets."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pyvidu.reconnection.actions import (
    Action,
    AnnounceAttempt,
    AnnounceLost,
    AnnounceReconnected,
    AnnounceReconnecting,
    DropAttempt,
    OpenSocket,
    ProbeReachability,
    SendMembershipCheck,
    SendPingWithOwnershipCheck,
    SendResume,
    SuspendRequests,
)
from pyvidu.reconnection.detector import SendPing
from pyvidu.reconnection.evidence import (
    AttemptClosed,
    AttemptOpened,
    MembershipConfirmed,
    MembershipDenied,
    NetworkChanged,
    PongReceived,
    ResumeAccepted,
    ResumeRefused,
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
from pyvidu.reconnection.policy import AttemptPolicy, ReconnectionContext, ReconnectionPolicy
from pyvidu.reconnection.supervisor import State, Supervisor


class Outage:
    """A supervisor in an outage, and a clock in seconds. `stuck`: RTP flows and a probe was answered, pings are not."""

    def __init__(
        self, *, silent: bool = False, stuck: bool = False, policy: ReconnectionPolicy | None = None, **numbers: float
    ) -> None:
        self.now = 100.0
        self.log = OutageLog(calendar=lambda: 0.0)
        self.supervisor = Supervisor(
            policy or ReconnectionPolicy(attempts=AttemptPolicy(**numbers)), self.now, lambda: 0.5, self.log
        )
        if silent:
            self.until(AnnounceReconnecting)
        elif stuck:
            self.supervisor.server_tells()
            self.handle(RtpSteady())
            self.until(ProbeReachability)
            self.handle(ServerReached())
            self.began = self.until(SuspendRequests)
        else:
            self.began = self.handle(SocketClosed(1006))

    def handle(self, evidence: object) -> list[Action]:
        return self.supervisor.handle(evidence, self.now)

    def wait(self, seconds: float) -> list[Action]:
        """Return everything that is done within `seconds`, except reachability probes."""
        end, done = self.now + seconds, []
        while self.supervisor.due_at is not None and self.supervisor.due_at <= end:
            self.now = max(self.now, self.supervisor.due_at)
            done += self.supervisor.tick(self.now)
        self.now = end
        return [action for action in done if not isinstance(action, ProbeReachability)]

    def until(self, kind: type[Action]) -> list[Action]:
        """Let time pass until an action of `kind` comes; return what came with it."""
        for _ in range(1000):
            assert self.supervisor.due_at is not None
            self.now = max(self.now, self.supervisor.due_at)
            done = self.supervisor.tick(self.now)
            if any(isinstance(action, kind) for action in done):
                return done
        raise AssertionError(f"{kind.__name__} never came")

    @property
    def state(self) -> State:
        return self.supervisor.state

    def resume(self) -> None:
        self.handle(AttemptOpened())
        self.handle(ResumeAccepted())


def test_closed_socket_starts_an_outage_with_an_immediate_attempt() -> None:
    outage = Outage()
    begun = [SuspendRequests("socket closed"), AnnounceReconnecting()]
    assert outage.began == [*begun, AnnounceAttempt(1, 1.0), OpenSocket()]
    assert outage.state is State.ATTEMPTING


def test_outage_of_a_socket_that_is_stuck_on_a_network_that_works_is_told_only_if_it_lasts() -> None:
    outage = Outage(stuck=True)
    assert outage.began == [SuspendRequests("late pong"), AnnounceAttempt(1, 1.0), OpenSocket()]
    assert not outage.log.last.told
    assert AnnounceReconnecting() not in outage.wait(1.9)
    assert AnnounceReconnecting() in outage.wait(0.2)
    assert outage.log.last.told
    outage.resume()
    outage.handle(MembershipConfirmed())
    assert AnnounceReconnecting() not in outage.wait(0.9)


def test_outage_of_a_stuck_socket_that_is_over_soon_is_told_to_nobody() -> None:
    outage = Outage(stuck=True)
    outage.wait(1.0)
    outage.resume()
    assert outage.handle(MembershipConfirmed()) == [AnnounceReconnected(same_socket=False)]
    assert AnnounceReconnecting() not in outage.wait(1.2)
    assert (outage.log.last.end, outage.log.last.told) == ("reconnected", False)


@pytest.mark.parametrize("evidence", [RtpSilent(), WentOffline()])
def test_outage_of_a_stuck_socket_is_told_at_once_if_the_network_fails_too(evidence: SignalingEvidence) -> None:
    outage = Outage(stuck=True)
    assert AnnounceReconnecting() in outage.handle(evidence)
    assert AnnounceReconnecting() not in outage.handle(evidence) + outage.wait(3.0)


def test_outage_of_a_stuck_socket_is_told_before_the_loss_of_the_session() -> None:
    outage = Outage(stuck=True)
    told, lost = outage.supervisor.stop(outage.now)
    assert told == AnnounceReconnecting()
    assert isinstance(lost, AnnounceLost)


def test_accepted_resume_and_confirmed_membership_end_the_outage() -> None:
    outage = Outage()
    (resume,) = outage.handle(AttemptOpened())
    assert isinstance(resume, SendResume)
    assert outage.handle(ResumeAccepted()) == []
    assert outage.handle(MembershipConfirmed()) == [AnnounceReconnected(same_socket=False)]
    assert outage.state is State.UP
    assert outage.log.outages[0].end == "reconnected"


def test_attempt_is_dropped_at_its_deadline_before_another_begins() -> None:
    outage = Outage()
    assert outage.wait(2.9) == []
    assert outage.wait(0.2) == [DropAttempt()]
    assert outage.state is State.WAITING


def test_delays_grow_with_full_jitter_up_to_the_cap_without_a_last_attempt() -> None:
    outage, delays = Outage(), []
    for _ in range(12):
        outage.until(DropAttempt)
        failed = outage.now
        outage.until(OpenSocket)
        delays.append(round(outage.now - failed, 3))
    assert delays == [1.0] + [0.5] * 4 + [2.5] * 7  # half of 2, of 1, and then of the cap of 5 s


def test_delays_after_refusals_are_half_as_random_until_an_attempt_opens() -> None:
    outage, delays = Outage(), []
    for number in range(6):
        if number == 3:
            outage.handle(AttemptOpened())
        outage.handle(AttemptClosed())
        failed = outage.now
        outage.until(OpenSocket)
        delays.append(round(outage.now - failed, 3))
    # Of 2, 4 and then 5 s: the half, or three quarters. That of an attempt is announced when it begins.
    assert delays == [1.0, 3.0, 3.75, 3.75, 3.75, 3.75]


def test_reachability_probes_continue_during_attempts() -> None:
    outage = Outage()
    outage.until(ProbeReachability)
    began = outage.now
    outage.until(ProbeReachability)
    assert outage.now - began == pytest.approx(0.3)


def test_hanging_attempt_is_replaced_when_the_server_is_reachable() -> None:
    outage = Outage()
    outage.wait(1.0)
    outage.handle(ServerUnreachable(at_once=False))
    assert outage.handle(ServerReached()) == [DropAttempt(), AnnounceAttempt(2, 0.5), OpenSocket()]


def test_recent_attempt_is_replaced_only_after_hang_after() -> None:
    outage = Outage()
    assert outage.handle(ServerReached()) == []
    assert outage.wait(0.29) == []
    assert outage.wait(0.02) == [DropAttempt(), AnnounceAttempt(2, 0.5), OpenSocket()]


@pytest.mark.parametrize("sign", [WentOnline(), RtpReturned()])
def test_attempt_begun_by_online_or_rtp_is_replaced_once_without_an_answered_probe(sign: object) -> None:
    outage = Outage()
    outage.handle(AttemptClosed())
    assert OpenSocket() in outage.handle(sign)
    assert outage.wait(0.29) == []
    assert outage.wait(0.02)[0] == DropAttempt()
    assert outage.wait(2.9) == [], "the fresh one has its deadline, and no probe says that it hangs"


@pytest.mark.parametrize("hint", [NetworkChanged(), WokeUp()])
def test_network_change_or_wake_up_begins_an_attempt_that_is_not_replaced_early(hint: object) -> None:
    outage = Outage()
    outage.handle(AttemptClosed())
    assert OpenSocket() in outage.handle(hint)
    assert outage.wait(2.9) == []


def test_attempt_on_a_slow_path_is_not_replaced_within_its_round_trips() -> None:
    outage = Outage(silent=True)
    for _ in range(20):
        outage.supervisor.round_trip.sample(0.3)
    outage.handle(AttemptClosed())
    outage.handle(ServerReached())
    assert outage.wait(1.1) == []
    (resume,) = outage.handle(AttemptOpened())
    assert isinstance(resume, SendResume)


def test_deadlines_are_capped_after_long_round_trips() -> None:
    outage = Outage(silent=True)
    for _ in range(20):
        outage.supervisor.round_trip.sample(4.0)
    outage.handle(PongReceived(0))  # the old socket seems to work
    assert outage.state is State.VERIFYING_OLD_SOCKET
    outage.wait(6.1)
    assert outage.state is State.ATTEMPTING
    outage.wait(6.1)
    assert outage.state is State.WAITING


def test_each_hanging_attempt_with_a_reachable_server_doubles_the_time_of_the_next_one() -> None:
    outage, began = Outage(silent=True), []
    outage.handle(AttemptClosed())
    outage.handle(ServerReached())
    for _ in range(5):
        began.append(outage.now)
        outage.until(OpenSocket)
    assert [round(after - before, 3) for before, after in pairwise(began)] == [0.3, 0.6, 1.2, 2.4]


def test_recent_attempt_is_not_replaced_if_the_server_becomes_unreachable_again() -> None:
    outage = Outage()
    outage.handle(ServerReached())
    outage.handle(ServerUnreachable(at_once=False))
    assert outage.wait(2.9) == []
    assert outage.state is State.ATTEMPTING


def test_server_that_answers_probes_and_refuses_sockets_gets_few_attempts() -> None:
    outage, attempts = Outage(), 1
    for _ in range(100):  # ten seconds of answered probes
        outage.handle(ServerReached())
        if outage.state is State.ATTEMPTING:
            outage.handle(AttemptClosed())
        attempts += sum(isinstance(action, OpenSocket) for action in outage.wait(0.1))
    assert attempts <= 8


def test_online_reachability_rtp_and_reconnect_now_end_the_delay() -> None:
    for sign in (WentOnline(), ServerReached(), RtpReturned()):
        outage = Outage(silent=True)
        outage.handle(AttemptClosed())
        assert outage.handle(sign) == [AnnounceAttempt(2, 3.0), OpenSocket()]
    outage = Outage()
    outage.handle(AttemptClosed())
    assert outage.supervisor.reconnect_now(outage.now) == [AnnounceAttempt(2, 3.0), OpenSocket()]


def test_server_that_was_down_is_tried_after_a_random_delay_when_it_answers_again() -> None:
    outage = Outage()
    outage.handle(AttemptClosed())
    outage.handle(ServerUnreachable(at_once=True))
    assert outage.handle(ServerReached()) == []
    assert outage.wait(0.74) == [], "half of 1.5 s, for this jitter"
    assert OpenSocket() in outage.wait(0.02)


def test_attempt_that_is_due_is_not_delayed_because_the_server_was_down() -> None:
    outage = Outage()
    outage.handle(AttemptClosed())
    outage.wait(0.9)  # of the delay, 1 s for this jitter
    assert outage.handle(ServerReached()) == []
    assert OpenSocket() in outage.wait(0.2)


@pytest.mark.parametrize("sign", [WentOnline(), RtpReturned(), NetworkChanged(), WokeUp()])
def test_sign_of_the_network_ends_the_delay_although_the_server_was_down(sign: object) -> None:
    outage = Outage()
    outage.handle(AttemptClosed())
    assert outage.handle(ServerReached()) == []
    assert OpenSocket() in outage.handle(sign)


@pytest.mark.parametrize("sign", [WentOffline(), NetworkChanged()])
def test_server_was_not_down_if_something_was_told_of_the_network(sign: object) -> None:
    outage = Outage()
    outage.handle(sign)
    outage.handle(AttemptClosed())
    assert OpenSocket() in outage.handle(ServerReached())


def test_server_that_refused_no_attempt_was_not_down() -> None:
    outage = Outage()
    outage.wait(3.1)
    assert outage.state is State.WAITING
    assert OpenSocket() in outage.handle(ServerReached())


def test_session_stays_on_the_old_socket_if_it_answers_before_connect_is_sent() -> None:
    outage = Outage(silent=True)
    first, second = outage.handle(PongReceived(1))
    assert first == DropAttempt()
    assert isinstance(second, SendMembershipCheck)
    assert outage.handle(MembershipConfirmed()) == [AnnounceReconnected(same_socket=True)]


def test_answer_of_the_old_socket_is_ignored_after_connect_is_sent() -> None:
    outage = Outage(silent=True)
    outage.handle(AttemptOpened())
    assert outage.handle(PongReceived(1)) == []
    outage.handle(ResumeAccepted())
    assert outage.handle(MembershipConfirmed()) == [AnnounceReconnected(same_socket=False)]


def test_late_close_of_the_old_socket_starts_no_second_outage() -> None:
    outage = Outage(silent=True)
    assert outage.handle(SocketClosed(1000)) == []
    outage.resume()
    outage.handle(MembershipConfirmed())
    assert len(outage.log.outages) == 1


def test_an_old_socket_that_answers_and_then_closes_is_replaced() -> None:
    outage = Outage(silent=True)
    outage.handle(PongReceived(1))
    assert OpenSocket() in outage.handle(SocketClosed(1006))


def test_old_socket_that_answers_and_becomes_silent_again_is_replaced() -> None:
    outage = Outage(silent=True)
    outage.handle(PongReceived(1))
    assert OpenSocket() in outage.until(OpenSocket)
    assert outage.state is State.ATTEMPTING


def test_resume_refused_with_40007_ends_the_session() -> None:
    outage = Outage()
    outage.handle(AttemptOpened())
    (lost,) = outage.handle(ResumeRefused(40007, session_gone=True))
    assert isinstance(lost, AnnounceLost)
    assert outage.supervisor.due_at is None
    assert outage.handle(WentOnline()) == []


def test_resume_refused_with_another_code_is_a_failed_attempt() -> None:
    outage = Outage()
    outage.handle(AttemptOpened())
    assert outage.handle(ResumeRefused(-1)) == [DropAttempt()]
    assert outage.state is State.WAITING


def test_a_resume_without_an_answer_is_a_failed_attempt() -> None:
    outage = Outage()
    outage.handle(AttemptOpened())
    assert outage.wait(3.1)[:1] == [DropAttempt()]


def test_answered_ping_without_confirmed_membership_ends_the_session() -> None:
    outage = Outage()
    (resume,) = outage.handle(AttemptOpened())
    outage.handle(ResumeAccepted())
    outage.handle(PongReceived(resume.ping))
    (lost,) = outage.wait(2.1)
    assert isinstance(lost, AnnounceLost)


def test_drop_during_the_verification_is_a_failed_attempt() -> None:
    outage = Outage()
    outage.resume()
    assert outage.wait(2.1)[:1] == [DropAttempt()]
    assert outage.supervisor.outage is not None


def test_denied_membership_ends_the_session() -> None:
    outage = Outage()
    outage.resume()
    (lost,) = outage.handle(MembershipDenied(102))
    assert isinstance(lost, AnnounceLost)


def test_old_socket_is_not_used_again_after_an_unanswered_connect() -> None:
    outage = Outage(silent=True)
    outage.handle(AttemptOpened())
    outage.wait(3.1)  # `connect` is not answered; the server may still get it
    assert outage.handle(PongReceived(1)) == []
    assert outage.state is not State.VERIFYING_OLD_SOCKET


def test_resume_after_an_unanswered_connect_is_checked_and_repeated_when_the_session_moved() -> None:
    outage = Outage()
    outage.handle(AttemptOpened())
    outage.wait(3.1)
    outage.until(OpenSocket)
    outage.resume()
    outage.handle(MembershipConfirmed())
    assert any(isinstance(action, SendPingWithOwnershipCheck) for action in outage.until(SendPingWithOwnershipCheck))
    again = outage.handle(SessionMoved())
    assert again[0] == SuspendRequests("another socket has the session")
    assert again[-1] == OpenSocket()


def test_a_socket_that_closes_during_the_resume_is_a_failed_attempt() -> None:
    outage = Outage()
    outage.resume()
    outage.handle(AttemptClosed())
    assert outage.state is State.WAITING


def test_stop_ends_the_outage_and_does_nothing_without_one() -> None:
    outage = Outage()
    (lost,) = outage.supervisor.stop(outage.now)
    assert isinstance(lost, AnnounceLost)
    assert Supervisor(ReconnectionPolicy(), 0.0, lambda: 0.0, OutageLog(lambda: 0.0)).stop(1.0) == []


def test_max_attempts_and_give_up_after_end_the_session() -> None:
    outage = Outage(limit=2)
    outage.handle(AttemptClosed())
    outage.until(OpenSocket)
    (lost,) = outage.handle(AttemptClosed())
    assert isinstance(lost, AnnounceLost)
    outage = Outage(give_up_after=30.0)
    outage.until(AnnounceLost)
    assert outage.now == 130.0


def test_session_ends_once_if_give_up_after_and_the_attempt_deadline_coincide() -> None:
    outage = Outage(give_up_after=3.0)
    done = outage.wait(10)
    assert [type(action) for action in done] == [AnnounceLost]


class OnceASecond(ReconnectionPolicy):
    def next_delay(self, context: ReconnectionContext) -> float | None:
        return 1.0 if context.elapsed < 3 else None


def test_policy_subclass_determines_the_delays() -> None:
    outage = Outage(policy=OnceASecond())
    while outage.supervisor.outage is not None:
        outage.handle(AttemptClosed())
        outage.wait(0.1)
    assert outage.log.outages[0].attempts == 4


def test_detection_restarts_after_a_reconnection() -> None:
    outage = Outage()
    outage.resume()
    outage.handle(MembershipConfirmed())
    (ping,) = outage.wait(0.0)
    assert isinstance(ping, SendPing)
    assert outage.handle(WentOffline())[0] == SendPing(ping.number + 1)


def test_ended_session_ignores_evidence() -> None:
    outage = Outage()
    outage.supervisor.end()
    assert outage.supervisor.due_at is None
    assert outage.handle(AttemptOpened()) == []
    assert outage.log.last.end is None  # whoever ended the session finishes the record


def test_outage_record_contains_evidence_attempts_and_end() -> None:
    outage = Outage()
    outage.resume()
    outage.handle(MembershipConfirmed())
    record = outage.log.outages[0]
    assert record.to_dict()["attempts"] == 1
    texts = [entry.text for entry in record.entries[:2]]
    assert texts == ["socket closed (code 1006)", "signaling plane down: socket closed"]
    assert str(record) == "outage of 0.0 s, first seen: socket closed, 1 attempt, reconnected"
