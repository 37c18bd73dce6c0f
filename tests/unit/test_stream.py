"""A stream and a participant as an application sees them: views of records that pyvidu changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pyvidu.connection import Connection
from pyvidu.errors import NotPublishedError, NotSubscribedError
from pyvidu.membership import ParticipantState, StreamState
from pyvidu.stream import Stream


def test_stream_shows_its_record_as_it_is_now() -> None:
    state = StreamState("str_x", "con_x", 7.0, type_of_video="CAMERA", frame_rate=30)
    stream = Stream(state)
    assert (stream.stream_id, stream.creation_time, stream.type_of_video, stream.frame_rate, stream.is_published) == (
        "str_x", 7.0, "CAMERA", 30, True,
    )  # fmt: skip
    assert (stream.has_audio, stream.has_video, stream.audio_active, stream.video_active) == (False,) * 4
    state.has_audio = state.has_video = state.audio_active = state.video_active = True
    state.id = ""
    assert (stream.has_audio, stream.has_video, stream.audio_active, stream.video_active) == (True,) * 4
    assert stream.is_published is False
    assert repr(stream) == "Stream('')"


def test_stream_without_a_manager_or_a_peer_connection_has_no_browser_objects() -> None:
    stream = Stream(StreamState())
    assert (stream.get_media_stream(), stream.get_rtc_peer_connection()) == (None, None)
    for media in (None, SimpleNamespace(peer=None)):
        manager: Any = SimpleNamespace(media_stream="a MediaStream", media=media)
        stream.stream_manager = manager
        assert (stream.get_media_stream(), stream.get_rtc_peer_connection()) == ("a MediaStream", None)
    connected: Any = SimpleNamespace(media=SimpleNamespace(peer=SimpleNamespace(native="an RTCPeerConnection")))
    stream.stream_manager = connected
    assert stream.get_rtc_peer_connection() == "an RTCPeerConnection"


def test_connection_shows_its_record_as_it_is_now() -> None:
    state = ParticipantState("con_x", "data", 7.0, "PUBLISHER")
    connection = Connection(state)
    assert (connection.connection_id, connection.data, connection.creation_time, connection.role) == (
        "con_x", "data", 7.0, "PUBLISHER",
    )  # fmt: skip
    assert (connection.record, connection.stream, connection.disposed) == (False, None, False)
    state.role, state.record = "MODERATOR", True
    assert (connection.role, connection.record) == ("MODERATOR", True)
    assert repr(connection) == "Connection('con_x', data='data')"


async def test_stream_without_a_media_connection_cannot_be_reconnected_and_the_error_says_what_to_do() -> None:
    with pytest.raises(NotPublishedError, match=r"session\.publish"):
        await Stream(StreamState()).reconnect()
    remote = Stream(StreamState(), Connection(ParticipantState("con_x")))
    with pytest.raises(NotSubscribedError, match=r"session\.subscribe"):
        await remote.reconnect()
    assert await remote.get_quality() is None
