"""The drops of a soak depend on their seed alone."""

from __future__ import annotations

from soak.plan import KINDS, LENGTH_S, drops


def test_the_same_seed_gives_the_same_drops_and_another_one_gives_others() -> None:
    assert drops(100, 7) == drops(100, 7) != drops(100, 8)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    assert drops(100, 7)[:30] == drops(30, 7)


def test_every_kind_of_drop_is_among_a_hundred_and_one_in_ten_evicts() -> None:
    planned = drops(100, 1)
    assert {drop.cell.fault for drop in planned} == set(KINDS)
    for row in range(0, 100, 10):
        assert sum(drop.cell.evicts for drop in planned[row : row + 10]) == 1
    assert all(LENGTH_S[0] <= drop.cell.outage_s <= LENGTH_S[1] for drop in planned if not drop.cell.evicts)


def test_media_is_dead_only_where_the_drop_could_kill_it() -> None:
    assert {drop.cell.fault for drop in drops(200, 1) if drop.dead_media} == {"silent", "link", "media-only"}
