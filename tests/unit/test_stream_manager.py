"""What Publisher and Subscriber have in common: video elements, events that were missed, and speaking events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pyvidu.configuration import AdvancedConfiguration, SpeakingEventsOptions
from pyvidu.connection import Connection
from pyvidu.errors import PropertiesError
from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.membership import ParticipantState, StreamState
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from tests.simulation.simulated_host import FakeLoudness
from tests.unit.page import Page
from tests.virtual_time import virtual_time

QUIET, LOUD = -60.0, -30.0


class Manager(StreamManager):
    """A manager of a stream whose MediaStream a test sets."""

    shown: Any = "a MediaStream"

    @property
    def media_stream(self) -> Any:
        return self.shown


class Stage:
    """A manager in a page."""

    def __init__(self) -> None:
        self.page = Page()
        self.stream = Stream(StreamState(), Connection(ParticipantState("con_x")))
        self.manager = Manager(self.page.host, self.stream)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Let all streams be silent before and after a test, and see that no meter is left."""
    FakeLoudness.level = -200.0
    yield
    FakeLoudness.level = -200.0
    assert FakeLoudness.alive == 0


def test_base_class_has_no_media_and_the_stream_knows_its_manager() -> None:
    page, stream = Page(), Stream(StreamState())
    manager = StreamManager(page.host, stream)
    assert stream.stream_manager is manager
    for name in ("media_stream", "media"):
        with pytest.raises(NotImplementedError):
            getattr(manager, name)


def test_video_element_shows_the_stream_before_it_is_reported() -> None:
    stage, seen = Stage(), []
    stage.manager.on("videoElementCreated", lambda event: seen.append((event.element, list(event.element.shown))))
    first = stage.manager.create_video_element("me")
    stage.manager.shown = None
    second = stage.manager.add_video_element("an element")
    assert seen == [(first, ["a MediaStream"]), (second, [])]
    assert stage.page.elements.asked[0]["identity"] == "local-video-undefined"
    assert stage.manager.id == "local-video-undefined"


def test_element_without_a_target_raises_and_is_not_kept() -> None:
    stage = Stage()
    stage.page.listen(stage.manager, "videoElementCreated")
    with pytest.raises(PropertiesError):
        stage.manager.create_video_element("nowhere")
    assert (stage.manager.videos, stage.manager.id, stage.page.events) == ([], "", [])


def test_stream_playing_fires_once_for_all_elements_and_at_once_for_later_handlers() -> None:
    stage = Stage()
    stage.page.listen(stage.manager, "streamPlaying")
    for _ in range(2):
        stage.manager.create_video_element("me")
    assert stage.page.names == ["streamPlaying"]
    stage.page.listen(stage.manager, "streamPlaying", "videoElementCreated", "streamPropertyChanged")
    assert stage.page.names[1:] == ["streamPlaying", "videoElementCreated", "videoElementCreated"]


def test_stream_playing_fires_again_when_the_first_element_can_play_again() -> None:
    stage = Stage()
    for _ in range(2):
        stage.manager.create_video_element("me")
    stage.page.listen(stage.manager, "streamPlaying")
    first, second = stage.page.elements.made
    second.can_play()
    assert stage.page.names == ["streamPlaying"]  # the one before the handler was added
    first.can_play()
    assert stage.page.names == ["streamPlaying"] * 2


@virtual_time
async def test_speech_is_told_to_the_session_then_to_the_manager_and_without_a_connection_to_nobody() -> None:
    stage, session = Stage(), EventDispatcher()
    stage.page.listen(session, "publisherStartSpeaking")
    stage.page.listen(stage.manager, "publisherStartSpeaking")
    stage.manager.session = session
    FakeLoudness.level = LOUD
    for connection in (stage.stream.connection, None):
        stage.stream.connection = connection
        stage.manager.enable_speaking_events()
        await asyncio.sleep(1)
        stage.manager.stop_watching_speech()
    assert [event.target for event in stage.page.events] == [session, stage.manager]


@virtual_time
async def test_second_call_replaces_the_threshold_and_leaves_one_meter() -> None:
    stage = Stage()
    stage.page.listen(stage.manager, "publisherStartSpeaking")
    FakeLoudness.level = LOUD
    stage.manager.enable_speaking_events(threshold=-20.0)
    await asyncio.sleep(1)
    assert stage.page.events == []
    stage.manager.enable_speaking_events(threshold=-40.0)
    await asyncio.sleep(1)
    assert stage.page.names == ["publisherStartSpeaking"]
    assert FakeLoudness.alive == 1
    stage.manager.disable_speaking_events()


@virtual_time
async def test_speaking_events_that_are_enabled_stop_with_the_stream_and_go_on_with_it() -> None:
    stage = Stage()
    stage.manager.watch_speech()
    assert not stage.manager.watches_speech, "nobody has enabled them"
    stage.manager.enable_speaking_events()
    assert stage.manager.watches_speech
    for _ in range(2):
        stage.manager.stop_watching_speech()
    assert not stage.manager.watches_speech
    stage.manager.watch_speech()
    assert stage.manager.watches_speech
    stage.manager.disable_speaking_events()
    stage.manager.watch_speech()
    assert not stage.manager.watches_speech


@virtual_time
async def test_volume_is_told_when_it_changes_and_starts_anew_when_it_is_enabled_anew() -> None:
    stage, told = Stage(), list[Any]()
    stage.page.listen(stage.manager, "streamAudioVolumeChange")
    for _ in range(2):
        stage.manager.enable_volume_events()
        await asyncio.sleep(1)
        FakeLoudness.level = QUIET
        await asyncio.sleep(1)
        stage.manager.enable_volume_events()  # again: it changes nothing
        await asyncio.sleep(1)
        told.append(len(stage.page.events))
        stage.manager.disable_speaking_events()
        FakeLoudness.level = -200.0
        await asyncio.sleep(1)
    assert told == [1, 2]


@virtual_time
async def test_volume_events_keep_the_threshold_of_speaking_events_that_were_enabled_before() -> None:
    stage = Stage()
    stage.page.listen(stage.manager, "publisherStartSpeaking")
    stage.manager.enable_speaking_events(threshold=-20.0)
    stage.manager.enable_volume_events()
    FakeLoudness.level = LOUD
    await asyncio.sleep(1)
    assert stage.page.events == []
    stage.manager.disable_speaking_events()


@virtual_time
async def test_numbers_of_speaking_events_are_the_streams_own_else_the_configurations_and_change_at_once() -> None:
    stage = Stage()
    settings = AdvancedConfiguration(publisher_speaking_events_options=SpeakingEventsOptions(0.1, LOUD + 5))
    manager = Manager(stage.page.host, stage.stream, lambda: settings)
    stage.page.listen(manager, "publisherStartSpeaking", "publisherStopSpeaking")
    FakeLoudness.level = LOUD
    manager.enable_speaking_events()
    await asyncio.sleep(1)
    assert stage.page.names == []
    manager.update_publisher_speaking_events_options({"threshold": LOUD - 5})
    await asyncio.sleep(1)
    assert stage.page.names == ["publisherStartSpeaking"]
    manager.update_publisher_speaking_events_options(threshold=LOUD + 5, interval=0.01)
    await asyncio.sleep(0.3)
    assert stage.page.names == ["publisherStartSpeaking", "publisherStopSpeaking"]
    manager.disable_speaking_events()
