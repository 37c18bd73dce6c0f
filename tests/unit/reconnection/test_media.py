"""Verdicts on media: the ICE table and the counters' table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvidu.reconnection.evidence import MediaSample
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.media_health import judge
from pyvidu.reconnection.policy import ReconnectionPolicy

POLICY = ReconnectionPolicy()
BEFORE = MediaSample("connected", 100, 10, 50, 50, 40, 3)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("new", "waiting"),
        ("checking", "waiting"),
        ("connected", "connected"),
        ("completed", "connected"),
        ("disconnected", "broken"),
        ("failed", "dead"),
        ("closed", "dead"),
        ("a state of the future", "waiting"),
    ],
)
def test_ice_states(state: str, verdict: str) -> None:
    assert analyse(state) == verdict


@pytest.mark.parametrize("state", ["failed", "closed"])
def test_dead_ice_is_frozen_at_once_whatever_the_counters_say(state: str) -> None:
    now = replace(BEFORE, ice_state=state, inbound_video_packets=60)
    assert judge(BEFORE, now, 0.0, POLICY).verdict == "frozen"


@pytest.mark.parametrize("counter", ["inbound_audio_packets", "inbound_video_packets"])
@pytest.mark.parametrize("state", ["connected", "disconnected"])
def test_packets_that_arrive_prove_health_even_against_ice(counter: str, state: str) -> None:
    now = replace(BEFORE, ice_state=state, **{counter: 51})
    assert judge(BEFORE, now, 0.1, POLICY).verdict == "healthy"


@pytest.mark.parametrize("counter", ["stun_responses", "received_packets", "remote_reports"])
def test_a_path_that_answers_is_healthy_though_its_sender_pauses(counter: str) -> None:
    now = replace(BEFORE, **{counter: 101})
    assert judge(BEFORE, now, 0.1, POLICY).verdict == "healthy"


@pytest.mark.parametrize(
    ("state", "window"),
    [("disconnected", POLICY.media_window), ("connected", POLICY.media_proof_window), ("checking", 3.0)],
)
def test_silence_is_frozen_after_the_window_of_its_ice_state(state: str, window: float) -> None:
    before = replace(BEFORE, ice_state=state)
    assert judge(before, before, window - 0.01, POLICY).verdict == "recovering"
    frozen = judge(before, before, window, POLICY)
    assert frozen.verdict == "frozen"
    assert state in frozen.because
