"""Events in the middle of a rejoin: the application leaves, the network drops again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyvidu import NotConnectedError, Session
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.simulation.simulated_call import Participant, a_call, until
from tests.simulation.simulated_host import SimulatedWorld
from tests.simulation.test_handlers_in_a_return import push
from tests.virtual_time import virtual_time

TOLD = ("reconnecting", "reconnected", "rejoined", "sessionDisconnected")


async def evicted(ada: Participant) -> None:
    ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
    ada.link.drop("silent")
    await asyncio.sleep(14)
    ada.link.restore()


@virtual_time
async def test_disconnect_in_the_handler_of_rejoined_ends_the_session() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        ada.session.on("rejoined", lambda _: ada.session.disconnect())
        await evicted(ada)
        await until(lambda: "sessionDisconnected(disconnect)" in ada.events(), timeout=5)
        await asyncio.sleep(5)
        assert ada.events(*TOLD) == ["reconnecting", "rejoined", "sessionDisconnected(disconnect)"]
        assert not ada.peers.alive


@virtual_time
async def test_call_between_eviction_and_rejoin_says_when_to_repeat_it() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        asked, goes_on = asyncio.Event(), asyncio.Event()

        async def fresh_token() -> str:
            asked.set()
            await goes_on.wait()
            return await ada.fresh_token()

        ada.openvidu.set_advanced_configuration(rejoin=fresh_token)
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await asked.wait()
        with pytest.raises(NotConnectedError, match="once it is rejoined"):
            await ada.session.signal(data="too early")
        goes_on.set()
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await ada.session.signal(data="in time")


@virtual_time
async def test_drop_right_after_a_rejoin_ends_in_reconnected() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.session.once("rejoined", lambda _: ada.link.drop("silent"))
        await evicted(ada)
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events(), timeout=5)
        await asyncio.sleep(10)
        assert ada.events(*TOLD) == ["reconnecting", "rejoined", "reconnecting", "reconnected"]
        assert len(ada.peers.alive) == len(bob.peers.alive) == 2
        assert [outage.end for outage in ada.session.outages] == ["rejoined", "reconnected"]


@virtual_time
async def test_video_that_was_not_forwarded_before_a_rejoin_is_told_as_resumed_once() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        events: list[str] = []
        for name in ("streamVideoPaused", "streamVideoResumed", "rejoined"):
            ada.session.on(name, lambda event: events.append(f"session: {event.type}"))
        (subscriber,) = [manager for manager in ada.session.stream_managers if manager.remote]
        for name in ("streamVideoPaused", "streamVideoResumed"):
            subscriber.on(name, lambda event: events.append(f"subscriber: {event.type}"))
        about = {"connectionId": bob.id, "streamId": bob.publisher.stream.stream_id}
        push(ada, "videoForwardingChanged", **about, forwarded=False, reason="bandwidth")
        await asyncio.sleep(1)
        await evicted(ada)
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await asyncio.sleep(10)
        told = [
            f"{target}: streamVideo{what}" for what in ("Paused", "Resumed") for target in ("session", "subscriber")
        ]
        assert events == [*told, "session: rejoined"]


@pytest.mark.parametrize("name", ["connectionDestroyed", "rejoined"])
@virtual_time
async def test_publisher_that_is_unpublished_or_left_with_in_a_rejoin_ends_once(name: str) -> None:
    def leaves(session: Session, _publisher: Any) -> None:
        session.disconnect()

    async def unpublishes(session: Session, publisher: Any) -> None:
        await session.unpublish(publisher)

    acts: list[Callable[[Session, Any], Any]] = [leaves, unpublishes]
    for act in acts:
        async with a_call() as call:
            ada, bob = await call.participant("ada"), await call.participant("bob")
            dave = await call.participant("dave", publish=False)
            ended: list[str] = []
            ada.publisher.on("streamDestroyed", lambda event, ended=ended: ended.append(event.reason))
            ada.session.on(name, lambda _, ada=ada, act=act: act(ada.session, ada.publisher))
            ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
            ada.link.drop("silent")
            dave.session.disconnect()
            await asyncio.sleep(14)
            ada.link.restore()
            await asyncio.sleep(10)
            assert ended == ["disconnect" if act is leaves else "unpublish"]
            assert not ada.publisher.stream.is_published
            assert ada.session.participation.is_member is (act is unpublishes)
            assert bob.events("streamCreated") == ["streamCreated"], "what ada published before, and nothing since"


async def _cancelled() -> str:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.cancel()
    return await future


async def _raises() -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize("rejoin", [_cancelled, _raises, lambda: 5])
@virtual_time
async def test_rejoin_callback_that_fails_whenever_it_is_called_ends_the_session(
    rejoin: Callable[[], Awaitable[str]],
) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        ada.openvidu.set_advanced_configuration(rejoin=rejoin)
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await asyncio.sleep(5)
        assert ada.events(*TOLD) == ["reconnecting"], "it is called again"
        await asyncio.sleep(100)
        assert ada.events(*TOLD) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]


async def _gives(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return await _cancelled() if value == "cancelled" else value


@pytest.mark.parametrize(
    "roster",
    [
        None, 5, "text", {}, {"content": None}, [None], [{}], [{"id": 5}], [{"id": "con_x", "publishers": 5}],
        [{"id": "con_x", "publishers": [None]}], [{"id": "con_x", "publishers": [{}]}], ZeroDivisionError("planted"),
        [{"id": "con_x", "publishers": [{"streamId": "str_x", "mediaOptions": {"videoDimensions": {}}}]}], "cancelled",
        [{"id": "con_x", "createdAt": "yesterday"}],
    ],
)  # fmt: skip
@virtual_time
async def test_roster_callback_that_fails_changes_nothing_and_is_told(
    roster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await call.participant("ada", roster=lambda: _gives(roster)), await call.participant("bob")
        ada.link.drop("link")
        await asyncio.sleep(1)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events(), timeout=5)
        told = len(ada.log)
        await asyncio.sleep(1)
        assert ada.log[told:] == []
        assert list(ada.session.remote_connections) == [bob.id]
        assert sum("the roster callback" in record.getMessage() for record in caplog.records) == 1


@virtual_time
async def test_server_that_is_stopped_ends_the_session_only_of_who_does_not_rejoin() -> None:
    async with a_call() as call, SimulatedWorld() as started:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        carol = await call.participant("carol", publish=False)
        for person in (ada, bob):
            person.openvidu.set_advanced_configuration(rejoin=person.fresh_token)
        before, published = ada.id, ada.publisher
        call.world.signaling.close()
        for person in (ada, bob, carol):
            person.link.refused = True
        await asyncio.sleep(4)
        assert carol.events(*TOLD) == ["sessionDisconnected(openviduServerStopped)"]
        assert ada.events(*TOLD) == bob.events(*TOLD) == ["reconnecting"]
        for person in (ada, bob):
            person.world = person.link.world = started
            person.link.refused = False
        await until(lambda: "rejoined" in ada.events() and "rejoined" in bob.events(), timeout=5)
        await asyncio.sleep(5)
        assert ada.events(*TOLD) == bob.events(*TOLD) == ["reconnecting", "rejoined"]
        assert ada.id != before
        assert published is not None
        assert published.stream.is_published
        assert len(ada.peers.alive) == len(bob.peers.alive) == 2, "each sends, and receives the other"
        assert [outage.end for outage in ada.session.outages] == ["rejoined"]
