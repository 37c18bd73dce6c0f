"""Two pages of the kind that OpenVidu's tutorials have, each one source, on either library: their traces are equal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both

REACT = ("react/umd/react.production.min.js", "react-dom/umd/react-dom.production.min.js")
PAGES = ("page_plain.js", "page_react.js", "scenarios_events.js", "scenarios_pages.js")
ZONE = ("zone.js/bundles/zone.umd.min.js",)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, server: RunningServer) -> AsyncIterator[Both]:
    page = await Both.open(chromium, server, *PAGES, first=REACT)
    yield page
    assert page.console == []
    await page.page.context.close()


@pytest.mark.parametrize("scenario", ["plainPage", "reactPage"])
async def test_page_of_a_tutorial_sees_the_same_with_both_libraries(both: Both, scenario: str) -> None:
    trace = await both.compared(scenario)
    assert [name for name, *_ in trace] == [
        "Ada's publisher",
        "Ada's session",
        "Ada's subscriber",
        "Bob's publisher",
        "Bob's session",
        "Bob's subscriber",
        "left",
    ]


async def test_handlers_run_in_the_zone_in_which_they_were_registered(chromium: Browser, server: RunningServer) -> None:
    """Angular looks for changes when something has run in its zone; Python fires events in the root zone."""
    page = await Both.open(chromium, server, "scenarios_zones.js", first=ZONE)
    zones = await page.seen("zones", "own")
    assert {zone for _, zone in zones} == {"the application"}
    assert len(zones) == 7
    await page.page.context.close()
