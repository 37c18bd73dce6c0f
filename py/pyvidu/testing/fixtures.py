"""The fixtures of the pytest plugin. Their event loop is the test module's, so that all its tests share one browser.

Tests that use an asynchronous one run in that loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from pyvidu.testing.browser import BrowserNotFoundError, find_browser, launch_chromium
from pyvidu.testing.network import NetworkLab, why_not
from pyvidu.testing.server import RunningServer, start_server

StartServer = Callable[..., Coroutine[object, object, RunningServer]]


class OpenBrowser(Protocol):
    """The value of the fixture `open_browser`: `launch_chromium` without its first two arguments."""

    async def __call__(
        self,
        *,
        lab: NetworkLab | None = None,
        secure_origins: Iterable[str] = (),
        fake_video: Path | None = None,
        args: Iterable[str] = (),
        **options: Any,
    ) -> Browser:
        """Launch a Chromium that is closed at the end of the test module."""
        ...


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """Return the executable of a Chromium; without one fail the test, because a skip would prove nothing."""
    try:
        return find_browser()
    except BrowserNotFoundError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")
def network_lab() -> Iterator[NetworkLab]:
    """Give a network that can be dropped; skip the test, with the reason, where none can be made."""
    if reason := why_not():
        pytest.skip(reason)
    with NetworkLab() as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright_driver() -> AsyncIterator[Playwright]:
    """Give Playwright's driver."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_browser(playwright_driver: Playwright, browser_path: Path) -> AsyncIterator[OpenBrowser]:
    """Give a function that launches Chromium, inside a lab or not; all are closed with the module."""
    async with AsyncExitStack() as stack:

        async def launch(**options: Any) -> Browser:
            browser = await launch_chromium(playwright_driver.chromium, browser_path, **options)
            stack.push_async_callback(browser.close)
            return browser

        yield launch


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(open_browser: OpenBrowser) -> Browser:
    """Give a Chromium with a fake camera on this machine's own network."""
    return await open_browser()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pyvidu_server() -> AsyncIterator[StartServer]:
    """Give `start_server`; every server that it started is stopped with the module, and has to stop cleanly."""
    started: list[RunningServer] = []

    async def start(*args: str, **options: Any) -> RunningServer:
        server = await start_server(*args, **options)
        started.append(server)
        return server

    yield start
    codes = [await server.stop() for server in started]
    assert not any(codes), f"servers ended with exit codes {codes}"
