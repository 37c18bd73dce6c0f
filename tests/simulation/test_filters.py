"""Filters in simulated calls: what everybody sees of them, over outages, rejoins and for those who join later."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pyvidu import (
    CallbackError,
    Filter,
    FilterError,
    FilterEvent,
    FilterMethod,
    NotConnectedError,
    NotPublishedError,
    PermissionDeniedError,
    Publisher,
    RequestError,
    StreamPropertyChangedEvent,
)
from pyvidu.server.http.rest_json import connections_json, listing
from pyvidu.server.rooms.tokens import ConnectionProperties, Role
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.simulation.fake_tracks import FakeTrack
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.virtual_time import virtual_time

KIND, OPTIONS = "GStreamerFilter", {"command": "videobalance saturation=0.0"}
ALLOWED = {"allowedFilters": [KIND, "grey"]}


class Person(Participant):
    """A participant whose token allows filters, whose page has one, `grey`, and the changes of filters that it has seen."""

    def __init__(self, *arguments: Any, **configuration: Any) -> None:
        super().__init__(*arguments, **configuration)
        self.kurento_options: dict[str, Any] | None = ALLOWED
        self.changes: list[tuple[str, Any, Any, str]] = []
        self.made: list[FakeTrack] = []
        self.session.on("streamPropertyChanged", self._changed)

    async def fresh_token(self, role: Role = Role.PUBLISHER) -> str:
        properties = ConnectionProperties(role=role, kurento_options=self.kurento_options)
        return self.world.rooms.issue_token(self.world.room, properties, "ws://localhost:4443").url

    async def published(self, **properties: Any) -> Publisher:
        if properties:
            self.register()
        self.publisher = await self.openvidu.init_publisher("me", **properties)
        self.register()  # at any time before it is applied
        await self.session.publish(self.publisher)
        await asyncio.sleep(0.5)
        return self.publisher

    def register(self) -> None:
        self.openvidu.register_filter("grey", self._grey)
        self.openvidu.register_filter("broken", lambda _track: 1 / 0)
        self.openvidu.register_filter("hidden", self._grey, announce=False)

    @property
    def running(self) -> int:
        return sum(not track.stopped for track in self.made)

    @property
    def seen(self) -> Filter | None:
        """Return the filter of the only stream that it receives."""
        (stream,) = self.session.room_events.remote_streams()
        return stream.filter

    def _grey(self, track: FakeTrack, **options: Any) -> FakeTrack:
        self.made.append(replace(track, label=f"grey {options}", size=options.get("size", track.size)))
        return self.made[-1]

    def _changed(self, event: StreamPropertyChangedEvent) -> None:
        if event.changed_property == "filter":
            new, old = (None if item is None else item.type for item in (event.new_value, event.old_value))
            self.changes.append((event.stream.stream_id, new, old, event.reason))


async def person(call: Call, name: str, role: Role = Role.PUBLISHER, **configuration: Any) -> Person:
    one = Person(call.world, name, **configuration)
    call.participants.append(one)
    await one.join(role, publish=False)
    return one


@virtual_time
async def test_everybody_sees_what_the_owner_does_with_the_reason_and_who_joins_later_sees_the_state() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        stream = (await ada.published()).stream
        made = await stream.apply_filter(KIND, OPTIONS)
        await made.exec_method("setElementProperty", {"saturation": "1.0"})
        await asyncio.sleep(0.1)
        assert bob.seen is not None
        assert bob.seen.last_exec_method == FilterMethod("setElementProperty", {"saturation": "1.0"})
        late = await person(call, "late")
        await asyncio.sleep(1)
        seen = late.seen
        assert seen is not None
        assert (seen.type, seen.options, seen.last_exec_method) == (KIND, OPTIONS, made.last_exec_method)
        await stream.remove_filter()
        await asyncio.sleep(0.1)
        changes = [
            (stream.stream_id, KIND, None, "applyFilter"),
            (stream.stream_id, KIND, KIND, "execFilterMethod"),
            (stream.stream_id, None, KIND, "removeFilter"),
        ]
        assert ada.changes == bob.changes == changes
        assert late.changes == changes[2:]
        assert stream.filter is late.seen is None


@virtual_time
async def test_moderator_changes_the_filter_of_another_and_of_its_own_stream_with_one_event_for_each() -> None:
    async with a_call() as call:
        moderator, ada = await person(call, "moderator", Role.MODERATOR), await person(call, "ada")
        own = (await ada.published()).stream
        received = moderator.session.room_events.remote_streams()[0]
        await received.apply_filter(KIND, OPTIONS)
        await asyncio.sleep(0.1)
        assert own.filter is not None
        assert (own.filter.type, own.filter.options) == (KIND, OPTIONS)
        assert received.filter is not None
        await received.filter.exec_method("x", {})
        await own.remove_filter()
        await asyncio.sleep(0.1)
        reasons = ["applyFilter", "execFilterMethod", "removeFilter"]
        assert [reason for *_, reason in ada.changes] == [reason for *_, reason in moderator.changes] == reasons
        ada.changes.clear()
        moderator.changes.clear()
        stream = (await moderator.published()).stream  # its server tells it of that besides answering
        await (await stream.apply_filter(KIND, OPTIONS)).exec_method("x")
        await stream.remove_filter()
        await asyncio.sleep(0.1)
        assert [reason for *_, reason in ada.changes] == [reason for *_, reason in moderator.changes] == reasons


@virtual_time
async def test_filter_in_the_options_of_a_publisher_is_published_and_kept_over_outages() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        publisher = await ada.published(filter={"type": KIND, "options": OPTIONS})
        own = publisher.stream.filter
        await until(lambda: bool(bob.session.room_events.remote_streams()))
        assert own is not None
        assert bob.seen is not None
        assert (bob.seen.type, bob.seen.options) == (own.type, own.options) == (KIND, OPTIONS)
        await own.exec_method("x", {"a": 1})
        ada.link.drop("silent")
        bob.link.drop("silent")
        await asyncio.sleep(9)
        removing = asyncio.ensure_future(publisher.stream.remove_filter())
        ada.link.restore()
        bob.link.restore()
        await until(lambda: bool(ada.events("reconnected") and bob.events("reconnected")))
        await removing
        await until(lambda: bob.seen is None)
        assert [reason for *_, reason in bob.changes] == ["execFilterMethod", "removeFilter"]
        await ada.session.unpublish(publisher)
        await ada.session.publish(publisher)
        await until(lambda: bool(bob.session.room_events.remote_streams()))
        assert bob.seen is not None
        assert bob.seen.type == KIND, "it is published as it was made"


@virtual_time
async def test_filter_that_is_applied_before_or_while_a_stream_is_published_is_told_too() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        publisher = await ada.openvidu.init_publisher()
        ada.register()
        await publisher.stream.apply_filter("grey", {"before": True})
        publishing = asyncio.ensure_future(ada.session.publish(publisher))
        await until(lambda: bool(bob.session.room_events.remote_streams()))
        await publishing
        assert bob.seen is not None
        assert bob.seen.options == {"before": True}
        await ada.session.unpublish(publisher)
        publishing = asyncio.ensure_future(ada.session.publish(publisher))
        await asyncio.sleep(0)
        await publisher.stream.apply_filter("grey", {"meanwhile": True})
        await publishing
        await until(lambda: bob.seen is not None)
        assert bob.seen.options == {"meanwhile": True}
        assert ada.running == 1


@virtual_time
async def test_filter_that_the_server_refuses_keeps_the_stream_from_being_published() -> None:
    async with a_call() as call:
        ada = await person(call, "ada")
        with pytest.raises(RequestError, match="permissions"):
            await ada.published(filter={"type": "ZBarFilter"})


@virtual_time
async def test_filter_of_the_page_changes_what_is_sent_and_seen_and_removing_it_restores_that() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        publisher = await ada.published()
        tracks = publisher.media_stream.tracks
        camera = tracks["video"]
        await publisher.stream.apply_filter("grey", {"size": [320, 240]})
        assert tracks["video"] is ada.made[0]
        assert publisher.stream.video_dimensions.width == 320
        await until(lambda: bob.seen is not None)
        publisher.publish_video(False)
        assert not tracks["video"].enabled
        ada.link.drop("silent")
        await asyncio.sleep(9)
        ada.link.restore()
        await until(lambda: bool(ada.events("reconnected")))
        await asyncio.sleep(3)
        assert (tracks["video"], ada.running) == (ada.made[0], 1), "the renegotiated connection sends the same track"
        await publisher.stream.remove_filter()
        assert tracks["video"] is camera
        assert (camera.stopped, camera.enabled, ada.running) == (False, False, 0)
        assert [reason for *_, reason in bob.changes] == ["applyFilter", "removeFilter"]
        another = FakeTrack("video", "another")
        await publisher.stream.apply_filter("grey")
        await publisher.replace_track(another)
        assert camera.stopped
        assert not another.stopped
        await publisher.stream.remove_filter()
        assert tracks["video"] is another
        assert ada.running == 0


@virtual_time
async def test_filter_of_the_page_that_is_refused_or_fails_leaves_the_track_and_nothing_running() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        publisher = await ada.published()
        camera = publisher.media_stream.tracks["video"]
        with pytest.raises(PermissionDeniedError):
            await publisher.stream.apply_filter("broken")
        ALLOWED["allowedFilters"].append("broken")
        try:
            with pytest.raises(CallbackError, match="division by zero"):
                await publisher.stream.apply_filter("broken")
        finally:
            ALLOWED["allowedFilters"].remove("broken")
        await asyncio.sleep(0.5)
        assert publisher.media_stream.tracks["video"] is camera
        assert publisher.stream.filter is bob.seen is None
        assert not [track for track in publisher.local_stream.source.copies if not track.stopped]  # type: ignore[attr-defined]
        assert ada.changes == []
        assert [reason for *_, reason in bob.changes] == ["applyFilter", "removeFilter"], "the server was told first"
        bob.changes.clear()
        await publisher.stream.apply_filter("hidden")
        with pytest.raises(FilterError, match="already"):
            await publisher.stream.apply_filter(KIND)
        assert (ada.running, bob.changes) == (1, [])
        await ada.session.unpublish(publisher)
        assert (ada.running, camera.stopped) == (0, True)


@virtual_time
async def test_filter_of_the_owners_page_that_a_moderator_applies_runs_there() -> None:
    async with a_call() as call:
        moderator, ada = await person(call, "moderator", Role.MODERATOR), await person(call, "ada")
        publisher = await ada.published()
        received = moderator.session.room_events.remote_streams()[0]
        await received.apply_filter("grey", {})
        await asyncio.sleep(0.1)
        assert (ada.running, moderator.running) == (1, 0)
        assert publisher.media_stream.tracks["video"] is ada.made[0]
        await received.remove_filter()
        await asyncio.sleep(0.1)
        assert ada.running == 0


@virtual_time
async def test_camera_that_is_released_and_opened_again_is_filtered_again() -> None:
    async with a_call() as call:
        ada = await person(call, "ada")
        publisher = await ada.published(filter={"type": "grey"})
        camera = publisher.local_stream.source.copies[0]  # type: ignore[attr-defined]
        assert ada.running == 1
        await publisher.publish_video(False, True)
        assert (ada.running, camera.stopped) == (0, True)
        await publisher.publish_video(True)
        assert ada.running == 1
        assert publisher.media_stream.tracks["video"] is ada.made[-1]
        await ada.session.unpublish(publisher)
        assert ada.running == 0
        await ada.session.publish(publisher)
        assert ada.running == 1, "the properties say so"


@virtual_time
async def test_rejoined_participant_publishes_its_filter_again() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        publisher = await ada.published()
        await publisher.stream.apply_filter("grey", {"a": 1})
        ada.link.drop("silent")
        await asyncio.sleep(20)
        ada.link.restore()
        await until(lambda: bool(ada.events("rejoined")))
        await asyncio.sleep(2)
        assert bob.seen is not None
        assert (bob.seen.type, bob.seen.options, ada.running) == ("grey", {"a": 1}, 1)
        ada.session.disconnect()
        assert ada.running == 0


@virtual_time
async def test_method_that_was_called_is_none_any_more_after_a_rejoin() -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        made = await (await ada.published()).stream.apply_filter(KIND, OPTIONS)
        await made.exec_method("x")
        ada.link.drop("silent")
        await asyncio.sleep(20)
        ada.link.restore()
        await until(lambda: bool(ada.events("rejoined")))
        await asyncio.sleep(2)
        assert bob.seen is not None
        assert made is ada.publisher.stream.filter  # type: ignore[union-attr]
        assert bob.seen.last_exec_method is made.last_exec_method is None


@virtual_time
async def test_stream_that_has_ended_and_session_that_has_say_so() -> None:
    async with a_call() as call:
        moderator, ada = await person(call, "moderator", Role.MODERATOR), await person(call, "ada")
        publisher = await ada.published()
        received = moderator.session.room_events.remote_streams()[0]
        made = await received.apply_filter(KIND, OPTIONS)
        await ada.session.unpublish(publisher)
        await asyncio.sleep(0.1)
        for ended in (received.remove_filter(), made.exec_method("x"), made.add_event_listener("x", print)):
            with pytest.raises(RequestError) as told:
                await ended
            assert told.value.code == 102
        moderator.session.disconnect()
        with pytest.raises(NotConnectedError):
            await received.remove_filter()
        with pytest.raises(FilterError, match="has no filter"):
            await publisher.stream.remove_filter()
        with pytest.raises(NotPublishedError):
            await publisher.stream.apply_filter(KIND)
        ada.session.disconnect()
        with pytest.raises(NotConnectedError):
            await publisher.stream.apply_filter(KIND)


@virtual_time
async def test_events_of_a_filter_reach_the_handler_and_a_failing_one_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_call() as call:
        ada, bob = await person(call, "ada"), await person(call, "bob")
        publisher = await ada.published()
        made = await publisher.stream.apply_filter(KIND, OPTIONS)
        seen: list[FilterEvent] = []

        async def handle(event: FilterEvent) -> None:
            seen.append(event)

        await made.add_event_listener("CodeFound", handle)
        await made.add_event_listener("broken", lambda: 1 / 0)
        for kind in ("CodeFound", "broken", "other"):
            told = {"eventType": kind, "data": {"value": "x"}, "streamId": publisher.stream.stream_id}
            for one in (ada, bob):
                one.session.participation.notified("filterEventDispatched", {"connectionId": ada.id} | told)
        await asyncio.sleep(0.1)
        assert [(event.type, event.target, event.data) for event in seen] == [("CodeFound", made, {"value": "x"})]
        assert "a handler of broken failed" in caplog.text
        await made.remove_event_listener("CodeFound")
        told = {"eventType": "CodeFound", "data": "", "streamId": publisher.stream.stream_id}
        ada.session.participation.notified("filterEventDispatched", {"connectionId": ada.id} | told)
        await asyncio.sleep(0.1)
        assert len(seen) == 1


@pytest.mark.parametrize("replays", [True, False])
@virtual_time
async def test_filters_that_others_change_during_an_outage_are_right_after_it(replays: bool) -> None:
    async with a_call(None if replays else KurentoProfile) as call:

        async def roster() -> object:
            return listing(connections_json(call.world.room, pending=True))

        moderator = await person(call, "moderator", Role.MODERATOR)
        ada, bob = await person(call, "ada", roster=roster), await person(call, "bob")
        own, others = (await ada.published()).stream, (await bob.published()).stream
        await others.apply_filter(KIND, OPTIONS)
        await asyncio.sleep(0.1)
        ada.changes.clear()
        ada.link.drop("silent")
        await asyncio.sleep(4)
        await others.remove_filter()
        received = next(
            stream for stream in moderator.session.room_events.remote_streams() if stream.stream_id == own.stream_id
        )
        await received.apply_filter("grey", {"a": 1})
        assert ada.running == 0
        ada.link.restore()
        await until(lambda: bool(ada.events("reconnected")))
        await asyncio.sleep(2)
        assert sorted((stream, new, reason) for stream, new, _, reason in ada.changes) == sorted(
            [(others.stream_id, None, "removeFilter"), (own.stream_id, "grey", "applyFilter")]
        )
        assert own.filter is not None
        assert (own.filter.type, own.filter.options, ada.seen) == ("grey", {"a": 1}, None)
        assert ada.running == 1, "it is one of her page's"
