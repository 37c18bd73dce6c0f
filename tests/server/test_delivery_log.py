"""The server's delivery log: a resume replays missed notifications, and a repeated request runs once."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.server.signaling.delivery_log import MAX_NOTIFICATIONS, DeliveryLog
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.server.server_world import World, settle
from tests.virtual_time import virtual_time


def with_notifications(count: int) -> DeliveryLog:
    delivery_log = DeliveryLog()
    for number in range(1, count + 1):
        delivery_log.notified(str(number))
    return delivery_log


def test_missed_notifications_are_those_after_the_received_count() -> None:
    delivery_log = with_notifications(5)
    assert delivery_log.missed(3) == ["4", "5"]
    assert delivery_log.missed(5) == []
    assert delivery_log.missed(0) == ["1", "2", "3", "4", "5"]


def test_acknowledged_notifications_are_dropped_and_cannot_be_replayed() -> None:
    delivery_log = with_notifications(5)
    delivery_log.received(3)
    assert delivery_log.missed(3) == ["4", "5"]
    assert delivery_log.missed(2) is None


def test_more_missed_notifications_than_are_kept_cannot_be_replayed() -> None:
    delivery_log = with_notifications(MAX_NOTIFICATIONS + 1)
    assert delivery_log.missed(0) is None
    assert len(delivery_log.missed(1) or ()) == MAX_NOTIFICATIONS


@pytest.mark.parametrize("nonsense", [None, -1, 6, "3", True, 1.5, {}])
def test_invalid_received_counts_are_ignored(nonsense: object) -> None:
    delivery_log = with_notifications(5)
    delivery_log.received(nonsense)
    assert delivery_log.missed(nonsense) is None
    assert len(delivery_log.missed(0) or ()) == 5


@virtual_time
async def test_resume_replays_notifications_sent_to_the_dead_socket_and_without_a_socket() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        received = len(ada.notifications())
        await bob.call("sendMessage", message='{"to":[],"data":"into the dead socket","type":"signal"}')
        world.signaling.closed(ada.socket, 1006)
        await bob.call("sendMessage", message='{"to":[],"data":"into none","type":"signal"}')
        ada.open()
        answer = await ada.call("connect", sessionId=ada.rpc_id, reconnect=True, received=received)
        assert answer["result"]["replayed"] == 2
        assert [params["data"] for _, params in ada.notifications("sendMessage")] == [
            "into the dead socket",
            "into none",
        ]


@virtual_time
async def test_resume_without_a_received_count_replays_nothing() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        await bob.call("sendMessage", message='{"to":[],"data":"x","type":"signal"}')
        answer = await ada.resume()
        assert "replayed" not in answer["result"]
        assert ada.notifications() == []


@virtual_time
async def test_repeated_request_gets_the_first_response_and_is_not_executed_again() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        number = ada.send("sendMessage", message='{"to":[],"data":"once","type":"signal"}')
        await settle()
        await ada.resume()
        ada.last_id = number - 1
        await ada.result("sendMessage", message='{"to":[],"data":"once","type":"signal"}')
        assert len(bob.notifications("sendMessage")) == 1


@virtual_time
async def test_a_request_repeated_while_it_is_still_running_is_answered_on_the_new_socket() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        publishing = {"sdpOffer": "o", "doLoopback": False, "hasAudio": True, "hasVideo": False}
        number = ada.send("publishVideo", **publishing)
        await settle()
        await ada.resume()
        ada.last_id = number - 1
        ada.send("publishVideo", **publishing)
        await settle()
        world.media.gate.set()
        await asyncio.sleep(0.1)
        assert [message["id"] for message in ada.transport.sent if "sdpAnswer" in message.get("result", {})] == [number]
        assert len(world.media.named("publish")) == 1


@virtual_time
async def test_kurento_profile_replays_nothing() -> None:
    async with World(KurentoProfile) as world:
        ada = await world.member()
        assert "replay" not in await ada.result("echo")
        answer = await ada.resume()
        assert "replayed" not in answer["result"]
