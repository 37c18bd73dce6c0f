"""Connections of OpenVidu's REST API, as participants; `tests/simulation/test_rejoining.py` has the malformed ones."""

from __future__ import annotations

from typing import Any

import pytest

from pyvidu.membership.roster import participants
from pyvidu.protocol.wire import WireError


def connection(**more: Any) -> dict[str, Any]:
    return {"id": "con_x", "status": "active", **more}


def test_list_is_taken_alone_or_in_the_answer_of_the_rest_api() -> None:
    for roster in ([connection()], (connection(),), {"numberOfElements": 1, "content": [connection()]}):
        assert [item.id for item in participants(roster)] == ["con_x"]
    assert participants([]) == participants({"content": []}) == []


def test_only_active_connections_are_participants() -> None:
    pending = {"id": "con_y", "status": "pending", "publishers": None}
    assert [item.id for item in participants([pending, connection(), {"id": "con_z"}])] == ["con_x", "con_z"]


def test_connection_id_and_time_of_joining_take_precedence_over_id_and_time_of_creation() -> None:
    one, other = participants(
        [connection(connectionId="con_real", activeAt=7, createdAt=3), connection(createdAt=3)],
    )
    assert (one.id, one.created_at, other.id, other.created_at) == ("con_real", 7, "con_x", 3)


@pytest.mark.parametrize(
    ("client", "server", "data"),
    [("a", "b", "a%/%b"), ("a", "", "a"), (None, "b", "b"), (None, None, ""), ("", "", "")],
)
def test_data_of_client_and_server_is_joined_as_in_join_room(client: str | None, server: str | None, data: str) -> None:
    (found,) = participants([connection(clientData=client, serverData=server)])
    assert (found.metadata or "") == data


def test_publisher_is_a_stream_with_its_media_options() -> None:
    options = {"hasAudio": True, "audioActive": False, "frameRate": 30, "id": "never this"}
    (found,) = participants([connection(publishers=[{"streamId": "str_x", "createdAt": 9, "mediaOptions": options}])])
    assert found.streams is not None
    (stream,) = found.streams
    assert (stream.id, stream.created_at, stream.has_audio, stream.audio_active, stream.frame_rate) == (
        "str_x", 9, True, False, 30,
    )  # fmt: skip


@pytest.mark.parametrize("roster", ["text", [connection(), "text"], {"content": {}}, [connection(id=None)]])
def test_anything_else_raises_wire_error(roster: Any) -> None:
    with pytest.raises(WireError):
        participants(roster)
