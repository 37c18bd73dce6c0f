"""What is felt of an attack, and that the harness notices it on a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import signal

import pytest

from benchmarks.hostile.attacks import ATTACKS, BY_NAME
from benchmarks.hostile.run import World
from benchmarks.hostile.verdict import Resources, Trial, is_felt, needs_another

BASELINE = Resources(100.0, 20, 3)
TRIAL = Trial("x", 5.0, 0.2, [0.002, 0.01], 0.1, 0.0, 0.5, BASELINE)


def test_trial_within_the_limits_is_not_felt() -> None:
    assert TRIAL.felt(BASELINE) == []


@pytest.mark.parametrize(
    ("change", "feeling"),
    [
        ({"gap": 0.51}, "no frame for 0.51 s"),
        ({"healthz": [0.11, 0.12, 0.13]}, "/healthz 120 ms at the median"),
        ({"healthz": [0.001, 0.002, 0.6]}, "/healthz 600 ms at worst"),
        ({"breach": "a guess"}, "got in: a guess"),
        (
            {"settled": None, "held": Resources(150.0, 25, 4)},
            "held at the end: +50 MiB, +5 descriptors, +1 participants",
        ),
    ],
)
def test_trial_beyond_a_limit_is_felt(change: dict[str, object], feeling: str) -> None:
    assert dataclasses.replace(TRIAL, **change).felt(BASELINE) == [feeling]  # type: ignore[arg-type]


def test_resources_are_back_within_20_mib_or_a_tenth_and_with_no_descriptor_more() -> None:
    assert Resources(119.0, 20, 3).is_back(BASELINE)
    assert not Resources(121.0, 20, 3).is_back(BASELINE)
    assert Resources(420.0, 20, 3).is_back(dataclasses.replace(BASELINE, memory=400.0))
    assert not Resources(100.0, 21, 3).is_back(BASELINE)
    assert not Resources(100.0, 20, 4).is_back(BASELINE)


@pytest.mark.parametrize(
    ("verdicts", "another", "felt"),
    [
        ([False], False, False),
        ([True], True, False),
        ([True, True], False, True),
        ([True, False], True, False),
        ([True, False, True], False, True),
        ([True, False, False], False, False),
    ],
)
def test_attack_is_felt_if_two_trials_say_so(verdicts: list[bool], another: bool, felt: bool) -> None:
    assert (needs_another(verdicts), is_felt(verdicts)) == (another, felt)


def test_every_attack_has_a_name_of_its_own_and_a_description() -> None:
    assert len(BY_NAME) == len(ATTACKS)
    assert all(attack.__doc__ for attack in ATTACKS)


async def test_refused_attack_is_not_felt_and_a_stopped_server_is() -> None:
    async with World.begin() as world:

        async def stop() -> dict[str, str]:
            world.server.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(1.5)  # the length of the outage
            world.server.process.send_signal(signal.SIGCONT)
            return {}

        refused = await world.attack("long_ids")
        stopped = await world.measure("stopped", stop())
    assert refused.settled is not None
    assert "ConnectionError" not in refused.breach
    assert stopped.gap > 1
    assert stopped.worst > 1
    assert len(stopped.felt(world.baseline)) >= 2
