"""The log names each request and its participant, and contains no secret."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from pyvidu.server import logs
from pyvidu.server.media.errors import MediaServerError
from tests.server.live_server import AUTH, LiveServer, Serve
from tests.server.server_world import SECRET, FakeMedia, join_params

SDP = "v=0 a=fingerprint:sha-256 AB:CD"


async def test_message_log_contains_participant_method_and_stream_of_each_request(
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


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
@pytest.mark.parametrize("profile", ["default", "kurento"])
async def test_log_of_a_call_contains_no_secrets(
    serve: Serve, caplog: pytest.LogCaptureFixture, level: int, profile: str
) -> None:
    """Cover what every logger would write: valid and invalid joins and resumes, REST, an eviction, a failure."""
    caplog.set_level(level)
    live = await serve(profile=profile, fault_control=True)
    ada, bob = await live.member(), await live.member(role="MODERATOR")
    media = live.server.media
    assert isinstance(media, FakeMedia)
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer=SDP)
    media.error = MediaServerError(f"malformed: {SDP}")
    await bob.call("reconnectStream", stream=stream, sdpOffer=SDP)
    media.error = RuntimeError(f"crashed on {SDP}")
    await bob.call("reconnectStream", stream=stream, sdpOffer=SDP)
    tokens = [(await live.rest("POST", "sessions/room/connection", {}))["token"] for _ in range(2)]
    page = await live.page()
    await page.call("joinRoom", **join_params(tokens[0], "elsewhere"))
    await page.call("joinRoom", **(join_params(tokens[0], "room") | {"secret": SECRET + "x"}))
    await page.call("echo", stream=tokens[1], streamId=ada.rpc_id)
    await page.call("connect", sessionId=bob.rpc_id + "x", reconnect=True)
    back = await live.page()
    await back.result("connect", sessionId=bob.rpc_id, reconnect=True)
    await back.ws.send_str(json.dumps({"jsonrpc": "2.0", "method": f"token={tokens[1]}"}))
    await back.result("forceDisconnect", connectionId=ada.id)
    await live.rest("GET", "sessions?pendingConnections=true")
    await live.rest("DELETE", "sessions/room")
    lines = [logs.JsonLines().format(record) for record in caplog.records]
    assert any("forceDisconnect" in line for line in lines)
    secrets = [SECRET, ada.rpc_id, bob.rpc_id, "tok_", AUTH["Authorization"].split()[1]]
    if level > logging.DEBUG:
        secrets.append("fingerprint")
    for line in lines:
        assert not [secret for secret in secrets if secret in line], line


def test_values_from_clients_are_truncated_or_replaced_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logs.message("request", method="x" * 10_000, id=10**100, stream={"a": ["deep"]})
    line = json.loads(caplog.records[-1].getMessage())
    assert (len(line["method"]), line["id"], line["stream"]) == (200, "(not text)", "(not text)")


def test_other_loggers_are_redacted() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "at ws://h?sessionId=room&token=tok_abc", None, None)
    line = json.loads(logs.JsonLines().format(record))
    assert "tok_abc" not in line["message"]


def _publish() -> dict[str, object]:
    from tests.server.server_world import publish_params

    return publish_params()


async def test_malformed_http_is_logged_without_its_content(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    password = AUTH["Authorization"].split()[1]
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(logs.without_malformed_http)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.test_server.port)
        writer.write(f"GET / HTTP/1.1\r\nAuthorization Basic {password}\r\n\r\n".encode())
        assert b" 400 " in await reader.readline()
        writer.close()
    finally:
        logger.removeFilter(logs.without_malformed_http)
    lines = [logs.JsonLines().format(record) for record in caplog.records]
    assert any(json.loads(line).get("event") == "malformed http" for line in lines)
    assert not [line for line in lines if password in line]


def test_lines_of_one_cause_are_limited_and_the_next_line_says_how_many_were_left_out() -> None:
    now = 0.0
    budget = logs.LineBudget(rate=2, burst=3, clock=lambda: now)
    assert [budget.admits("flood") for _ in range(10)] == [0] * 3 + [None] * 7
    assert budget.admits("other") == 0
    now = 0.5
    assert budget.admits("flood") == 7
    assert budget.admits("flood") is None


def test_causes_are_not_kept_without_limit() -> None:
    budget = logs.LineBudget(rate=1, burst=1)
    for number in range(10_000):
        budget.admits(number)
    assert 0 < len(budget) <= 1_000


def test_flood_of_warnings_is_cut_with_their_number(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("a library of this test")
    caplog.handler.addFilter(logs.within_budget)
    try:
        for number in range(1_000):
            logger.warning("something is wrong: %d", number)
    finally:
        caplog.handler.removeFilter(logs.within_budget)
    assert 50 <= len(caplog.records) < 150


async def test_flood_of_refused_messages_writes_no_more_lines_than_its_budget(
    live: LiveServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(logs, "LINE_BUDGET", logs.LineBudget(rate=0.001, burst=20))
    page = await live.page()
    for _ in range(200):
        await page.ws.send_str("{")
    await page.call("ping")
    assert len([record for record in caplog.records if '"refused"' in record.getMessage()]) == 20
