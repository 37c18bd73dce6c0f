"""Typed values and their form on the wire."""

from __future__ import annotations

import pytest

from pyvidu.protocol.messages import JoinRoomResult, OnIceCandidate, Ping, StreamInfo
from pyvidu.protocol.notifications import ParticipantPublished, SignalReceived
from pyvidu.protocol.wire import WireError, camel_case, from_wire, to_wire


def test_fields_are_camel_case_on_the_wire_and_none_is_omitted() -> None:
    call = OnIceCandidate(endpoint_name="con_1", candidate="", sdp_m_line_index=0)
    assert to_wire(call) == {"endpointName": "con_1", "candidate": "", "sdpMLineIndex": 0}
    assert to_wire(Ping()) == {}


def test_field_named_like_a_keyword_loses_its_underscore_on_the_wire() -> None:
    assert to_wire(SignalReceived(from_="con_1", type="signal", data="x"))["from"] == "con_1"


def test_nested_values_are_typed_and_unknown_keys_ignored() -> None:
    told = from_wire(
        ParticipantPublished,
        {"id": "con_1", "streams": [{"id": "str_CAM_abcd_con_1", "hasVideo": True, "brandNew": 1}], "more": {}},
    )
    assert told.streams == [StreamInfo("str_CAM_abcd_con_1", has_video=True)]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"sessionId": "x", "value": []}, "'id' is missing"),
        ({"id": None, "sessionId": "x", "value": []}, "'id' is missing"),
        ({"id": 5, "sessionId": "x", "value": []}, "'id' has a value of another type"),
        ({"id": "con_1", "sessionId": "x", "value": {}}, "'value' is not a list"),
        ({"id": "con_1", "sessionId": "x", "value": [3]}, r"'value\[0\]' has a value of another type: int"),
        (
            {"id": "con_1", "sessionId": "x", "value": [{"id": "con_2", "streams": [{}]}]},
            r"'value\[0\].streams\[0\].id' is missing",
        ),
        ({"id": "con_1", "sessionId": "x", "value": [], "record": 1}, "'record' has a value of another type"),
        ({"id": "con_1", "sessionId": "x", "value": [], "createdAt": True}, "'createdAt' has a value of another type"),
        ([], "JoinRoomResult is not an object"),
    ],
)
def test_invalid_object_is_refused_with_the_name_of_its_key(value: object, sentence: str) -> None:
    with pytest.raises(WireError, match=sentence):
        from_wire(JoinRoomResult, value)


def test_mappings_and_lists_are_converted_within_and_other_values_are_left() -> None:
    assert to_wire({"a": [Ping(interval=1), (StreamInfo("str_x"),)], "b": 1.5, "c": None}) == {
        "a": [{"interval": 1}, [{"id": "str_x", "hasAudio": False, "hasVideo": False}]],
        "b": 1.5,
        "c": None,
    }


def test_camel_case_of_single_words_and_of_initials() -> None:
    names = ("id", "audio_active", "sdp_m_line_index", "from_", "created_at")
    assert [camel_case(name) for name in names] == ["id", "audioActive", "sdpMLineIndex", "from", "createdAt"]
