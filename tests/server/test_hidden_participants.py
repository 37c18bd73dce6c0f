"""Participants that join with the secret: every right, and as recorder or speech-to-text invisible to the others."""

from __future__ import annotations

import json

import pytest

from pyvidu.server.rooms.tokens import ConnectionProperties
from tests.server.live_server import LiveServer
from tests.server.server_world import SECRET, Client, World, join_params, settle
from tests.virtual_time import virtual_time

WAYS = pytest.mark.parametrize(("way", "name"), [("recorder", "RECORDER"), ("stt", "SPEECH_TO_TEXT")])


async def come(client: Client, **way: bool) -> None:
    """Join as openvidu-browser does with `wss://HOST?sessionId=room&secret=SECRET&recorder=true`."""
    result = await client.result("joinRoom", **join_params("", client.world.room.id, secret=SECRET) | way)
    client.id, client.rpc_id = result["id"], result["sessionId"]


@virtual_time
@WAYS
async def test_join_and_leave_of_a_recorder_are_not_notified(way: str, name: str) -> None:
    async with World() as world:
        ada = await world.member()
        hidden = Client(world)
        await come(hidden, **{way: True})
        assert hidden.id == name
        bob = Client(world)
        assert [member["id"] for member in (await bob.join())["value"]] == [ada.id]
        await hidden.result("leaveRoom")
        assert [(method, told["id"]) for method, told in ada.notifications()] == [("participantJoined", bob.id)]
        assert bob.notifications() == []


@virtual_time
@WAYS
async def test_recorder_receives_streams_and_signals(way: str, name: str) -> None:
    async with World() as world:
        ada, hidden = await world.member(), Client(world)
        await come(hidden, **{way: True})
        stream = await ada.publish()
        await hidden.result("receiveVideoFrom", sender=stream, sdpOffer="x")
        assert [told["id"] for _, told in hidden.notifications("participantPublished")] == [ada.id]
        await ada.result("sendMessage", message=json.dumps({"to": [name], "data": "x", "type": "signal"}))
        assert len(hidden.notifications("sendMessage")) == 1


@virtual_time
async def test_two_recorders_of_one_session_have_separate_subscriptions() -> None:
    async with World() as world:
        ada, one, two = await world.member(), Client(world), Client(world)
        await come(one, recorder=True)
        await come(two, recorder=True)
        stream = await ada.publish()
        await one.result("receiveVideoFrom", sender=stream, sdpOffer="x")
        await two.result("receiveVideoFrom", sender=stream, sdpOffer="x")
        await one.result("leaveRoom")
        await settle()
        assert two.id in {member.id for member in world.room.participants}
        [(_, left)] = world.media.named("leave")
        first, second = [subscriber for _, subscriber, *_ in world.media.named("subscribe")]
        assert left == first != second


@virtual_time
async def test_eviction_of_a_recorder_is_notified_to_the_recorder_only() -> None:
    async with World() as world:
        ada, hidden = await world.member(), Client(world)
        await come(hidden, recorder=True)
        recorder = world.room.find("RECORDER")
        assert recorder
        world.room.evict(recorder, "forceDisconnectByServer")
        assert hidden.notifications("participantEvicted")
        assert ada.notifications() == []


@virtual_time
async def test_join_with_the_secret_grants_all_permissions_although_the_role_is_subscriber() -> None:
    async with World() as world:
        ada, trusted = await world.member(), Client(world)
        result = await trusted.result("joinRoom", **join_params("", "room", secret=SECRET))
        assert result["role"] == "SUBSCRIBER"
        trusted.id = result["id"]
        assert [told["id"] for _, told in ada.notifications("participantJoined")] == [trusted.id]
        await trusted.publish()
        await trusted.result("forceDisconnect", connectionId=ada.id)
        assert not world.room.find(ada.id)


@virtual_time
async def test_join_with_the_secret_does_not_consume_the_token() -> None:
    async with World() as world:
        token = world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")
        await Client(world).result("joinRoom", **join_params(token.url, "room", secret=SECRET))
        await Client(world).result("joinRoom", **join_params(token.url, "room"))
        assert len(world.room.participants) == 2


async def test_rest_lists_omit_a_recorder_and_a_request_by_its_id_returns_it(live: LiveServer) -> None:
    ada = await live.member()
    page = await live.page()
    await page.result("joinRoom", **join_params("", "room", secret=SECRET) | {"recorder": True})
    listed = await live.rest("GET", "sessions/room/connection")
    assert [connection["id"] for connection in listed["content"]] == [ada.id]
    assert (await live.rest("GET", "sessions/room"))["connections"]["numberOfElements"] == 1
    recorder = await live.rest("GET", "sessions/room/connection/RECORDER")
    assert (recorder["location"], recorder["ip"], recorder["platform"]) == ("unknown", None, None)
    assert await live.status("DELETE", "sessions/room/connection/RECORDER") == 204
    assert (await page.told("participantEvicted"))["reason"] == "forceDisconnectByServer"
