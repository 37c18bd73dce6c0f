"""`connectionInterrupted` and `connectionRestored`: what the others see of an outage, in simulated calls."""

from __future__ import annotations

import asyncio

from pyvidu import ConnectionEvent
from tests.simulation.simulated_call import Participant, a_call
from tests.simulation.simulated_network import now
from tests.virtual_time import virtual_time

NAMES = ("connectionInterrupted", "connectionRestored", "connectionDestroyed")


def watched(person: Participant) -> list[tuple[float, str, str, bool]]:
    """Return a list that gets the events: when, which, about whom, and whether it is interrupted then."""
    seen: list[tuple[float, str, str, bool]] = []

    def note(event: ConnectionEvent) -> None:
        seen.append((now(), event.type, event.connection.connection_id, event.connection.is_interrupted))

    for name in NAMES:
        person.session.on(name, note)
    return seen


@virtual_time
async def test_others_see_an_outage_within_3_s_and_its_end_at_once() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        of_ada, of_bob = watched(ada), watched(bob)
        began = now()
        ada.link.drop("silent")
        await asyncio.sleep(9)
        ada.link.restore()
        ended = now()
        await asyncio.sleep(3)
        (interrupted, *first), (restored, *second) = of_bob
        assert first == ["connectionInterrupted", ada.id, True]
        assert second == ["connectionRestored", ada.id, False]
        assert 1 < interrupted - began < 3
        assert 0 < restored - ended < 0.5
        assert of_ada == [], "nobody is told of itself, and she has heard of bob all the time"


@virtual_time
async def test_outage_of_less_than_a_second_is_kept_from_the_others() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        seen = watched(bob)
        for _ in range(5):
            ada.link.drop("silent")
            await asyncio.sleep(0.9)
            ada.link.restore()
            await asyncio.sleep(4)
        assert seen == []


@virtual_time
async def test_two_that_drop_together_learn_of_each_other_what_they_missed() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        seen = watched(bob)
        for person in (ada, bob):
            person.link.drop("silent")
        await asyncio.sleep(5)
        bob.link.restore()
        await asyncio.sleep(2)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted"]
        ada.link.restore()
        await asyncio.sleep(2)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionRestored"]


@virtual_time
async def test_eviction_follows_an_interruption() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        seen = watched(bob)
        ada.link.drop("silent")
        await asyncio.sleep(14)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionDestroyed"]
        ada.link.restore()
