"""How much slower than the quickest of the last minute."""

from __future__ import annotations

from pyvidu.reconnection.quickest import MEMORY, Quickest


def test_excess_is_that_beyond_the_quickest_so_far() -> None:
    quickest = Quickest()
    assert [quickest.excess(duration, now) for now, duration in enumerate((3.0, 2.0, 5.0, 2.5, 1.0))] == [
        0,
        0,
        3,
        0.5,
        0,
    ]


def test_quickest_is_forgotten_after_a_minute_for_the_next_quickest_unless_told_not_to() -> None:
    quickest = Quickest()
    for now, duration in enumerate((1.0, 3.0, 2.0)):
        quickest.excess(duration, now)
    assert quickest.excess(4.0, MEMORY + 1, forgets=False) == 3.0
    assert quickest.excess(4.0, MEMORY + 1) == 2.0
    assert quickest.excess(4.0, MEMORY + 3) == 0.0


def test_durations_may_be_shifted_by_any_constant() -> None:
    quickest = Quickest()
    assert [quickest.excess(duration - 100, now) for now, duration in enumerate((3.0, 5.0))] == [0, 2]
