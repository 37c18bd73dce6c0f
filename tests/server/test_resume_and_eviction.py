"""Profile `default`: one clock decides an eviction, and a resume before it loses nothing."""

from __future__ import annotations

import asyncio

import pytest
from server_world import Client, World, evicting_after, settle

from pyvidu.server.rooms.tokens import Role
from pyvidu.server.signaling.profiles import GRACE
from virtual_time import virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_a_browser_that_answers_pings_is_never_evicted_though_its_client_says_nothing() -> None:
    async with World() as world:
        ada = await world.member()
        await asyncio.sleep(3600)
        assert world.room.find(ada.id)
        assert ada.transport.pings == pytest.approx(3600, abs=1)


@virtual_time
async def test_silence_evicts_twelve_seconds_after_the_last_byte() -> None:
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
async def test_the_socket_of_an_evicted_one_is_closed_before_the_others_are_told() -> None:
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
async def test_a_closed_socket_evicts_no_sooner_and_no_later() -> None:
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
async def test_the_timeout_is_a_setting() -> None:
    async with World(evicting_after(3.0)) as world:
        ada = await world.member()
        await world.member()
        ada.transport.alive = False
        await asyncio.sleep(2.9)
        assert world.room.find(ada.id)
        await asyncio.sleep(0.2)
        assert not world.room.find(ada.id)


@virtual_time
async def test_nobody_is_evicted_because_the_server_itself_was_away() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        bob.transport.alive = False
        await asyncio.sleep(5.5)
        asyncio.get_running_loop().advance(60)  # type: ignore[attr-defined] # suspended: no callback ran
        await asyncio.sleep(5)
        assert world.room.find(ada.id)
        assert not world.room.find(bob.id)


@virtual_time
async def test_a_short_timeout_is_matched_by_more_pings() -> None:
    async with World(evicting_after(1.0)) as world:
        ada = await world.member()
        await asyncio.sleep(60)
        assert world.room.find(ada.id)


@virtual_time
async def test_leaving_needs_no_clock() -> None:
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
async def test_after_a_resume_the_clock_starts_anew() -> None:
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
async def test_a_resume_asks_for_key_frames_of_all_that_is_sent_and_watched() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        own, watched = await ada.publish(), await bob.publish()
        await ada.result("receiveVideoFrom", sender=watched, sdpOffer="x")
        assert not world.media.named("key frame")
        await ada.resume()
        assert world.media.named("key frame") == [("key frame", own), ("key frame", watched)]


@virtual_time
async def test_connect_overtakes_what_waits() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.send("receiveVideoFrom", sender="str_x_con_y", sdpOffer="x")
        ada.send("publishVideo")
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        world.media.gate.set()


@virtual_time
async def test_an_answer_goes_to_the_socket_its_request_came_on_or_nowhere() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.clear()
        old = ada.transport
        from server_world import publish_params

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
async def test_a_made_up_session_cannot_be_resumed(session_id: object) -> None:
    async with World() as world:
        client = Client(world)
        assert (await client.call("connect", sessionId=session_id))["error"]["code"] == 40007


@virtual_time
async def test_who_is_forced_out_is_told_and_cannot_resume_and_its_socket_is_closed_after_a_grace() -> None:
    async with World() as world:
        ada, moderator = await world.member(), await world.member(Role.MODERATOR)
        await moderator.result("forceDisconnect", connectionId=ada.id)
        assert ada.notifications("participantEvicted")
        assert ada.transport.closed is None
        await asyncio.sleep(GRACE + 0.1)
        assert ada.transport.closed == (1000, "")
        assert (await ada.resume())["error"]["code"] == 40007


@virtual_time
async def test_close_session_is_as_good_as_leaving() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.call("closeSession"))["result"] == "bye"
        assert bob.notifications("participantLeft") == [
            ("participantLeft", {"connectionId": ada.id, "reason": "disconnect"})
        ]
        assert ada.transport.closed


@virtual_time
async def test_one_participant_cannot_take_over_another_on_its_own_socket() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.error("connect", sessionId=bob.rpc_id))["code"] == 40007
        await bob.publish()
        assert ada.notifications("participantPublished")


@virtual_time
async def test_the_last_one_to_leave_closes_the_session_and_voids_its_tokens() -> None:
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
async def test_sockets_that_never_join_and_never_answer_are_closed() -> None:
    async with World() as world:
        client = Client(world)
        client.transport.alive = False
        await asyncio.sleep(60)
        assert client.transport.closed
        assert world.signaling.sockets == 0


@virtual_time
async def test_nothing_is_left_of_participants_who_came_and_went() -> None:
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
