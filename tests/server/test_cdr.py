"""The events of OpenVidu's call detail record (CDR), field by field and in the real server's order."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pyvidu.protocol.reasons import Reason
from pyvidu.server.limits import Limits
from pyvidu.server.rooms.tokens import Role, SessionProperties, now_ms
from pyvidu.server.webhooks.cdr import CallDetailRecords
from tests.server.server_world import SECRET, Client, World, join_params
from tests.virtual_time import virtual_time

LATER = 7900  # milliseconds: the duration that every call in these tests appears to have


class Recorded(World):
    """A world that records its events."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self.events: list[dict[str, Any]] = []
        self.rooms.observers.add(CallDetailRecords(self.events.append, clock=lambda: now_ms() + LATER))
        self.room = self.rooms.create(SessionProperties(custom_session_id="told"))

    def told(self) -> list[str]:
        """Return the names of the events since the last call."""
        names = [event["event"] for event in self.events]
        self.events.clear()
        return names


@virtual_time
async def test_session_created_and_destroyed_events_of_a_session_whose_last_participant_leaves() -> None:
    async with Recorded() as world:
        created = world.room.created_at
        base = {"sessionId": "told", "uniqueSessionId": f"told_{created}"}
        assert world.events == [base | {"timestamp": created, "event": "sessionCreated"}]
        ada = await world.member()
        await ada.result("leaveRoom")
        destroyed = world.events[-1]
        assert list(destroyed) == [
            "sessionId", "uniqueSessionId", "timestamp", "startTime", "duration", "reason", "event",
        ]  # fmt: skip
        assert destroyed["startTime"] == created
        assert destroyed["duration"] == LATER // 1000
        assert destroyed["reason"] == "lastParticipantLeft"


@virtual_time
async def test_participant_events_contain_both_ids_the_address_and_client_and_server_data() -> None:
    async with Recorded() as world:
        ada = Client(world)
        joined = await ada.join(data="of the page", server_data="of the backend")
        world.room.evict(world.room.participants[0], Reason.FORCE_DISCONNECT_BY_SERVER)
        _, came, left, _ = world.events
        who = {
            "participantId": ada.id,
            "connectionId": ada.id,
            "location": "unknown",
            "ip": "127.0.0.1",
            "platform": "Test",
            "clientData": "of the page",
            "serverData": "of the backend",
        }
        base = {"sessionId": "told", "uniqueSessionId": f"told_{world.room.created_at}"}
        assert came == base | {"timestamp": joined["createdAt"]} | who | {"event": "participantJoined"}
        assert left.pop("timestamp") >= joined["createdAt"] + LATER
        end = {"startTime": joined["createdAt"], "duration": LATER // 1000, "reason": "forceDisconnectByServer"}
        assert left == base | end | who | {"event": "participantLeft"}


@virtual_time
async def test_webrtc_connection_events_contain_direction_and_the_media_properties_at_creation() -> None:
    async with Recorded() as world:
        ada, bob = await world.member(), await world.member()
        world.told()
        stream = await ada.publish()
        await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
        dimensions = {"streamId": stream, "property": "videoDimensions", "newValue": "{}", "reason": "deviceRotated"}
        await ada.result("streamPropertyChanged", **dimensions)
        await bob.result("unsubscribeFromVideo", sender=ada.id)
        media = {
            "videoSource": "CAMERA",
            "videoFramerate": 30,
            "videoDimensions": '{"width":640,"height":480}',
            "audioEnabled": True,
            "videoEnabled": True,
        }
        base = {"sessionId": "told", "uniqueSessionId": f"told_{world.room.created_at}"}
        out, into, end = world.events
        assert isinstance(out.pop("timestamp"), int)
        assert out == {
            **base, "streamId": stream, "participantId": ada.id, "connectionId": ada.id, "connection": "OUTBOUND",
            **media, "event": "webrtcConnectionCreated",
        }  # fmt: skip
        started = into.pop("timestamp")
        fields = {
            "streamId": stream, "participantId": bob.id, "connectionId": bob.id,
            "connection": "INBOUND", "receivingFrom": ada.id, **media,
        }  # fmt: skip
        assert into == base | fields | {"event": "webrtcConnectionCreated"}
        assert isinstance(end.pop("timestamp"), int)
        over = {"startTime": started, "duration": LATER // 1000, "reason": "unsubscribe"}
        assert end == base | over | fields | {"event": "webrtcConnectionDestroyed"}


@virtual_time
async def test_event_of_an_audio_only_stream_has_no_video_fields() -> None:
    async with Recorded() as world:
        ada = await world.member()
        await ada.publish(hasVideo=False)
        event = world.events[-1]
        assert not {"videoSource", "videoFramerate", "videoDimensions"} & event.keys()
        assert (event["audioEnabled"], event["videoEnabled"]) == (True, False)


@virtual_time
async def test_connection_destroyed_events_are_in_openvidus_order_after_unpublish_and_leave() -> None:
    async with Recorded() as world:
        ada, bob = await world.member(), await world.member()
        for ends in ("unpublishVideo", "leaveRoom"):
            ours = await ada.publish()
            if not world.room.participants[1].stream:
                await bob.publish()
            theirs = world.room.participants[1].stream
            assert theirs
            await bob.result("receiveVideoFrom", sender=ours, sdpOffer="x")
            await ada.result("reconnectStream", stream=ours, sdpOffer="x")  # causes no event
            if ends == "leaveRoom":
                await ada.result("receiveVideoFrom", sender=theirs.id, sdpOffer="x")
            world.told()
            await ada.result(ends)
            told = [(e["event"], e.get("connectionId"), e.get("connection"), e["reason"]) for e in world.events]
            over, reason = "webrtcConnectionDestroyed", {"unpublishVideo": "unpublish", "leaveRoom": "disconnect"}[ends]
            if ends == "unpublishVideo":
                assert told == [(over, ada.id, "OUTBOUND", reason), (over, bob.id, "INBOUND", reason)]
            else:
                assert told == [
                    (over, bob.id, "INBOUND", reason),
                    (over, ada.id, "INBOUND", reason),
                    (over, ada.id, "OUTBOUND", reason),
                    ("participantLeft", ada.id, None, reason),
                ]


@virtual_time
async def test_empty_session_closed_by_the_backend_is_destroyed_with_its_reason() -> None:
    async with Recorded() as world:
        world.room.close(Reason.SESSION_CLOSED_BY_SERVER)
        assert world.events[-1]["event"] == "sessionDestroyed"
        assert world.events[-1]["reason"] == "sessionClosedByServer"


@virtual_time
async def test_eviction_with_an_empty_reason_has_no_reason_in_its_events() -> None:
    async with Recorded() as world:
        await world.member()
        world.room.evict(world.room.participants[0], "")
        assert [event.get("reason", "none") for event in world.events[-2:]] == ["none", "none"]


@virtual_time
async def test_unused_session_expires_without_an_event() -> None:
    async with Recorded(Limits(idle_session=0.001)) as world:
        world.told()
        await asyncio.sleep(1)
        world.rooms.tidy()
        assert world.rooms.get("told") is None
        assert world.told() == []


@virtual_time
async def test_signal_event_contains_the_recipients_and_the_type_without_prefix() -> None:
    async with Recorded() as world:
        ada, bob = await world.member(), await world.member()
        message = {"to": [], "data": "hi", "type": "signal:chat"}
        await ada.result("sendMessage", message=json.dumps(message))
        sent = world.events[-1]
        assert list(sent) == ["sessionId", "uniqueSessionId", "timestamp", "from", "to", "type", "data", "event"]
        assert (sent["from"], sent["to"], sent["type"], sent["data"]) == (ada.id, [ada.id, bob.id], "chat", "hi")
        world.room.signal([bob.id], "signal:news", None, None)  # sent by the backend: its type is reported unchanged
        sent = world.events[-1]
        assert (sent["from"], sent["to"], sent["type"], sent["data"]) == (None, [bob.id], "signal:news", None)
        await ada.error("sendMessage", message=json.dumps({"to": ["con_nobody"]}))
        assert world.events[-1] is sent


@virtual_time
async def test_recorder_causes_no_events() -> None:
    async with Recorded() as world:
        moderator = await world.member(Role.MODERATOR)
        stream = await moderator.publish()
        world.told()
        recorder = Client(world)
        await recorder.result("joinRoom", **join_params("", "told", secret=SECRET) | {"recorder": True})
        await recorder.result("receiveVideoFrom", sender=stream, sdpOffer="x")
        await recorder.result("leaveRoom")
        assert world.told() == []
