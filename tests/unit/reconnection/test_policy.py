"""The policy: which values it accepts, and what it returns for a delay and for a probe."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from pyvidu.reconnection.policy import (
    AttemptPolicy,
    DetectionPolicy,
    MediaPolicy,
    ReconnectionContext,
    ReconnectionPolicy,
    RequestPolicy,
)
from pyvidu.reconnection.rtt import RoundTrip

GROUPS: tuple[Callable[..., Any], ...] = (DetectionPolicy, AttemptPolicy, RequestPolicy, MediaPolicy)
OPTIONAL = {"limit", "give_up_after"}  # None: no limit
NUMBERS = [
    pytest.param(group, item.name, id=f"{group.__name__}.{item.name}")
    for group in (DetectionPolicy, AttemptPolicy, RequestPolicy, MediaPolicy)
    for item in fields(group)
    if not isinstance(item.default, bool)
]

OTHERS = [item for item in NUMBERS if item.values[1] in {"limit", "give_up_after", "rejoins", "queue_limit", "retries"}]
SECONDS = [item for item in NUMBERS if item not in OTHERS]


@pytest.mark.parametrize(("group", "name"), NUMBERS)
@pytest.mark.parametrize("value", [0, 0.0, -1, -0.001, math.nan])
def test_number_that_is_not_more_than_0_raises_an_error_that_names_it(
    group: type[Any], name: str, value: float
) -> None:
    with pytest.raises(ValueError, match=rf"^{group.__name__}\.{name} must be more than 0, not {value!r}$"):
        group(**{name: value})


@pytest.mark.parametrize(("group", "name"), NUMBERS)
def test_number_that_is_more_than_0_is_accepted(group: type[Any], name: str) -> None:
    assert getattr(group(**{name: 7}), name) == 7


@pytest.mark.parametrize(("group", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["3", True, [3]])
def test_value_that_is_no_number_raises_an_error_that_names_it(group: type[Any], name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{group.__name__}\.{name} must be a number, not "):
        group(**{name: value})


@pytest.mark.parametrize(("group", "name"), SECONDS)
def test_time_above_600_s_raises_an_error_that_suggests_seconds(group: type[Any], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{group.__name__}\.{name} is in seconds, .* did you mean 2\.5\?$"):
        group(**{name: 2500})
    assert getattr(group(**{name: 600}), name) == 600


@pytest.mark.parametrize(("group", "name"), OTHERS)
def test_count_above_600_and_a_long_time_until_giving_up_are_accepted(group: type[Any], name: str) -> None:
    assert getattr(group(**{name: 86_400}), name) == 86_400


@pytest.mark.parametrize(("group", "name"), [item for item in NUMBERS if item.values[1] not in OPTIONAL])
def test_number_that_is_no_limit_is_not_none(group: type[Any], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{group.__name__}\.{name} must be a number, not None$"):
        group(**{name: None})


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_limit_that_is_none_is_accepted(name: str) -> None:
    assert getattr(AttemptPolicy(**{name: None}), name) is None


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_switch_is_true_or_false(value: object) -> None:
    assert not MediaPolicy(pause_weak_video=False).pause_weak_video
    with pytest.raises(ValueError, match=r"^MediaPolicy\.pause_weak_video must be True or False, not "):
        MediaPolicy(pause_weak_video=value)  # type: ignore[arg-type]


def test_policy_has_four_groups_with_their_defaults() -> None:
    policy = ReconnectionPolicy()
    assert [getattr(policy, item.name) for item in fields(policy)] == [group() for group in GROUPS]
    assert ReconnectionPolicy(media=MediaPolicy(retries=1)).attempts == AttemptPolicy()


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1.0), (2, 0.5), (5, 0.5), (6, 2.5), (100, 2.5)])
def test_delay_after_unanswered_attempts_is_short_from_the_second_to_the_fifth(attempt: int, seconds: float) -> None:
    assert ReconnectionPolicy().next_delay(ReconnectionContext(attempt, 0.0, 0.5)) == seconds


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1.5), (2, 3.0), (3, 3.75), (100, 3.75)])
def test_ceiling_of_the_delay_doubles_up_to_the_cap_after_refusals(attempt: int, seconds: float) -> None:
    assert ReconnectionPolicy().next_delay(ReconnectionContext(attempt, 0.0, 0.5, refused=1)) == seconds


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.5), (0.5, 3.75), (0.75, 4.375)])
@pytest.mark.parametrize("refused", [1, 2, 100])
def test_delay_after_a_refusal_is_at_least_half_of_its_ceiling(jitter: float, seconds: float, refused: int) -> None:
    assert ReconnectionPolicy().next_delay(ReconnectionContext(3, 0.0, jitter, refused)) == seconds


@pytest.mark.parametrize(("attempt", "ends"), [(1, False), (2, False), (3, True), (4, True)])
def test_there_is_no_delay_after_the_last_attempt_of_a_limit(attempt: int, ends: bool) -> None:
    policy = ReconnectionPolicy(attempts=AttemptPolicy(limit=3))
    assert (policy.next_delay(ReconnectionContext(attempt, 0.0, 0.5)) is None) is ends


@pytest.mark.parametrize(("urgent", "floor"), [(True, 0.4), (False, 1.0)])
def test_probe_must_be_answered_within_the_floor_or_the_timeout_of_a_longer_round_trip(
    urgent: bool, floor: float
) -> None:
    policy, quick, slow = ReconnectionPolicy(), RoundTrip(), RoundTrip()
    quick.sample(0.02)
    slow.sample(1.5)
    assert policy.probe_deadline(quick, urgent=urgent) == floor
    assert policy.probe_deadline(slow, urgent=urgent) == slow.timeout > 1.5
