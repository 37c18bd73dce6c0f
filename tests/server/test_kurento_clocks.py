"""Profile `kurento`: the real server's watchdog, window, ghosts and missing responses (`protocol.md` section 2)."""

from __future__ import annotations

import asyncio
import json

import pytest

from pyvidu.protocol.reasons import Reason
from pyvidu.server.rooms.tokens import Role
from pyvidu.server.signaling.kurento_profile import WATCHDOG_REASON, WINDOW, KurentoProfile
from tests.server.server_world import Client, World, publish_params, settle
from tests.virtual_time import virtual_time

EVICTED_BY_NETWORK = {"reason": "networkDisconnect"}


def kurento() -> World:
    return World(KurentoProfile)


def now() -> float:
    return asyncio.get_running_loop().time()


async def ping(client: Client, **params: int) -> None:
    assert (await client.result("ping", **params)) == {"value": "pong"}


@virtual_time
async def test_the_server_sends_no_pings() -> None:
    async with kurento() as world:
        ada = await world.member()
        await asyncio.sleep(3600)
        assert ada.transport.pings == 0


@virtual_time
async def test_client_that_never_pings_is_not_closed_by_the_watchdog() -> None:
    async with kurento() as world:
        ada = await world.member()
        await asyncio.sleep(3600)
        assert ada.transport.closed is None


@virtual_time
async def test_three_intervals_without_a_ping_close_the_socket_with_openvidus_reason() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        await asyncio.sleep(14.9)
        assert ada.transport.closed is None
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, "Close for not receive ping from client")


@virtual_time
async def test_other_requests_do_not_restart_the_watchdog() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        for _ in range(14):
            await asyncio.sleep(1)
            await ada.result("echo")
        await asyncio.sleep(1.1)
        assert ada.transport.closed


@virtual_time
async def test_only_the_first_ping_sets_the_interval() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=2000)
        await ping(ada, interval=60_000)
        await asyncio.sleep(6.1)
        assert ada.transport.closed


@virtual_time
async def test_first_ping_without_interval_sets_20_s() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada)
        await ping(ada, interval=1000)
        await asyncio.sleep(59.9)
        assert ada.transport.closed is None
        await asyncio.sleep(0.2)
        assert ada.transport.closed


@virtual_time
async def test_ping_before_the_join_starts_the_watchdog() -> None:
    async with kurento() as world:
        ada = Client(world)
        await ping(ada, interval=5000)  # the official client's first message
        await asyncio.sleep(10)
        await ada.join()
        await asyncio.sleep(5.1)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_a_silent_drop_ends_in_an_eviction_twenty_five_seconds_after_the_last_ping() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        await ping(ada, interval=5000)
        await asyncio.sleep(24.9)
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(0.2)
        left = {"connectionId": ada.id, "reason": "networkDisconnect"}
        assert bob.notifications() == [("participantLeft", left), ("participantEvicted", left)]
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_a_socket_that_closes_without_a_reason_ends_in_an_eviction_ten_seconds_later() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        world.signaling.closed(ada.socket, 1006, "")
        await asyncio.sleep(9.9)
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(0.2)
        assert bob.notifications("participantEvicted")[0][1] == {"connectionId": ada.id, **EVICTED_BY_NETWORK}


@virtual_time
async def test_a_resume_within_the_window_cancels_it_and_arms_the_watchdog_at_once() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        world.signaling.closed(ada.socket, 1006, "")
        await asyncio.sleep(9.9)
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        await asyncio.sleep(14.9)
        assert ada.transport.closed is None
        assert world.room.find(ada.id)
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_resume_keeps_the_old_socket_open_and_a_second_resume_can_return_to_it() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        first_socket, first = ada.socket, ada.transport
        await ada.resume()
        second = ada.transport
        assert first.closed is None
        ada.socket, ada.transport = first_socket, first
        await ada.result("connect", sessionId=ada.rpc_id)
        await bob.publish()
        assert [m["method"] for m in first.sent if "method" in m] == ["participantJoined", "participantPublished"]
        assert not [m for m in second.sent if "method" in m]


@virtual_time
async def test_another_request_on_the_old_socket_opens_an_anonymous_session() -> None:
    async with kurento() as world:
        ada = await world.member()
        old_socket, old = ada.socket, ada.transport
        await ada.resume()
        ada.socket, ada.transport = old_socket, old
        assert (await ada.error("echo"))["code"] == 803
        assert await ada.result("echo", sessionId=ada.rpc_id) == {"sessionId": ada.rpc_id}


@virtual_time
async def test_close_of_the_old_socket_after_a_resume_does_not_start_the_eviction_window() -> None:
    async with kurento() as world:
        ada = await world.member()
        old = ada.socket
        await ada.resume()
        world.signaling.closed(old, 1006, "")
        await asyncio.sleep(60)
        assert world.room.find(ada.id)


@virtual_time
async def test_a_ping_before_connect_arms_a_second_watchdog_that_closes_the_resumed_socket() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        world.signaling.closed(ada.socket, 1006, "")
        ada.open()
        await ping(ada, interval=5000)
        await ada.result("connect", sessionId=ada.rpc_id)
        for _ in range(7):
            await asyncio.sleep(2)
            await ping(ada)
        assert ada.transport.closed is None
        await asyncio.sleep(1.1)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_participant_whose_socket_closed_with_another_reason_is_evicted_by_the_next_notification() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        world.signaling.closed(ada.socket, 4102, "Connection closed by client")
        await asyncio.sleep(WINDOW + 60)
        assert world.room.find(ada.id)
        await bob.publish()
        left = {"connectionId": ada.id, "reason": ""}
        assert bob.told()[-3:] == ["result", "participantLeft", "participantEvicted"]
        assert bob.notifications()[-2:] == [("participantLeft", left), ("participantEvicted", left)]


@virtual_time
async def test_first_notification_to_a_closed_socket_evicts_within_the_window_with_the_reason_of_the_notification() -> (
    None
):
    async with kurento() as world:
        ada, bob, eve = await world.member(), await world.member(), await world.member()
        world.signaling.closed(ada.socket, 1006, "")
        await asyncio.sleep(1)
        await eve.result("leaveRoom")
        assert ("participantLeft", {"connectionId": ada.id, "reason": "disconnect"}) in bob.notifications()
        assert not world.room.find(ada.id)


@virtual_time
async def test_eviction_by_a_property_change_notification_has_an_empty_reason() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        await bob.publish()
        world.signaling.closed(ada.socket, 1006, "")
        await bob.result(
            "streamPropertyChanged", streamId="", property="audioActive", newValue=True, reason="publishAudio"
        )
        assert bob.notifications("participantLeft") == [("participantLeft", {"connectionId": ada.id, "reason": ""})]


@virtual_time
async def test_notification_to_a_socket_that_is_still_open_does_not_evict() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        await bob.publish()
        assert world.room.find(ada.id)


@virtual_time
async def test_evicted_participant_can_resume_within_the_window_and_its_requests_are_not_answered() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        world.signaling.closed(ada.socket, 1006, "")
        await bob.publish()
        assert not world.room.find(ada.id)
        await asyncio.sleep(5)
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        await ping(ada)
        await ada.result("echo")
        number = ada.send("videoData", height=1, width=1, videoActive=True, audioActive=True)
        await asyncio.sleep(4.9)
        assert not [m for m in ada.transport.sent if m.get("id") == number]
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, "")
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_participant_evicted_by_force_disconnect_can_resume_for_10_s() -> None:
    async with kurento() as world:
        ada, moderator = await world.member(), await world.member(Role.MODERATOR)
        await moderator.result("forceDisconnect", connectionId=ada.id)
        await asyncio.sleep(9.9)
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        await asyncio.sleep(0.2)
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_requests_that_openvidu_leaves_unanswered_get_no_response() -> None:
    async with kurento() as world:
        moderator = await world.member(Role.MODERATOR)
        moderator.clear()
        moderator.send("makeCoffee")
        moderator.send("forceUnpublish", streamId="str_nothing")
        world.signaling.received(moderator.socket, "{")
        await settle()
        await asyncio.sleep(60)
        assert moderator.transport.sent == []
        assert await moderator.result("echo")


@virtual_time
async def test_resume_requests_no_key_frames() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ada.publish()
        await ada.resume()
        assert not world.media.named("key frame")


@virtual_time
async def test_participant_stays_in_the_room_after_close_session_until_the_next_notification() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.call("closeSession"))["result"] == "bye"
        assert ada.transport.closed
        assert world.room.find(ada.id)
        await bob.result("sendMessage", message=json.dumps({"to": [], "data": "x", "type": "signal"}))
        assert not world.room.find(ada.id)


@virtual_time
async def test_no_timer_session_or_room_is_left_after_clients_resumed_and_went_silent() -> None:
    async with kurento() as world:
        for _ in range(10):
            ada = Client(world)
            await ping(ada, interval=1000)
            await ada.join()
            await ada.result("publishVideo", **publish_params())
            await ada.resume()
        await asyncio.sleep(60)
        assert world.profile.clocks == 0  # type: ignore[attr-defined]
        assert world.signaling.sessions == 0
        assert len(world.rooms) == 0


@virtual_time
async def test_pings_more_frequent_than_declared_are_accepted() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        for _ in range(600):
            await asyncio.sleep(0.1)
            await ping(ada)
        assert ada.transport.closed is None


@virtual_time
async def test_interval_of_the_first_ping_stays_after_a_resume() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        await ada.resume()
        await ping(ada, interval=60_000)
        await asyncio.sleep(14.9)
        assert ada.transport.closed is None
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_connect_on_the_current_socket_restarts_the_watchdog() -> None:
    async with kurento() as world:
        ada = await world.member()
        await ping(ada, interval=5000)
        await asyncio.sleep(10)
        assert (await ada.result("connect", sessionId=ada.rpc_id))["value"] == "reconnection successful"
        await asyncio.sleep(14.9)
        assert ada.transport.closed is None
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_ping_before_connect_closes_the_resumed_socket_of_a_client_without_earlier_pings() -> None:
    async with kurento() as world:
        ada = await world.member()
        world.signaling.closed(ada.socket, 1006, "")
        ada.open()
        await ping(ada, interval=5000)
        await ada.result("connect", sessionId=ada.rpc_id)
        await asyncio.sleep(10)
        await ping(ada, interval=5000)
        await asyncio.sleep(5.1)
        assert ada.transport.closed == (1000, WATCHDOG_REASON)


@virtual_time
async def test_ping_on_the_old_socket_after_a_resume_closes_neither_socket() -> None:
    async with kurento() as world:
        ada = await world.member()
        old_socket, old = ada.socket, ada.transport
        await ada.resume()
        new_socket, new = ada.socket, ada.transport
        ada.socket, ada.transport = old_socket, old
        await ping(ada, interval=1000)
        ada.socket, ada.transport = new_socket, new
        await asyncio.sleep(15)
        assert (old.closed, new.closed) == (None, None)
        await asyncio.sleep(45)
        assert old.closed == (1008, "Not joined within 20 s")  # ours: the real server leaves it open
        assert new.closed is None
        assert world.room.find(ada.id)


@virtual_time
@pytest.mark.parametrize("reason", ["", WATCHDOG_REASON, "Connection closed for reconnection"])
async def test_close_with_one_of_three_reasons_ends_in_an_eviction(reason: str) -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        world.signaling.closed(ada.socket, 1000, reason)
        await asyncio.sleep(WINDOW + 0.1)
        left = {"connectionId": ada.id, **EVICTED_BY_NETWORK}
        assert bob.notifications() == [("participantLeft", left), ("participantEvicted", left)]


@virtual_time
async def test_resume_after_the_window_is_refused_although_the_participant_is_still_in_the_room() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        world.signaling.closed(ada.socket, 4102, "Connection closed by client")
        await asyncio.sleep(WINDOW + 0.1)
        response = await ada.resume()
        assert response["error"] == {"code": 40007, "message": "reconnection error"}
        assert response.keys() == {"jsonrpc", "id", "error"}
        assert world.room.find(ada.id)
        assert not bob.notifications("participantLeft")


@virtual_time
async def test_notification_sent_before_a_resume_is_not_replayed() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        await bob.result("sendMessage", message=json.dumps({"to": [], "data": "x", "type": "signal"}))
        result = (await ada.resume())["result"]
        assert result == {"value": "reconnection successful", "sessionId": ada.rpc_id}
        await asyncio.sleep(60)
        assert ada.notifications() == []


@virtual_time
async def test_repeated_request_is_executed_again() -> None:
    async with kurento() as world:
        ada, bob = await world.member(), await world.member()
        message = {"to": [bob.id], "data": "x", "type": "signal"}
        number = ada.send("sendMessage", message=json.dumps(message))
        ada.last_id -= 1
        assert ada.send("sendMessage", message=json.dumps(message)) == number
        await settle()
        assert len(bob.notifications("sendMessage")) == 2


@virtual_time
@pytest.mark.parametrize("way", ["left", "put out by the backend", "session closed"])
async def test_rpc_session_can_be_resumed_for_10_s_after_the_participant_left(way: str) -> None:
    async with kurento() as world:
        ada, _ = await world.member(), await world.member()
        participant = world.room.find(ada.id)
        assert participant
        if way == "left":
            await ada.result("leaveRoom")
        elif way == "session closed":
            world.room.close(Reason.SESSION_CLOSED_BY_SERVER)
        else:
            world.room.evict(participant, Reason.FORCE_DISCONNECT_BY_SERVER)
        await asyncio.sleep(5)
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        number = ada.send("videoData", height=1, width=1, videoActive=True, audioActive=True)
        await asyncio.sleep(4.9)
        assert ada.transport.closed is None
        assert not [message for message in ada.transport.sent if message.get("id") == number]
        await asyncio.sleep(0.2)
        assert ada.transport.closed == (1000, "")
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_only_the_result_of_connect_contains_the_rpc_session_id() -> None:
    async with kurento() as world:
        ada = await world.member()
        assert await ada.result("ping", interval=5000) == {"value": "pong"}
        assert await ada.result("connect") == {"value": "OK", "sessionId": ada.rpc_id}
        assert (await ada.call("closeSession"))["result"] == "bye"
