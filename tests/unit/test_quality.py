"""The quality figure of a stream, from two readings of its counters."""

from __future__ import annotations

import pytest

from pyvidu.quality import quality

BEFORE = {"time": 10.0, "packets": 1000.0, "lost": 10.0, "bytes": 50_000.0}


def after(**more: float) -> dict[str, float]:
    return {**BEFORE, "time": 12.0, "packets": 1200.0, "bytes": 300_000.0, "jitter": 0.005, "round_trip": 0.04, **more}


def test_good_path_has_five_bars_and_its_numbers() -> None:
    told = quality(BEFORE, after(frame_rate=25.0), frozen=False)
    assert (told.level, told.lost, told.bit_rate, told.frame_rate) == (5, 0, 1_000_000, 25)
    assert (told.jitter, told.round_trip) == (0.005, 0.04)


@pytest.mark.parametrize(("lost", "level"), [(5, 5), (18, 4), (26, 3), (36, 2), (60, 1)])
def test_each_share_of_lost_packets_costs_bars(lost: int, level: int) -> None:
    assert quality(BEFORE, after(lost=10.0 + lost), frozen=False).level == level


@pytest.mark.parametrize(("round_trip", "level"), [(0.2, 5), (0.5, 4), (0.7, 3), (0.9, 2), (2.0, 1)])
def test_each_delay_costs_bars(round_trip: float, level: int) -> None:
    assert quality(BEFORE, after(round_trip=round_trip), frozen=False).level == level


def test_stream_that_is_frozen_or_brings_nothing_has_no_bar() -> None:
    assert quality(BEFORE, after(), frozen=True).level == 0
    assert quality(BEFORE, after(packets=1000.0), frozen=False).level == 0


def test_first_reading_knows_no_bit_rate() -> None:
    told = quality({}, after(), frozen=False)
    assert (told.level, told.bit_rate) == (5, 0)


def test_counters_that_begin_anew_after_a_renegotiation_are_not_compared_with_the_old_ones() -> None:
    told = quality(BEFORE, {"time": 12.0, "packets": 90.0, "lost": 10.0, "bytes": 1000.0}, frozen=False)
    assert told.lost == 0.1
    assert told.round_trip is None
