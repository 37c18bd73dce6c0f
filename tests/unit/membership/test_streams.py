"""Streams and their media connections: what is described and told of a local one, and what a replaced one leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from pyvidu.media import InboundMedia
from pyvidu.membership import LocalStream, RemoteStream, StreamState
from pyvidu.platform import PeerSettings
from pyvidu.protocol.messages import StreamPropertyChanged
from pyvidu.tasks import Tasks
from tests.unit.membership.rig import BOB, BOBS, Rig, a_local_stream
from tests.unit.reports import Reports
from tests.virtual_time import virtual_time


class Owner:
    """A membership as far as a stream knows it."""

    def __init__(self) -> None:
        self.media_plane: Any = Reports()
        self.sent: list[object] = []
        self._tasks = Tasks()

    async def request(self, call: object) -> None:
        self.sent.append(call)

    def in_background(self, coroutine: Any) -> Any:
        return self._tasks.spawn(coroutine)


class Media:
    """A media connection whose end is recorded."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def close(self) -> None:
        self.log.append(f"{self.name} closed")

    async def replace_track(self, track: object) -> None:
        self.log.append(f"{track} on {self.name}")


def state(**values: Any) -> StreamState:
    return StreamState("str_x", has_audio=True, audio_active=True, **values)


@pytest.mark.parametrize(
    ("values", "described"),
    [
        ({}, ("audio", -1, None, None)),
        ({"has_video": True, "type_of_video": "CAMERA", "frame_rate": 15}, ("both", 15, "CAMERA", "{")),
    ],
)
def test_description_has_dimensions_for_video_only_and_minus_1_for_no_frame_rate(
    values: dict[str, Any], described: tuple[Any, ...]
) -> None:
    local = LocalStream(state(**values), a_local_stream().source)
    call = local.description()
    kinds = "both" if call.has_audio and call.has_video else "audio"
    dimensions = call.video_dimensions and call.video_dimensions[:1]
    assert (kinds, call.frame_rate, call.type_of_video, dimensions) == described
    assert (call.sdp_offer, call.do_loopback, call.audio_active, call.video_active) == ("", False, True, False)


@virtual_time
async def test_stream_that_is_not_published_tells_nobody_anything() -> None:
    owner, unowned = Owner(), a_local_stream()
    unpublished = a_local_stream()
    unpublished.attach(owner, Media("one", []))  # type: ignore[arg-type]
    for local in (unowned, unpublished):
        await local.tell_active("audio")
        await local.tell("audioTrack", {}, "trackReplaced")
        assert not local.is_published
    assert owner.sent == []


@virtual_time
async def test_published_stream_tells_the_current_state_of_a_kind_with_openvidus_reason() -> None:
    owner, log = Owner(), list[str]()
    local = LocalStream(state(video_active=True), a_local_stream().source)
    local.attach(owner, Media("one", log))  # type: ignore[arg-type]
    local.state.audio_active = False
    await local.tell_active("audio")
    await local.tell_active("video")
    assert owner.sent == [
        StreamPropertyChanged("str_x", "audioActive", False, "publishAudio"),
        StreamPropertyChanged("str_x", "videoActive", True, "publishVideo"),
    ]


def test_new_media_connection_replaces_the_earlier_one_in_the_plane_before_it_is_watched_itself() -> None:
    owner, log = Owner(), list[str]()
    stream = RemoteStream(state(frozen=True, video_sent=False), lambda: None)
    first, second = Media("first", log), Media("second", log)
    stream.attach(owner, first)  # type: ignore[arg-type]
    stream.attach(owner, second)  # type: ignore[arg-type]
    assert owner.media_plane.calls == [("add", first, True, False), ("remove", first), ("add", second, True, False)]
    assert log == ["first closed"]
    for _ in range(2):
        stream.detach()
    assert owner.media_plane.names == ["add", "remove", "add", "remove"]
    assert (log, stream.media) == (["first closed", "second closed"], None)


def test_stream_that_moves_to_another_membership_is_removed_from_the_plane_of_the_old_one() -> None:
    old, new, log = Owner(), Owner(), list[str]()
    stream = RemoteStream(state(), lambda: None)
    stream.attach(old, Media("first", log))  # type: ignore[arg-type]
    stream.attach(new, Media("second", log))  # type: ignore[arg-type]
    assert (old.media_plane.names, new.media_plane.names) == (["add", "remove"], ["add"])


def test_changes_of_a_media_connection_reach_the_media_plane_and_those_before_there_is_an_owner_nobody() -> None:
    owner, media = Owner(), Media("one", [])
    for stream in (a_local_stream(), RemoteStream(state(), lambda: None)):
        stream.media_stream_changed(media)  # type: ignore[arg-type]
        stream.media_ice_state(media, "failed")  # type: ignore[arg-type]
        stream.attach(owner, media)  # type: ignore[arg-type]
        stream.media_stream_changed(media)  # type: ignore[arg-type]
        stream.media_ice_state(media, "failed")  # type: ignore[arg-type]
        assert owner.media_plane.calls[-2:] == [("peer_replaced", media), ("ice_state_changed", media, "failed")]


def test_new_media_stream_is_shown_only_if_it_is_that_of_the_current_media_connection() -> None:
    shown: list[int] = []
    stream = RemoteStream(state(), lambda: shown.append(1))
    old, new = Media("old", []), Media("new", [])
    stream.attach(Owner(), old)  # type: ignore[arg-type]
    stream.attach(Owner(), new)  # type: ignore[arg-type]
    stream.media_stream_changed(old)  # type: ignore[arg-type]
    assert shown == []
    stream.media_stream_changed(new)  # type: ignore[arg-type]
    assert shown == [1]


@virtual_time
async def test_track_is_replaced_on_the_media_connection_and_without_one_nothing_happens() -> None:
    log: list[str] = []
    local = a_local_stream()
    await local.replace_track("a track")
    local.attach(Owner(), Media("one", log))  # type: ignore[arg-type]
    await local.replace_track("another track")
    assert log == ["another track on one"]


@virtual_time
async def test_kinds_are_enabled_on_the_current_peer_connection_and_before_there_is_one_on_none() -> None:
    rig = Rig()
    stream = RemoteStream(state(), lambda: None)
    stream.enable("audio", False)
    signaling: Any = rig.server.plane
    media = InboundMedia(rig.host, signaling, BOB, PeerSettings(), stream)
    media.stream_id = BOBS
    stream.attach(Owner(), media)  # type: ignore[arg-type]
    stream.enable("audio", False)
    assert stream.media_stream is None
    await rig.server.joined()
    await media.subscribe()
    stream.enable("video", False)
    (peer,) = rig.peers.made
    assert peer.calls[-1] == ("enable_received", "video", False)
    assert stream.media_stream == "stream 1"
    stream.detach()
    assert stream.media_stream is None
    rig.server.plane.close()
