"""Sockets that have not joined: for how long they may stay, and what they and their requests may cost."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import aiohttp
import pytest

from pyvidu.server.limits import Limits
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from pyvidu.server.signaling.rpc_session import ReceivedRequest
from tests.server.live_server import Serve
from tests.server.server_world import Client, World, evicting_after, publish_params, settle
from tests.virtual_time import virtual_time

PROFILES = [evicting_after(12), KurentoProfile]


@pytest.mark.parametrize("profile", PROFILES)
@virtual_time
async def test_socket_that_has_not_joined_after_20_s_is_closed_whatever_it_sends(profile: Any) -> None:
    async with World(profile) as world:
        member, client = await world.member(), Client(world)
        for _ in range(19):
            await asyncio.sleep(1)
            await client.call("ping", interval=5000)
            await member.call("ping", interval=5000)
            assert client.transport.closed is None
        await asyncio.sleep(1.1)
        assert client.transport.closed is not None
        assert client.transport.closed[0] == 1008
        assert member.transport.closed is None
        assert world.signaling.sockets == 1


@virtual_time
async def test_resumed_socket_is_not_closed_and_the_old_one_that_the_profile_leaves_open_is() -> None:
    async with World(KurentoProfile) as world:
        ada = await world.member()
        await asyncio.sleep(15)
        old = ada.transport
        await ada.resume()
        await asyncio.sleep(20.1)
        assert old.closed is not None
        assert ada.transport.closed is None


async def test_sockets_of_an_address_that_have_not_joined_are_limited_and_those_that_have_are_not(serve: Serve) -> None:
    live = await serve(limits=Limits(unjoined=2))
    for _ in range(3):
        await live.member()
    first = await live.page()
    await live.page()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await live.page()
    await first.join("room")
    assert await live.page()
    assert live.server.signaling.unjoined("127.0.0.1") == 2


@virtual_time
async def test_waiting_requests_of_a_participant_are_limited_in_size() -> None:
    async with World(limits=Limits(waiting_size=100_000)) as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.send("publishVideo", **publish_params())
        await settle()
        for _ in range(2):
            ada.send("echo", x="x" * 40_000)
        assert (await ada.error("echo", x="x" * 40_000))["code"] == 999
        ada.send("echo")
        world.media.gate.set()
        await settle()
        assert await ada.result("echo", x="x" * 40_000)


@virtual_time
async def test_answers_of_a_participant_are_kept_up_to_their_size_and_the_newest_are_repeated() -> None:
    async with World(limits=Limits(answer_size=2_000)) as world:
        ada = await world.member()
        numbers = [ada.send("echo") for _ in range(100)]
        await settle()
        await ada.result("echo")
        assert ada.socket.session is not None
        log = ada.socket.session.request_log
        assert log is not None
        kept = log.responses()
        assert 0 < sum(map(len, kept.values())) <= 2_000
        assert numbers[-1] in kept
        assert numbers[0] not in kept


@virtual_time
async def test_requests_before_a_join_leave_no_more_than_their_budget_behind() -> None:
    async with World() as world:
        client = Client(world)
        for number in range(2_000):
            message = {"jsonrpc": "2.0", "id": f"{number:0100}", "method": "m" * 100, "params": {"x": "x" * 50_000}}
            world.signaling.received(client.socket, json.dumps(message))
            client.clear()
            if number % 20 == 0:
                await settle()
        await settle()
        assert client.socket.session is not None
        log = client.socket.session.request_log
        assert log is not None
        assert sum(map(len, log.responses().values())) <= Limits().answer_size


@virtual_time
async def test_answered_requests_are_freed_at_once() -> None:
    async with World() as world:
        ada = await world.member()
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                ada.send("echo")
            await settle()
            assert not [item for item in gc.get_objects() if isinstance(item, ReceivedRequest)]
        finally:
            gc.enable()


async def test_client_that_has_not_joined_is_read_at_its_byte_rate_and_others_are_served(serve: Serve) -> None:
    live = await serve(limits=Limits(unjoined_rate=1, unjoined_burst=2_000))
    calm, flooding = await live.member(), await live.page()
    await flooding.call("ping", x="x" * 3_000)
    second = asyncio.ensure_future(flooding.call("ping"))
    assert await calm.result("echo", x="x" * 40_000)
    assert await calm.result("echo", x="x" * 40_000)
    assert not second.done()
    second.cancel()


@virtual_time
async def test_participant_that_leaves_keeps_its_socket_for_the_grace_period() -> None:
    async with World() as world:
        ada = await world.member()
        await asyncio.sleep(19)
        await ada.result("leaveRoom")
        await asyncio.sleep(9)
        assert ada.transport.closed is None
        await asyncio.sleep(2)
        assert ada.transport.closed == (1000, "")
