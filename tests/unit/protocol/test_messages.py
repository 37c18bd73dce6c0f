"""Messages: their texts within texts, and stream ids."""

from __future__ import annotations

import pytest

from pyvidu.protocol.messages import owner_of, parse_dimensions, video_dimensions
from pyvidu.protocol.wire import WireError


def test_video_dimensions_are_json_text() -> None:
    assert video_dimensions(640, 480) == '{"width":640,"height":480}'
    assert parse_dimensions('{"width":640,"height":480}') == (640, 480)
    assert parse_dimensions("nonsense") is parse_dimensions(None) is parse_dimensions('{"width":1}') is None


def test_the_owner_of_a_stream_is_the_last_connection_id_in_its_id() -> None:
    assert owner_of("str_CAM_con__con_9jQe2b0xYz") == "con_9jQe2b0xYz"
    with pytest.raises(WireError):
        owner_of("str_CAM")
