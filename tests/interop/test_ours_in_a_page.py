"""What `pyvidu.js` has and openvidu-browser has not, from JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    # A server that does not replay what was missed, as OpenVidu's own: `roster` makes up for that.
    server = await pyvidu_server(fault_control=True, profile="kurento")
    scripts = ("scenarios_events.js", "scenarios_members.js", "scenarios_ours.js")
    page = await Both.open(chromium, server, *scripts)

    async def fault(kind: Any, participant: str, seconds: float, options: dict[str, Any] | None = None) -> None:
        await server.fault(kind, participant, seconds=seconds, **(options or {}))

    await page.page.expose_function("fault", fault)
    yield page
    assert page.console == []
    await page.page.context.close()


async def test_frozen_streams_outages_and_quality_are_told(both: Both) -> None:
    trace = await both.seen("ours", "own", limit=90)
    ended = ["reconnecting", "reconnected", "outageSettled"]
    assert trace == [
        ["quality", True],
        ["quality", True],
        ["none", None],
        [["streamFrozen", "streamRecovered"], True, "string"],
        [1, "number"],
        [ended, "reconnected", "reconnected"],
        [["reconnecting", "sessionDisconnected"], "networkDisconnect"],
    ]


async def test_end_of_a_shared_screen_is_told(both: Both) -> None:
    assert await both.seen("screenShareEnded", "own") == [[True]]
