"""Typed values and their form on the wire."""

from __future__ import annotations

import pytest

from pyvidu.protocol.codes import Code, code_in
from pyvidu.protocol.messages import (
    JoinRoomResult,
    OnIceCandidate,
    Ping,
    StreamInfo,
    owner_of,
    parse_dimensions,
    video_dimensions,
)
from pyvidu.protocol.notifications import ParticipantPublished, SignalReceived
from pyvidu.protocol.token import ConnectionToken, InvalidToken
from pyvidu.protocol.wire import WireError, from_wire, to_wire


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


def test_video_dimensions_are_json_text() -> None:
    assert video_dimensions(640, 480) == '{"width":640,"height":480}'
    assert parse_dimensions('{"width":640,"height":480}') == (640, 480)
    assert parse_dimensions("nonsense") is parse_dimensions(None) is parse_dimensions('{"width":1}') is None


def test_the_owner_of_a_stream_is_the_last_connection_id_in_its_id() -> None:
    assert owner_of("str_CAM_con__con_9jQe2b0xYz") == "con_9jQe2b0xYz"
    with pytest.raises(WireError):
        owner_of("str_CAM")


def test_error_texts_end_with_their_code() -> None:
    text = Code.RECONNECTION.text("reconnection error.")
    assert text == "reconnection error. Code: 40007"
    assert code_in(text) == 40007
    assert code_in("no code here") is None
    assert code_in(". Code: " + "9" * 5000) is None


def test_token_url_is_parsed_whatever_its_path() -> None:
    token = ConnectionToken.parse(
        "wss://media.example:4443/anything?sessionId=a%20b&token=tok_1&secret=s&recorder=true"
    )
    assert token.socket_url == "wss://media.example:4443/openvidu?sessionId=a+b"
    assert token.probe_url == "https://media.example:4443/openvidu"
    assert (token.session_id, token.secret, token.recorder, token.stt) == ("a b", "s", True, False)


@pytest.mark.parametrize(
    "text",
    ["", "tok_1", "ftp://host?sessionId=a", "ws://?sessionId=a", "ws://host?token=x", "ws://host:port?sessionId=a"],
)
def test_malformed_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        ConnectionToken.parse(text)
