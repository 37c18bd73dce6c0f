"""Verdicts on a stream by its counters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvidu.reconnection.evidence import MediaSample
from pyvidu.reconnection.media_health import MediaJudgement, Proof, paths_are_dead
from pyvidu.reconnection.policy import ReconnectionPolicy

POLICY = ReconnectionPolicy()
BEFORE = MediaSample("connected", 100, 10, 50, 50, 40, 3)


def watched(
    *samples: MediaSample, receives: bool = True, silent_for: float = 9.0, before: MediaSample = BEFORE
) -> list[MediaJudgement]:
    """Return the verdicts on samples taken one poll apart."""
    proof = Proof(before, silent_for, POLICY, receives=receives)
    return [proof.take(sample, POLICY.media.poll) for sample in samples]


def seconds_until_frozen(sample: MediaSample, silent_for: float) -> float:
    proof = Proof(sample, silent_for, POLICY, receives=True)
    polls = 1
    while proof.take(sample, POLICY.media.poll).verdict == "recovering":
        polls += 1
    return polls * POLICY.media.poll


@pytest.mark.parametrize("state", ["failed", "closed"])
def test_failed_or_closed_ice_is_frozen_although_packets_arrive(state: str) -> None:
    (judgement,) = watched(replace(BEFORE, ice_state=state, inbound_video_packets=60))
    assert judgement.verdict == "frozen"


@pytest.mark.parametrize("state", ["connected", "disconnected"])
def test_arriving_audio_is_healthy_even_with_disconnected_ice(state: str) -> None:
    (judgement,) = watched(replace(BEFORE, ice_state=state, inbound_audio_packets=51))
    assert judgement.verdict == "healthy"


def test_video_is_healthy_when_it_is_decoded() -> None:
    (judgement,) = watched(replace(BEFORE, inbound_video_packets=51, frames_decoded=41))
    assert judgement.verdict == "healthy"


def test_undecoded_video_gets_key_frame_requests_and_is_frozen_in_the_end() -> None:
    verdicts = watched(*[replace(BEFORE, inbound_video_packets=51 + number) for number in range(81)])
    assert verdicts[0].nudge
    assert not verdicts[1].nudge
    assert sum(judgement.nudge for judgement in verdicts) == pytest.approx(4.0 / 0.3, abs=2)
    assert verdicts[70].verdict == "recovering"
    assert verdicts[-1].verdict == "frozen"


def test_stream_that_stops_again_during_its_check_is_paused_and_not_frozen_for_want_of_a_key_frame() -> None:
    arriving = [replace(BEFORE, inbound_video_packets=51 + number, stun_responses=11 + number) for number in range(10)]
    stopped = [replace(arriving[-1], stun_responses=30 + number) for number in range(80)]
    verdicts = [judgement.verdict for judgement in watched(*arriving, *stopped)]
    assert next(verdict for verdict in verdicts if verdict != "recovering") == "paused"


def test_video_that_was_never_decoded_is_healthy_if_it_arrives() -> None:
    before = replace(BEFORE, frames_decoded=0)
    (judgement,) = watched(replace(before, inbound_video_packets=51), before=before)
    assert judgement.verdict == "healthy"


@pytest.mark.parametrize("counter", ["stun_responses", "received_packets", "remote_reports"])
def test_sender_is_healthy_if_stun_or_rtcp_is_received(counter: str) -> None:
    (judgement,) = watched(replace(BEFORE, **{counter: 101}), receives=False)
    assert judgement.verdict == "healthy"


def test_receiver_with_stun_responses_and_without_rtp_is_paused() -> None:
    answering = replace(BEFORE, stun_responses=11)
    verdicts = [judgement.verdict for judgement in watched(*[answering] * 9)]
    assert verdicts[:7] == ["recovering"] * 7
    assert verdicts[-1] == "paused"


def test_silent_stream_is_frozen_earlier_after_a_long_silence() -> None:
    assert seconds_until_frozen(BEFORE, silent_for=4.0) == pytest.approx(POLICY.media.window, abs=0.051)
    assert seconds_until_frozen(BEFORE, silent_for=1.0) == pytest.approx(POLICY.media.recent_window, abs=0.051)


def test_stall_of_the_page_does_not_make_a_stream_frozen() -> None:
    proof = Proof(BEFORE, 9.0, POLICY, receives=True)
    assert proof.take(BEFORE, 5.0).verdict == "recovering"
    assert proof.take(BEFORE, 5.0).verdict == "recovering"
    assert proof.take(replace(BEFORE, inbound_audio_packets=51), 0.05).verdict == "healthy"


def test_recently_active_path_is_frozen_after_four_unanswered_checks() -> None:
    # A new address after 1 s: one check in the first second, then one every 48 ms.
    asking = [replace(BEFORE, stun_requests=1)] * 20 + [
        replace(BEFORE, stun_requests=2 + number) for number in range(20)
    ]
    verdicts = [judgement.verdict for judgement in watched(*asking, silent_for=1.0)]
    assert verdicts[:22] == ["recovering"] * 22
    assert verdicts[22] == "frozen", "four checks, and the first of them 0.4 s ago and more"


def test_recent_or_late_answered_checks_do_not_make_a_stream_frozen() -> None:
    asking = [replace(BEFORE, stun_requests=number) for number in range(1, 8)]
    assert {judgement.verdict for judgement in watched(*asking, silent_for=1.0)} == {"recovering"}
    answered = [*asking, replace(BEFORE, stun_requests=9, stun_responses=BEFORE.stun_responses + 1)]
    assert watched(*answered, receives=False, silent_for=1.0)[-1].verdict == "healthy"


def test_unanswered_checks_do_not_shorten_an_explicit_patience() -> None:
    proof = Proof(BEFORE, 1.0, POLICY, receives=True, patience=5.0)
    asking = [proof.take(replace(BEFORE, stun_requests=number), POLICY.media.poll) for number in range(99)]
    assert {judgement.verdict for judgement in asking} == {"recovering"}


QUIET, REPORTED = MediaSample("connected", 9, 9, 9, 9, 9, 0, 9), MediaSample("connected", 9, 9, 0, 0, 0, 9, 9)


@pytest.mark.parametrize(
    ("before", "after", "dead"),
    [
        ([QUIET, REPORTED], [QUIET, REPORTED], True),
        ([REPORTED], [replace(REPORTED, stun_requests=99, ice_state="disconnected")], True),
        ([QUIET, QUIET], [QUIET, QUIET], False),  # nothing is sent that is reported on
        ([], [], False),
        ([QUIET, REPORTED], [replace(QUIET, inbound_audio_packets=10), REPORTED], False),
        ([QUIET, REPORTED], [replace(QUIET, stun_responses=10), REPORTED], False),
        ([QUIET, REPORTED], [QUIET, replace(REPORTED, remote_reports=10)], False),
        ([QUIET, REPORTED], [QUIET, replace(REPORTED, received_packets=10)], False),
    ],
)
def test_paths_are_dead_if_nothing_arrives_on_any_of_them_and_reports_did_before(
    before: list[MediaSample], after: list[MediaSample], dead: bool
) -> None:
    assert paths_are_dead(before, after) is dead
