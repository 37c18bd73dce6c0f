"""Participants that read slowly or not at all: what is queued for them, who is told, and when they are cut off."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from pyvidu.server.http.websocket_transport import WebSocketTransport
from pyvidu.server.limits import Limits
from pyvidu.server.rooms.tokens import ConnectionProperties
from pyvidu.server.traffic import DirectTraffic
from tests.server.live_server import Page, Serve
from tests.server.server_world import Client, World, join_params, publish_params, settle
from tests.server.work import calls
from tests.virtual_time import virtual_time
from tests.waiting import until

FAST = {"byte_burst": 2**30}  # a sender that is not slowed down


def signal(data: str, *to: str) -> str:
    return json.dumps({"to": list(to), "data": data, "type": "signal"})


async def until_refused(sender: Page, victim: Page, size: int = 45_000) -> dict[str, Any]:
    """Send signals until one is refused; return the error."""
    for _ in range(1_000):
        answer = await sender.call("sendMessage", message=signal("x" * size, victim.id))
        if "error" in answer:
            error: dict[str, Any] = answer["error"]
            return error
    raise AssertionError("none was refused")


async def test_signals_to_one_that_does_not_read_are_refused_and_it_gets_those_sent_and_keeps_its_socket(
    serve: Serve,
) -> None:
    live = await serve(eviction_timeout=60, limits=Limits(**FAST))
    ada, bob = await live.member(), await live.member()
    ada.stop_reading()
    error = await until_refused(bob, ada)
    assert error["code"] == 601
    assert ada.id in error["message"]
    await bob.result("sendMessage", message=signal("to all"))
    assert (await bob.told("sendMessage"))["data"] == "to all"
    sockets = live.server.signaling.sockets
    ada.read_again()

    async def is_sent() -> bool:
        return "result" in await bob.call("sendMessage", message=signal("again", ada.id))

    await until(is_sent)
    async with asyncio.timeout(20):
        while ada.notifications[-1][1].get("data") != "again":
            ada.arrived.clear()
            await ada.arrived.wait()
    assert live.server.signaling.sockets == sockets
    assert not ada.closed.done()
    assert "to all" not in [params.get("data") for _, params in ada.notifications]


async def test_one_that_is_never_up_to_date_is_cut_off(serve: Serve) -> None:
    live = await serve(eviction_timeout=60, limits=Limits(drain_within=0.5, **FAST))
    ada, bob = await live.member(), await live.member()
    ada.stop_reading()
    await until_refused(bob, ada)
    await until(lambda: live.server.signaling.sockets == 1)  # the next ping of the server finds it
    assert await bob.result("echo")


async def test_queue_beyond_its_end_cuts_the_socket_off(serve: Serve) -> None:
    live = await serve(eviction_timeout=60, limits=Limits(queue=10**9, queue_end=100_000, **FAST))
    ada, bob = await live.member(), await live.member()
    ada.stop_reading()
    for _ in range(400):
        await bob.result("sendMessage", message=signal("x" * 45_000))
        if live.server.signaling.sockets == 1:
            break
    assert live.server.signaling.sockets == 1


async def test_of_several_pings_of_a_client_that_does_not_read_the_last_is_answered() -> None:
    answered: list[bytes] = []

    class WebSocket:
        async def pong(self, payload: bytes) -> None:
            answered.append(payload)

    transport = WebSocketTransport(cast(Any, WebSocket()), asyncio.Transport(), DirectTraffic(), None)
    for number in range(1_000):
        transport.pong(str(number).encode())
    writer = asyncio.create_task(transport.write())
    await settle()
    writer.cancel()
    assert answered == [b"999"]


@virtual_time
async def test_signals_to_one_without_a_socket_are_refused_before_the_replay_would_be_incomplete() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        received = len(ada.notifications())
        world.signaling.closed(ada.socket, 1006)
        sent = 0
        while "error" not in (answer := await bob.call("sendMessage", message=signal("x" * 40_000, ada.id))):
            sent += 1
        assert answer["error"]["code"] == 601
        assert 40_000 * sent > Limits().queue - 40_000
        ada.open()
        resumed = await ada.call("connect", sessionId=ada.rpc_id, received=received)
        assert resumed["result"]["replayed"] == sent
        await bob.result("sendMessage", message=signal("welcome back", ada.id))


@virtual_time
async def test_metadata_above_its_limit_is_refused() -> None:
    async with World() as world:
        for metadata, code in (("x" * 10_000, None), ("x" * 10_001, 500), ("é" * 5_001, 500)):
            token = world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")
            answer = await Client(world).call("joinRoom", **join_params(token.url, "room", metadata))
            assert answer.get("error", {}).get("code") == code


async def test_data_of_a_backend_above_its_limit_is_refused(serve: Serve) -> None:
    live = await serve()
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    assert await live.status("POST", "sessions/room/connection", {"data": "x" * 10_000}) == 200
    assert await live.status("POST", "sessions/room/connection", {"data": "x" * 10_001}) == 400


@virtual_time
async def test_join_result_has_a_budget_and_a_join_with_little_data_is_never_refused_for_it() -> None:
    async with World(limits=Limits(descriptions=50_000)) as world:
        for _ in range(2):
            await world.member(data="x" * 10_000)
        full = world.rooms.issue_token(world.room, ConnectionProperties(data="y" * 10_000), "ws://localhost:4443")
        await Client(world).result("joinRoom", **join_params(full.url, "room", "x" * 10_000))
        token = world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")
        error = await Client(world).error("joinRoom", **join_params(token.url, "room", "x" * 10_000))
        assert error["code"] == 999
        assert "1024 always are" in error["message"]
        late = Client(world)
        result = await late.join(data="x" * 1_000)
        assert len(json.dumps(result)) < 50_000


@virtual_time
async def test_participant_that_notifies_many_waits_and_the_others_do_not() -> None:
    async with World(limits=Limits(fan_out=10, fan_out_burst=20)) as world:
        ada, bob, *_ = [await world.member() for _ in range(5)]
        numbers = [ada.send("sendMessage", message=signal("x")) for _ in range(6)]
        await settle()
        answered = {message["id"] for message in ada.transport.sent if "result" in message}
        assert set(numbers) & answered == set(numbers[:4])
        await bob.result("sendMessage", message=signal("y"))
        await asyncio.sleep(1.1)
        assert {message["id"] for message in ada.transport.sent if "result" in message} >= set(numbers)


@virtual_time
async def test_participant_that_was_evicted_while_it_waited_sends_nothing() -> None:
    async with World(limits=Limits(fan_out=1, fan_out_burst=1)) as world:
        ada, bob = await world.member(), await world.member()
        numbers = [ada.send("sendMessage", message=signal("x", bob.id)) for _ in range(2)]
        await asyncio.sleep(0.5)
        world.room.evict(next(member for member in world.room.participants if member.id == ada.id), "disconnect")
        await asyncio.sleep(5)
        assert len(bob.notifications("sendMessage")) == 0
        errors = [message for message in ada.transport.sent if message.get("id") in numbers]
        assert {message["error"]["code"] for message in errors} == {102}


@virtual_time
async def test_negotiations_of_a_participant_are_paced() -> None:
    async with World(limits=Limits(negotiations=1, negotiations_burst=3)) as world:
        ada = await world.member()
        for _ in range(4):
            ada.send("publishVideo", **publish_params())
            ada.send("unpublishVideo")
        await settle()
        assert len(world.media.named("publish")) == 3
        await asyncio.sleep(1.1)
        assert len(world.media.named("publish")) == 4


@pytest.mark.parametrize("named", [1_000, 2_000])
@virtual_time
async def test_recipients_of_a_signal_are_found_in_time_proportional_to_their_number(named: int) -> None:
    async with World() as world:
        members = [await world.member() for _ in range(20)]
        strangers = [f"con_{number}" for number in range(named)]
        work = calls(lambda: world.room.signal(strangers, None, None, members[0].id))
        assert work <= 200
