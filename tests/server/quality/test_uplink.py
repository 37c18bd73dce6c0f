"""Who is told that nothing of it arrives: soon, once, and only of what has just stopped."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.server.quality.uplink import INTERVAL, UplinkWatch
from tests.server.server_world import Client, World
from tests.virtual_time import virtual_time

INTERRUPTED, RESTORED, MISSING = "participantInterrupted", "participantRestored", "publishedMediaMissing"


class Uplink:
    """The way up of a participant who publishes, pings every second and is told of silences."""

    def __init__(self, world: World, client: Client) -> None:
        self._world, self._client = world, client
        self._watch = UplinkWatch(world.rooms)
        self.rtp = self.signaling = True
        self.id, self.stream = client.id, ""

    async def publish(self) -> Uplink:
        self.stream = await self._client.publish()
        return self

    @property
    def is_unheard(self) -> bool:
        """Return what the answer to a probe says."""
        return self._watch.is_unheard(self._client.probe_id)

    async def resume(self, ip: str = "127.0.0.1") -> None:
        await self._client.resume(ip)
        self._client.transport.alive = False
        self._client.clear()
        self.signaling = True

    def look_late(self, late: float) -> list[str]:
        """Look as a loop does that has stood still for `late` seconds; return what the participant is told."""
        self._watch.look(asyncio.get_running_loop().time() + late, late=late)
        return [method for method, _ in self._client.notifications()]

    async def run(self, seconds: float, what: str = INTERRUPTED) -> list[float]:
        """Let time pass; return when the participant was told that nothing of it arrives, in seconds from now.

        `what` is `RESTORED` for when it was told that only its signaling does not.
        """
        loop = asyncio.get_running_loop()
        began, told = loop.time(), []
        while loop.time() < began + seconds - INTERVAL / 2:
            if self.rtp:
                self._world.media.last_rtp[self._client.id] = loop.time()
            if self.signaling and round(loop.time() / INTERVAL) % 20 == 0:
                self._world.signaling.heard(self._client.socket)
            await asyncio.sleep(INTERVAL)
            self._watch.look(loop.time(), late=0)
            notices = self._client.notifications(what)
            self._client.clear()
            told += [round(loop.time() - began, 2) for _ in notices]
            about = {"streamId": self.stream} if what == MISSING else {"connectionId": self._client.id}
            assert all(params == about for _, params in notices)
        return told


async def an_uplink(world: World, *, notices: bool = True) -> Uplink:
    client = await world.member()
    world.media.last_rtp[client.id] = 0.0
    if notices:
        await client.call("ping", received=0)
    client.transport.alive = False  # it answers no ping of the server: what it sends is up to the test
    client.clear()
    uplink = Uplink(world, client)
    assert await uplink.run(5) == []
    return uplink


@virtual_time
async def test_dead_way_up_is_told_within_half_a_second_and_once() -> None:
    async with World() as world:
        uplink = await an_uplink(world)
        uplink.rtp = uplink.signaling = False
        assert await uplink.run(5) in ([0.4], [0.5])
        uplink.rtp = uplink.signaling = True
        assert await uplink.run(5) == []
        uplink.rtp = uplink.signaling = False
        assert await uplink.run(5) in ([0.4], [0.5])


@virtual_time
async def test_participant_whose_signaling_arrives_is_told_at_most_once_that_its_media_does_not() -> None:
    async with World() as world:
        uplink = await an_uplink(world)
        uplink.rtp = False
        assert len(await uplink.run(20)) <= 1


@virtual_time
async def test_signaling_alone_that_does_not_arrive_is_told_once_a_silence() -> None:
    async with World() as world:
        uplink = await an_uplink(world)
        for _ in range(2):
            uplink.signaling = False
            told = await uplink.run(5, RESTORED)
            assert len(told) == 1
            assert told[0] <= 1.2
            uplink.signaling = True
            assert await uplink.run(5, RESTORED) == []
        await uplink.run(0.5)  # so that the last of both is not a second apart
        uplink.rtp = uplink.signaling = False
        assert await uplink.run(5, RESTORED) == [], "nothing would arrive"


@virtual_time
async def test_who_sends_no_media_is_told_that_its_signaling_does_not_arrive_either() -> None:
    async with World() as world:
        client = await world.member()
        await client.call("ping", received=0)
        viewer = Uplink(world, client)
        viewer.rtp = False
        client.transport.alive = False
        assert await viewer.run(5, RESTORED) == []
        viewer.signaling = False
        assert len(await viewer.run(5, RESTORED)) == 1


@virtual_time
async def test_who_sends_no_media_or_gets_no_notices_is_told_nothing() -> None:
    async with World() as world:
        uplink = await an_uplink(world, notices=False)
        uplink.rtp = uplink.signaling = False
        assert await uplink.run(5) == []
        viewer = Uplink(world, await world.member())
        viewer.rtp = viewer.signaling = False
        assert await viewer.run(5) == []


@virtual_time
async def test_stream_that_does_not_follow_its_resumed_signaling_is_told_once() -> None:
    async with World() as world:
        uplink = await (await an_uplink(world)).publish()
        for outage in (0.7, 9.0):  # seconds
            uplink.rtp = uplink.signaling = False
            assert await uplink.run(outage, MISSING) == []
            await uplink.resume()
            assert await uplink.run(5, MISSING) in ([0.1], [0.15])
            uplink.rtp = True
            assert await uplink.run(3, MISSING) == []


@pytest.mark.parametrize(
    ("gap", "ip", "expected"),
    [
        (0.0, "127.0.0.1", 0.1),
        (0.1, "127.0.0.1", 0.2),
        (0.4, "127.0.0.1", 0.5),
        (0.0, "10.0.0.1", 0.05),
        (0.1, "10.0.0.1", 0.05),
        (0.4, "10.0.0.1", 0.2),
    ],
)
@virtual_time
async def test_stream_is_told_as_missing_the_sooner_the_steadier_it_was_and_after_another_address(
    gap: float, ip: str, expected: float
) -> None:
    async with World() as world:
        uplink = await (await an_uplink(world)).publish()
        await uplink.run(6)
        uplink.rtp = False
        await uplink.run(gap)
        uplink.rtp = True
        await uplink.run(9)
        uplink.rtp = uplink.signaling = False
        await uplink.run(0.8, MISSING)
        await uplink.resume(ip)
        (told,) = await uplink.run(3, MISSING)
        assert expected <= told <= expected + INTERVAL


@virtual_time
async def test_time_in_which_the_server_stood_still_is_not_waited_for() -> None:
    async with World() as world:
        uplink = await (await an_uplink(world)).publish()
        uplink.rtp = uplink.signaling = False
        await uplink.run(0.8)
        await uplink.resume()
        assert await uplink.run(INTERVAL, MISSING) == []
        assert uplink.look_late(0.15) == []
        assert len(await uplink.run(2 * INTERVAL, MISSING)) == 1


@virtual_time
async def test_stream_that_follows_or_had_stopped_before_the_outage_is_not_told_as_missing() -> None:
    async with World() as world:
        uplink = await (await an_uplink(world)).publish()
        await uplink.resume()
        assert await uplink.run(3, MISSING) == [], "it follows"
        uplink.rtp = False
        assert await uplink.run(3, MISSING) == [], "its signaling was not resumed"
        await uplink.resume()
        assert await uplink.run(3, MISSING) == [], "it had stopped before"


@virtual_time
async def test_who_publishes_nothing_or_gets_no_notices_is_not_told_of_missing_media() -> None:
    async with World() as world:
        without = await an_uplink(world)
        official = await (await an_uplink(world, notices=False)).publish()
        for uplink in (without, official):
            uplink.rtp = uplink.signaling = False
            await uplink.run(1)
            await uplink.resume()
            assert await uplink.run(3, MISSING) == []


@virtual_time
async def test_look_that_is_late_tells_nothing() -> None:
    async with World() as world:
        ada = await world.member()
        await ada.call("ping", received=0)
        ada.clear()
        watch, now = UplinkWatch(world.rooms), asyncio.get_running_loop().time() + 1
        world.media.last_rtp[ada.id] = now - 0.5
        watch.look(now, late=0.3)
        assert ada.notifications(INTERRUPTED) == []
        watch.look(now, late=0.1)
        assert len(ada.notifications(INTERRUPTED)) == 1


@virtual_time
async def test_answer_to_a_probe_says_that_nothing_arrives_until_something_does() -> None:
    async with World() as world:
        uplink = await an_uplink(world)
        await uplink.run(3)
        assert not uplink.is_unheard
        uplink.rtp = uplink.signaling = False
        await uplink.run(0.3)
        assert not uplink.is_unheard
        await uplink.run(9)
        assert uplink.is_unheard
        world.media.last_rtp[uplink.id] = asyncio.get_running_loop().time()
        assert not uplink.is_unheard, "before the next look, too"


@virtual_time
async def test_answer_to_a_probe_says_nothing_of_who_is_heard_or_had_stopped_sending_before() -> None:
    async with World() as world:
        uplink = await an_uplink(world)
        await uplink.run(3)
        uplink.rtp = False
        await uplink.run(3)
        uplink.signaling = False
        await uplink.run(3)
        assert not uplink.is_unheard
        uplink.rtp = True
        await uplink.run(3)
        assert not uplink.is_unheard


@virtual_time
async def test_answer_to_a_probe_of_nobody_says_nothing() -> None:
    async with World() as world:
        assert not UplinkWatch(world.rooms).is_unheard("")
