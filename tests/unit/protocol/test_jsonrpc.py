"""JSON-RPC 2.0 messages, well-formed and not."""

from __future__ import annotations

import pytest

from pyvidu.protocol.jsonrpc import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorObject,
    MalformedMessage,
    Notification,
    Request,
    Response,
    decode,
)


@pytest.mark.parametrize(
    "message",
    [
        Request(7, "joinRoom", {"token": "tok_1"}),
        Notification("participantLeft", {"reason": "disconnect"}),
        Response(7, {"value": "pong"}),
        Response(7, error=ErrorObject(40007, "reconnection error")),
        Response("a", error=ErrorObject(1, "with data", {"more": 1})),
    ],
)
def test_encoded_message_decodes_to_the_same_message(message: Request | Notification | Response) -> None:
    assert decode(message.encode()) == message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", PARSE_ERROR),
        ("[" * 100_000, PARSE_ERROR),
        ("[]", INVALID_REQUEST),
        ('{"jsonrpc":"2.0"}', INVALID_REQUEST),
        ('{"method":5,"id":1}', INVALID_REQUEST),
        ('{"method":"ping","params":[],"id":1}', INVALID_REQUEST),
        ('{"method":"ping","id":true}', INVALID_REQUEST),
        ('{"method":"ping","id":{}}', INVALID_REQUEST),
    ],
)
def test_malformed_message_is_refused_with_the_json_rpc_code(text: str, code: int) -> None:
    with pytest.raises(MalformedMessage) as refused:
        decode(text)
    assert refused.value.code == code


def test_refused_message_keeps_its_id() -> None:
    with pytest.raises(MalformedMessage) as refused:
        decode('{"method":5,"id":12}')
    assert refused.value.id == 12
