"""Who is told of whose network, and when."""

from __future__ import annotations

from typing import Any

from pyvidu.server.media.path_counters import ParticipantPaths, PathCounters
from pyvidu.server.quality.watch import QualityWatch
from tests.server.server_world import Client, World, settle
from tests.virtual_time import virtual_time

CHANGED = "networkQualityLevelChanged"
SLOW = ParticipantPaths(downlink=PathCounters(round_trip_time=0.5))


def told(client: Client) -> list[dict[str, Any]]:
    return [params for _, params in client.notifications(CHANGED)]


@virtual_time
async def test_everybody_is_told_of_a_change_once_and_who_comes_later_of_who_is_not_well() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        quality = QualityWatch(world.rooms)
        quality.look(late=0)
        world.media.found_paths = {ada.id: SLOW}
        for _ in range(5):
            quality.look(late=0)
        changed = {
            "connectionId": ada.id,
            "newValue": 3,
            "oldValue": 5,
            "reason": "roundTripTime",
            "direction": "downlink",
        }
        assert told(ada) == told(bob) == [changed]
        carl = await world.member()
        for _ in range(5):
            quality.look(late=0)
        assert told(carl) == [changed]
        assert told(ada) == [changed]


@virtual_time
async def test_silent_participant_has_level_0() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        quality = QualityWatch(world.rooms)
        quality.look(late=0)
        member = world.room.find(ada.id)
        assert member is not None
        for silent in (True, False):
            world.room.tell_silence(member, silent=silent)
            quality.look(late=0)
        assert [(one["oldValue"], one["newValue"], one["reason"]) for one in told(bob)] == [
            (5, 0, "silence"),
            (0, 5, ""),
        ]


@virtual_time
async def test_look_that_is_late_tells_nothing() -> None:
    async with World() as world:
        ada = await world.member()
        quality = QualityWatch(world.rooms)
        world.media.found_paths = {ada.id: SLOW}
        for _ in range(5):
            quality.look(late=0.6)
        assert told(ada) == []


@virtual_time
async def test_nobody_is_told_of_who_has_left() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        quality = QualityWatch(world.rooms)
        world.media.found_paths = {ada.id: SLOW}
        quality.look(late=0)
        await ada.call("leaveRoom")
        await settle()
        quality.look(late=0)
        quality.look(late=0)
        assert told(bob) == []
