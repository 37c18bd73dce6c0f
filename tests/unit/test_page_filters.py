"""Filters of the page: through what a publisher's video is sent, and that nothing of a filter runs after its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pyvidu.errors import CallbackError, FilterError, StreamEndedError
from pyvidu.page_filters import FilteredVideo, RegisteredFilter
from pyvidu.protocol.values import FilterInfo
from tests.simulation.fake_tracks import FakeTrack
from tests.simulation.simulated_host import FakeMedia
from tests.virtual_time import virtual_time

GREY = FilterInfo("grey")


@dataclass
class Stage:
    """A video and what is sent of it. The filter `grey` takes a second; `broken` and `nothing` are none."""

    media: FakeMedia = field(default_factory=FakeMedia)
    made: list[FakeTrack] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    refuses: bool = False
    during_exchange: Any = None

    def __post_init__(self) -> None:
        self.camera = self.media.tracks["video"]
        functions = {"grey": self._grey, "hidden": self._grey, "broken": self._broken, "nothing": self._nothing}
        registered = {name: RegisteredFilter(function, name != "hidden") for name, function in functions.items()}
        media: Any = self.media
        self.video = FilteredVideo(registered, lambda: media, self._exchange)

    async def _grey(self, track: FakeTrack, **options: Any) -> FakeTrack:
        self.options.append(options)
        await asyncio.sleep(1)
        self.made.append(replace(track, label=f"grey {track.label}"))
        return self.made[-1]

    def _broken(self, track: FakeTrack) -> FakeTrack:
        raise ValueError("it is broken")

    def _nothing(self, track: FakeTrack) -> str:
        return "nothing"

    async def _exchange(self, track: FakeTrack) -> FakeTrack:
        before = self.media.exchange(track)
        if self.during_exchange is not None:
            self.during_exchange()
        if self.refuses:
            self.media.exchange(before)
            raise OSError("the encoder cannot")
        return before

    @property
    def sent(self) -> FakeTrack:
        return self.media.tracks["video"]

    @property
    def running(self) -> int:
        """Return how many tracks of filters run."""
        return sum(not track.stopped for track in (*self.media.copies, *self.made))


@virtual_time
async def test_filter_gets_an_enabled_copy_and_its_options_and_removing_it_ends_both_tracks() -> None:
    stage = Stage()
    stage.camera.enabled = False  # the publisher is muted: what it sends is disabled, not what the filter gets
    await stage.video.show(replace(GREY, options={"level": 3}))
    assert stage.sent is stage.made[0]
    assert stage.media.copies[0].enabled
    assert stage.options == [{"level": 3}]
    assert not stage.camera.stopped
    await stage.video.show(replace(GREY, options={"level": 3}))
    assert stage.running == 2, "it is not started again"
    await stage.video.show(None)
    assert stage.sent is stage.camera
    assert (stage.running, stage.camera.stopped) == (0, False)


@virtual_time
async def test_another_track_is_sent_through_the_filter_too_and_the_old_one_returned() -> None:
    stage = Stage()
    another = FakeTrack("video", "another")
    assert await stage.video.send(another) is stage.camera
    assert stage.sent is another
    await stage.video.show(GREY)
    third = FakeTrack("video", "a third")
    assert await stage.video.send(third) is another
    assert stage.sent.label == "grey a third"
    assert stage.running == 2, "the first filter has ended"
    assert (another.stopped, third.stopped) == (False, False), "its owner decides"


@virtual_time
async def test_filter_waits_for_a_camera_that_was_released() -> None:
    stage = Stage()
    await stage.video.show(GREY)
    assert stage.video.stop(forget=False) is stage.camera
    stage.camera.stopped = True
    assert stage.running == 0
    opened = FakeTrack("video", "opened again")
    await stage.video.send(opened)
    assert stage.sent.label == "grey opened again"
    stage.video.stop(forget=False)
    stage.sent.stopped = opened.stopped = True
    await stage.video.show(None)  # while there is no camera
    await stage.video.send(FakeTrack("video", "once more"))
    assert stage.sent.label == "once more"
    stage.sent.stopped = True
    await stage.video.show(GREY)
    assert stage.running == 0
    await stage.video.send(FakeTrack("video", "the last"))
    assert stage.sent.label == "grey the last"
    stage.video.stop(forget=True)
    await stage.video.send(FakeTrack("video", "as it is"))
    assert stage.sent.label == "as it is"
    assert stage.video.stop(forget=True) is None


@virtual_time
async def test_filter_that_fails_leaves_the_track_and_runs_no_more() -> None:
    stage = Stage()
    with pytest.raises(CallbackError, match=r"broken of the page raised ValueError\('it is broken'\)"):
        await stage.video.show(FilterInfo("broken"))
    with pytest.raises(FilterError, match="returned no MediaStreamTrack of video: 'nothing'"):
        await stage.video.show(FilterInfo("nothing"))
    with pytest.raises(CallbackError):  # it has no such option
        await stage.video.show(FilterInfo("broken", {"level": 3}))
    stage.refuses = True
    with pytest.raises(OSError, match="cannot"):
        await stage.video.show(GREY)
    assert (stage.sent, stage.running) == (stage.camera, 0)
    stage.refuses = False
    await stage.video.show(GREY)
    stage.refuses = True
    with pytest.raises(OSError, match="cannot"):
        await stage.video.send(FakeTrack("video", "another"))
    assert stage.sent.label == "grey the first video"
    assert stage.running == 2, "the filter that ran goes on"


@virtual_time
async def test_filter_that_starts_while_the_video_is_stopped_ends_again() -> None:
    stage = Stage()
    starting = asyncio.ensure_future(stage.video.show(GREY))
    await asyncio.sleep(0.5)
    assert stage.video.stop(forget=True) is None
    with pytest.raises(StreamEndedError):
        await starting
    assert (stage.sent, stage.running) == (stage.camera, 0)

    cancelled = asyncio.ensure_future(stage.video.show(GREY))
    await asyncio.sleep(0.5)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert stage.running == 0


@virtual_time
async def test_video_that_is_stopped_while_the_filtered_track_is_being_sent_leaves_nothing_running() -> None:
    stage = Stage()
    await stage.video.show(GREY)
    stopped: list[Any] = []
    stage.during_exchange = lambda: stopped.append(stage.video.stop(forget=True))
    another = FakeTrack("video", "another")
    with pytest.raises(StreamEndedError):
        await stage.video.send(another)
    assert stopped == [another], "whoever has stopped the video ends it"
    assert stage.running == 0
    assert stage.camera.stopped
    stage = Stage()
    await stage.video.show(GREY)
    stage.refuses, stage.during_exchange = True, lambda: stage.video.stop(forget=True)
    with pytest.raises(OSError, match="cannot"):
        await stage.video.send(another)
    assert stage.running == 0


@virtual_time
async def test_what_is_no_filter_of_the_page_or_has_no_video_changes_nothing() -> None:
    stage = Stage()
    assert [stage.video.knows(name) for name in ("grey", "hidden", "GStreamerFilter")] == [True, True, False]
    assert [stage.video.hides(name) for name in ("grey", "hidden", "GStreamerFilter")] == [False, True, False]
    await stage.video.show(FilterInfo("GStreamerFilter"))
    assert stage.sent is stage.camera
    blind = Stage(FakeMedia(FakeTrack("video")))
    blind.media.tracks.clear()
    with pytest.raises(FilterError, match="no video"):
        await blind.video.show(GREY)
