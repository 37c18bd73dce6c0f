"""The same events on a server that does not tell: clients notice for themselves who is silent, in simulated calls."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.simulation.simulated_call import Call, Participant, a_call
from tests.simulation.simulated_network import now
from tests.simulation.test_others_are_told import watched
from tests.virtual_time import virtual_time

RHYTHM = 11.0  # seconds after which gaps of the beginning are forgotten


async def people(call: Call, *names: str) -> list[Participant]:
    """Let people join who publish, until they have known each other's streams for a while."""
    persons = [await call.participant(name) for name in names]
    await asyncio.sleep(RHYTHM)
    return persons


async def out(person: Participant, seconds: float, kind: str = "silent") -> None:
    """Drop the network of a person for a while."""
    person.link.drop(kind)
    await asyncio.sleep(seconds)
    person.link.restore(kind)


@pytest.mark.parametrize("names", [("ada", "bob"), ("ada", "bob", "carl")])
@virtual_time
async def test_others_notice_an_outage_within_3_s_and_its_end_at_once(names: tuple[str, ...]) -> None:
    async with a_call(KurentoProfile) as call:
        ada, *others = await people(call, *names)
        of_ada, seen = watched(ada), [watched(person) for person in others]
        began = now()
        await out(ada, 9)
        ended = now()
        await asyncio.sleep(3)
        for (interrupted, *first), (restored, *second) in seen:
            assert first == ["connectionInterrupted", ada.id, True]
            assert second == ["connectionRestored", ada.id, False]
            assert 1 < interrupted - began < 3
            assert 0 < restored - ended < 0.5
        assert of_ada == [], "whoever is out says nothing of others"


@virtual_time
async def test_outage_of_a_second_is_not_told_and_three_a_minute_are() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        for _ in range(3):
            await out(ada, 1.0)
            await asyncio.sleep(4)
        assert seen == []
        for _ in range(5):
            await out(ada, 4)
            await asyncio.sleep(4)
        names = ["connectionInterrupted", "connectionRestored"]
        assert [name for _, name, *_ in seen] == names * 3
        await asyncio.sleep(60)
        await out(ada, 4)
        await asyncio.sleep(1)
        assert [name for _, name, *_ in seen] == names * 4


@virtual_time
async def test_silence_that_lasts_is_told_when_the_minute_is_over() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        for _ in range(3):
            await out(ada, 15, "media")
            await asyncio.sleep(3)
        ada.link.drop("media")
        await asyncio.sleep(10)
        first, last = seen[0][0], seen[-1][0]
        assert [name for _, name, *_ in seen] == [
            *["connectionInterrupted", "connectionRestored"] * 3,
            "connectionInterrupted",
        ]
        assert last - first == pytest.approx(60, abs=0.1)
        ada.link.restore("media")


@pytest.mark.parametrize("kind", ["silent", "link", "media", "up", "down"])
@virtual_time
async def test_own_outage_says_nothing_of_others(kind: str) -> None:
    async with a_call(KurentoProfile) as call:
        _, bob, _ = await people(call, "ada", "bob", "carl")
        seen = watched(bob)
        for seconds in (2, 3, 6, 9):
            await out(bob, seconds, kind)
            await asyncio.sleep(5)
        assert seen == []


@virtual_time
async def test_whoever_returns_from_an_outage_of_its_own_waits_before_it_judges_others() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob, _ = await people(call, "ada", "bob", "carl")
        seen = watched(bob)
        await out(bob, 4)
        ada.link.drop("silent")
        await asyncio.sleep(6)
        assert seen == []
        ada.link.restore()
        await asyncio.sleep(RHYTHM)
        await out(ada, 4)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted"]


@virtual_time
async def test_interruption_before_an_outage_of_its_own_ends_when_the_other_is_heard() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        ada.link.drop("silent")
        await asyncio.sleep(4)
        bob.link.drop("silent")
        await asyncio.sleep(1)
        ada.link.restore()
        await asyncio.sleep(2)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted"]
        bob.link.restore()
        await asyncio.sleep(1)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionRestored"]


@virtual_time
async def test_stream_whose_sound_and_picture_are_off_says_nothing() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        assert ada.publisher is not None
        await ada.publisher.publish_audio(False)
        await out(ada, 4)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted"], "its camera should flow"
        await asyncio.sleep(RHYTHM)
        await ada.publisher.publish_video(False)
        await out(ada, 4)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionRestored"]


@pytest.mark.parametrize("doing", ["mutes", "signals"])
@virtual_time
async def test_whoever_does_something_is_there_though_its_media_is_not(doing: str) -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        ada.link.drop("media")
        await asyncio.sleep(4)
        assert ada.publisher is not None
        if doing == "mutes":
            await ada.publisher.publish_audio(False)
        else:
            await ada.session.signal(data="I am here", type="chat")
        await asyncio.sleep(0.1)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionRestored"]
        ada.link.restore("media")
        await asyncio.sleep(1)
        assert len(seen) == 2


@virtual_time
async def test_unpublishing_and_unsubscribing_end_an_interruption() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob, carl = await people(call, "ada", "bob", "carl")
        of_bob, of_carl = watched(bob), watched(carl)
        ada.link.drop("media")
        await asyncio.sleep(4)
        stream = carl.session.remote_connections[ada.id].stream
        assert stream is not None
        await carl.session.unsubscribe(stream.stream_manager)
        assert [name for _, name, *_ in of_carl] == ["connectionInterrupted", "connectionRestored"]
        assert [name for _, name, *_ in of_bob] == ["connectionInterrupted"]
        assert ada.publisher is not None
        await ada.session.unpublish(ada.publisher)
        await asyncio.sleep(0.1)
        assert [name for _, name, *_ in of_bob] == ["connectionInterrupted", "connectionRestored"]
        ada.link.restore("media")


@virtual_time
async def test_eviction_follows_an_interruption() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        await out(ada, 30)
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionDestroyed"]


@virtual_time
async def test_server_that_tells_is_relied_on() -> None:
    async with a_call() as call:
        ada, bob = await people(call, "ada", "bob")
        seen = watched(bob)
        await out(ada, 9, "media")
        assert seen == [], "the server hears her"


@virtual_time
async def test_who_returned_while_somebody_was_evicted_is_not_interrupted_after_the_rejoin() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        bob = Participant(call.world, "bob")
        bob.openvidu.set_advanced_configuration(rejoin=bob.fresh_token)
        call.participants.append(bob)
        await bob.join()
        await asyncio.sleep(RHYTHM)
        seen = watched(bob)
        ada.link.drop("silent")
        await asyncio.sleep(4)
        bob.link.drop("silent")
        await asyncio.sleep(2)
        ada.link.restore()
        await asyncio.sleep(12)
        bob.link.restore()
        await asyncio.sleep(5)
        assert bob.events("rejoined") == ["rejoined"]
        assert [name for _, name, *_ in seen] == ["connectionInterrupted", "connectionRestored"]
        assert not bob.session.remote_connections[ada.id].is_interrupted
