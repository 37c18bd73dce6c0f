"""`outageSettled` and `session.settled()`: when the media of an outage is verified, and what comes instead."""

from __future__ import annotations

import asyncio
import gc

import pytest

from pyvidu import Outage, OutageSettledEvent
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.virtual_time import virtual_time

NAMES = ("reconnecting", "reconnected", "rejoined", "outageSettled", "sessionDisconnected")


async def two(call: Call) -> tuple[Participant, list[str], list[Outage]]:
    """Return a participant, in a call with another one, the names of its events and the outages that settled."""
    ada, _ = await call.participant("ada"), await call.participant("bob")
    told, outages = watched(ada)
    return ada, told, outages


def watched(person: Participant) -> tuple[list[str], list[Outage]]:
    told: list[str] = []
    outages: list[Outage] = []

    def settled(event: OutageSettledEvent) -> None:
        outages.append(event.outage)

    for name in NAMES:
        person.session.on(name, lambda event: told.append(event.type))
    person.session.on("outageSettled", settled)
    return told, outages


async def drop(person: Participant, seconds: float, *, dead_media: bool = False) -> None:
    person.link.drop("silent")
    await asyncio.sleep(seconds)
    person.link.restore(dead_media=dead_media)


@virtual_time
async def test_outage_settles_once_after_reconnected_when_all_streams_are_healthy() -> None:
    async with a_call() as call:
        ada, told, outages = await two(call)
        await drop(ada, 4)
        assert await ada.session.settled()
        (outage,) = ada.session.outages
        assert sorted(record.outcome or "" for record in outage.streams.values()) == ["healthy", "healthy"]
        await asyncio.sleep(60)
        assert told == ["reconnecting", "reconnected", "outageSettled"]
        assert outages == [outage]


@virtual_time
async def test_outage_settles_when_every_frozen_stream_flows_again_both_ways() -> None:
    async with a_call() as call:
        ada, told, _ = await two(call)
        await drop(ada, 9, dead_media=True)
        await until(lambda: "reconnected" in told)
        assert "outageSettled" not in told
        assert await ada.session.settled()
        (outage,) = ada.session.outages
        assert [record.outcome for record in outage.streams.values()] == ["renegotiated", "renegotiated"]
        assert told == ["reconnecting", "reconnected", "outageSettled"]


@virtual_time
async def test_outage_of_a_session_without_streams_settles_in_the_step_after_reconnected() -> None:
    async with a_call() as call:
        ada = await call.participant("ada", publish=False)
        told, _ = watched(ada)
        states: list[list[str]] = []

        @ada.session.on("reconnected")
        async def _() -> None:
            states.append(list(told))
            assert await ada.session.settled()
            states.append(list(told))

        await drop(ada, 4)
        await until(lambda: "reconnected" in told)
        assert told == ["reconnecting", "reconnected", "outageSettled"]
        assert states == [told[:2], told], "the first step of async handlers comes before"


@virtual_time
async def test_next_outage_before_the_media_is_verified_takes_the_place_of_the_event() -> None:
    async with a_call() as call:
        ada, told, outages = await two(call)
        await drop(ada, 9, dead_media=True)
        waiting = asyncio.create_task(ada.session.settled())
        await until(lambda: "reconnected" in told)
        ada.link.drop("link")
        await until(lambda: told.count("reconnecting") == 2)
        assert await waiting is False
        await asyncio.sleep(3)
        ada.link.restore()
        assert await ada.session.settled()
        first, second = ada.session.outages
        assert outages == [second]
        assert await ada.session.settled(first) is False
        assert await ada.session.settled(second) is True
        assert told == ["reconnecting", "reconnected", "reconnecting", "reconnected", "outageSettled"]


@virtual_time
async def test_disconnect_before_the_media_is_verified_ends_the_waiting() -> None:
    async with a_call() as call:
        ada, told, _ = await two(call)
        await drop(ada, 9, dead_media=True)
        waiting = asyncio.create_task(ada.session.settled())
        await until(lambda: "reconnected" in told)
        ada.session.disconnect()
        assert await waiting is False
        await asyncio.sleep(30)
        assert told == ["reconnecting", "reconnected", "sessionDisconnected"]


@pytest.mark.parametrize("name", ["reconnected", "outageSettled"])
@virtual_time
async def test_nothing_is_fired_after_a_disconnect_in_a_handler(name: str) -> None:
    async with a_call() as call:
        ada, told, _ = await two(call)
        ada.session.on(name, lambda: ada.session.disconnect())
        await drop(ada, 4)
        await until(lambda: "sessionDisconnected" in told)
        await asyncio.sleep(30)
        assert told[-2:] == [name, "sessionDisconnected"]


@virtual_time
async def test_eviction_ends_the_waiting() -> None:
    async with a_call() as call:
        ada, told, _ = await two(call)
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in told)
        waiting = asyncio.create_task(ada.session.settled())
        await asyncio.sleep(14)
        ada.link.restore()
        assert await waiting is False
        assert told == ["reconnecting", "sessionDisconnected"]


@virtual_time
async def test_outage_settles_after_rejoined_when_the_streams_have_moved_and_flow() -> None:
    async with a_call() as call:
        ada, told, outages = await two(call)
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        await drop(ada, 14)
        assert await ada.session.settled()
        assert told == ["reconnecting", "rejoined", "outageSettled"]
        (outage,) = outages
        assert outage.end == "rejoined"
        assert [record.outcome for record in outage.streams.values()] == ["renegotiated", "renegotiated"]
        await asyncio.sleep(60)
        assert len(outages) == 1


@virtual_time
async def test_drop_while_the_streams_move_after_a_rejoin_leaves_one_event_for_the_last_outage() -> None:
    async with a_call() as call:
        ada, told, outages = await two(call)
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        ada.session.once("rejoined", lambda: ada.link.drop("silent"))
        await drop(ada, 14)
        await until(lambda: "rejoined" in told)
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: "outageSettled" in told, timeout=30)
        await asyncio.sleep(60)
        assert told == ["reconnecting", "rejoined", "reconnecting", "reconnected", "outageSettled"]
        assert outages == [ada.session.outages[-1]]
        assert len(ada.peers.alive) == 2


@virtual_time
async def test_session_without_an_outage_is_settled_and_so_is_one_that_never_connected() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        assert await ada.session.settled() is True
        assert await Participant(call.world, "eve").session.settled() is True


def records_kept() -> int:
    """Return how many records of outages there are in this process."""
    gc.collect()
    return len([thing for thing in gc.get_objects() if type(thing) is Outage])


@virtual_time
async def test_new_connection_of_a_session_leaves_nothing_of_the_outages_before() -> None:
    kept = records_kept()  # by other tests
    async with a_call() as call:
        ada, _, outages = await two(call)
        await drop(ada, 4)
        assert await ada.session.settled()
        ada.session.disconnect()
        await ada.join()
        assert len(outages) == 1
        outages.clear()
        assert records_kept() == kept
