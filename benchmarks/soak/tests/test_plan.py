"""The drops of a soak depend on their seed alone."""

from __future__ import annotations

from benchmarks.soak.plan import KINDS, LENGTH_S, drops


def test_seed_determines_the_drops() -> None:
    assert drops(100, 7) == drops(100, 7) != drops(100, 8)


def test_longer_run_begins_with_the_drops_of_a_shorter_one() -> None:
    assert drops(100, 7)[:30] == drops(30, 7)


def test_100_drops_contain_every_kind_and_one_eviction_in_ten() -> None:
    planned = drops(100, 1)
    assert {drop.cell.fault for drop in planned} == set(KINDS)
    for row in range(0, 100, 10):
        assert sum(drop.cell.evicts for drop in planned[row : row + 10]) == 1
    assert all(LENGTH_S[0] <= drop.cell.outage_s <= LENGTH_S[1] for drop in planned if not drop.cell.evicts)


def test_dead_media_occurs_only_in_drops_that_interrupt_media() -> None:
    assert {drop.cell.fault for drop in drops(200, 1) if drop.dead_media} == {"silent", "link", "media-only"}
