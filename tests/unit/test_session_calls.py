"""The calls of a session: who may make them, what they send, and what they leave when they fail."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from pyvidu import OpenVidu, Publisher, Stream
from pyvidu.errors import NotConnectedError, OpenViduError, PermissionDeniedError, PropertiesError, RequestError
from tests.unit.membership.rig import BOB, BOBS, TOKEN, Server, admission, participant, refusal
from tests.unit.page import Page
from tests.unit.scripted_peers import ScriptedPeers
from tests.virtual_time import virtual_time


class Stage:
    """A session in a page, on a scripted server."""

    def __init__(self) -> None:
        self.page, self.server, self.peers = Page(), Server(), ScriptedPeers()
        host = replace(self.server.host(), peers=self.peers, devices=self.page.devices, elements=self.page.elements)
        self.openvidu = OpenVidu(host)
        self.session = self.openvidu.init_session()

    async def connect(self, *others: dict[str, Any], data: Any = None, **more: Any) -> None:
        self.server.answers["joinRoom"] = admission(*others, **more)
        await self.session.connect(TOKEN, data)

    async def publisher(self) -> Publisher:
        return await self.openvidu.init_publisher()

    @property
    def bobs(self) -> Stream:
        stream = self.session.remote_connections[BOB].stream
        assert stream is not None
        return stream


@pytest.mark.parametrize(
    ("data", "text"),
    [(None, ""), ("", ""), ("text", "text"), ({"name": "Zoë"}, '{"name":"Zoë"}'), ([1, None], "[1,null]"), (0, "0")],
)
@virtual_time
async def test_data_of_connect_is_sent_as_text_or_as_javascripts_json(data: Any, text: str) -> None:
    stage = Stage()
    await stage.connect(data=data)
    assert stage.server.sent("joinRoom")[0]["metadata"] == text


@virtual_time
async def test_data_that_is_no_json_raises_before_a_socket_is_opened() -> None:
    stage = Stage()
    with pytest.raises(PropertiesError, match="metadata is of type object"):
        await stage.session.connect(TOKEN, object())
    assert stage.server.sockets == []


@virtual_time
async def test_calls_that_need_a_connection_raise_not_connected_before_and_after_it() -> None:
    stage = Stage()
    publisher = await stage.publisher()
    for _ in range(2):
        for call in (
            stage.session.publish(publisher),
            stage.session.unpublish(publisher),
            stage.session.signal(data="x"),
        ):
            with pytest.raises(NotConnectedError):
                await call
        await stage.connect()
        stage.session.disconnect()
        stage.session.disconnect()
    assert stage.server.sent("publishVideo") == stage.server.sent("sendMessage") == []
    assert publisher.session is None


@pytest.mark.parametrize(
    ("role", "may"), [("SUBSCRIBER", ()), ("PUBLISHER", ("publish",)), ("MODERATOR", ("publish", "moderate"))]
)
@virtual_time
async def test_what_the_role_does_not_allow_raises_without_asking_the_server(role: str, may: tuple[str, ...]) -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS), role=role)
    publisher = await stage.publisher()
    calls = {
        "publish": [lambda: stage.session.publish(publisher)],
        "moderate": [
            lambda: stage.session.force_disconnect(stage.session.remote_connections[BOB]),
            lambda: stage.session.force_unpublish(stage.bobs),
        ],
    }
    for kind, attempts in calls.items():
        for attempt in attempts:
            if kind in may:
                await attempt()
            else:
                with pytest.raises(PermissionDeniedError, match=role):
                    await attempt()
    assert len(stage.server.sent("publishVideo")) == ("publish" in may)
    assert stage.server.sent("forceDisconnect") == [{"connectionId": BOB}] * ("moderate" in may)
    assert stage.server.sent("forceUnpublish") == [{"streamId": BOBS}] * ("moderate" in may)


@pytest.mark.parametrize(
    ("options", "keywords", "sent"),
    [
        (None, {}, ([], "", "signal:signal")),
        (None, {"type": "chat", "data": "x"}, ([], "x", "signal:chat")),
        ({"type": "signal:chat", "data": "Zoë"}, {}, ([], "Zoë", "signal:chat")),
        ({"type": "", "data": ""}, {}, ([], "", "signal:signal")),
        (None, {"to": ["bob"]}, ([BOB], "", "signal:signal")),
        ({"to": []}, {}, ([], "", "signal:signal")),
    ],
)
@virtual_time
async def test_signal_is_sent_in_the_form_of_openvidu_browser(
    options: dict[str, Any] | None, keywords: dict[str, Any], sent: tuple[list[str], str, str]
) -> None:
    stage = Stage()
    await stage.connect(participant())
    if "to" in keywords:
        keywords = {"to": [stage.session.remote_connections[BOB]]}
    await stage.session.signal(options, **keywords)
    ((params),) = stage.server.sent("sendMessage")
    message = json.loads(params["message"])
    assert (message["to"], message["data"], message["type"]) == sent


# --- publishing and subscribing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cancelled", [True, False])
@virtual_time
async def test_publish_that_fails_or_is_cancelled_leaves_the_publisher_as_before_and_it_can_be_published_then(
    cancelled: bool,
) -> None:
    stage = Stage()
    await stage.connect()
    publisher = await stage.publisher()
    told: list[str] = []
    publisher.on("streamCreated", lambda event: told.append(event.stream.stream_id))
    publisher.enable_speaking_events()
    stage.server.answers["publishVideo"] = None if cancelled else refusal(999)
    with pytest.raises((RequestError, TimeoutError)):
        async with asyncio.timeout(1):
            await stage.session.publish(publisher)
    own = stage.session.connection
    assert own is not None
    assert (own.stream, stage.session.stream_managers, publisher.watches_speech, told) == (None, [], False, [])
    assert not stage.page.devices.opened[0].stopped, "the application's camera goes on"
    stage.server.answers["publishVideo"] = {"id": "str_x", "sdpAnswer": "an answer"}
    await stage.session.publish(publisher)
    assert (own.stream, stage.session.stream_managers, told) == (publisher.stream, [publisher], ["str_x"])
    assert publisher.watches_speech
    stage.session.disconnect()


@virtual_time
async def test_second_publisher_is_refused_and_leaves_the_first_one_alone() -> None:
    stage = Stage()
    await stage.connect()
    first, second = await stage.publisher(), await stage.publisher()
    await stage.session.publish(first)
    with pytest.raises(OpenViduError):
        await stage.session.publish(second)
    with pytest.raises(OpenViduError):
        await stage.session.unpublish(second)
    assert stage.session.stream_managers == [first]
    assert (second.session, len(stage.peers.alive), len(stage.server.sent("publishVideo"))) == (None, 1, 1)
    stage.session.disconnect()


@pytest.mark.parametrize("fault", ["refused", "cancelled", "no host"])
@virtual_time
async def test_subscription_that_fails_leaves_neither_video_nor_media_connection_and_can_be_repeated(
    fault: str,
) -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    answer = stage.server.answers["receiveVideoFrom"]
    stage.server.answers["receiveVideoFrom"] = {"refused": refusal(999), "cancelled": None}.get(fault, answer)
    if fault == "no host":
        stage.peers.errors["create_offer"] = ValueError("no codec")
    with pytest.raises((RequestError, TimeoutError, ValueError)):
        async with asyncio.timeout(1):
            await stage.session.subscribe(stage.bobs, "others")
    assert [element.closed for element in stage.page.elements.made] == [True]
    assert (stage.peers.alive, stage.session.stream_managers, stage.bobs.stream_manager) == ([], [], None)
    stage.server.answers["receiveVideoFrom"] = answer
    stage.peers.errors.clear()
    subscriber = await stage.session.subscribe(stage.bobs, "others")
    assert stage.session.stream_managers == [subscriber]
    assert [element.closed for element in stage.page.elements.made] == [True, False]
    stage.session.disconnect()
    assert stage.peers.alive == []


@virtual_time
async def test_wrong_properties_and_a_missing_target_fail_a_subscription_before_anything_is_sent() -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    with pytest.raises(PropertiesError):
        await stage.session.subscribe(stage.bobs, "others", nonsense=1)
    with pytest.raises(PropertiesError):
        await stage.session.subscribe(stage.bobs, "nowhere")
    assert (stage.server.sent("receiveVideoFrom"), stage.peers.made, stage.bobs.stream_manager) == ([], [], None)


@virtual_time
async def test_own_stream_and_one_that_is_not_published_cannot_be_subscribed_to() -> None:
    stage = Stage()
    await stage.connect()
    publisher = await stage.publisher()
    for _ in range(2):
        with pytest.raises(OpenViduError):
            await stage.session.subscribe(publisher.stream)
        await stage.session.publish(publisher) if not publisher.stream.is_published else None
    assert publisher.stream.stream_manager is publisher
    stage.session.disconnect()


@virtual_time
async def test_unsubscribe_removes_the_videos_before_the_server_is_told_and_tells_it_nothing_of_who_has_left() -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    subscriber = await stage.session.subscribe(stage.bobs, "others")
    stage.server.answers["unsubscribeFromVideo"] = refusal(999)
    with pytest.raises(RequestError):
        await stage.session.unsubscribe(subscriber)
    assert (stage.page.elements.made[0].closed, stage.peers.alive) == (True, [])
    assert stage.server.sent("unsubscribeFromVideo") == [{"sender": BOB}]
    stage.server.tell("participantLeft", connectionId=BOB, reason="disconnect")
    await asyncio.sleep(0.1)
    await stage.session.unsubscribe(subscriber)
    assert len(stage.server.sent("unsubscribeFromVideo")) == 1
    assert len(stage.page.elements.made) == 1
    stage.session.disconnect()


@virtual_time
async def test_subscription_that_fails_before_it_replaces_an_earlier_one_leaves_the_earlier_one_in_place() -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    first = await stage.session.subscribe(stage.bobs, "others")
    with pytest.raises(PropertiesError):
        await stage.session.subscribe(stage.bobs, "nowhere")
    assert stage.session.stream_managers == [first]
    stage.server.tell("participantUnpublished", connectionId=BOB, reason="unpublish")
    await asyncio.sleep(0.1)
    assert [element.closed for element in stage.page.elements.made] == [True]


@virtual_time
async def test_later_subscription_replaces_the_earlier_one_whose_end_then_changes_nothing() -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    first = await stage.session.subscribe(stage.bobs, "others")
    second = await stage.session.subscribe(stage.bobs, "others")
    assert [element.closed for element in stage.page.elements.made] == [True, False]
    assert first.videos == []
    await stage.session.unsubscribe(first)
    assert (stage.server.sent("unsubscribeFromVideo"), stage.session.stream_managers) == ([], [second])
    await stage.session.unsubscribe(second)
    assert stage.server.sent("unsubscribeFromVideo") == [{"sender": BOB}]
    stage.session.disconnect()


@virtual_time
async def test_failed_subscription_that_has_replaced_an_earlier_one_leaves_neither() -> None:
    stage = Stage()
    await stage.connect(participant(BOB, BOBS))
    await stage.session.subscribe(stage.bobs, "others")
    stage.server.answers["receiveVideoFrom"] = refusal(999)
    with pytest.raises(RequestError):
        await stage.session.subscribe(stage.bobs, "others")
    assert [element.closed for element in stage.page.elements.made] == [True, True]
    assert (stage.session.stream_managers, stage.peers.alive) == ([], [])
    stage.session.disconnect()
