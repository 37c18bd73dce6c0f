"""The level of a network: which measurements make which level, how soon it falls, how late it rises, and the reason."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pyvidu.server.media.path_counters import ParticipantPaths, PathCounters, QuickestOfAMinute
from pyvidu.server.quality.rating import NetworkRating, Rating

PACKETS = 100  # a second


def levels(rating: NetworkRating, *seconds: PathCounters, silent: bool = False) -> list[int]:
    """Let the way up be so in each second, and return the level after each."""
    found = []
    for counters in seconds:
        rating.look(ParticipantPaths(uplink=counters), silent=silent)
        found.append(rating.current.level)
    return found


def losing(share: float, seconds: int, begin: PathCounters | None = None) -> list[PathCounters]:
    """Return the counters of so many seconds with that share of lost packets, after those of `begin`."""
    begin = begin or PathCounters(1)
    return [
        PathCounters(begin.expected + PACKETS * n, round(begin.lost + share * PACKETS * n))
        for n in range(1, seconds + 1)
    ]


@pytest.mark.parametrize(
    ("counters", "rating"),
    [
        (PathCounters(round_trip_time=0.2, delay=0.2), Rating()),
        (PathCounters(round_trip_time=0.21), Rating(4, "roundTripTime", "uplink")),
        (PathCounters(round_trip_time=0.8), Rating(2, "roundTripTime", "uplink")),
        (PathCounters(round_trip_time=3.0, delay=0.3), Rating(1, "roundTripTime", "uplink")),
        (PathCounters(round_trip_time=0.5, delay=0.9), Rating(2, "queue", "uplink")),
        (PathCounters(delay=1.6), Rating(1, "queue", "uplink")),
        (PathCounters(congested=True), Rating(2, "bandwidth", "uplink")),
        (PathCounters(congested=True, delay=0.9), Rating(2, "bandwidth", "uplink")),
    ],
)
def test_worst_measurement_decides_and_is_the_reason(counters: PathCounters, rating: Rating) -> None:
    found = NetworkRating()
    levels(found, *[counters] * 4)
    assert found.current == rating


@pytest.mark.parametrize(("share", "level"), [(0, 5), (0.01, 5), (0.04, 4), (0.08, 3), (0.2, 2), (0.3, 1), (1, 1)])
def test_loss_is_rated_within_5_s_of_its_begin(share: float, level: int) -> None:
    rating = NetworkRating()
    calm = losing(0, 20)
    assert set(levels(rating, *calm)) == {5}
    assert levels(rating, *losing(share, 5, calm[-1]))[-1] == level
    assert rating.current.reason == ("loss" if level < 5 else "")


def test_worse_way_decides() -> None:
    rating = NetworkRating()
    for _ in range(2):
        rating.look(ParticipantPaths(PathCounters(delay=0.3), PathCounters(delay=0.5)), silent=False)
    assert rating.current == Rating(3, "queue", "downlink")


def test_one_bad_second_changes_nothing_and_a_level_rises_after_twelve_good_ones() -> None:
    rating = NetworkRating()
    good, bad = PathCounters(), PathCounters(delay=2)
    assert levels(rating, good, bad, good, bad, good) == [5] * 5
    assert levels(rating, bad, bad) == [5, 1]
    assert levels(rating, *[good] * 12) == [1] * 11 + [5]


def test_rise_stops_at_the_worst_of_the_last_seconds() -> None:
    rating = NetworkRating()
    levels(rating, *[PathCounters(delay=2)] * 2)
    assert levels(rating, *[PathCounters(), PathCounters(delay=0.3)] * 6)[-1] == 4


def test_losses_around_a_bound_do_not_move_the_level_up_and_down() -> None:
    dice = random.Random(1)
    rating, expected, lost, found = NetworkRating(), 0, 0, []
    for _ in range(600):
        expected += PACKETS
        lost += sum(dice.random() < 0.05 for _ in range(PACKETS))
        found += levels(rating, PathCounters(expected, lost))
    assert sum(one != other for one, other in pairwise(found)) <= 20, "two changes a minute"
    assert set(found[10:]) <= {3, 4}


def test_silence_is_level_0_at_once_and_over_at_once() -> None:
    rating = NetworkRating()
    assert levels(rating, PathCounters(), silent=True) == [0]
    assert rating.current == Rating(0, "silence")
    assert levels(rating, PathCounters()) == [5]


def test_what_was_lost_in_a_silence_does_not_count_after_it() -> None:
    for direction, reported_after in ("uplink", 1), ("downlink", 7):
        rating = NetworkRating()
        calm = losing(0, 20)
        counted = [*calm, *[calm[-1]] * (9 + reported_after), *losing(0.9, 1, calm[-1])]
        counted += losing(0, 20, counted[-1])
        found = []
        for look, counters in enumerate(counted):
            rating.look(ParticipantPaths(**{direction: counters}), silent=20 <= look < 29)
            found.append(rating.current.level)
        assert found == [5] * 20 + [0] * 9 + [5] * (len(counted) - 29), direction
        assert levels(rating, *losing(0.3, 5, counted[-1]))[-1] == 1, "what is lost later counts"


def test_few_packets_and_connections_that_are_replaced_tell_nothing_about_losses() -> None:
    rating = NetworkRating()
    assert levels(rating, PathCounters(1, 0), PathCounters(10, 9), PathCounters(15, 14)) == [5] * 3
    replaced = losing(0.5, 1, PathCounters(5000))
    assert levels(rating, *replaced, *losing(0, 3)) == [5] * 4


def test_way_that_is_not_used_is_not_rated() -> None:
    rating = NetworkRating()
    assert not rating.look(ParticipantPaths(), silent=False)
    assert rating.current == Rating()


def test_what_is_longer_than_the_quickest_of_the_last_minutes_waits_in_a_queue() -> None:
    quickest = QuickestOfAMinute()
    assert quickest.excess(0.3, 0) == 0
    assert quickest.excess(0.5, 1) == pytest.approx(0.2)
    assert quickest.excess(0.5, 61) == pytest.approx(0.2)
    assert quickest.excess(0.5, 122) == 0, "the path is another one by now"
    assert quickest.excess(0.4, 123) == 0
