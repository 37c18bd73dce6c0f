"""`--negotiation server-offers`, as deployments with mediasoup negotiate: `pyvidu.js` beside openvidu-browser in one page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    server = await pyvidu_server("--negotiation", "server-offers")
    page = await Both.open(chromium, server, "scenarios_events.js", "scenarios_members.js")
    yield page
    assert page.console == []
    await page.page.context.close()


@pytest.mark.parametrize("scenario", ["offered", "reconnect", "subscribeToRemote"])
async def test_both_clients_answer_the_servers_offers(both: Both, scenario: str) -> None:
    await both.compared(scenario)
