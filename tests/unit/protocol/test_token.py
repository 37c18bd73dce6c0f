"""Connection tokens."""

from __future__ import annotations

import pytest

from pyvidu.protocol.token import ConnectionToken, InvalidToken


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


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("ws://host?sessionId=a", "ws://host"), ("wss://host?sessionId=a", "wss://host"),
        ("http://host:80?sessionId=a", "ws://host:80"), ("https://user:word@host?sessionId=a", "wss://host"),
        (" wss://[::1]:4443?sessionId=a ", "wss://[::1]:4443"),
    ],
)  # fmt: skip
def test_origin_is_that_of_the_web_socket_without_a_password(text: str, origin: str) -> None:
    token = ConnectionToken.parse(text)
    assert (token.origin, token.url) == (origin, text.strip())
