"""The notifications that each participant receives, and their order (`protocol.md` section 5)."""

from __future__ import annotations

import json

from pyvidu.server.rooms.tokens import Role
from tests.server.server_world import Client, World, publish_params, settle
from tests.virtual_time import virtual_time


@virtual_time
async def test_join_is_notified_to_the_others_and_answered_with_the_present_participants() -> None:
    async with World() as world:
        ada = await world.member(data="Ada")
        stream = await ada.publish()
        bob = Client(world)
        result = await bob.join(Role.SUBSCRIBER, data="Bob", server_data="from the backend")
        assert ada.notifications("participantJoined") == [
            (
                "participantJoined",
                {"id": bob.id, "createdAt": result["createdAt"], "metadata": "Bob%/%from the backend"},
            )
        ]
        [there] = result["value"]
        assert there["id"] == ada.id
        assert there["metadata"] == "Ada"
        [published] = there["streams"]
        assert published == {
            "id": stream,
            "createdAt": published["createdAt"],
            "hasAudio": True,
            "hasVideo": True,
            "audioActive": True,
            "videoActive": True,
            "typeOfVideo": "CAMERA",
            "frameRate": 30,
            "videoDimensions": '{"width":640,"height":480}',
            "filter": {},
        }


@virtual_time
async def test_join_result_contains_all_fields_that_the_official_client_reads() -> None:
    async with World() as world:
        result = await Client(world).join(Role.MODERATOR)
        assert result["value"] == []
        assert result["session"] == "room"
        assert result["version"] == "2.32.2"
        assert result["mediaServer"] == "kurento"
        assert result["videoSimulcast"] is False
        assert result["record"] is True
        assert result["role"] == "MODERATOR"
        assert result["id"].startswith("con_")
        [server] = result["customIceServers"]
        assert server["url"].startswith("turn:localhost:")
        assert server["username"]
        assert server["credential"]


@virtual_time
async def test_a_participant_without_stream_is_described_without_streams() -> None:
    async with World() as world:
        await world.member()
        [there] = (await Client(world).join())["value"]
        assert "streams" not in there


@virtual_time
async def test_publish_is_answered_before_the_others_are_notified() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        ada.clear()
        stream = await ada.publish()
        assert ada.told() == ["result"]
        [(_, params)] = bob.notifications("participantPublished")
        assert params["id"] == ada.id
        assert params["streams"][0]["id"] == stream
        assert stream.startswith("str_CAM_")
        assert stream.endswith(ada.id)


@virtual_time
async def test_unpublish_is_answered_to_the_owner_and_notified_to_the_others() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        ada.clear()
        assert await ada.result("unpublishVideo") == {"sessionId": ada.rpc_id}
        assert ada.told() == ["result"]
        assert bob.notifications("participantUnpublished") == [
            ("participantUnpublished", {"connectionId": ada.id, "reason": "unpublish"})
        ]
        assert ("unpublish", stream) in world.media.calls


@virtual_time
async def test_force_unpublish_is_answered_before_all_including_the_owner_are_notified() -> None:
    async with World() as world:
        ada, moderator = await world.member(), await world.member(Role.MODERATOR)
        stream = await ada.publish()
        ada.clear()
        moderator.clear()
        await moderator.result("forceUnpublish", streamId=stream)
        told = ("participantUnpublished", {"connectionId": ada.id, "reason": "forceUnpublishByUser"})
        assert moderator.told() == ["result", "participantUnpublished"]
        assert ada.notifications() == [told]


@virtual_time
async def test_leave_is_notified_before_it_is_answered_and_without_an_unpublish_notification() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        await ada.publish()
        bob.clear()
        await ada.result("leaveRoom")
        await settle()
        assert bob.notifications() == [("participantLeft", {"connectionId": ada.id, "reason": "disconnect"})]
        assert ("leave", ada.id) in world.media.calls


@virtual_time
async def test_force_disconnect_notifies_the_others_before_and_all_after_its_response() -> None:
    async with World() as world:
        ada, moderator, bob = await world.member(), await world.member(Role.MODERATOR), await world.member()
        for client in (ada, moderator, bob):
            client.clear()
        await moderator.result("forceDisconnect", connectionId=ada.id)
        evicted = ("participantEvicted", {"connectionId": ada.id, "reason": "forceDisconnectByUser"})
        assert moderator.told() == ["participantLeft", "result", "participantEvicted"]
        assert bob.told() == ["participantLeft", "participantEvicted"]
        assert bob.notifications()[1] == evicted
        assert ada.notifications() == [evicted]


@virtual_time
async def test_a_session_closed_by_the_backend_evicts_one_by_one() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        ada.clear()
        bob.clear()
        world.room.close("sessionClosedByServer")
        assert ada.notifications() == [
            ("participantEvicted", {"connectionId": ada.id, "reason": "sessionClosedByServer"}),
        ]
        assert [params["connectionId"] for _, params in bob.notifications()] == [ada.id, ada.id, bob.id]
        assert world.rooms.get("room") is None


@virtual_time
async def test_a_signal_to_everybody_reaches_the_sender_too_before_it_is_answered() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        ada.clear()
        message = json.dumps({"to": [], "data": "hello", "type": "signal:chat"})
        await ada.result("sendMessage", message=message)
        told = ("sendMessage", {"data": "hello", "type": "signal:chat", "from": ada.id})
        assert ada.told() == ["sendMessage", "result"]
        assert ada.notifications("sendMessage") == bob.notifications("sendMessage") == [told]


@virtual_time
async def test_a_signal_to_some_reaches_only_them() -> None:
    async with World() as world:
        ada, bob, eve = await world.member(), await world.member(), await world.member()
        await ada.result("sendMessage", message=json.dumps({"to": [bob.id], "data": "psst", "type": "signal"}))
        assert bob.notifications("sendMessage")
        assert not eve.notifications("sendMessage")
        assert not ada.notifications("sendMessage")


@virtual_time
async def test_property_change_is_notified_as_json_text_and_contained_in_later_join_results() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        ada.clear()
        await ada.result(
            "streamPropertyChanged", streamId="ignored", property="audioActive", newValue=False, reason="publishAudio"
        )
        dimensions = '{"width":320,"height":240}'
        await ada.result(
            "streamPropertyChanged", streamId=stream, property="videoDimensions", newValue=dimensions, reason="resized"
        )
        first, second = [params for _, params in bob.notifications("streamPropertyChanged")]
        assert first == {
            "connectionId": ada.id,
            "streamId": stream,
            "property": "audioActive",
            "newValue": "false",
            "reason": "publishAudio",
        }
        assert json.loads(json.loads(second["newValue"])) == {"width": 320, "height": 240}
        assert ada.notifications() == []
        [there, _] = (await Client(world).join())["value"]
        assert there["streams"][0]["audioActive"] is False
        assert there["streams"][0]["videoDimensions"] == dimensions


@virtual_time
async def test_renegotiated_stream_keeps_its_id_and_subscribers_without_notifications() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        await bob.result("receiveVideoFrom", sender=stream, sdpOffer="bob's offer")
        ada.clear()
        bob.clear()
        own = await ada.result("reconnectStream", stream=stream, sdpString="a new offer")
        remote = await bob.result("reconnectStream", stream=stream, sdpOffer="bob's new offer")
        assert own["id"] == stream
        assert own["sdpAnswer"] == "answer to a new offer"
        assert remote["sdpAnswer"] == "answer to bob's new offer"
        assert ada.told() == bob.told() == ["result"]
        assert world.media.calls[-2:] == [
            ("republish", stream, "a new offer"),
            ("subscribe", bob.id, stream, "bob's new offer"),
        ]


@virtual_time
async def test_requests_of_one_participant_run_one_at_a_time_and_pings_are_answered_meanwhile() -> None:
    async with World() as world:
        ada = await world.member()
        ada.clear()
        world.media.gate.clear()
        publish = ada.send("publishVideo", **publish_params())
        echo = ada.send("echo")
        ping = ada.send("ping")
        await settle()
        assert [message["id"] for message in ada.transport.sent] == [ping]
        world.media.gate.set()
        await settle()
        assert [message["id"] for message in ada.transport.sent] == [ping, publish, echo]


@virtual_time
async def test_requests_of_different_participants_run_concurrently() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        world.media.gate.clear()
        ada.send("publishVideo", **publish_params())
        assert await bob.result("echo") == {"sessionId": bob.rpc_id}
        world.media.gate.set()
        await settle()
