"""A subscriber: what it shows and plays however often its media connection is replaced, and its end."""

from __future__ import annotations

import asyncio
from typing import Any

from pyvidu.configuration import SubscriberProperties
from pyvidu.media import InboundMedia
from pyvidu.membership import StreamState
from pyvidu.platform import PeerSettings
from pyvidu.stream import Stream
from pyvidu.subscriber import Subscriber
from tests.simulation.simulated_host import FakeElement, FakeLoudness
from tests.unit.media.rig import BOB, Rig
from tests.unit.page import Owner, Page
from tests.virtual_time import virtual_time


class Stage:
    """A subscriber in a page, with a media connection that a test negotiates."""

    def __init__(self, **properties: Any) -> None:
        self.page, self.rig = Page(), Rig()
        self.stream = Stream(StreamState("str_x", BOB, video_active=True))
        self.subscriber = Subscriber(self.page.host, self.stream, SubscriberProperties(**properties))
        self.page.listen(self.subscriber, "videoElementDestroyed")
        self.media = InboundMedia(self.rig.host, self.rig.requests, BOB, PeerSettings(), self.subscriber.remote_stream)
        owner: Any = Owner()
        self.subscriber.remote_stream.attach(owner, self.media)

    def enabled(self) -> list[tuple[Any, ...]]:
        """Return what was enabled or not on the newest peer connection."""
        return [call[1:] for call in self.rig.peer.calls if call[0] == "enable_received"]


@virtual_time
async def test_every_new_peer_connection_plays_what_is_wanted_and_is_shown_in_every_video() -> None:
    stage = Stage(subscribe_to_audio=False)
    videos: list[FakeElement] = [
        stage.subscriber.create_video_element("others"),
        stage.subscriber.add_video_element("an element"),
    ]
    assert [video.shown for video in videos] == [[], []], "there is no MediaStream yet"
    await stage.media.subscribe()
    assert stage.enabled() == [("audio", False), ("video", True)]
    await stage.media.renegotiate()
    assert stage.enabled() == [("audio", False), ("video", True)]
    assert [video.shown for video in videos] == [["stream 1", "stream 2"]] * 2
    assert stage.subscriber.media_stream == "stream 2"


@virtual_time
async def test_wish_takes_effect_at_once_and_on_later_peer_connections() -> None:
    stage = Stage()
    assert stage.subscriber.subscribe_to_video(False) is stage.subscriber, "before there is a peer connection"
    await stage.media.subscribe()
    assert stage.enabled() == [("audio", True), ("video", False)]
    stage.subscriber.subscribe_to_audio(False).subscribe_to_video(True)
    assert stage.enabled()[-2:] == [("audio", False), ("video", True)]
    await stage.media.renegotiate()
    assert stage.enabled() == [("audio", False), ("video", True)]


@virtual_time
async def test_video_that_is_off_is_disabled_so_that_the_element_starts_until_it_is_turned_on() -> None:
    stage = Stage()
    stage.stream.state.video_active = False
    await stage.media.subscribe()
    assert stage.enabled() == [("audio", True), ("video", False)]
    stage.stream.state.video_active = True
    stage.subscriber.video_turned_on()
    assert stage.enabled()[-2:] == [("audio", True), ("video", True)]


def test_view_of_another_participant_is_neither_muted_nor_mirrored() -> None:
    stage = Stage()
    stage.subscriber.create_video_element("others", "PREPEND")
    assert stage.page.elements.asked == [
        {
            "target": "others", "insert_mode": "PREPEND", "identity": "remote-video-str_x", "mirror": False,
            "muted": False,
        }
    ]  # fmt: skip


@virtual_time
async def test_disposing_closes_the_videos_and_the_meter_and_a_second_time_changes_nothing() -> None:
    stage = Stage()
    await stage.media.subscribe()
    stage.subscriber.create_video_element("others")
    stage.subscriber.enable_speaking_events()
    await asyncio.sleep(1)
    assert FakeLoudness.alive == 1
    for _ in range(2):
        stage.subscriber.dispose()
    assert (stage.page.elements.made[0].closed, FakeLoudness.alive) == (True, 0)
    assert stage.page.names == ["videoElementDestroyed"]
    assert stage.stream.stream_manager is None
    await stage.media.renegotiate()
    assert stage.page.elements.made[0].shown == ["stream 1"]


def test_disposing_a_replaced_subscription_leaves_the_stream_to_the_one_that_replaced_it() -> None:
    stage = Stage()
    later = Subscriber(stage.page.host, stage.stream, SubscriberProperties())
    stage.subscriber.dispose()
    assert stage.stream.stream_manager is later


@virtual_time
async def test_media_connection_is_there_until_the_subscription_ends() -> None:
    stage = Stage()
    assert stage.subscriber.media is stage.media
    stage.subscriber.remote_stream.detach()
    assert (stage.subscriber.media, stage.subscriber.media_stream, stage.media.is_closed) == (None, None, True)
