"""The estimate of the round-trip time."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.rtt import SURPRISE, RoundTrip


def estimate(*samples: float) -> RoundTrip:
    """Return an estimate from these samples."""
    made = RoundTrip()
    for value in samples:
        made.sample(value)
    return made


def test_without_a_sample_there_is_no_timeout() -> None:
    assert (estimate().smoothed, estimate().timeout) == (None, 0.0)


def test_first_sample_counts_in_full_with_half_of_it_as_variation() -> None:
    assert (estimate(0.2).smoothed, estimate(0.2).timeout) == (0.2, pytest.approx(0.6))


def test_further_samples_count_as_in_rfc_6298() -> None:
    made = estimate(0.2, 0.4)
    assert made.variation == pytest.approx(0.75 * 0.1 + 0.25 * 0.2)
    assert made.smoothed == pytest.approx(0.875 * 0.2 + 0.125 * 0.4)


def test_steady_path_is_expected_to_stay_so() -> None:
    assert estimate(*[0.1] * 100).timeout == pytest.approx(0.1, abs=0.001)


def test_one_sample_of_an_hour_is_capped_and_a_path_that_became_slow_is_learned_from_several() -> None:
    assert estimate(3600.0).smoothed == SURPRISE
    once, often = estimate(0.1, 3600.0), estimate(0.1, *[3600.0] * 100)
    assert once.timeout < 3.0
    assert often.timeout > 3600.0
