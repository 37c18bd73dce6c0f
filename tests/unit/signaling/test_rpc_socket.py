"""JSON-RPC over one socket: responses are matched to requests, and unexpected messages change nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from pyvidu.protocol.messages import Echo
from tests.unit.signaling.scripted_server import ScriptedServer
from tests.virtual_time import virtual_time


@pytest.mark.parametrize(
    ("message", "remark"),
    [
        ({"jsonrpc": "1.0"}, "a malformed JSON-RPC message"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}, "which is ignored: ping"),
        ({"jsonrpc": "2.0", "id": 4711, "result": {}}, "an unknown or settled id is ignored: 4711"),
        ({"jsonrpc": "2.0", "id": "a", "result": {}}, "an unknown or settled id is ignored: a"),
    ],
)
@virtual_time
async def test_unexpected_message_of_the_server_is_logged_and_ignored(
    message: dict[str, Any], remark: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    with caplog.at_level(logging.DEBUG, "pyvidu.signaling"):
        server.sockets[0].push(message)
        await asyncio.sleep(0.01)
    assert remark in caplog.text
    await plane.request(Echo())
    assert server.told == []
    plane.close()


@virtual_time
async def test_second_response_to_a_request_is_logged_as_unexpected(caplog: pytest.LogCaptureFixture) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    await plane.request(Echo())
    number, *_ = server.sockets[0].requests[-1]
    with caplog.at_level(logging.DEBUG, "pyvidu.signaling"):
        server.sockets[0].push({"jsonrpc": "2.0", "id": number, "result": {}})
        await asyncio.sleep(0.01)
    assert f"an unknown or settled id is ignored: {number}" in caplog.text
    plane.close()
