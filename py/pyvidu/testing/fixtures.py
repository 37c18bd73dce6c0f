"""The fixtures of the pytest plugin. Their scope is the module, and so is their event loop: its tests share browsers.

The plugin runs every test that uses an asynchronous one of them in that loop, whatever the mode of pytest-asyncio.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest
import pytest_asyncio

from pyvidu.testing.browser import BrowserName, find_browser, launch_browser
from pyvidu.testing.errors import BrowserNotFoundError, EventLoopError, ServerError
from pyvidu.testing.network import NetworkLab, lab_unavailable_reason
from pyvidu.testing.options import HEADED, REQUIRE_LAB, recorder_of
from pyvidu.testing.recorder import Recorder
from pyvidu.testing.server import RunningServer, start_server

if TYPE_CHECKING:  # pytest loads this file in every run, also where no test has a browser
    from playwright.async_api import Browser, BrowserContext, Page, Playwright

_CLOSE_WITHIN = 10.0  # seconds; a browser that hangs is killed with Playwright's driver


class OpenBrowser(Protocol):
    """The value of the fixture `open_browser`: `launch_browser` without Playwright's driver.

    A browser is closed at the end of the test module, and is shown if pytest was started with `--pyvidu-headed`.

    Source: pyvidu's own.
    """

    async def __call__(
        self,
        name: BrowserName = "chromium",
        *,
        executable: Path | None = None,
        lab: NetworkLab | None = None,
        secure_origins: str | Iterable[str] = (),
        fake_video: Path | None = None,
        headless: bool | None = None,
        args: Iterable[str] = (),
        **options: Any,  # those of Playwright's `launch`
    ) -> Browser:
        """Start a browser that is closed at the end of the test module; see `launch_browser` for options and errors.

        `headless` is true unless pytest was started with `--pyvidu-headed`.
        """
        ...


class StartServer(Protocol):
    """The value of the fixture `pyvidu_server`: `start_server`, and the server is stopped with the module.

    Source: pyvidu's own.
    """

    async def __call__(
        self,
        *args: str,
        lab: NetworkLab | None = None,
        host: str | None = None,
        port: int = 0,
        secret: str | None = None,
        fault_control: bool = False,
        profile: Literal["default", "kurento"] = "default",
        eviction_timeout: float | None = None,
        command: Iterable[str] | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> RunningServer:
        """Start a server; see `start_server` for options and errors."""
        ...


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """Return the executable of a Chromium; without one fail the test, because a skip would prove nothing."""
    try:
        return find_browser()
    except BrowserNotFoundError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def network_lab(request: pytest.FixtureRequest) -> Iterator[NetworkLab]:
    """Give a network that can be dropped; every fault ends with its test.

    Where no lab can be made the test is skipped, with the reason; with `--pyvidu-require-lab` it fails.
    """
    if reason := lab_unavailable_reason():
        if request.config.getoption(REQUIRE_LAB):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with NetworkLab() as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright_driver() -> AsyncIterator[Playwright]:
    """Give Playwright's driver."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_browser(request: pytest.FixtureRequest, playwright_driver: Playwright) -> AsyncIterator[OpenBrowser]:
    """Give a function that opens a browser, in a lab or not; all are closed with the module."""
    from playwright.async_api import Error as PlaywrightError

    loop = asyncio.get_running_loop()
    recorder = recorder_of(request.config)
    headed = bool(request.config.getoption(HEADED))
    opened: list[Browser] = []

    async def open_one(name: BrowserName = "chromium", *, headless: bool | None = None, **options: Any) -> Browser:
        _check_loop(loop, "open_browser")
        headless = not headed if headless is None else headless
        browser = await launch_browser(playwright_driver, name, headless=headless, **options)
        opened.append(browser)
        _record(browser, recorder, loop)
        return browser

    yield open_one
    for browser in opened:
        recorder.forget_browser(browser)
        # One that has crashed, or whose lab is gone, has nothing left to close.
        with contextlib.suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(open_browser: OpenBrowser) -> Browser:
    """Give a Chromium with a fake camera on this machine's own network."""
    return await open_browser()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pyvidu_server(request: pytest.FixtureRequest) -> AsyncIterator[StartServer]:
    """Give a function that starts a server; all are stopped with the module.

    Raises:
        ServerError: one did not end cleanly, or ended by itself: an error of the module's last test.
    """
    loop = asyncio.get_running_loop()
    recorder = recorder_of(request.config)
    started: list[RunningServer] = []

    async def start(*args: str, **options: Any) -> RunningServer:
        _check_loop(loop, "pyvidu_server")
        server = await start_server(*args, **options)
        started.append(server)
        recorder.watch_server(server)
        return server

    yield start
    problems = []
    for server in started:
        recorder.forget_server(server)
        problems += await _problems_at_stop(server)
    if problems:
        raise ServerError("\n".join(problems))


async def _problems_at_stop(server: RunningServer) -> list[str]:
    """Stop a server that the test has not ended itself, and return what is wrong."""
    if server.ended_by_test:
        await server.kill()  # has no effect if it has ended
        return []
    ended = server.process.returncode is not None
    try:
        code = await server.stop()
    except ServerError as error:
        return [str(error)]
    if ended:
        return [f"the server {server.url} ended by itself, with exit code {code}; {server.last_output()}"]
    return [f"the server {server.url} ended with exit code {code}; {server.last_output()}"] if code else []


def _record(browser: Browser, recorder: Recorder, loop: asyncio.AbstractEventLoop) -> None:
    """Make the browser report its new contexts and pages to the recorder."""
    make_context: Callable[..., Awaitable[BrowserContext]] = browser.new_context
    make_page: Callable[..., Awaitable[Page]] = browser.new_page

    async def new_context(**options: Any) -> BrowserContext:
        _check_loop(loop, "the browser")
        context = await make_context(**options)
        await recorder.watch_context(context)
        return context

    async def new_page(**options: Any) -> Page:
        _check_loop(loop, "the browser")
        page = await make_page(**options)
        await recorder.watch_context(page.context)
        return page

    # Playwright reports new contexts only to handlers that it does not wait for, and only in its later versions.
    vars(browser).update(new_context=new_context, new_page=new_page)


def _check_loop(loop: asyncio.AbstractEventLoop, what: str) -> None:
    if asyncio.get_running_loop() is not loop:
        raise EventLoopError(
            f"{what} belongs to the event loop of the test module, and this code runs in another one. Give an asynchronous "
            'fixture that uses it the same loop: @pytest_asyncio.fixture(loop_scope="module"); and a test no other '
            '`loop_scope`: pytest.mark.asyncio(loop_scope="module").'
        )
