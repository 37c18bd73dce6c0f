"""`session.state` at every event, `async with session.connect(...)`, and connecting again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu import ConnectionFailedError, OpenViduError, Session, SessionState
from tests.simulation.simulated_call import EVENTS, Participant, a_call, until
from tests.virtual_time import virtual_time


def watched(person: Participant) -> list[tuple[str, str]]:
    """Return a list that gets each event with the state in its handler, the publisher's end included."""
    seen: list[tuple[str, str]] = []

    def note(event: Any) -> None:
        seen.append((event.type, person.session.state.value))

    for name in (*EVENTS, "reconnectionAttempt"):
        person.session.on(name, note)
    if person.publisher is not None:
        person.publisher.on("streamDestroyed", note)
    return seen


@virtual_time
async def test_state_is_new_before_and_connecting_while_joining_and_connected_at_the_first_event() -> None:
    async with a_call() as call:
        await call.participant("bob")
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        seen = watched(ada)
        assert ada.session.state is SessionState.NEW
        joining = asyncio.create_task(ada.join(publish=False))
        await asyncio.sleep(0)
        assert ada.session.state is SessionState.CONNECTING
        await joining
        assert seen[0] == ("connectionCreated", "connected")
        assert {state for _, state in seen} == {"connected"}
        assert ada.session.state is SessionState.CONNECTED


@virtual_time
async def test_state_is_new_again_after_a_connect_that_failed() -> None:
    async with a_call() as call:
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        ada.link.drop("link")
        with pytest.raises(ConnectionFailedError):
            await ada.session.connect(await ada.fresh_token())
        assert ada.session.state is SessionState.NEW


@virtual_time
async def test_state_is_reconnecting_from_the_handler_of_reconnecting_to_that_of_reconnected() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        seen = watched(ada)
        ada.link.drop("silent")
        await asyncio.sleep(4)
        assert ada.session.state is SessionState.RECONNECTING
        bob.session.disconnect()
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: "connectionDestroyed(disconnect)" in ada.events())
        names = [name for name, _ in seen]
        back = names.index("reconnected")
        assert names[0] == "reconnecting"
        assert {state for _, state in seen[:back]} == {"reconnecting"}
        assert {state for _, state in seen[back:]} == {"connected"}


@virtual_time
async def test_state_is_disconnected_in_every_event_of_the_end_by_an_eviction() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        seen = watched(ada)
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: ada.session.state is SessionState.DISCONNECTED)
        assert seen[-2:] == [("streamDestroyed", "disconnected"), ("sessionDisconnected", "disconnected")]


@virtual_time
async def test_state_is_disconnected_in_every_event_of_disconnect() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        seen = watched(ada)
        ada.session.disconnect()
        assert seen == [("streamDestroyed", "disconnected"), ("sessionDisconnected", "disconnected")]
        assert ada.session.state is SessionState.DISCONNECTED


@virtual_time
async def test_state_is_reconnecting_until_the_session_has_rejoined() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        seen = watched(ada)
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: "rejoined" in ada.events())
        names = [name for name, _ in seen]
        back = names.index("rejoined")
        assert {state for _, state in seen[:back]} == {"reconnecting"}
        assert seen[back] == ("rejoined", "connected")


@virtual_time
async def test_session_connects_again_after_its_end_with_events_and_outages_of_its_own() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: ada.session.state is SessionState.DISCONNECTED)
        told = len(ada.log)
        joining = asyncio.create_task(ada.join())
        await asyncio.sleep(0)
        assert ada.session.state is SessionState.CONNECTING
        await joining
        assert ada.session.state is SessionState.CONNECTED
        assert [name for _, name, _ in ada.log[told:]].count("connectionCreated") == 2
        assert list(ada.session.remote_connections) == [bob.id]
        assert list(ada.session.outages) == []


@virtual_time
async def test_async_with_connects_and_disconnects_at_its_end() -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob"), Participant(call.world, "ada")
        call.participants.append(ada)
        async with ada.session.connect(await ada.fresh_token(), {"name": "ada"}) as session:
            assert session is ada.session
            assert session.state is SessionState.CONNECTED
        assert ada.session.state is SessionState.DISCONNECTED
        await until(lambda: "connectionDestroyed(disconnect)" in bob.events())


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
@virtual_time
async def test_async_with_disconnects_when_its_body_raises_or_is_cancelled(error: type[BaseException]) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob"), Participant(call.world, "ada")
        call.participants.append(ada)
        with pytest.raises(error):
            async with ada.session.connect(await ada.fresh_token()):
                raise error
        assert ada.events("sessionDisconnected") == ["sessionDisconnected(disconnect)"]
        await until(lambda: "connectionDestroyed(disconnect)" in bob.events())


@virtual_time
async def test_async_with_sends_nothing_at_its_end_when_the_session_has_ended() -> None:
    async with a_call() as call:
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        async with ada.session.connect(await ada.fresh_token()) as session:
            session.disconnect()
            await asyncio.sleep(1)
            told = len(ada.log)
        assert len(ada.log) == told
        assert not ada.link.sockets


@virtual_time
async def test_async_with_does_not_enter_its_body_when_connecting_fails() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        with pytest.raises(OpenViduError, match="connected already"):
            async with ada.session.connect(await ada.fresh_token()):
                raise AssertionError("entered")
        assert ada.session.state is SessionState.CONNECTED, "the first connection is left alone"


@virtual_time
async def test_connect_can_be_awaited_and_run_as_a_task() -> None:
    async with a_call() as call:
        people = [Participant(call.world, name) for name in ("ada", "bob", "eve")]
        call.participants += people
        ada, bob, eve = (person.session for person in people)
        tokens = [await person.fresh_token() for person in people]
        await ada.connect(tokens[0])
        await asyncio.create_task(bob.connect(tokens[1]))
        await asyncio.wait_for(eve.connect(tokens[2]), 5)
        sessions: list[Session] = [ada, bob, eve]
        assert {session.state for session in sessions} == {SessionState.CONNECTED}


@virtual_time
async def test_events_of_a_session_end_with_an_eviction() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        events = ada.session.events("reconnecting", "reconnected", "sessionDisconnected")
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        assert [event.type async for event in events] == ["reconnecting", "sessionDisconnected"]
        assert [event.type async for event in ada.session.events("signal")] == [], "the session is over"


@virtual_time
async def test_outage_of_one_stuck_socket_is_told_by_nothing_but_its_end() -> None:
    async with a_call() as call:
        ada = await call.participant("ada", force_media_reconnection_after_network_drop=True)
        await call.participant("bob")
        await asyncio.sleep(15)  # the rhythm of what is received is known
        seen, settled, during = watched(ada), [], set()
        ada.session.on("outageSettled", lambda event: settled.append(event.outage))
        ada.link.loss = 0.3
        while not ada.session.outages or ada.session.outages[-1].end is None:
            if ada.session.outages:
                during.add(ada.session.state)
            await asyncio.sleep(0.01)
        ada.link.loss = 0.0
        assert await ada.session.settled()
        (outage,) = ada.session.outages
        assert (outage.witness, outage.told, outage.end) == ("late pong", False, "reconnected")
        assert during == {SessionState.CONNECTED}
        assert seen == []
        assert settled == [outage]
        assert {record.outcome for record in outage.streams.values()} == {"healthy"}, "nothing is renegotiated by force"
        assert not call.renegotiations
