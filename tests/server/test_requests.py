"""Refused requests: their error codes, and that a refusal changes no state (`protocol.md` section 9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyvidu.server.limits import Limits
from pyvidu.server.rooms.tokens import ConnectionProperties, Role
from tests.server.server_world import SECRET, Client, World, join_params, publish_params, settle
from tests.virtual_time import virtual_time


def token_of(world: World, role: Role = Role.PUBLISHER) -> str:
    return world.rooms.issue_token(world.room, ConnectionProperties(role=role), "ws://localhost:4443").url


@virtual_time
async def test_requests_other_than_ping_and_connect_are_refused_before_join_room() -> None:
    async with World() as world:
        client = Client(world)
        assert await client.result("ping", interval=5000) == {"value": "pong"}
        assert (await client.result("connect"))["value"] == "OK"
        for method in ("publishVideo", "echo", "leaveRoom", "no such thing"):
            error = await client.error(method)
            assert error["code"] == 803
            assert error["message"].endswith(". Code: 803")


@virtual_time
async def test_a_token_can_be_used_once() -> None:
    async with World() as world:
        token = token_of(world)
        await Client(world).result("joinRoom", **join_params(token, "room"))
        error = await Client(world).error("joinRoom", **join_params(token, "room"))
        assert error["code"] == 401
        assert error["message"] == f"Unable to join session room. Token {token} is not valid. Code: 401"


@virtual_time
async def test_a_token_is_used_up_by_a_join_that_fails() -> None:
    async with World() as world:
        token = token_of(world)
        params = join_params(token, "room")
        del params["metadata"]
        assert (await Client(world).error("joinRoom", **params))["code"] == -1
        assert (await Client(world).error("joinRoom", **join_params(token, "room")))["code"] == 401


@virtual_time
@pytest.mark.parametrize("token", ["", "tok_made_up", "ws://localhost:4443?sessionId=room", "ws://[", "%%%", "\ud800"])
async def test_malformed_token_is_refused(token: str) -> None:
    async with World() as world:
        assert (await Client(world).error("joinRoom", **join_params(token, "room")))["code"] == 401


@virtual_time
async def test_token_of_another_session_is_refused() -> None:
    async with World() as world:
        other = world.rooms.create()
        assert (await Client(world).error("joinRoom", **join_params(token_of(world), other.id)))["code"] == 401


@virtual_time
async def test_join_of_an_unknown_session_is_refused_with_code_202() -> None:
    async with World() as world:
        error = await Client(world).error("joinRoom", **join_params(token_of(world), "nowhere"))
        assert error == {"code": 202, "message": "Unable to join session. Session nowhere cannot be found. Code: 202"}


@virtual_time
async def test_join_with_the_secret_needs_no_token_and_with_a_wrong_secret_is_refused() -> None:
    async with World() as world:
        result = await Client(world).result("joinRoom", **join_params("", "room", secret=SECRET))
        assert result["role"] == "SUBSCRIBER"
        assert (await Client(world).error("joinRoom", **join_params("", "room", secret="wrong")))["code"] == 401


@virtual_time
async def test_second_join_over_one_socket_is_refused() -> None:
    async with World() as world:
        ada = await world.member()
        assert (await ada.error("joinRoom", **join_params(token_of(world), "room")))["code"] == 104
        assert len(world.room.participants) == 1


@virtual_time
async def test_participant_that_left_can_join_again_over_the_same_socket_and_resume() -> None:
    async with World() as world:
        await world.member()
        ada = await world.member()
        await ada.result("leaveRoom")
        first = ada.id
        await ada.join()
        assert ada.id != first
        assert (await ada.resume())["result"]["value"] == "reconnection successful"
        await ada.result("videoData", height=1, width=1, videoActive=True, audioActive=True)


@virtual_time
async def test_publish_of_a_subscriber_is_refused() -> None:
    async with World() as world:
        ada = await world.member(Role.SUBSCRIBER)
        error = await ada.error("publishVideo", **publish_params())
        assert error == {
            "code": 401,
            "message": "Unable to publish video. The user does not have a valid token. Code: 401",
        }
        assert world.media.calls == []


@virtual_time
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("forceDisconnect", {"connectionId": "con_any"}),
        ("forceUnpublish", {"streamId": "str_any"}),
        ("applyFilter", {"streamId": "str_any", "type": "GStreamerFilter", "options": "{}"}),
        ("removeFilter", {"streamId": "str_any"}),
    ],
)
async def test_moderator_requests_are_refused_for_publishers(method: str, params: dict[str, Any]) -> None:
    async with World() as world:
        ada = await world.member()
        assert (await ada.error(method, **params))["code"] == 401


@virtual_time
async def test_force_requests_for_unknown_connections_and_streams_are_refused() -> None:
    async with World() as world:
        moderator = await world.member(Role.MODERATOR)
        error = await moderator.error("forceDisconnect", connectionId="con_nobody")
        assert error["code"] == 102
        assert (await moderator.error("forceUnpublish", streamId="str_nothing"))["code"] == 105


@virtual_time
async def test_stream_is_sent_back_to_a_publisher_that_asks_for_it() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish(doLoopback=True)
        await bob.publish()
        assert world.media.named("loopback") == [("loopback", stream)]


@virtual_time
async def test_second_publish_of_a_participant_is_refused() -> None:
    async with World() as world:
        ada = await world.member()
        await ada.publish()
        assert (await ada.error("publishVideo", **publish_params()))["code"] == 106


@virtual_time
async def test_requests_for_unknown_streams_and_connections_are_refused() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        nobody, silent = "str_CAM_x7Fa_con_9jQe2b0xYz", f"str_CAM_x7Fa_{bob.id}"
        assert (await ada.error("receiveVideoFrom", sender=nobody, sdpOffer="x"))["code"] == 102
        assert (await ada.error("receiveVideoFrom", sender=silent, sdpOffer="x"))["code"] == 105
        assert (await ada.error("receiveVideoFrom", sender="nonsense", sdpOffer="x"))["code"] == -1
        assert (await ada.error("reconnectStream", stream=nobody, sdpOffer="x"))["code"] == 105
        assert (await ada.error("unsubscribeFromVideo", sender="con_nobody"))["code"] == 102
        assert (await ada.error("unpublishVideo"))["code"] == 105
        assert (await ada.error("streamPropertyChanged", streamId="", property="x", newValue=1, reason=""))[
            "code"
        ] == 105
        assert await ada.result("unsubscribeFromVideo", sender=bob.id) == {"sessionId": ada.rpc_id}


@virtual_time
async def test_requests_for_an_offer_of_the_server_are_refused() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        assert (await bob.error("prepareReceiveVideoFrom", sender=stream, reconnect=False))["code"] == 303
        assert (await bob.error("receiveVideoFrom", sender=stream, sdpAnswer="x"))["code"] == 303


@virtual_time
async def test_missing_and_wrong_parameters_are_named() -> None:
    async with World() as world:
        ada = await world.member()
        params = publish_params()
        del params["sdpOffer"]
        error = await ada.error("publishVideo", **params)
        assert error["code"] == -1
        assert "'sdpOffer' is missing" in error["message"]
        assert (await ada.error("publishVideo", **publish_params(hasAudio="yes")))["code"] == -1
        assert (await ada.error("sendMessage", message=5))["code"] == -1


@virtual_time
async def test_malformed_signals_are_refused_and_not_delivered() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        assert (await ada.error("sendMessage", message="{"))["code"] == 600
        assert (await ada.error("sendMessage", message="[]"))["code"] == 600
        assert (await ada.error("sendMessage", message=json.dumps({"to": [bob.id, "con_nobody"]})))["code"] == 601
        assert (await ada.error("sendMessage", message=json.dumps({"to": [None]})))["code"] == 601
        assert (await ada.error("sendMessage", message=json.dumps({"to": bob.id})))["code"] == 600
        assert not bob.notifications("sendMessage")


@virtual_time
async def test_a_failed_negotiation_is_an_error_and_leaves_no_stream() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        world.media.error = ValueError("no codec in common")
        error = await ada.error("publishVideo", **publish_params())
        assert error["code"] == 302
        assert "no codec in common" in error["message"]
        world.media.error = None
        stream = await ada.publish()
        assert [params["streams"][0]["id"] for _, params in bob.notifications("participantPublished")] == [stream]


@virtual_time
async def test_subscription_to_a_stream_that_ends_during_the_negotiation_is_refused() -> None:
    async with World() as world:
        ada, bob, moderator = await world.member(), await world.member(), await world.member(Role.MODERATOR)
        stream = await ada.publish()
        world.media.gate.clear()
        number = bob.send("receiveVideoFrom", sender=stream, sdpOffer="x")
        await settle()
        await moderator.result("forceUnpublish", streamId=stream)
        world.media.gate.set()
        await settle()
        [answer] = [message for message in bob.transport.sent if message.get("id") == number]
        assert answer["error"]["code"] == 105
        assert ("unsubscribe", bob.id, stream) in world.media.calls


@virtual_time
async def test_media_of_a_participant_evicted_during_the_negotiation_is_closed() -> None:
    async with World() as world:
        ada, moderator = await world.member(), await world.member(Role.MODERATOR)
        world.media.gate.clear()
        ada.send("publishVideo", **publish_params())
        await settle()
        await moderator.result("forceDisconnect", connectionId=ada.id)
        world.media.gate.set()
        await settle()
        assert world.media.calls[-1] == ("leave", ada.id)
        assert not moderator.notifications("participantPublished")


@virtual_time
async def test_malformed_messages_are_answered_with_json_rpc_error_codes() -> None:
    async with World() as world:
        ada = await world.member()
        bad = {
            "": -32700,
            "{": -32700,
            "[" * 5000: -32700,
            '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"interval":NaN}}': -32700,
            '{"id":1,"method":"ping","params":{"interval":1e999}}': -32700,
            "[]": -32600,
            "17": -32600,
            '{"id":1,"method":5}': -32600,
            '{"id":[],"method":"ping"}': -32600,
            '{"id":1,"method":"ping","params":[]}': -32600,
        }
        for text, code in bad.items():
            ada.clear()
            world.signaling.received(ada.socket, text)
            [answer] = ada.transport.sent
            assert answer["error"]["code"] == code, text
        world.signaling.received(ada.socket, '{"id":1,"result":{}}')  # a response to no request
        world.signaling.received(ada.socket, '{"method":"hello"}')  # a notification
        assert await ada.result("echo")


@virtual_time
async def test_an_unknown_method_is_named_in_the_error() -> None:
    async with World() as world:
        ada = await world.member()
        assert await ada.error("makeCoffee") == {"code": -32601, "message": "Unknown method 'makeCoffee'"}


@virtual_time
async def test_exception_in_a_request_handler_is_answered_with_an_error_and_the_next_request_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with World() as world:
        ada = await world.member()
        monkeypatch.setattr(world.room, "signal", lambda *_: 1 / 0)
        assert (await ada.error("sendMessage", message="{}"))["code"] == -1
        assert await ada.result("echo")


@virtual_time
async def test_queue_of_waiting_requests_is_bounded() -> None:
    async with World() as world:
        ada = await world.member()
        world.media.gate.clear()
        ada.send("publishVideo", **publish_params())
        await settle()
        for _ in range(Limits().waiting):
            ada.send("echo")
        assert (await ada.error("echo"))["code"] == 999
        world.media.gate.set()
        await settle()
