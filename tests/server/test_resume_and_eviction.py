"""Profile `default`: one clock decides an eviction, and a resume before it loses nothing."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.server.rooms.tokens import Role
from pyvidu.server.signaling.profiles import GRACE
from tests.server.server_world import Client, World, evicting_after, settle
from tests.virtual_time import virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_participant_that_answers_pings_and_sends_nothing_else_is_not_evicted() -> None:
    async with World() as world:
        ada = await world.member()
        await asyncio.sleep(3600)
        assert world.room.find(ada.id)
        assert ada.transport.pings == pytest.approx(3600, abs=1)


@virtual_time
async def test_silent_participant_is_evicted_12_s_after_its_last_pong() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        await ada.publish()
        await asyncio.sleep(100.5)
        bob.clear()
        ada.transport.alive = False
        last_pong = 100.0
        await asyncio.sleep(last_pong + 11.9 - now())
        assert bob.told() == []
        await asyncio.sleep(0.2)
        left = {"connectionId": ada.id, "reason": "networkDisconnect"}
        assert bob.notifications() == [("participantLeft", left), ("participantEvicted", left)]
        assert ada.transport.closed
        assert ("leave", ada.id) in world.media.calls


@virtual_time
async def test_socket_of_an_evicted_participant_is_closed_before_the_others_are_notified() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        order: list[str] = []
        close, send = ada.transport.close, bob.transport.send
        ada.transport.close = lambda code, reason: (order.append("closed"), close(code, reason))[1]  # type: ignore[method-assign]
        bob.transport.send = lambda text: (order.append("told"), send(text))[1]  # type: ignore[method-assign]
        ada.transport.alive = False
        await asyncio.sleep(13)
        assert order == ["closed", "told", "told"]


@virtual_time
async def test_any_byte_postpones_the_eviction() -> None:
    async with World() as world:
        ada = await world.member()
        await world.member()
        ada.transport.alive = False
        for _ in range(10):
            await asyncio.sleep(11)
            world.signaling.heard(ada.socket)
        assert world.room.find(ada.id)
        await asyncio.sleep(12.1)
        assert not world.room.find(ada.id)


@virtual_time
async def test_participant_whose_socket_closed_is_evicted_12_s_after_its_last_message() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        ada.send("ping")
        closed_at = now()
        world.signaling.closed(ada.socket, 1006, "")
        await asyncio.sleep(closed_at + 11.9 - now())
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(0.2)
        assert bob.notifications("participantLeft")


@virtual_time
async def test_eviction_timeout_is_configurable() -> None:
    async with World(evicting_after(3.0)) as world:
        ada = await world.member()
        await world.member()
        ada.transport.alive = False
        await asyncio.sleep(2.9)
        assert world.room.find(ada.id)
        await asyncio.sleep(0.2)
        assert not world.room.find(ada.id)


@virtual_time
async def test_suspension_of_the_server_evicts_nobody_who_answers_pings() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        bob.transport.alive = False
        await asyncio.sleep(5.5)
        asyncio.get_running_loop().advance(60)  # type: ignore[attr-defined] # suspended: no callback ran
        await asyncio.sleep(5)
        assert world.room.find(ada.id)
        assert not world.room.find(bob.id)


@virtual_time
async def test_ping_interval_is_shorter_than_a_1_s_eviction_timeout() -> None:
    async with World(evicting_after(1.0)) as world:
        ada = await world.member()
        await asyncio.sleep(60)
        assert world.room.find(ada.id)


@virtual_time
async def test_leave_room_removes_the_participant_at_once() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        await ada.result("leaveRoom")
        assert bob.notifications("participantLeft")
        assert now() == 0
        assert await ada.error("videoData", height=0, width=0, videoActive=True, audioActive=True)


@virtual_time
async def test_a_resume_moves_the_participant_and_closes_the_old_socket() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        old = ada.transport
        response = await ada.resume()
        assert response["result"] == {"value": "reconnection successful", "sessionId": ada.rpc_id}
        assert old.closed
        assert old.closed[0] == 4105
        await bob.publish()
        assert [name for name, _ in ada.notifications()] == ["participantPublished"]
        assert not [message for message in old.sent if message.get("method") == "participantPublished"]


@virtual_time
async def test_eviction_timer_restarts_with_a_resume() -> None:
    async with World() as world:
        ada = await world.member()
        await world.member()
        ada.transport.alive = False
        await asyncio.sleep(10)
        await ada.resume()
        await asyncio.sleep(60)
        assert world.room.find(ada.id)


@virtual_time
async def test_the_late_close_of_the_old_socket_is_ignored() -> None:
    async with World() as world:
        ada = await world.member()
        old = ada.socket
        await ada.resume()
        world.signaling.closed(old, 1006, "")
        await asyncio.sleep(60)
        assert world.room.find(ada.id)
        assert await ada.result("echo")


@virtual_time
async def test_resume_requests_key_frames_of_the_published_and_the_subscribed_streams() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        own, watched = await ada.publish(), await bob.publish()
        await ada.result("receiveVideoFrom", sender=watched, sdpOffer="x")
        assert not world.media.named("key frame")
        await ada.resume()
        assert world.media.named("key frame") == [("key frame", own), ("key frame", watched)]


@virtual_time
async def test_connect_is_handled_before_queued_requests() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.send("receiveVideoFrom", sender="str_x_con_y", sdpOffer="x")
        ada.send("publishVideo")
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        world.media.gate.set()


@virtual_time
async def test_response_to_a_request_of_the_old_socket_is_dropped_after_a_resume() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.clear()
        old = ada.transport
        from tests.server.server_world import publish_params

        number = ada.send("publishVideo", **publish_params())
        await settle()
        await ada.resume()
        world.media.gate.set()
        await settle()
        assert not [m for m in [*old.sent, *ada.transport.sent] if m.get("id") == number]
        assert world.room.find(ada.id).stream is not None  # type: ignore[union-attr]


@virtual_time
async def test_a_resume_after_the_eviction_is_refused() -> None:
    async with World() as world:
        ada = await world.member()
        await world.member()
        ada.transport.alive = False
        await asyncio.sleep(13)
        response = await ada.resume()
        assert response == {
            "jsonrpc": "2.0",
            "id": response["id"],
            "error": {"code": 40007, "message": "reconnection error"},
        }


@virtual_time
@pytest.mark.parametrize("session_id", ["made up", "", 5, [], {}])
async def test_resume_of_an_unknown_rpc_session_is_refused(session_id: object) -> None:
    async with World() as world:
        client = Client(world)
        assert (await client.call("connect", sessionId=session_id))["error"]["code"] == 40007


@virtual_time
async def test_participant_evicted_by_force_disconnect_is_notified_and_its_socket_is_closed_after_the_grace_period() -> (
    None
):
    async with World() as world:
        ada, moderator = await world.member(), await world.member(Role.MODERATOR)
        await moderator.result("forceDisconnect", connectionId=ada.id)
        assert ada.notifications("participantEvicted")
        assert ada.transport.closed is None
        await asyncio.sleep(GRACE + 0.1)
        assert ada.transport.closed == (1000, "")
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_close_session_removes_the_participant_and_closes_its_socket() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.call("closeSession"))["result"] == "bye"
        assert bob.notifications("participantLeft") == [
            ("participantLeft", {"connectionId": ada.id, "reason": "disconnect"})
        ]
        assert ada.transport.closed


@virtual_time
async def test_connect_with_the_rpc_session_id_of_another_participant_is_refused_on_a_joined_socket() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.error("connect", sessionId=bob.rpc_id))["code"] == 40007
        await bob.publish()
        assert ada.notifications("participantPublished")


@virtual_time
async def test_session_closes_and_its_tokens_expire_when_the_last_participant_leaves() -> None:
    async with World() as world:
        ada = await world.member()
        room = world.room
        from pyvidu.server.rooms.tokens import ConnectionProperties

        world.rooms.issue_token(room, ConnectionProperties(), "ws://localhost")
        await ada.result("leaveRoom")
        assert room.closed
        assert not room.tokens
        assert world.rooms.get(room.id) is None


@virtual_time
async def test_socket_that_neither_joins_nor_answers_pings_is_closed() -> None:
    async with World() as world:
        client = Client(world)
        client.transport.alive = False
        await asyncio.sleep(60)
        assert client.transport.closed
        assert world.signaling.sockets == 0


@virtual_time
async def test_no_sessions_sockets_timers_or_rooms_are_left_after_20_participants_were_evicted() -> None:
    async with World() as world:
        for _ in range(20):
            ada = await world.member()
            await ada.publish()
            await ada.resume()
            ada.transport.alive = False
        await asyncio.sleep(30)
        assert world.signaling.sessions == 0
        assert world.signaling.sockets == 0
        assert world.profile.clocks == 0  # type: ignore[attr-defined]
        assert len(world.rooms) == 0
        assert len(world.tasks) == 1  # the task that sends pings
