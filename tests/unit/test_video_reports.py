"""When the size of the local video is reported to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyvidu.protocol.messages import VideoData
from pyvidu.video_reports import VideoReports
from tests.unit.page import Page
from tests.virtual_time import virtual_time


class Member:
    """A member of a room that records what it sends, and when."""

    is_member = is_up = True

    def __init__(self) -> None:
        self.sent: list[tuple[float, Any]] = []
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def member(self) -> Any:
        return self

    @property
    def plane(self) -> Any:
        return self

    def send(self, call: object) -> None:
        self.sent.append((round(asyncio.get_running_loop().time(), 1), call))

    def in_background(self, coroutine: Any) -> Any:
        self.tasks.append(asyncio.ensure_future(coroutine))
        return self.tasks[-1]


class Video:
    """A published stream of 640x480."""

    video_active, audio_active = True, False
    peer: object = "a peer connection"

    def get_rtc_peer_connection(self) -> object:
        return self.peer


async def statistics(peer: Any) -> dict[str, float]:
    return {"width": 640, "height": 480} if peer else {}


async def times(report: Callable[[VideoReports, Any, Member], None], *, has_statistics: bool = True) -> list[float]:
    """Return when something was sent after `report`."""
    member, started = Member(), asyncio.get_running_loop().time()
    host = replace(Page().host, statistics=statistics if has_statistics else None)
    video: Any = Video()
    report(VideoReports(host, member), video, member)  # type: ignore[arg-type]
    await asyncio.sleep(60)
    assert {call for _, call in member.sent} <= {VideoData(480, 640, video_active=True, audio_active=False)}
    return [round(at - started, 1) for at, _ in member.sent]


@virtual_time
async def test_after_publishing_four_reports_follow_every_8_s() -> None:
    assert await times(lambda reports, video, _: reports.published(video)) == [8, 16, 24, 32]


@virtual_time
async def test_replaced_track_is_reported_four_times_every_5_s_instead() -> None:
    def both(reports: VideoReports, video: Any, _: Member) -> None:
        reports.published(video)
        reports.track_replaced(video)

    assert await times(both) == [5, 10, 15, 20]


@virtual_time
async def test_mute_is_reported_once_after_1_s_and_two_at_once_are_one() -> None:
    def twice(reports: VideoReports, video: Any, _: Member) -> None:
        reports.changed(video)
        reports.changed(video)

    assert await times(twice) == [1]


@virtual_time
async def test_nothing_is_reported_in_an_outage() -> None:
    def while_out(reports: VideoReports, video: Any, member: Member) -> None:
        member.is_up = False
        reports.published(video)

    assert await times(while_out) == []


@virtual_time
async def test_nothing_is_reported_without_a_media_connection_or_a_membership() -> None:
    def unpublished(reports: VideoReports, video: Any, _: Member) -> None:
        video.peer = None
        reports.published(video)

    def left(reports: VideoReports, video: Any, member: Member) -> None:
        member.is_member = False
        reports.published(video)

    assert await times(unpublished) == await times(left) == []


@virtual_time
async def test_nothing_is_reported_where_the_host_has_no_statistics() -> None:
    assert await times(lambda reports, video, _: reports.published(video), has_statistics=False) == []
