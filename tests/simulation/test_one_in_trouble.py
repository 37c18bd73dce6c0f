"""Worlds in which one person has all the trouble, on a server that does not tell: the others are calm and must notice it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.mutation import Mutation
from tests.simulation.others_invariants import OthersAreTold, OthersAreToldRarely
from tests.simulation.schedule import Person, Plan, plan
from tests.simulation.simulated_world import live

WORLDS = 25


def one_in_trouble(seed: int) -> Plan:
    """Return the world of `seed` with the faults and actions of one of three people."""
    whole = plan(seed)
    entries = tuple(entry for entry in whole.entries if entry.who == 0 and entry.kind not in ("evict", "disconnect"))
    people = (replace(whole.people[0], publishes=True), Person(), Person(publishes=seed % 2 == 0))
    return replace(whole, profile="kurento", people=people, entries=entries)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_calm_people_notice_the_outages_of_one(seed: int) -> None:
    outcome = live(one_in_trouble(seed))
    assert outcome.broken is None, outcome.tell()


MUTATIONS = (
    ("tick", "found.append(publisher)", "pass", OthersAreTold),
    ("_answered", "max(since + _UNHEARD_AFTER, ", "max(since + 3 * _UNHEARD_AFTER, ", OthersAreTold),
    ("_answered", "reported[0] + _PERIOD if len(reported) == _MOST else now", "now", OthersAreToldRarely),
    ("heard", "return True", "return False", OthersAreTold),
)


@pytest.mark.parametrize(("where", "old", "new", "invariant"), MUTATIONS)
def test_fault_of_what_notices_them_is_caught(where: str, old: str, new: str, invariant: type[OthersAreTold]) -> None:
    fault = Mutation(new, f"reconnection.publisher_silence:PublisherSilence.{where}", old, new)
    with fault.applied():
        broken = [live(one_in_trouble(seed)).broken for seed in range(WORLDS)]
    assert invariant.name in {item.invariant for item in broken if item is not None}
