"""The server's delivery log: a resume replays missed notifications, and a repeated request runs once."""

from __future__ import annotations

import asyncio
import json

import pytest

from pyvidu.protocol.jsonrpc import Notification
from pyvidu.server.limits import Limits
from pyvidu.server.signaling.delivery_log import DeliveryLog
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
    delivery_log = with_notifications(Limits().replay + 1)
    assert delivery_log.missed(0) is None
    assert len(delivery_log.missed(1) or ()) == Limits().replay


@pytest.mark.parametrize("nonsense", [None, -1, 6, "3", True, 1.5, {}])
def test_invalid_received_counts_are_ignored(nonsense: object) -> None:
    delivery_log = with_notifications(5)
    delivery_log.received(nonsense)
    assert delivery_log.missed(nonsense) is None
    assert len(delivery_log.missed(0) or ()) == 5


@virtual_time
async def test_media_that_was_missing_before_an_outage_is_replayed_as_nothing() -> None:
    async with World() as world:
        ada = await world.member()
        stream = await ada.publish()
        await ada.call("ping", received=len(ada.notifications()))
        received = len(ada.notifications())
        participant = world.rooms.find_participant(ada.id)
        assert participant is not None
        participant.room.tell_media_missing(participant)
        assert ada.notifications()[received:] == [("publishedMediaMissing", {"streamId": stream})]
        ada.open()
        await ada.call("connect", sessionId=ada.rpc_id, reconnect=True, received=received)
        assert ada.notifications() == [("publishedMediaMissing", {"streamId": ""})]


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


def test_log_holds_no_more_than_its_size_and_drops_the_oldest() -> None:
    delivery_log = DeliveryLog(Limits(replay_size=1_000))
    for number in range(100):
        delivery_log.notified(str(number % 10) * 99)
    assert delivery_log.size == 990
    assert delivery_log.missed(90) == [str(number) * 99 for number in range(10)]
    assert delivery_log.missed(89) is None
    delivery_log.received(95)
    assert delivery_log.size == 495
    delivery_log.notified("x" * 1_001)
    assert (delivery_log.size, delivery_log.missed(100)) == (0, None)


def test_log_of_a_client_that_does_not_report_what_it_received_is_empty_until_it_does() -> None:
    delivery_log = with_notifications(5)
    for _ in range(29):
        delivery_log.received(None)
    assert delivery_log.missed(4) == ["5"]
    delivery_log.received(None)
    delivery_log.notified("6")
    assert (delivery_log.size, delivery_log.missed(5), delivery_log.missed(6)) == (0, None, [])
    delivery_log.received(6)
    delivery_log.notified("7")
    assert delivery_log.missed(6) == ["7"]


@virtual_time
async def test_signals_to_oneself_leave_no_more_than_the_logs_size_behind() -> None:
    async with World() as world:
        ada = await world.member()
        for _ in range(80):
            await ada.result("sendMessage", message=json.dumps({"to": [], "data": "x" * 45_000, "type": "signal"}))
            ada.clear()
        assert ada.socket.session is not None
        assert ada.socket.session.delivery_log is not None
        assert 900_000 < ada.socket.session.delivery_log.size <= Limits().replay_size


@virtual_time
async def test_notification_for_all_is_written_once_and_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    encode = Notification.encode
    monkeypatch.setattr(Notification, "encode", lambda self: written.append(encode(self)) or written[-1])
    async with World() as world:
        members = [await world.member() for _ in range(20)]
        written.clear()
        await members[0].result("sendMessage", message='{"to":[],"data":"é\\ud800","type":"signal"}')
        assert len(written) == 1
        logs = [session.delivery_log for member in members if (session := member.socket.session) is not None]
        kept = [log.missed(19 - number) or [] for number, log in enumerate(logs) if log is not None]
        assert {id(texts[-1]) for texts in kept} == {id(kept[0][-1])}
        assert all(member.notifications("sendMessage")[0][1]["data"] == "é?" for member in members)
