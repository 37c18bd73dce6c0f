"""Which counters are reported as growing, and which are not."""

from __future__ import annotations

import pytest

from benchmarks.soak.growth import Tolerance, judge, slope


def rows(*values: float) -> list[tuple[int, dict[str, float]]]:
    return [(10 * number, {"sockets": value}) for number, value in enumerate(values, 1)]


COUNT = {"sockets": Tolerance(0.5)}


def test_constant_counter_does_not_grow() -> None:
    found = judge(rows(1, 1, 1, 1, 1), COUNT)
    assert (found["sockets"].per_span, found["sockets"].grows) == (0, False)


def test_one_leaked_socket_per_ten_drops_is_a_growth_of_ten_per_hundred() -> None:
    found = judge(rows(1, 2, 3, 4, 5), COUNT)
    assert (found["sockets"].per_span, found["sockets"].grows) == (10, True)


def test_one_leaked_socket_in_fifty_drops_is_growth() -> None:
    assert judge(rows(1, 1, 1, 1, 1, 2, 2, 2, 2, 2), COUNT)["sockets"].grows


def test_decreasing_counter_does_not_grow() -> None:
    assert not judge(rows(5, 5, 4, 3, 2), COUNT)["sockets"].grows


def test_warm_up_is_ignored() -> None:
    assert not judge(rows(1, 4, 4, 4, 4), COUNT)["sockets"].grows


def test_single_outlier_is_ignored() -> None:
    assert not judge(rows(4, 4, 4, 90, 4, 4, 4), COUNT)["sockets"].grows


def test_a_tolerance_may_be_a_share_of_the_counter() -> None:
    heap = rows(99, 100, 101, 102, 103)
    assert judge(heap, {"sockets": Tolerance(1, share=0.05)})["sockets"].grows
    assert not judge(heap, {"sockets": Tolerance(1, share=0.20)})["sockets"].grows


def test_too_few_rows_give_no_result() -> None:
    assert judge(rows(1, 2), COUNT) == {}
    with pytest.raises(ValueError, match="no slope"):
        slope([(10, 1.0)])


def test_counter_without_a_tolerance_is_an_error() -> None:
    with pytest.raises(KeyError, match="sockets"):
        judge(rows(1, 1, 1), {})
