"""Errors to the letter: code, text, and the two forms that the real server gives them.

The text of an exception that a handler raises is sent as it is. An error that a handler returns passes through
kurento-jsonrpc's `TransactionImpl`, which adds the RPC session id, and an empty `data` in the wrong place (`protocol.md` 9).
"""

from __future__ import annotations

from typing import Any

import pytest

from pyvidu.server.rooms.tokens import ConnectionProperties, Role
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.server.server_world import Client, World, join_params, publish_params
from tests.virtual_time import virtual_time

FILTER = {"type": "GStreamerFilter", "options": {"command": "videobalance saturation=0.0"}}
NOBODY = "str_CAM_x7Fa_con_9jQe2b0xYz"


def thrown(client: Client, response: dict[str, Any], code: int, message: str) -> None:
    assert response.keys() == {"jsonrpc", "id", "error"}
    assert response["error"] == {"code": code, "message": f"{message}. Code: {code}"}


def answered(client: Client, response: dict[str, Any], code: int, message: str, **data: str) -> None:
    assert response.keys() == {"jsonrpc", "id", "error", "data"}
    assert response["data"] == {}
    error = {"code": code, "message": f"{message}. Code: {code}", "sessionId": client.rpc_id}
    assert response["error"] == error | data


async def with_options(world: World, **options: Any) -> Client:
    """Return a member whose token has `kurentoOptions`."""
    client = Client(world)
    token = world.rooms.issue_token(world.room, ConnectionProperties(kurento_options=options), "ws://localhost:4443")
    result = await client.result("joinRoom", **join_params(token.url, "room"))
    client.id, client.rpc_id = result["id"], result["sessionId"]
    return client


@virtual_time
async def test_errors_that_openvidus_handlers_return_contain_the_rpc_session_id() -> None:
    async with World() as world:
        ada, bob, eve = await world.member(Role.MODERATOR), await world.member(), await world.member()
        silent = f"str_CAM_x7Fa_{bob.id}"
        stream = await eve.publish()
        not_found = "User 'con_9jQe2b0xYz not found in session 'room'"
        answered(ada, await ada.call("receiveVideoFrom", sender=NOBODY, sdpOffer="x"), 102, not_found)
        not_streaming = f"User '{bob.id} not streaming media in session 'room'"
        answered(ada, await ada.call("receiveVideoFrom", sender=silent, sdpOffer="x"), 105, not_streaming)
        loopback = await eve.call("receiveVideoFrom", sender=stream, sdpOffer="x")
        answered(eve, loopback, 105, "Can loopback only when publishing media")
        answered(ada, await ada.call("unpublishVideo"), 105, f"Participant '{ada.id}' is not streaming media")
        nobody = await ada.call("forceDisconnect", connectionId="con_nobody")
        answered(ada, nobody, 102, "Connection not found when calling 'forceDisconnect'")
        unknown = await ada.call("reconnectStream", stream=NOBODY, sdpOffer="x")
        answered(ada, unknown, 105, f"Stream '{NOBODY}' does not exist in Session 'room'", data="{}")
        speech = await ada.call("subscribeToSpeechToText", connectionId=bob.id, lang="en-US")
        answered(ada, speech, 997, "Speech To Text requires OpenVidu Pro/Enterprise edition")


@virtual_time
async def test_errors_that_openvidus_handlers_throw_contain_only_code_and_message() -> None:
    async with World() as world:
        ada, subscriber = await world.member(), await world.member(Role.SUBSCRIBER)
        refused = "Unable to publish video. The user does not have a valid token"
        thrown(subscriber, await subscriber.call("publishVideo", **publish_params()), 401, refused)
        refused = "Unable to force disconnect. The user does not have a valid token"
        thrown(ada, await ada.call("forceDisconnect", connectionId=ada.id), 401, refused)
        refused = "Unable to force unpublish. The user does not have a valid token"
        thrown(ada, await ada.call("forceUnpublish", streamId=NOBODY), 401, refused)
        await ada.publish()
        twice = f"User {ada.id} is already publishing in session room"
        thrown(ada, await ada.call("publishVideo", **publish_params()), 106, twice)
        nobody = "User con_nobody not found in session room"
        thrown(ada, await ada.call("unsubscribeFromVideo", sender="con_nobody"), 102, nobody)
        bad = "Provided signal object '{' has not a valid JSON format"
        thrown(ada, await ada.call("sendMessage", message="{"), 600, bad)
        stranger = 'Signal "to" field invalid format: some connectionId does not exist in this session'
        thrown(ada, await ada.call("sendMessage", message='{"to": ["con_nobody"]}'), 601, stranger)


@virtual_time
async def test_missing_parameter_is_answered_with_openvidus_java_exception() -> None:
    async with World() as world:
        ada = await world.member()
        error = await ada.error("streamPropertyChanged", streamId="", property="x", reason="y")
        assert error == {
            "code": -1,
            "message": "java.lang.RuntimeException:Request element 'newValue' is missing in RPC method "
            "'streamPropertyChanged'. Check that 'openvidu-server' and 'openvidu-browser' versions are compatible with "
            "each other",
        }


@virtual_time
async def test_error_after_a_failed_join_is_that_the_participant_has_no_session() -> None:
    async with World() as world:
        ada = Client(world)
        assert (await ada.error("echo"))["message"].startswith("No connection found for participant with privateId ")
        await ada.error("joinRoom", **join_params("", "nowhere"))
        error = await ada.error("echo")
        assert error["message"].startswith("No session information found for participant with privateId ")
        assert error["code"] == 803


@virtual_time
async def test_filter_requests_need_a_moderator_or_the_owner_with_the_filter_in_its_token() -> None:
    async with World() as world:
        ada, bob = await with_options(world, allowedFilters=["GStreamerFilter"]), await world.member()
        stream = await ada.publish()
        here = {"streamId": stream, "type": "GStreamerFilter", "options": "{}"}
        refused = "Unable to apply filter. The user does not have a valid token"
        thrown(bob, await bob.call("applyFilter", **here), 401, refused)
        thrown(ada, await ada.call("applyFilter", **here | {"type": "FaceOverlayFilter"}), 401, refused)
        assert await ada.result("applyFilter", **here)
        listener = {"streamId": stream, "eventType": "CodeFound"}
        for method, params, what in (
            ("removeFilter", {"streamId": stream}, "remove filter"),
            ("execFilterMethod", {"streamId": stream, "method": "m", "params": "{}"}, "execute filter method"),
            ("addFilterEventListener", listener, "add filter event listener"),
            ("removeFilterEventListener", listener, "remove filter event listener"),
        ):
            sentence = f"Unable to {what}. The user does not have a valid token"
            thrown(bob, await bob.call(method, **params), 401, sentence)


@virtual_time
async def test_filter_requests_for_a_stream_without_a_filter_are_refused_with_openvidus_message() -> None:
    async with World() as world:
        moderator, ada = await world.member(Role.MODERATOR), await world.member()
        stream = await ada.publish()
        none = f"User '{ada.id} has no filter applied in session 'room'"
        thrown(moderator, await moderator.call("removeFilter", streamId=stream), 406, none)
        method = {"streamId": stream, "method": "setElementProperty", "params": "{}"}
        thrown(moderator, await moderator.call("execFilterMethod", **method), 406, none)
        listener = {"streamId": stream, "eventType": "CodeFound"}
        answered(moderator, await moderator.call("addFilterEventListener", **listener), 406, none, data="{}")
        answered(moderator, await moderator.call("removeFilterEventListener", **listener), 406, none, data="{}")


@virtual_time
async def test_filter_requests_for_an_unknown_stream_are_refused_with_code_102() -> None:
    async with World() as world:
        moderator = await world.member(Role.MODERATOR)
        owner = f"Owner of stream '{NOBODY}' not found in session 'room'"
        here = {"streamId": NOBODY, "type": "GStreamerFilter", "options": "{}"}
        thrown(moderator, await moderator.call("applyFilter", **here), 102, owner)
        thrown(moderator, await moderator.call("removeFilter", streamId=NOBODY), 102, owner)
        method = {"streamId": NOBODY, "method": "m", "params": "{}"}
        thrown(moderator, await moderator.call("execFilterMethod", **method), 102, owner)
        listener = {"streamId": NOBODY, "eventType": "CodeFound"}
        unknown = f"Not user found for streamId '{NOBODY}' in session 'room'"
        answered(moderator, await moderator.call("addFilterEventListener", **listener), 102, unknown, data="{}")
        assert await moderator.result("removeFilterEventListener", **listener) == {"sessionId": moderator.rpc_id}
        bad = await moderator.call("applyFilter", **here | {"options": "[]"})
        thrown(moderator, bad, 406, "'options' parameter is not a JSON object")


@virtual_time
async def test_publish_with_a_filter_is_refused_if_the_tokens_kurento_options_do_not_allow_it() -> None:
    async with World() as world:
        ada, eve = await with_options(world), Client(world)
        refused = f"Error applying filter for publishing user {ada.id}. The token has no permissions to apply filter "
        response = await ada.call("publishVideo", **publish_params(filter=FILTER))
        answered(ada, response, 406, refused + "GStreamerFilter")
        await eve.join()
        assert (await eve.error("publishVideo", **publish_params(filter={"type": 5})))["code"] == 406
        await eve.publish(filter=FILTER)
        [(_, told)] = ada.notifications("participantPublished")
        assert told["streams"][0]["filter"] == FILTER | {"lastExecMethod": {}}


@virtual_time
@pytest.mark.parametrize("method", ["subscribeToSpeechToText", "unsubscribeFromSpeechToText"])
async def test_speech_to_text_request_of_a_former_member_is_answered_with_code_102(method: str) -> None:
    async with World(KurentoProfile) as world:
        await world.member()
        ada = await world.member()
        await ada.result("leaveRoom")
        error = await ada.error(method, connectionId="con_x", lang="en-US")
        assert error["message"] == f"Participant '{ada.rpc_id}' not found in session 'room'. Code: 102"


@virtual_time
async def test_request_of_an_evicted_participant_is_refused_with_code_102_in_the_default_profile() -> None:
    async with World() as world:
        ada = await world.member()
        world.room.evict(world.room.participants[0], "forceDisconnectByServer")
        response = await ada.call("videoData", height=480, width=640, videoActive=True, audioActive=True)
        assert response["error"]["code"] == 102, "a client that asks whether it is a member understands this"
