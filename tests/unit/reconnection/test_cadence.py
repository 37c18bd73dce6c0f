"""Each stream's cadence, and when its silence is evidence. The cadences are those measured in Chromium 156."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.cadence import Cadence
from pyvidu.reconnection.policy import ReconnectionPolicy

POLICY = ReconnectionPolicy()
POLL = POLICY.detection.poll


def heard(gap: float, seconds: float = 5.0) -> tuple[Cadence, float]:
    """Return the cadence of a stream with a packet every `gap` seconds, polled for `seconds`, and the time."""
    cadence, now = Cadence(POLICY), 0.0
    while now < seconds:
        now += POLL
        cadence.observe(now // gap + 1, now)
    return cadence, now


@pytest.mark.parametrize(
    ("stream", "gap", "silence"),
    [("video at 20 fps", 0.057, 0.31), ("Opus", 0.021, 0.31), ("Opus with DTX", 0.424, 1.01)],
)
def test_silence_is_twice_the_largest_gap_and_at_least_300_ms(stream: str, gap: float, silence: float) -> None:
    cadence, now = heard(gap)
    assert cadence.is_witness(now), stream
    assert not cadence.is_silent(now + 0.29)
    assert cadence.is_silent(now + silence)


def test_stream_with_few_packets_is_not_a_witness() -> None:
    cadence, now = heard(1.0, seconds=9.0)
    assert not cadence.is_witness(now)


def test_recent_stream_is_not_a_witness() -> None:
    cadence, now = heard(0.05, seconds=1.5)
    assert not cadence.is_witness(now)
    assert not Cadence(POLICY).is_silent(100.0)


def test_long_gap_is_discarded_after_10_s() -> None:
    cadence, now = heard(0.05)
    now += 2.0
    cadence.observe(-1.0, now)
    assert not cadence.is_witness(now)
    for _ in range(round(10.5 / POLL)):
        now += POLL
        cadence.observe(now, now)
    assert cadence.is_witness(now)


def test_stall_of_the_page_is_not_counted_as_a_gap() -> None:
    cadence, now = heard(0.05)
    cadence.stalled(3.0)
    assert not cadence.is_silent(now + 3.0)
    assert cadence.is_silent(now + 3.4)


def test_stall_before_the_first_packet_does_not_make_the_stream_silent() -> None:
    cadence = Cadence(POLICY)
    cadence.stalled(3.0)
    assert not cadence.is_silent(100.0)
    assert not cadence.is_witness(100.0)
