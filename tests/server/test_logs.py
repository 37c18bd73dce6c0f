"""The log tells who asked for what, and no secret."""

from __future__ import annotations

import json
import logging

import pytest
from live_server import LiveServer
from server_world import SECRET

from pyvidu.server import logs


async def test_the_log_of_messages_says_who_asked_for_which_stream(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada, bob = await live.member(), await live.member()
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
    await bob.result("reconnectStream", stream=stream, sdpOffer="x")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == logs.MESSAGES.name]
    asked = [(line["participant"], line["method"], line.get("stream")) for line in lines if "participant" in line]
    assert asked == [
        (ada.id, "publishVideo", None),
        (bob.id, "receiveVideoFrom", stream),
        (bob.id, "reconnectStream", stream),
    ]
    assert all(line["session"] == "room" for line in lines if "participant" in line)


async def test_neither_tokens_nor_session_ids_nor_sdp_are_logged(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada = await live.member()
    await ada.result("publishVideo", **{**_publish(), "sdpOffer": "v=0 fingerprint"})
    page = await live.page()
    await page.call("connect", sessionId=ada.rpc_id)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert ada.id in text
    for secret in ("tok_", ada.rpc_id, SECRET, "fingerprint"):
        assert secret not in text


def test_other_loggers_are_redacted() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "at ws://h?sessionId=room&token=tok_abc", None, None)
    line = json.loads(logs.JsonLines().format(record))
    assert "tok_abc" not in line["message"]


def _publish() -> dict[str, object]:
    from server_world import publish_params

    return publish_params()
