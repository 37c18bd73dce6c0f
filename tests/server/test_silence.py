"""What the others are told of a participant of whom nothing is heard: soon, seldom, and only if they understand it."""

from __future__ import annotations

import asyncio

from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.server.server_world import Client, World
from tests.virtual_time import virtual_time

INTERRUPTED, RESTORED = "participantInterrupted", "participantRestored"


async def watcher(world: World) -> Client:
    """Return a participant that says how many notifications it has received, as pyvidu's clients do."""
    client = await world.member()
    await client.call("ping", received=0)
    client.clear()
    return client


def told(client: Client) -> list[tuple[str, str]]:
    """Return which notices it got, with the participant of each."""
    return [
        (name, params["connectionId"]) for name, params in client.notifications() if name in (INTERRUPTED, RESTORED)
    ]


async def silence(client: Client, seconds: float) -> None:
    """Let the client fall silent, and be heard again at its next pong."""
    client.transport.alive = False
    await asyncio.sleep(seconds)
    client.transport.alive = True


@virtual_time
async def test_silence_is_told_within_3_s_and_its_end_with_the_next_byte() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        await asyncio.sleep(10.2)
        ada.transport.alive = False
        await asyncio.sleep(2.2)
        assert told(bob) == []
        await asyncio.sleep(0.7)
        assert told(bob) == [(INTERRUPTED, ada.id)]
        await asyncio.sleep(3)
        world.signaling.heard(ada.socket)
        assert told(bob) == [(INTERRUPTED, ada.id), (RESTORED, ada.id)]


@virtual_time
async def test_silence_of_a_second_is_not_told() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        for start in range(20):
            await asyncio.sleep(1 + start / 20)
            await silence(ada, 1)
        assert told(bob) == []


@virtual_time
async def test_resume_ends_a_silence() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        ada.transport.alive = False
        await asyncio.sleep(5)
        await ada.resume()
        assert told(bob) == [(INTERRUPTED, ada.id), (RESTORED, ada.id)]


@virtual_time
async def test_closed_socket_is_told_like_a_silent_one_and_not_when_it_is_replaced_at_once() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        world.signaling.closed(ada.socket, 1006)
        await asyncio.sleep(0.9)
        await ada.resume()
        await asyncio.sleep(5)
        assert told(bob) == []
        world.signaling.closed(ada.socket, 1006)
        await asyncio.sleep(3)
        assert told(bob) == [(INTERRUPTED, ada.id)]


@virtual_time
async def test_eviction_ends_a_silence_without_a_notice() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        ada.transport.alive = False
        await asyncio.sleep(13)
        assert bob.told() == [INTERRUPTED, "participantLeft", "participantEvicted"]
        assert world.signaling.profile.clocks == 1, "that of the other"


@virtual_time
async def test_three_silences_a_minute_are_told() -> None:
    async with World() as world:
        ada, bob = await world.member(), await watcher(world)
        for _ in range(9):
            await silence(ada, 4)
            await asyncio.sleep(2)
        assert told(bob) == [(INTERRUPTED, ada.id), (RESTORED, ada.id)] * 3
        await asyncio.sleep(20)
        bob.clear()
        await silence(ada, 4)
        await asyncio.sleep(1.1)
        assert told(bob) == [(INTERRUPTED, ada.id), (RESTORED, ada.id)]


@virtual_time
async def test_client_that_is_not_pyvidus_is_not_told_and_nobody_is_told_of_itself() -> None:
    async with World() as world:
        ada, official = await watcher(world), await world.member()
        official.clear()
        ada.clear()
        await silence(ada, 5)
        await asyncio.sleep(2)
        assert official.told() == ada.told() == []


@virtual_time
async def test_newcomer_is_told_once_who_is_silent() -> None:
    async with World() as world:
        ada = await world.member()
        ada.transport.alive = False
        await asyncio.sleep(4)
        bob = await world.member()
        assert told(bob) == []
        for _ in range(3):
            await bob.call("ping", received=0)
        assert told(bob) == [(INTERRUPTED, ada.id)]


@virtual_time
async def test_hidden_recorder_is_never_told_of() -> None:
    async with World() as world:
        recorder, bob = await world.member(), await watcher(world)
        member = world.room.find(recorder.id)
        assert member is not None
        member.token.connection_id = "RECORDER"
        recorder.transport.alive = False
        await asyncio.sleep(5)
        assert told(bob) == []


@virtual_time
async def test_profile_of_the_real_server_tells_nothing() -> None:
    async with World(KurentoProfile) as world:
        ada, bob = await world.member(), await watcher(world)
        ada.transport.alive = False
        await asyncio.sleep(8)
        assert told(bob) == []


@virtual_time
async def test_stall_of_the_server_is_no_silence() -> None:
    async with World() as world:
        await world.member()
        bob = await watcher(world)
        await asyncio.sleep(5.5)
        asyncio.get_running_loop().advance(6)  # type: ignore[attr-defined] # suspended: no callback ran
        await asyncio.sleep(5)
        assert told(bob) == []
