"""Drops that no received RTP tells: of who receives nothing, and of TCP alone. And slow paths, which look like them."""

from __future__ import annotations

import pytest

from tests.simulation.schedule import UNNOTICED, Entry, Person, Plan
from tests.simulation.simulated_world import live

AT = 20.0


def told(entry: Entry, *, profile: str = "default", receives: bool = True, seed: int = 1) -> list[float]:
    """Return when the first of two people was told `reconnecting`, in seconds from the fault."""
    outcome = live(Plan(seed, profile, people=(Person(), Person(publishes=receives)), entries=(entry,)))
    assert outcome.broken is None
    return [at - entry.at for at, who, what in outcome.story if who == "a1" and what.startswith("is told reconnecting")]


@pytest.mark.parametrize("phase", range(5))
def test_who_receives_nothing_is_told_of_a_silent_drop_by_missing_reports(phase: int) -> None:
    drop = Entry(AT + phase * 0.137, 0, "silent", 9.0)
    (by_reports,) = told(drop, receives=False)
    (by_pongs,) = told(drop, profile="kurento", receives=False)
    assert by_reports <= 1.0
    assert by_pongs > 1.9


@pytest.mark.parametrize("receives", [True, False])
@pytest.mark.parametrize("phase", range(5))
def test_dead_tcp_beside_living_media_is_told_within_two_and_a_half_seconds(phase: int, receives: bool) -> None:
    drop = Entry(AT + phase * 0.137, 0, "signaling", 9.0)
    (after,) = told(drop, receives=receives)
    assert 1.3 <= after <= 2.45
    assert not receives or told(drop, profile="kurento")[0] > 3.9


@pytest.mark.parametrize("profile", ["default", "kurento"])
@pytest.mark.parametrize("milliseconds", ["100", "300", "800"])
def test_path_that_becomes_slow_is_not_taken_for_dead(milliseconds: str, profile: str) -> None:
    for phase in range(5):
        assert told(Entry(AT + phase * 0.137, 0, "slow", 15.0, milliseconds), profile=profile) == []


def test_media_alone_that_is_blocked_is_no_outage_for_who_receives_nothing() -> None:
    assert told(Entry(AT, 0, "media", 9.0), receives=False) == []


@pytest.mark.parametrize("phase", range(5))
def test_stream_whose_path_only_receives_since_the_route_moved_is_replaced_soon(phase: int) -> None:
    moved = Entry(AT + phase * 0.137, 0, "vpn")
    outcome = live(Plan(1, people=(Person(), Person()), entries=(moved,)))
    assert outcome.broken is None
    frozen = [at for at, who, what in outcome.story if who == "a1" and what.startswith("is told streamFrozen")]
    assert len(frozen) == 1
    assert frozen[0] - moved.at < 2


@pytest.mark.parametrize("phase", range(5))
def test_route_that_moves_without_an_event_is_told_by_the_answer_to_a_probe(phase: int) -> None:
    moved = Entry(AT + phase * 0.137, 0, "vpn", 0.0, UNNOTICED)
    (after,) = told(moved)
    assert 0.5 < after < 1.7
    assert told(moved, profile="kurento")[0] > 3.9
