"""The records of participants and streams, made from what the server describes."""

from __future__ import annotations

from typing import Any

import pytest

from pyvidu.membership import ParticipantState, StreamState
from pyvidu.protocol.messages import JoinRoomResult, ParticipantInfo, StreamInfo


@pytest.mark.parametrize(("told", "kept"), [(-1, None), (None, None), (30, 30), (0, 0)])
def test_frame_rate_of_minus_1_is_no_frame_rate(told: float | None, kept: float | None) -> None:
    assert StreamState.of(StreamInfo("str_x", frame_rate=told), "con_x").frame_rate == kept


def test_stream_of_which_only_the_id_is_known_is_inactive_and_created_at_0() -> None:
    state = StreamState.of(StreamInfo("str_x"), "con_x")
    assert (state.id, state.owner, state.created_at, state.audio_active, state.video_active) == (
        "str_x", "con_x", 0.0, False, False,
    )  # fmt: skip
    assert (state.type_of_video, state.filter, state.frozen) == (None, None, False)


def test_local_participant_without_a_role_is_a_publisher_that_is_not_recorded() -> None:
    own = ParticipantState.local(JoinRoomResult("con_x", "rpc", []))
    assert (own.role, own.record, own.data, own.created_at, own.stream) == ("PUBLISHER", False, "", 0.0, None)


def test_remote_participant_has_no_role_and_no_stream_yet() -> None:
    other = ParticipantState.of(ParticipantInfo("con_x", 7, "data", [StreamInfo("str_x")]))
    assert (other.id, other.created_at, other.data, other.role, other.stream) == ("con_x", 7, "data", "", None)


def test_records_are_compared_by_identity_because_equal_ones_may_be_of_two_sessions() -> None:
    assert StreamState("str_x") != StreamState("str_x")
    assert len({StreamState("str_x"), StreamState("str_x")}) == 2


@pytest.mark.parametrize(
    ("flows", "stream"),
    [
        (True, {"has_audio": True, "audio_active": True}),
        (False, {"has_audio": True, "audio_active": False}),
        (False, {"has_audio": False, "audio_active": True}),
        (True, {"has_video": True, "video_active": True, "type_of_video": "CAMERA"}),
        (False, {"has_video": True, "video_active": False, "type_of_video": "CAMERA"}),
        (False, {"has_video": True, "video_active": True, "type_of_video": "SCREEN"}),
        (False, {"has_video": True, "video_active": True, "type_of_video": "CUSTOM"}),
        (False, {"has_video": False, "video_active": True, "type_of_video": "CAMERA"}),
        (True, {"has_audio": True, "audio_active": True, "has_video": True, "video_active": False}),
    ],
)
def test_stream_flows_while_it_has_sound_or_a_camera_that_is_on(flows: bool, stream: dict[str, Any]) -> None:
    assert StreamState("str_x", **stream).flows is flows
