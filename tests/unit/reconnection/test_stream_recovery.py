"""One stream's recovery, told as small stories: what is observed, and what is done about it. Time is a number here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from pyvidu.reconnection.actions import (
    AnnounceFrozen,
    AnnounceRecovered,
    CancelRenegotiation,
    MediaAction,
    NoteStep,
    Nudge,
    ReadSound,
    Renegotiate,
    ReportException,
    RestartReceivers,
    TakeAudioReference,
    TakeSample,
)
from pyvidu.reconnection.backlog import WAIT
from pyvidu.reconnection.decoding import HELD_BACK, WATCHED
from pyvidu.reconnection.evidence import (
    AudioReference,
    IceStateChanged,
    MediaEvidence,
    MediaPathsDead,
    MediaSample,
    NotReceived,
    PageStoodStill,
    PeerReplaced,
    ReceiversRestarted,
    RenegotiationAborted,
    RenegotiationRefused,
    RtpReturned,
    Sampled,
    SignalingLost,
    SignalingResumed,
    SoundPlayed,
    SoundRead,
    StreamReturned,
    StreamStopped,
)
from pyvidu.reconnection.policy import MediaPolicy, ReconnectionPolicy
from pyvidu.reconnection.stream_recovery import RecoveryState, StreamRecovery

POLICY = ReconnectionPolicy()
IDLE, OBSERVING, CHECKING, RENEGOTIATING, CONNECTING, DELAYING, GIVEN_UP = RecoveryState

VIDEO = ("received_packets", "inbound_video_packets", "frames_decoded")
UNDECODED = ("received_packets", "inbound_video_packets")
STUN = ("stun_responses",)
REPORTS = ("received_packets", "remote_reports")
EXCEPTION = ReportException("ICE_CONNECTION_FAILED", "could not be reconnected in 3 attempts")


class Stream:
    """A stream in a call, whose samples are taken when they are due. `arrives` are the counters that grow between samples."""

    def __init__(
        self,
        *,
        receives: bool = True,
        announced: bool = False,
        suspended: bool = False,
        policy: ReconnectionPolicy = POLICY,
    ) -> None:
        self.now = 100.0
        self.arrives: tuple[str, ...] = VIDEO if receives else REPORTS
        self.counters = MediaSample("connected", 900, 90, 400, 400, 300, 20)
        self.done: list[MediaAction] = []
        self.recovery = StreamRecovery(policy, self.now, receives=receives, announced=announced, suspended=suspended)

    @property
    def state(self) -> RecoveryState:
        return self.recovery.state

    def tell(self, *evidence: MediaEvidence) -> list[MediaAction]:
        """Report evidence; return what is done at once."""
        before = len(self.done)
        for item in evidence:
            if isinstance(item, IceStateChanged | PeerReplaced):
                self.counters = replace(self.counters, ice_state=item.state)
            self._do(self.recovery.handle(item, self.now))
        return self.done[before:]

    def run(self, seconds: float) -> list[MediaAction]:
        """Let time pass; return what is done meanwhile."""
        before, until = len(self.done), self.now + seconds
        while self.recovery.due_at is not None and self.recovery.due_at <= until:
            self.now = max(self.now, self.recovery.due_at)
            self._do(self.recovery.tick(self.now))
        self.now = until
        return self.done[before:]

    def _do(self, actions: list[MediaAction]) -> None:
        self.done += [action for action in actions if action != TakeSample()]
        if TakeSample() in actions:
            grown = {name: getattr(self.counters, name) + 3 for name in self.arrives}
            self.counters = replace(self.counters, **grown)
            self._do(self.recovery.handle(Sampled(self.counters), self.now))

    def count(self, kind: type[MediaAction]) -> int:
        return sum(isinstance(action, kind) for action in self.done)

    @property
    def steps(self) -> list[str]:
        return [action.step for action in self.done if isinstance(action, NoteStep)]

    @property
    def exceptions(self) -> list[str]:
        return [action.name for action in self.done if isinstance(action, ReportException)]


def stopped_by_an_outage(*, receives: bool = True, silent_for: float = 9.0) -> Stream:
    """Return a stream after an outage that nothing has survived, neither signaling nor this path."""
    stream = Stream(receives=receives)
    stream.arrives = ()
    stream.tell(SignalingLost())
    stream.run(silent_for)
    stream.tell(SignalingResumed(force=False))
    assert stream.state is CHECKING
    return stream


def renegotiating(*, receives: bool = True) -> Stream:
    """Return a stream that was found frozen after an outage, and is being renegotiated for the first time."""
    stream = stopped_by_an_outage(receives=receives)
    stream.run(1.0)
    assert stream.state is RENEGOTIATING
    assert stream.count(Renegotiate) == 1
    return stream


def connecting() -> Stream:
    stream = renegotiating()
    stream.tell(PeerReplaced("new"))
    assert stream.state is CONNECTING
    return stream


def delaying() -> Stream:
    stream = renegotiating()
    stream.tell(RenegotiationRefused("no"))
    assert stream.state is DELAYING
    return stream


def checking() -> Stream:
    stream = stopped_by_an_outage()
    stream.run(0.2)
    return stream


def given_up(*, receives: bool = True) -> Stream:
    """Return a stream whose three attempts were refused, the third one now."""
    stream = renegotiating(receives=receives)
    for _ in range(2):
        stream.tell(RenegotiationRefused("no"))
        stream.run(2.0)
    stream.tell(RenegotiationRefused("no"))
    assert (stream.state, stream.count(Renegotiate)) == (GIVEN_UP, 3)
    return stream


STATES: dict[RecoveryState, Callable[[], Stream]] = {
    IDLE: Stream,
    CHECKING: checking,
    RENEGOTIATING: renegotiating,
    CONNECTING: connecting,
    DELAYING: delaying,
    GIVEN_UP: given_up,
}


# --- an outage of the signaling plane -------------------------------------------------------------------------------


def test_stream_that_flows_again_after_an_outage_is_healthy_and_nothing_is_renegotiated() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.run(5.0)
    stream.tell(SignalingResumed(force=False))
    assert not stream.recovery.is_settled
    stream.run(1.0)
    assert (stream.state, stream.steps, stream.recovery.is_settled) == (IDLE, ["healthy"], True)
    assert (stream.count(Renegotiate), stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (0, 0, 0)
    assert stream.recovery.due_at is None, "nothing is sampled in a call"


def test_frozen_stream_is_renegotiated_and_verified_after_an_outage() -> None:
    stream = stopped_by_an_outage()
    begun = stream.now
    done = stream.run(1.0)
    assert done == [
        NoteStep("frozen", "ICE connected, nothing arrived for 0.4 s"),
        NoteStep("renegotiating", "attempt 1: ICE connected, nothing arrived for 0.4 s"),
        Renegotiate(fresh_network=True),
        AnnounceFrozen("ICE connected, nothing arrived for 0.4 s"),
    ]
    assert stream.tell(PeerReplaced("new"), IceStateChanged("checking")) == []
    assert stream.state is CONNECTING
    assert stream.tell(IceStateChanged("connected")) == [NoteStep("connected")]
    stream.arrives = VIDEO
    assert stream.run(1.0) == [NoteStep("healthy", "packets arrive"), AnnounceRecovered()]
    assert (stream.state, stream.exceptions) == (IDLE, [])
    assert stream.now - begun == 2.0


def test_stream_whose_path_was_silent_for_less_than_3_s_gets_3_s() -> None:
    stream = stopped_by_an_outage(silent_for=1.0)
    stream.run(2.9)
    assert stream.state is CHECKING
    stream.run(0.3)
    assert stream.state is RENEGOTIATING


def test_new_peer_connection_that_is_connected_already_is_checked_at_once() -> None:
    stream = renegotiating()
    assert stream.tell(PeerReplaced("connected")) == [NoteStep("connected")]
    assert stream.state is CHECKING


def test_new_peer_connection_on_which_nothing_arrives_is_frozen_too() -> None:
    stream = renegotiating()
    stream.tell(PeerReplaced("connected"))
    stream.run(4.0)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 2)
    assert stream.count(AnnounceFrozen) == 1, "the application knows"


def test_paused_stream_is_not_frozen() -> None:
    stream = stopped_by_an_outage()
    stream.arrives = STUN
    assert stream.run(1.0) == [NoteStep("paused", "STUN or RTCP arrives, no RTP")]
    assert stream.state is IDLE


def test_frozen_stream_that_is_paused_after_its_renegotiation_is_announced_as_recovered() -> None:
    stream = renegotiating()
    stream.arrives = STUN
    stream.tell(PeerReplaced("connected"))
    assert stream.run(1.0) == [NoteStep("paused", "STUN or RTCP arrives, no RTP"), AnnounceRecovered()]


def test_forced_renegotiation_of_a_healthy_stream_is_not_announced() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.run(1.0)
    assert stream.tell(SignalingResumed(force=True)) == [
        NoteStep("renegotiating", "attempt 1: forceMediaReconnectionAfterNetworkDrop"),
        Renegotiate(fresh_network=False),
    ]
    stream.tell(PeerReplaced("connected"))
    stream.run(1.0)
    assert (stream.state, stream.steps) == (IDLE, ["renegotiating", "connected", "healthy"])
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (0, 0)


@pytest.mark.parametrize("force", [False, True])
def test_stream_that_is_not_negotiated_yet_is_left_alone_after_an_outage(force: bool) -> None:
    stream = Stream(suspended=True)
    stream.arrives = ()
    stream.counters = MediaSample("new")
    stream.run(5.0)
    assert stream.tell(SignalingResumed(force, negotiated=False)) == []
    assert (stream.state, stream.run(60.0)) == (IDLE, [])


def test_stream_that_is_added_during_an_outage_is_observed() -> None:
    assert Stream(suspended=True).state is OBSERVING


@pytest.mark.parametrize(
    ("resumed", "state"),
    [
        (SignalingResumed(force=False), CHECKING),
        (SignalingResumed(force=True), RENEGOTIATING),
        (SignalingResumed(force=True, negotiated=False), IDLE),
    ],
    ids=["healthy", "forced", "not negotiated"],
)
def test_stream_that_is_added_when_signaling_is_back_already_is_treated_like_the_others(
    resumed: SignalingResumed, state: RecoveryState
) -> None:
    stream = Stream()
    stream.tell(resumed)
    assert stream.state is state


@pytest.mark.parametrize("state", STATES)
def test_outage_interrupts_every_state_and_the_stream_recovers_after_it(state: RecoveryState) -> None:
    stream = STATES[state]()
    assert stream.state is state
    cancelled: list[MediaAction] = [CancelRenegotiation()] if state is RENEGOTIATING else []
    assert stream.tell(SignalingLost()) == cancelled
    before = stream.count(Renegotiate)
    stream.run(30.0)
    assert (stream.state, stream.count(Renegotiate), stream.tell(SignalingLost())) == (OBSERVING, before, [])
    stream.arrives = VIDEO
    stream.tell(IceStateChanged("connected"), SignalingResumed(force=False))
    stream.run(1.0)
    assert (stream.state, stream.steps[-1]) == (IDLE, "healthy")
    assert stream.count(AnnounceFrozen) == stream.count(AnnounceRecovered)


def test_attempts_are_counted_anew_after_an_outage() -> None:
    stream = renegotiating()
    stream.tell(RenegotiationRefused("no"))
    stream.run(1.0)
    assert stream.count(Renegotiate) == 2
    stream.tell(SignalingLost())
    stream.run(5.0)
    stream.tell(SignalingResumed(force=False))
    stream.run(1.0)
    assert [step.because for step in stream.done if isinstance(step, NoteStep) and step.step == "renegotiating"][
        -1
    ].startswith("attempt 1: ICE")


def test_peer_connection_that_is_replaced_during_an_outage_is_compared_with_itself() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.run(5.0)
    stream.counters, stream.arrives = MediaSample("connected"), ()
    stream.tell(PeerReplaced("connected"), SignalingResumed(force=False))
    stream.run(1.0)
    assert stream.state is CHECKING, "nothing has arrived for one second only"
    stream.arrives = VIDEO
    stream.run(0.1)
    assert stream.steps == ["healthy"]


def test_peer_connection_that_is_replaced_during_an_outage_is_sampled_at_once() -> None:
    recovery = StreamRecovery(POLICY, 100.0, receives=True, suspended=True)
    assert recovery.tick(100.0) == [TakeSample()]
    recovery.handle(PeerReplaced("connected"), 100.05)  # the sample of the old one is not awaited
    assert recovery.tick(100.05) == [TakeSample()]


@pytest.mark.parametrize("seconds", [1.0, 30.0])
def test_time_in_which_nothing_was_sampled_is_no_silence(seconds: float) -> None:
    stream = Stream()
    stream.run(seconds)
    stream.arrives = ()
    stream.tell(SignalingLost(), SignalingResumed(force=False))
    stream.run(2.9)
    assert stream.state is CHECKING
    stream.run(0.3)
    assert stream.state is RENEGOTIATING


def test_time_of_an_attempt_is_no_silence_when_an_outage_ends_it() -> None:
    stream = renegotiating()
    stream.run(30.0)
    stream.tell(SignalingLost(), SignalingResumed(force=False))
    stream.run(2.9)
    assert stream.state is CHECKING
    stream.arrives = VIDEO
    stream.run(0.1)
    assert stream.state is IDLE


# --- attempts that fail ----------------------------------------------------------------------------------------------


def test_refused_attempt_is_made_again_after_a_delay_that_grows() -> None:
    stream = renegotiating()
    assert stream.tell(RenegotiationRefused("code 100")) == [NoteStep("failed", "code 100")]
    assert stream.run(0.25) == []
    assert stream.run(0.1) == [
        NoteStep("renegotiating", "attempt 2: the last attempt did not connect"),
        Renegotiate(fresh_network=True),
    ]
    stream.tell(RenegotiationRefused("code 100"))
    assert stream.run(0.5) == []
    assert stream.run(0.2)[-1] == Renegotiate(fresh_network=True)


def test_stream_is_given_up_after_three_refusals_and_announced_as_frozen_once() -> None:
    stream = given_up()
    assert stream.steps == ["frozen", *["renegotiating", "failed"] * 3, "given up"]
    assert stream.done[-1] == EXCEPTION
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (1, 0)
    assert stream.recovery.is_settled


def test_stream_is_given_up_after_three_attempts_that_do_not_connect() -> None:
    stream = renegotiating()
    for number in (1, 2, 3):
        stream.tell(PeerReplaced("new"))
        stream.run(14.9)
        assert (stream.state, stream.count(Renegotiate)) == (CONNECTING, number)
        stream.run(0.2)
    assert (stream.state, stream.done[-1]) == (GIVEN_UP, EXCEPTION)


@pytest.mark.parametrize("state", ["failed", "disconnected"])
def test_attempt_whose_ice_breaks_is_followed_by_the_next_at_once_and_the_third_by_none(state: str) -> None:
    stream = renegotiating()
    for number in (2, 3):
        stream.tell(PeerReplaced("new"), IceStateChanged(state))
        assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, number)
    stream.tell(PeerReplaced("new"), IceStateChanged(state))
    assert (stream.state, stream.done[-1]) == (GIVEN_UP, EXCEPTION)


def test_attempt_whose_ice_has_failed_already_is_followed_by_the_next_and_the_third_by_none() -> None:
    stream = renegotiating()
    for number in (2, 3):
        stream.tell(PeerReplaced("failed"))
        assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, number)
    assert stream.tell(PeerReplaced("failed"))[-1] == EXCEPTION
    assert stream.state is GIVEN_UP


def test_stream_is_given_up_after_three_attempts_that_connect_and_stay_frozen() -> None:
    stream = renegotiating()
    for _ in range(3):
        stream.tell(PeerReplaced("connected"))
        stream.run(4.0)
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (GIVEN_UP, 3, 1)
    assert stream.steps[-2:] == ["frozen", "given up"]
    assert stream.done[-1] == EXCEPTION


def test_policy_limits_the_attempts() -> None:
    stream = Stream(policy=ReconnectionPolicy(media=MediaPolicy(retries=1)))
    stream.tell(SignalingLost(), SignalingResumed(force=True))
    assert stream.count(Renegotiate) == 1
    assert stream.tell(RenegotiationRefused("no")) == [
        NoteStep("failed", "no"),
        NoteStep("given up", "could not be reconnected in 1 attempts"),
        ReportException("ICE_CONNECTION_FAILED", "could not be reconnected in 1 attempts"),
    ]


def test_aborted_attempt_is_followed_by_a_check_of_what_there_is() -> None:
    stream = renegotiating()
    assert stream.tell(RenegotiationAborted("another one began")) == [NoteStep("failed", "another one began")]
    assert stream.state is CHECKING
    stream.arrives = VIDEO
    stream.run(1.0)
    assert (stream.state, stream.done[-1]) == (IDLE, AnnounceRecovered())


# --- the server replaces the peer connection meanwhile ---------------------------------------------------------------


@pytest.mark.parametrize("begun", [checking, delaying], ids=["checking", "delaying"])
def test_peer_connection_that_the_server_replaces_is_checked_from_the_beginning(begun: Callable[[], Stream]) -> None:
    stream = begun()
    before = stream.count(Renegotiate)
    assert stream.tell(PeerReplaced("new")) == []
    assert stream.state is CHECKING
    stream.run(2.9)
    assert (stream.state, stream.count(Renegotiate)) == (CHECKING, before)
    stream.tell(IceStateChanged("connected"))
    stream.arrives = VIDEO
    stream.run(0.2)
    assert (stream.state, stream.steps[-1]) == (IDLE, "healthy")


def test_peer_connection_that_the_server_replaces_during_an_attempt_is_awaited_instead() -> None:
    stream = connecting()
    stream.run(10.0)
    assert stream.tell(PeerReplaced("checking")) == []
    stream.run(10.0)
    assert (stream.state, stream.count(Renegotiate)) == (CONNECTING, 1)
    assert stream.tell(PeerReplaced("connected")) == [NoteStep("connected")]
    assert stream.state is CHECKING


def test_peer_connection_that_the_server_replaces_by_a_failed_one_is_followed_by_an_attempt() -> None:
    stream = connecting()
    stream.tell(PeerReplaced("failed"))
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 2)


def test_first_or_replaced_peer_connection_is_checked_once_ice_has_connected() -> None:
    stream = Stream()
    assert stream.tell(PeerReplaced("new")) == []
    assert stream.state is CONNECTING
    assert stream.tell(IceStateChanged("connected")) == [NoteStep("connected")]
    stream.run(1.0)
    assert stream.state is IDLE


def test_first_peer_connection_that_never_connects_is_renegotiated() -> None:
    stream = Stream()
    stream.tell(PeerReplaced("new"))
    stream.run(POLICY.media.connect_timeout - 0.1)
    assert stream.count(Renegotiate) == 0
    assert stream.run(0.2)[0] == NoteStep("renegotiating", "attempt 1: it did not connect")


# --- in a call -------------------------------------------------------------------------------------------------------


def test_stream_that_stops_in_a_call_gets_5_s() -> None:
    stream = Stream()
    stream.arrives = ()
    assert stream.tell(StreamStopped()) == [TakeAudioReference(), Nudge()]
    stream.run(4.9)
    assert stream.state is CHECKING
    stream.run(0.2)
    assert (stream.state, stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1)


@pytest.mark.parametrize("receives", [True, False])
def test_dead_media_paths_are_announced_at_once_and_renegotiated_when_the_stream_has_had_its_5_s(
    receives: bool,
) -> None:
    stream = Stream(receives=receives)
    stream.arrives = ()
    if receives:
        stream.tell(StreamStopped())
        stream.run(1.0)
    dead = AnnounceFrozen("nothing arrives on any path, and the server answers")
    assert [stream.tell(MediaPathsDead()) for _ in range(2)] == [[dead], []]
    stream.run(3.9 if receives else 4.9)
    assert (stream.state, stream.count(Renegotiate)) == (CHECKING, 0)
    stream.run(0.2)
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1, 1)


@pytest.mark.parametrize("receives", [True, False])
@pytest.mark.parametrize("stopped", [True, False])
def test_stream_whose_dead_path_returns_in_time_is_announced_as_recovered_and_not_renegotiated(
    receives: bool, stopped: bool
) -> None:
    stream = Stream(receives=receives)
    arrives, stream.arrives = stream.arrives, ()
    if stopped:
        stream.tell(StreamStopped())
        stream.run(1.0)
    stream.tell(MediaPathsDead())
    stream.run(1.5)
    stream.arrives = arrives
    stream.run(0.1)
    assert (stream.state, stream.count(Renegotiate)) == (IDLE, 0)
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (1, 1)


def test_paused_stream_whose_dead_path_answers_again_is_announced_as_recovered() -> None:
    stream = Stream()
    stream.arrives = ()
    stream.tell(MediaPathsDead())
    stream.arrives = STUN
    stream.run(0.6)
    assert (stream.state, stream.count(AnnounceRecovered)) == (IDLE, 1)


@pytest.mark.parametrize("stopped", [True, False])
def test_stream_whose_path_is_dead_is_renegotiated_at_once_if_the_other_ip_family_has_answered(stopped: bool) -> None:
    stream = Stream()
    stream.arrives = ()
    if stopped:
        stream.tell(StreamStopped())
        stream.run(1.0)
    told = stream.tell(MediaPathsDead(other_family=True))
    assert [type(action) for action in told] == [NoteStep, NoteStep, Renegotiate, AnnounceFrozen]
    assert told[2] == Renegotiate(fresh_network=True)
    assert stream.state is RENEGOTIATING


@pytest.mark.parametrize("state", [state for state in STATES if state not in (IDLE, CHECKING)])
def test_dead_media_paths_are_no_news_of_a_stream_that_is_being_recovered(state: RecoveryState) -> None:
    stream = STATES[state]()
    assert (stream.tell(MediaPathsDead()), stream.state) == ([], state)


def test_received_stream_is_renegotiated_with_a_sent_one_that_the_server_does_not_receive_and_not_announced() -> None:
    stream = Stream()
    stream.tell(SignalingLost(), SignalingResumed(force=False))
    stream.run(0.5)
    stream.tell(NotReceived())
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1, 0)


def test_received_stream_of_which_nothing_arrives_either_is_announced_too() -> None:
    stream = Stream()
    stream.arrives = ()
    stream.tell(SignalingLost(), SignalingResumed(force=False))
    stream.run(0.2)
    stream.tell(NotReceived())
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1, 1)


@pytest.mark.parametrize("after", [0.0, 1.0])
def test_sent_stream_that_the_server_does_not_receive_is_renegotiated_although_reports_arrive(after: float) -> None:
    stream = Stream(receives=False)
    stream.tell(SignalingLost(), SignalingResumed(force=False))
    stream.run(0.5 + after)
    assert stream.state is IDLE
    stream.tell(NotReceived())
    assert stream.state is RENEGOTIATING
    frozen = AnnounceFrozen("the server receives nothing of what is sent from here")
    assert (stream.count(Renegotiate), stream.done[-1]) == (1, frozen)
    assert stream.steps == ["healthy", "frozen", "renegotiating"]
    stream.tell(PeerReplaced("connected"))
    stream.run(1)
    assert (stream.state, stream.count(AnnounceRecovered)) == (IDLE, 1)


def test_report_with_the_return_that_a_stream_is_not_received_is_believed_and_one_during_the_outage_is_not() -> None:
    stream = Stream(receives=False)
    stream.tell(SignalingLost(), NotReceived(), SignalingResumed(force=False))
    assert stream.count(Renegotiate) == 0
    stream.tell(NotReceived())
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1, 1)


def test_stream_that_is_not_received_after_all_attempts_is_not_renegotiated_sooner_for_it() -> None:
    stream = STATES[GIVEN_UP]()
    before = stream.count(Renegotiate)
    stream.tell(NotReceived())
    assert (stream.state, stream.count(Renegotiate)) == (GIVEN_UP, before)


def test_stream_whose_publisher_pauses_is_paused() -> None:
    stream = Stream()
    stream.arrives = STUN
    stream.tell(StreamStopped())
    stream.run(1.0)
    assert (stream.state, stream.steps) == (IDLE, ["paused"])


@pytest.mark.parametrize("state", ["failed", "disconnected"])
def test_stream_whose_ice_breaks_in_a_call_is_checked_for_less_than_half_a_second(state: str) -> None:
    stream = Stream()
    stream.arrives = ()
    stream.tell(IceStateChanged(state))
    assert stream.state is CHECKING
    stream.run(0.5)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 1)


def test_stream_that_flows_although_ice_is_disconnected_is_healthy() -> None:
    stream = Stream()
    stream.tell(IceStateChanged("disconnected"))
    stream.run(0.5)
    assert (stream.state, stream.steps) == (IDLE, ["healthy"])


@pytest.mark.parametrize("state", ["checking", "connected", "completed"])
def test_change_of_the_ice_state_of_a_healthy_stream_is_no_reason_for_a_check(state: str) -> None:
    stream = Stream()
    stream.tell(IceStateChanged(state))
    assert stream.state is IDLE


@pytest.mark.parametrize(
    "news",
    [StreamReturned(), PeerReplaced("connected"), IceStateChanged("connected")],
    ids=["RTP", "another peer connection", "ICE"],
)
def test_late_return_of_a_given_up_stream_is_announced(news: MediaEvidence) -> None:
    stream = given_up()
    stream.run(4.5)
    stream.arrives = VIDEO
    stream.tell(news)
    assert stream.state is CHECKING
    stream.run(1.0)
    assert (stream.state, stream.done[-1]) == (IDLE, AnnounceRecovered())


@pytest.mark.parametrize(
    ("receives", "arrives", "verdict"), [(True, VIDEO, "healthy"), (True, STUN, "paused"), (False, REPORTS, "healthy")]
)
def test_return_of_a_given_up_stream_is_announced_although_rtp_and_ice_tell_nothing(
    receives: bool, arrives: tuple[str, ...], verdict: str
) -> None:
    stream = given_up(receives=receives)
    stream.run(2.0)
    stream.arrives = arrives
    done = stream.run(2.5)
    assert (stream.state, stream.steps[-1], done[-1]) == (IDLE, verdict, AnnounceRecovered())
    assert stream.count(Renegotiate) == 3


def test_given_up_stream_that_is_not_decoded_returns_with_a_key_frame() -> None:
    stream = given_up()
    stream.arrives = UNDECODED
    stream.run(4.5)
    assert (stream.state, stream.count(Nudge)) == (GIVEN_UP, 3)
    stream.arrives = VIDEO
    stream.run(1.0)
    assert (stream.state, stream.count(Renegotiate), stream.done[-1]) == (IDLE, 3, AnnounceRecovered())


# --- a stream that was given up is tried again -----------------------------------------------------------------------


def test_given_up_stream_that_stays_frozen_gets_one_more_attempt_after_5_s() -> None:
    stream = given_up()
    assert stream.run(4.9) == []
    assert stream.state is GIVEN_UP
    assert stream.run(1.0) == [
        NoteStep("frozen", "ICE connected, nothing arrived for 0.4 s"),
        NoteStep("renegotiating", "attempt 3: ICE connected, nothing arrived for 0.4 s"),
        Renegotiate(fresh_network=True),
    ]
    assert stream.tell(RenegotiationRefused("no")) == [NoteStep("failed", "no")]
    assert (stream.state, stream.recovery.is_settled) == (GIVEN_UP, True)


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (RenegotiationRefused("no"), 5.4),
        (RenegotiationAborted("no"), 8.4),  # what there is gets 3 s
        (PeerReplaced("failed"), 5.1),  # the check takes no time
        (PeerReplaced("connected"), 8.4),
        (PeerReplaced("new"), 20.4),  # 15 s to connect
    ],
    ids=["refused", "aborted", "failed", "silent", "not connected"],
)
def test_attempts_go_on_for_as_long_as_the_stream_is_frozen_and_the_exception_is_reported_once(
    reply: MediaEvidence, seconds: float
) -> None:
    stream = given_up()
    attempts = []
    for _ in range(20):
        while stream.state is not RENEGOTIATING:
            stream.run(0.1)
        attempts.append(stream.now)
        stream.tell(reply)
    assert stream.count(Renegotiate) == 23
    assert [after - at for at, after in pairwise(attempts)] == pytest.approx([seconds] * 19, abs=0.25)
    assert stream.done.count(EXCEPTION) == stream.steps.count("given up") == 1
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (1, 0)


def test_stream_that_flows_after_a_late_attempt_is_announced_as_recovered() -> None:
    stream = given_up()
    stream.run(45.0)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 4)
    stream.arrives = VIDEO
    stream.tell(PeerReplaced("connected"))
    assert stream.run(1.0) == [NoteStep("healthy", "packets arrive"), AnnounceRecovered()]
    assert (stream.state, stream.recovery.due_at) == (IDLE, None)


def test_stream_that_freezes_again_after_it_has_recovered_gets_three_attempts_and_is_reported_again() -> None:
    stream = given_up()
    stream.arrives = VIDEO
    stream.run(2.0)
    assert stream.state is IDLE
    stream.arrives = ()
    stream.tell(StreamStopped())
    stream.run(6.0)
    for _ in range(3):
        stream.tell(RenegotiationRefused("no"))
        stream.run(2.0)
    assert (stream.state, stream.count(Renegotiate)) == (GIVEN_UP, 6)
    assert stream.done.count(EXCEPTION) == 2
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (2, 1)


def test_exception_is_reported_once_after_each_outage() -> None:
    stream = given_up()
    stream.tell(SignalingLost())
    stream.run(9.0)
    stream.tell(SignalingResumed(force=False))
    stream.run(1.0)
    for _ in range(3):
        stream.tell(RenegotiationRefused("no"))
        stream.run(2.0)
    assert (stream.state, stream.count(Renegotiate)) == (GIVEN_UP, 6), "attempts are counted anew"
    assert stream.done.count(EXCEPTION) == 2


def test_undecoded_stream_that_was_given_up_is_renegotiated_again() -> None:
    stream = given_up()
    stream.arrives = UNDECODED
    stream.run(9.5)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 4)


def test_policy_determines_the_pause_before_another_attempt() -> None:
    stream = Stream(policy=ReconnectionPolicy(media=MediaPolicy(retries=1, retry_pause=60.0)))
    stream.arrives = ()
    stream.tell(SignalingLost(), SignalingResumed(force=True), RenegotiationRefused("no"))
    stream.run(59.9)
    assert (stream.state, stream.count(Renegotiate)) == (GIVEN_UP, 1)
    stream.run(1.0)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 2)


def test_forced_stream_that_is_silent_when_it_is_tried_again_is_announced_as_frozen() -> None:
    stream = Stream()
    stream.tell(SignalingLost(), SignalingResumed(force=True))
    stream.arrives = ()
    for _ in range(3):
        stream.tell(RenegotiationRefused("no"))
        stream.run(1.0)
    assert (stream.state, stream.count(AnnounceFrozen)) == (GIVEN_UP, 0), "nothing has told that it is frozen"
    stream.run(5.0)
    assert (stream.state, stream.count(Renegotiate), stream.count(AnnounceFrozen)) == (RENEGOTIATING, 4, 1)


def test_healthy_stream_whose_forced_attempts_were_refused_is_not_announced() -> None:
    stream = Stream()
    stream.tell(SignalingLost(), SignalingResumed(force=True))
    for _ in range(3):
        stream.tell(RenegotiationRefused("no"))
        stream.run(1.0)
    stream.run(2.0)
    assert (stream.state, stream.steps[-2:]) == (IDLE, ["given up", "healthy"])
    assert (stream.count(AnnounceFrozen), stream.count(AnnounceRecovered)) == (0, 0)


@pytest.mark.parametrize("news", [StreamStopped(), IceStateChanged("failed")], ids=["RTP", "ICE"])
def test_given_up_stream_waits_for_its_next_attempt_whatever_else_stops(news: MediaEvidence) -> None:
    stream = given_up()
    stream.tell(news)
    assert (stream.state, stream.count(ReportException)) == (GIVEN_UP, 1)
    stream.run(6.0)
    assert (stream.state, stream.count(Renegotiate)) == (RENEGOTIATING, 4)


def test_stream_that_was_frozen_on_an_earlier_media_connection_is_announced_as_recovered() -> None:
    stream = Stream(announced=True)
    stream.tell(PeerReplaced("connected"))
    assert stream.run(1.0) == [NoteStep("healthy", "packets arrive"), AnnounceRecovered()]


def test_stream_that_returns_in_a_call_gets_a_key_frame_and_is_checked() -> None:
    stream = Stream()
    stream.tell(StreamReturned())
    assert (stream.state, stream.done) == (CHECKING, [Nudge()])


def test_stream_that_returns_while_signaling_is_down_gets_a_key_frame() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.done.clear()
    stream.tell(StreamReturned())
    assert (stream.state, stream.done) == (OBSERVING, [Nudge()])


# --- key frames ------------------------------------------------------------------------------------------------------


def test_key_frame_is_requested_as_soon_as_packets_arrive_on_a_path_that_was_silent() -> None:
    stream = Stream()
    stream.arrives = ()
    stream.tell(SignalingLost())
    stream.run(5.0)
    stream.done.clear()
    stream.arrives = VIDEO
    assert stream.run(0.1) == [Nudge()]
    assert stream.run(5.0) == [], "once"


def test_key_frame_is_requested_again_in_an_outage_until_the_video_that_arrives_is_decoded() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.run(0.5)
    stream.done.clear()
    stream.arrives = UNDECODED
    assert stream.run(1.35).count(Nudge()) == 4
    stream.arrives = STUN
    assert Nudge() not in stream.run(1.0), "no video arrives"
    stream.arrives = VIDEO
    assert Nudge() not in stream.run(2.0)


def test_key_frame_is_not_requested_after_a_silence_shorter_than_1500_ms() -> None:
    stream = Stream()
    stream.tell(SignalingLost())
    stream.run(0.5)
    stream.arrives = ()
    stream.run(1.3)
    stream.arrives = VIDEO
    stream.run(5.0)
    assert stream.count(Nudge) == 0


@pytest.mark.parametrize("state", STATES)
def test_key_frame_is_requested_when_the_rtp_of_all_streams_returns(state: RecoveryState) -> None:
    stream = STATES[state]()
    assert stream.tell(RtpReturned()) == [Nudge()]
    assert stream.state is state
    stream.tell(SignalingLost())
    assert stream.tell(RtpReturned()) == [Nudge()]
    assert stream.state is OBSERVING


def test_key_frame_is_requested_every_300_ms_while_video_is_not_decoded() -> None:
    stream = stopped_by_an_outage()
    stream.arrives = UNDECODED
    stream.run(3.0)
    assert stream.state is CHECKING
    assert stream.count(Nudge) in (9, 10)
    stream.arrives = VIDEO
    stream.run(0.1)
    assert stream.state is IDLE


def test_stream_that_is_not_decoded_for_4_s_is_renegotiated() -> None:
    stream = stopped_by_an_outage()
    stream.arrives = UNDECODED
    stream.run(4.2)
    assert (stream.state, stream.count(AnnounceFrozen)) == (RENEGOTIATING, 1)


def test_key_frame_is_sent_when_a_published_stream_is_healthy() -> None:
    stream = stopped_by_an_outage(receives=False)
    stream.arrives = REPORTS
    assert stream.run(1.0) == [NoteStep("healthy", "STUN or RTCP arrives"), Nudge()]


def test_key_frame_is_sent_when_a_renegotiated_published_stream_is_healthy() -> None:
    stream = renegotiating(receives=False)
    stream.tell(PeerReplaced("connected"))
    stream.arrives = REPORTS
    assert stream.run(1.0) == [NoteStep("healthy", "STUN or RTCP arrives"), Nudge(), AnnounceRecovered()]


@pytest.mark.parametrize(
    ("states", "key_frames"),
    [
        (["checking", "connected"], 0),  # a first connection begins with one anyway
        (["connected", "disconnected"], 0),  # nothing can be sent over a broken path
        (["connected", "disconnected", "connected"], 1),
        (["connected", "disconnected", "checking", "connected", "completed"], 1),
        (["connected", "disconnected", "failed", "closed"], 0),
        (["connected", "disconnected", "connected", "disconnected", "connected"], 2),
    ],
)
@pytest.mark.parametrize("in_call", [True, False])
def test_key_frame_is_sent_when_ice_reconnects(states: list[str], key_frames: int, in_call: bool) -> None:
    stream = Stream(suspended=not in_call)
    stream.tell(*[IceStateChanged(state) for state in states])
    assert stream.count(Nudge) == key_frames


def test_new_peer_connection_is_no_reconnection_of_the_old_one() -> None:
    stream = Stream()
    stream.tell(IceStateChanged("disconnected"), PeerReplaced("new"), IceStateChanged("connected"))
    assert stream.count(Nudge) == 0


# --- OpenVidu's exceptions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "closed"])
def test_failed_ice_is_reported_at_once(state: str) -> None:
    stream = Stream()
    assert stream.tell(IceStateChanged(state)) == [
        ReportException("ICE_CONNECTION_FAILED", f"iceConnectionState is {state}")
    ]


def test_ice_that_is_disconnected_for_4_s_is_reported() -> None:
    stream = Stream()
    stream.tell(IceStateChanged("disconnected"))
    stream.run(3.9)
    assert stream.exceptions == []
    stream.run(0.2)
    assert stream.done[-1] == ReportException("ICE_CONNECTION_DISCONNECTED", "iceConnectionState is disconnected")
    stream.run(60.0)
    assert len(stream.exceptions) == 1


@pytest.mark.parametrize(
    "meanwhile",
    [IceStateChanged("connected"), IceStateChanged("checking"), PeerReplaced("new"), SignalingLost()],
    ids=["connected", "checking", "replaced", "outage"],
)
def test_ice_that_is_disconnected_for_less_than_4_s_is_not_reported(meanwhile: MediaEvidence) -> None:
    stream = Stream()
    stream.tell(IceStateChanged("disconnected"))
    stream.run(3.9)
    stream.tell(meanwhile)
    stream.run(10.0)
    assert stream.exceptions == []


@pytest.mark.parametrize("state", ["disconnected", "failed"])
def test_ice_that_breaks_during_an_outage_is_not_reported(state: str) -> None:
    stream = Stream(suspended=True)
    stream.tell(IceStateChanged(state))
    stream.run(10.0)
    assert (stream.state, stream.done) == (OBSERVING, [])


# --- sound -----------------------------------------------------------------------------------------------------------


def sound(at: float, late: float = 0.0) -> SoundPlayed:
    return SoundPlayed(at, round((at - late) * 48_000), 48_000)


@pytest.mark.parametrize("silence", [(StreamStopped(), StreamReturned()), (PageStoodStill(6.0),)])
def test_receivers_are_restarted_when_sound_is_late_after_a_silence(silence: tuple[MediaEvidence, ...]) -> None:
    stream = Stream()
    stream.tell(AudioReference(sound(50.0)), *silence)
    stream.done.clear()
    assert stream.run(0.0) == [ReadSound()]
    assert stream.tell(SoundRead(sound(57.0, late=6.0))) == [RestartReceivers()]
    stream.tell(ReceiversRestarted())
    assert ReadSound() in stream.run(0.0)
    assert stream.tell(SoundRead(sound(57.5))) == []
    assert ReadSound() not in stream.run(60.0)


def test_restarted_receivers_get_key_frames_until_they_decode() -> None:
    stream = Stream()
    stream.tell(AudioReference(sound(50.0)), PageStoodStill(8.0))
    stream.run(0.0)
    stream.arrives = UNDECODED
    assert stream.tell(SoundRead(sound(59.0, late=8.0)), ReceiversRestarted()) == [RestartReceivers(), Nudge()]
    assert stream.run(1.0).count(Nudge()) == 3, "the first ones may be lost"
    stream.arrives = VIDEO
    assert NoteStep("healthy", "packets arrive") in stream.run(0.2)
    assert stream.state is IDLE


# --- frames that are held back after a standstill ----------------------------------------------------------------------


def test_receivers_are_restarted_when_video_that_arrives_after_a_standstill_is_not_decoded() -> None:
    stream = Stream()
    stream.tell(PageStoodStill(8.0))
    stream.run(0.2)  # the last frames from before it may still be decoded
    stream.arrives = UNDECODED
    assert RestartReceivers() in stream.run(HELD_BACK + 2 * POLICY.media.poll)
    assert stream.tell(ReceiversRestarted()) == [Nudge()]
    assert RestartReceivers() not in stream.run(1.0)
    stream.arrives = VIDEO
    stream.run(0.2)
    assert stream.steps == ["healthy"]
    assert stream.state is IDLE


@pytest.mark.parametrize("arrives", [VIDEO, STUN, ()])
def test_video_that_is_decoded_after_a_standstill_or_does_not_arrive_restarts_nothing(arrives: tuple[str, ...]) -> None:
    stream = Stream()
    stream.arrives = arrives
    stream.tell(PageStoodStill(8.0))
    assert RestartReceivers() not in stream.run(WATCHED)
    assert stream.recovery.period is None, "no longer than needed"
    stream.arrives = UNDECODED
    stream.run(10.0)
    assert stream.done == []


def test_samples_after_a_standstill_matter_when_frames_may_be_held_back_and_at_the_end() -> None:
    stream = Stream()
    stream.tell(PageStoodStill(8.0))
    began = stream.now
    stream.run(0.0)
    assert stream.recovery.matters_at == pytest.approx(began + WATCHED, abs=1e-5)
    stream.arrives = UNDECODED
    stream.run(POLICY.media.poll)
    assert stream.recovery.matters_at == pytest.approx(stream.now + HELD_BACK, abs=1e-5)


def test_outage_ends_the_watch_after_a_standstill() -> None:
    stream = Stream()
    stream.tell(PageStoodStill(8.0), SignalingLost())
    stream.arrives = UNDECODED
    assert set(stream.run(2.0)) == {Nudge()}


def test_sound_is_read_until_there_is_some_and_for_half_a_second_at_most() -> None:
    stream = Stream()
    stream.tell(AudioReference(sound(50.0)), StreamReturned())
    reads = 0
    for _ in range(100):
        reads += stream.run(POLICY.detection.return_poll).count(ReadSound())
        stream.tell(SoundRead(None))
    assert reads == pytest.approx(WAIT / POLICY.detection.return_poll, abs=2)


def test_another_peer_connection_ends_the_check_of_the_sound() -> None:
    stream = Stream()
    stream.tell(AudioReference(sound(50.0)), StreamReturned(), PeerReplaced("new"))
    assert ReadSound() not in stream.run(10.0)


# --- samples ---------------------------------------------------------------------------------------------------------


def test_a_sample_is_asked_for_once_until_it_is_taken() -> None:
    recovery = StreamRecovery(POLICY, 100.0, receives=True, suspended=True)
    assert recovery.due_at == 100.0
    assert recovery.tick(100.0) == [TakeSample()]
    assert (recovery.due_at, recovery.tick(109.0)) == (None, [])
    recovery.handle(Sampled(MediaSample("connected")), 110.0)
    assert recovery.due_at == pytest.approx(110.1)


def test_a_sample_that_comes_when_none_is_needed_any_more_is_the_last() -> None:
    recovery = StreamRecovery(POLICY, 100.0, receives=True)
    recovery.handle(StreamStopped(), 100.0)
    recovery.tick(100.0)
    recovery.handle(SignalingLost(), 100.0)
    recovery.handle(SignalingResumed(force=False, negotiated=False), 100.0)
    assert recovery.handle(Sampled(MediaSample("connected")), 100.1) == []
    assert (recovery.state, recovery.due_at) == (IDLE, None)
