"""Imitated drops below the HTTP door: deaf and mute towards one participant, on both planes, for a while."""

from __future__ import annotations

import asyncio

from server_world import World, settle

from virtual_time import virtual_time


@virtual_time
async def test_a_short_silence_loses_nothing_of_what_the_server_wanted_to_send() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        world.faults.start(world.room.find(ada.id), "silent", 4)  # type: ignore[arg-type]
        ada.clear()
        await bob.publish()
        assert ada.told() == []
        assert world.media.named("deaf") == [("deaf", ada.id)]
        await asyncio.sleep(4.1)
        assert ada.told() == ["participantPublished"]
        assert world.media.named("hearing") == [("hearing", ada.id)]
        assert len(world.faults) == 0


@virtual_time
async def test_a_long_silence_ends_in_an_eviction_on_the_servers_clock() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        world.faults.start(world.room.find(ada.id), "silent", 14)  # type: ignore[arg-type]
        await asyncio.sleep(11)
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(1.1)
        assert bob.notifications("participantLeft")


@virtual_time
async def test_a_resume_hangs_until_the_end_and_then_succeeds() -> None:
    async with World() as world:
        ada = await world.member()
        world.faults.start(world.room.find(ada.id), "silent", 9)  # type: ignore[arg-type]
        await asyncio.sleep(3)
        ada.open()
        ada.send("connect", sessionId=ada.rpc_id, reconnect=True)
        await asyncio.sleep(5.9)
        assert ada.transport.sent == []
        await asyncio.sleep(0.2)
        assert ada.transport.sent[-1]["result"]["value"] == "reconnection successful"


@virtual_time
async def test_a_resume_of_one_evicted_meanwhile_hangs_until_the_end_and_is_then_refused() -> None:
    async with World() as world:
        ada = await world.member()
        await world.member()
        world.faults.start(world.room.find(ada.id), "silent", 20)  # type: ignore[arg-type]
        await asyncio.sleep(15)
        ada.open()
        ada.send("connect", sessionId=ada.rpc_id, reconnect=True)
        await asyncio.sleep(4.9)
        assert ada.transport.sent == []
        await asyncio.sleep(0.2)
        assert ada.transport.sent[-1]["error"]["code"] == 40007


@virtual_time
async def test_dead_media_is_killed_at_the_start() -> None:
    async with World() as world:
        ada = await world.member()
        world.faults.start(world.room.find(ada.id), "dead-media", 9)  # type: ignore[arg-type]
        assert world.media.named("kill") == [("kill", ada.id)]


@virtual_time
async def test_a_second_fault_moves_the_end_of_the_first() -> None:
    async with World() as world:
        ada = await world.member()
        participant = world.room.find(ada.id)
        assert participant is not None
        world.faults.start(participant, "silent", 4)
        await asyncio.sleep(3)
        world.faults.start(participant, "silent", 4)
        await asyncio.sleep(3.9)
        assert len(world.faults) == 1
        await asyncio.sleep(0.2)
        assert len(world.faults) == 0
        assert ada.transport.holds == 0
        assert await ada.result("echo")


@virtual_time
async def test_the_others_notice_nothing() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        bob.clear()
        world.faults.start(world.room.find(ada.id), "silent", 4)  # type: ignore[arg-type]
        assert world.faults.of_probe(bob.probe_id) is None
        assert world.faults.of_probe(ada.probe_id) is not None
        assert world.faults.of_probe(None) is None
        assert await bob.result("echo")
        await asyncio.sleep(5)
        await settle()
        assert bob.told() == ["result"]
