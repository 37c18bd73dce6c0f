"""A publisher: what it sets on its tracks, what it tells the others, and what is left when a call fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.configuration import PublisherProperties
from pyvidu.connection import Connection
from pyvidu.errors import DeviceError, PropertiesError, RequestError, StreamEndedError
from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.membership import ParticipantState
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.values import VideoDimensions
from pyvidu.publisher import Publisher
from tests.simulation.simulated_host import FakeLoudness, FakeMedia, FakeTrack
from tests.unit.page import Owner, Page
from tests.virtual_time import virtual_time


class Silent(FakeMedia):
    """A MediaStream with video only."""

    has_audio = False


class Blind(FakeMedia):
    """A MediaStream with audio only."""

    has_video = False


class Media:
    """A media connection that cannot send a track, or can when a test says so."""

    peer = None
    remote_stream: Any = None

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.during: Any = lambda: None
        self.sent: list[object] = []

    async def replace_track(self, track: object) -> None:
        self.sent.append(track)
        await asyncio.sleep(1)
        self.during()
        if self.refuses:
            raise OSError("the encoder cannot")

    def close(self) -> None:
        pass


class Stage:
    """A publisher in a page, published by an owner if a test says so."""

    def __init__(self, media: FakeMedia | None = None, **properties: Any) -> None:
        self.page = Page()
        self.source = media or FakeMedia()
        source: Any = self.source
        self.publisher = Publisher(self.page.host, source, PublisherProperties(**properties), self._acquire)
        self.acquired: list[FakeMedia] = []
        self.failure: Exception | None = None
        self.owner: Any = Owner()
        self.session = EventDispatcher()
        for dispatcher in (self.publisher, self.session):
            self.page.listen(dispatcher, "streamPropertyChanged", "streamDestroyed", "videoElementDestroyed")

    async def _acquire(self, wanted: PublisherProperties) -> Any:
        await asyncio.sleep(1)
        if self.failure is not None:
            raise self.failure
        kinds = [kind for kind in ("audio", "video") if getattr(wanted, f"{kind}_source") is not False]
        self.acquired.append(FakeMedia(*(FakeTrack(kind, "another") for kind in kinds)))
        return self.acquired[-1]

    def published(self, media: Any = None) -> Publisher:
        self.publisher.stream.state.id = "str_x"
        self.publisher.session = self.session
        self.publisher.stream.connection = Connection(ParticipantState("con_x"))
        self.publisher.stream.connection.stream = self.publisher.stream
        self.publisher.local_stream.attach(self.owner, media or Media())
        return self.publisher

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """Return the requests so far, as property, new value and reason."""
        return [(call.property, call.new_value, call.reason) for call in self.owner.sent]


# --- before publishing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("audio", "video"), [(True, True), (False, True), (True, False)])
def test_tracks_are_enabled_as_the_properties_say(audio: bool, video: bool) -> None:
    stage = Stage(publish_audio=audio, publish_video=video)
    assert stage.source.enabled == {"audio": audio, "video": video}
    stream = stage.publisher.stream
    assert (stream.has_audio, stream.has_video, stream.audio_active, stream.video_active) == (True, True, audio, video)


@pytest.mark.parametrize(("media", "kind"), [(Silent, "audio"), (Blind, "video")])
def test_kind_that_there_is_no_track_of_is_not_active(media: type[FakeMedia], kind: str) -> None:
    stream = Stage(media()).publisher.stream
    assert (getattr(stream, f"has_{kind}"), getattr(stream, f"{kind}_active")) == (False, False)


@pytest.mark.parametrize(
    ("source", "media", "kind"),
    [
        (None, FakeMedia, "CAMERA"), (True, FakeMedia, "CAMERA"), ("a device id", FakeMedia, "CAMERA"),
        ("screen", FakeMedia, "SCREEN"), (FakeTrack("video"), FakeMedia, "CUSTOM"), (None, Blind, None),
    ],
)  # fmt: skip
def test_type_of_video_follows_from_its_source(source: Any, media: type[FakeMedia], kind: str | None) -> None:
    assert Stage(media(), video_source=source).publisher.stream.type_of_video == kind


@pytest.mark.parametrize(
    ("properties", "mirror"), [({}, True), ({"mirror": False}, False), ({"video_source": "screen"}, False)]
)
def test_own_view_is_silent_and_mirrored_unless_it_is_a_screen(properties: dict[str, Any], mirror: bool) -> None:
    stage = Stage(**properties)
    stage.publisher.create_video_element("me")
    stage.publisher.add_video_element("an element")
    assert [(asked["mirror"], asked["muted"]) for asked in stage.page.elements.asked] == [(mirror, True)] * 2


@virtual_time
async def test_stream_as_the_others_get_it_is_shown_neither_mirrored_nor_silent_once_it_comes_back() -> None:
    stage = Stage()
    publisher = stage.publisher
    with pytest.raises(PropertiesError):
        publisher.subscribe_to_remote(1)  # type: ignore[arg-type]
    publisher.subscribe_to_remote()
    publisher.create_video_element("me")
    (element,) = stage.page.elements.made
    assert [(asked["mirror"], asked["muted"]) for asked in stage.page.elements.asked] == [(False, False)]
    assert element.shown == []
    local = publisher.media_stream
    media = Media()
    stage.published(media)
    for returned in ("what came back", "after a renegotiation"):
        media.remote_stream = returned
        publisher.local_stream.media_stream_changed(media)  # type: ignore[arg-type]
        assert (publisher.media_stream, element.shown[-1]) == (returned, returned)
    publisher.local_stream.detach()
    assert publisher.media_stream is local
    publisher.subscribe_to_remote(False)
    assert not publisher.is_subscribed_to_remote


@virtual_time
async def test_mute_before_publishing_takes_effect_and_is_told_to_nobody() -> None:
    stage = Stage()
    stage.publisher.session = stage.session
    told = stage.publisher.publish_audio(False)
    assert told.done()
    await told
    assert stage.source.enabled["audio"] is False
    assert stage.page.events == []
    assert stage.told == []


# --- muting ----------------------------------------------------------------------------------------------------------


@virtual_time
async def test_mute_takes_effect_at_once_and_fires_on_both_when_the_server_has_answered() -> None:
    stage = Stage()
    publisher = stage.published()
    told = publisher.publish_video(False)
    assert (stage.source.enabled["video"], publisher.stream.video_active, told.done()) == (False, False, False)
    assert stage.page.events == []
    await told
    assert [(event.target, event.changed_property, event.new_value) for event in stage.page.events] == [
        (stage.session, "videoActive", False),
        (publisher, "videoActive", False),
    ]
    assert stage.told == [("videoActive", False, "publishVideo")]


@virtual_time
async def test_mute_of_what_is_muted_or_missing_changes_and_tells_nothing() -> None:
    stage = Stage(Silent())
    publisher = stage.published()
    before = dict(stage.source.enabled)
    for told in (publisher.publish_video(True), publisher.publish_audio(True), publisher.publish_audio(False)):
        assert told.done()
    assert (stage.source.enabled, stage.page.events, stage.told) == (before, [], [])
    assert publisher.stream.audio_active is False


@virtual_time
async def test_mute_that_the_server_refuses_raises_for_who_awaits_it_and_stays_in_effect() -> None:
    stage = Stage()
    publisher = stage.published()
    stage.owner.failure = RequestError("streamPropertyChanged", 999, "no")
    with pytest.raises(RequestError):
        await publisher.publish_audio(False)
    assert (stage.source.enabled["audio"], publisher.stream.audio_active, stage.page.events) == (False, False, [])


@virtual_time
async def test_released_camera_is_opened_again_once_and_its_new_track_is_sent() -> None:
    stage, media = Stage(), Media()
    publisher = stage.published(media)
    first = stage.source.tracks["video"]
    await publisher.publish_video(False, True)
    assert (first.stopped, stage.source.tracks["audio"].stopped) == (True, False)
    both = publisher.publish_video(True), publisher.publish_video(True)
    await asyncio.gather(*both)
    (opened,) = stage.acquired
    assert list(opened.tracks) == ["video"]
    assert media.sent == [opened.tracks["video"]] == [stage.source.tracks["video"]]
    assert stage.told[-1] == ("videoActive", True, "publishVideo")
    assert (publisher.stream.video_active, opened.tracks["video"].enabled) == (True, True)


@virtual_time
async def test_given_track_is_sent_in_place_of_the_released_camera() -> None:
    stage, track = Stage(), FakeTrack("video", "given")
    publisher = stage.published()
    await publisher.publish_video(False, True)
    await publisher.publish_video(True, track)
    assert (stage.acquired, stage.source.tracks["video"]) == ([], track)
    await publisher.publish_video(False, True)
    with pytest.raises(PropertiesError):
        await publisher.publish_video(True, FakeTrack("audio"))
    assert publisher.stream.video_active is False


@virtual_time
async def test_camera_that_is_denied_or_comes_too_late_leaves_the_video_off() -> None:
    stage = Stage()
    publisher = stage.published()
    await publisher.publish_video(False, True)
    stage.failure = DeviceError("DEVICE_ACCESS_DENIED", "no")
    with pytest.raises(DeviceError):
        await publisher.publish_video(True)
    stage.failure = None
    opening = publisher.publish_video(True)
    publisher.dispose()
    with pytest.raises(StreamEndedError):
        await opening
    assert stage.acquired[0].tracks["video"].stopped
    assert publisher.stream.video_active is False


@virtual_time
async def test_reopened_publisher_has_new_tracks_muted_as_before() -> None:
    stage = Stage()
    publisher = stage.publisher
    await publisher.publish_audio(False)
    publisher.dispose()
    assert publisher.is_disposed
    await publisher.reopen()
    (opened,) = stage.acquired
    assert publisher.media_stream is publisher.local_stream.source.stream is opened.stream
    assert opened.enabled == {"audio": False, "video": True}
    assert not publisher.is_disposed


# --- replacing a track -----------------------------------------------------------------------------------------------


@virtual_time
async def test_replacing_track_of_a_muted_kind_is_muted_before_it_is_sent_and_the_old_one_stopped_after_it() -> None:
    stage = Stage(publish_audio=False)
    media, old, seen = Media(), stage.source.tracks["audio"], []
    publisher = stage.published(media)
    stage.source.enabled.clear()
    media.during = lambda: seen.append((stage.source.enabled.get("audio"), old.stopped))
    await publisher.replace_track(FakeTrack("audio", "headset"))
    assert seen == [(False, False)]
    assert old.stopped
    assert [(event.changed_property, event.reason) for event in stage.page.events] == [
        ("audioTrack", "trackReplaced")
    ] * 2
    assert [(name, reason) for name, _, reason in stage.told] == [("audioTrack", "trackReplaced")]


@virtual_time
async def test_dimensions_are_told_after_the_track_and_only_if_they_have_changed() -> None:
    stage = Stage()
    publisher = stage.published()
    for size in ((640, 480), (320, 240), (320, 240)):
        await publisher.replace_track(FakeTrack("video", "camera", size))
    assert [name for name, *_ in stage.told] == ["videoTrack", "videoTrack", "videoDimensions", "videoTrack"]
    assert stage.told[2][1] == '{"width":320,"height":240}'


@virtual_time
async def test_track_that_cannot_be_sent_leaves_the_old_one_running_and_tells_nothing() -> None:
    stage = Stage()
    old = stage.source.tracks["audio"]
    publisher = stage.published(Media(refuses=True))
    with pytest.raises(PropertiesError, match="audio track could not be replaced: the encoder cannot"):
        await publisher.replace_track(FakeTrack("audio"))
    assert (stage.source.tracks["audio"], old.stopped) == (old, False)
    assert (stage.page.events, stage.told) == ([], [])


@pytest.mark.parametrize(
    ("media", "track"), [(Blind, FakeTrack("video")), (Silent, FakeTrack("audio")), (FakeMedia, 5)]
)
@virtual_time
async def test_track_of_a_kind_that_is_not_sent_is_refused_before_anything_is_exchanged(
    media: type[FakeMedia], track: Any
) -> None:
    stage = Stage(media())
    tracks = dict(stage.source.tracks)
    with pytest.raises(PropertiesError, match=r"has no (audio|video|such) track"):
        await stage.published().replace_track(track)
    assert stage.source.tracks == tracks


# --- the end ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_end_of_publishing_stops_the_tracks_after_stream_destroyed_unless_that_is_prevented() -> None:
    for prevented in (False, True):
        stage, seen = Stage(), []
        publisher = stage.published()
        connection = publisher.stream.connection
        assert connection is not None
        publisher.create_video_element("me")

        @publisher.on("streamDestroyed")
        def _(event: Any, prevented: bool = prevented, stage: Stage = stage, seen: list[Any] = seen) -> None:
            seen.append((event.reason, stage.source.stopped, len(stage.publisher.videos)))
            if prevented:
                event.prevent_default()

        publisher.ended(Reason.UNPUBLISH)
        assert seen == [("unpublish", False, 1)]
        assert (stage.source.stopped, publisher.videos == []) == (not prevented, not prevented)
        assert connection.stream is None


@virtual_time
async def test_disposing_ends_a_publisher_that_was_never_published_and_a_second_time_changes_nothing() -> None:
    stage = Stage()
    stage.publisher.create_video_element("me")
    stage.publisher.enable_speaking_events()
    await asyncio.sleep(1)
    assert FakeLoudness.alive == 1
    for _ in range(2):
        stage.publisher.dispose()
    assert (stage.source.stopped, stage.page.elements.made[0].closed, FakeLoudness.alive) == (True, True, 0)
    assert stage.page.names == ["videoElementDestroyed"]
    await asyncio.sleep(1)
    assert FakeLoudness.alive == 0


def test_handler_of_stream_created_that_is_added_after_publishing_is_called_at_once() -> None:
    stage = Stage()
    stage.page.listen(stage.publisher, "streamCreated")
    assert stage.page.names == []
    stage.published()
    stage.page.listen(stage.publisher, "streamCreated")
    assert [(event.type, event.stream) for event in stage.page.events] == [("streamCreated", stage.publisher.stream)]


@virtual_time
async def test_old_track_that_stays_because_the_new_one_cannot_be_sent_is_muted_if_that_was_asked_meanwhile() -> None:
    stage = Stage()
    media, old = Media(refuses=True), stage.source.tracks["audio"]
    publisher = stage.published(media)
    enabled: list[tuple[object, bool]] = []
    enable = stage.source.enable

    def record(kind: str, wanted: bool) -> None:
        enable(kind, wanted)
        enabled.append((stage.source.tracks[kind], wanted))

    stage.source.enable = record  # type: ignore[method-assign]
    media.during = lambda: publisher.publish_audio(False)
    with pytest.raises(PropertiesError):
        await publisher.replace_track(FakeTrack("audio"))
    assert enabled[-1] == (old, False)


@virtual_time
async def test_cancelled_replacement_sends_and_shows_the_old_track_again_whatever_the_browser_has_done() -> None:
    stage = Stage()
    media, old, new = Media(), stage.source.tracks["video"], FakeTrack("video")
    publisher = stage.published(media)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(publisher.replace_track(new), 0.5)
    await asyncio.sleep(2)
    assert media.sent[-1] is old
    assert (stage.source.tracks["video"], old.stopped, new.stopped, stage.told) == (old, False, False, [])


@virtual_time
async def test_others_are_told_of_what_has_changed_although_the_wait_for_it_is_cancelled() -> None:
    stage = Stage()
    publisher = stage.published()
    stage.owner.delay = 5.0
    for work in (publisher.publish_audio(False), publisher.replace_track(FakeTrack("video", "new", (320, 240)))):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work, 2)
    await asyncio.sleep(10)
    assert [name for name, *_ in stage.told] == ["audioActive", "videoTrack", "videoDimensions"]


@pytest.mark.parametrize(("source", "reason"), [(None, "deviceRotated"), ("screen", "screenResized")])
@virtual_time
async def test_another_size_of_the_same_track_is_told_to_the_others(source: Any, reason: str) -> None:
    stage = Stage(video_source=source)
    stage.source.resized()  # not published: nobody to tell
    stage.published()
    stage.source.resized()  # the same size as before
    stage.source.tracks["video"].size = (480, 640)
    stage.source.resized()
    await asyncio.sleep(0)
    assert stage.told == [("videoDimensions", '{"width":480,"height":640}', reason)]
    assert stage.publisher.stream.video_dimensions == VideoDimensions(480, 640)
