"""Where a Firefox is found, the preferences with which it has a fake camera, and how Playwright drives it, also in a lab.

It is a Firefox as it is installed (Playwright's channel `moz-firefox`, WebDriver BiDi), not the one that Playwright patches.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyvidu.testing.errors import BrowserNotFoundError, BrowserStartError
from pyvidu.testing.executables import chosen_by, on_path, works

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

_SYSTEM_NAMES = ("firefox-esr", "firefox")
_MAC_APPLICATIONS = ("Firefox.app/Contents/MacOS/firefox",)
_NODE = "PLAYWRIGHT_NODEJS_PATH"  # Playwright's variable: the executable that runs its driver

PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,  # sound without a click
    # No background requests to the browser's vendor, besides those that Playwright switches off itself.
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "dom.push.connection.enabled": False,
    "network.dns.localDomains": "firefox.settings.services.mozilla.com",  # refused on loopback, instead of looked up
}


def find_executable() -> Path:
    """Return a Firefox that works: `$PYVIDU_FIREFOX`, or a system one. Raises BrowserNotFoundError."""
    if chosen := chosen_by("PYVIDU_FIREFOX"):
        return chosen
    candidates = list(on_path(_SYSTEM_NAMES))
    if sys.platform == "darwin":
        candidates += [Path("/Applications", application) for application in _MAC_APPLICATIONS]
    for candidate in candidates:
        if works(candidate):
            return candidate
    raise BrowserNotFoundError(
        "No Firefox was found. Install one, on Debian with `apt-get install firefox-esr`, or name its executable in "
        "PYVIDU_FIREFOX."
    )


def firefox_preferences(*, secure_origins: Iterable[str] = ()) -> dict[str, bool | int | str]:
    """Return the preferences for a page that makes calls.

    The hosts of `secure_origins` ("http://10.0.0.1:4443") are given the camera though they are neither https nor localhost.
    """
    hosts = dict.fromkeys(urlsplit(origin).hostname or "" for origin in secure_origins)
    return {**PREFERENCES, "dom.securecontext.allowlist": ",".join(hosts)}


async def launch(playwright: Playwright, executable: Path, **options: Any) -> Browser:
    """Start it and check that Playwright can open a page in it. Raises BrowserStartError, or Playwright's Error."""
    from playwright.async_api import Error as PlaywrightError

    browser = await playwright.firefox.launch(channel="moz-firefox", executable_path=executable, **options)
    try:
        await (await browser.new_page()).close()
    except PlaywrightError as error:
        await browser.close()
        raise BrowserStartError(
            f"This version of Playwright cannot open a page in {executable} (Firefox {browser.version}): {error.message} "
            "Playwright 1.64 and Firefox ESR 153 work together: pip install 'playwright<1.65'."
        ) from None
    return browser


async def launch_inside(wrap: Callable[[Path], Path], executable: Path, **options: Any) -> Browser:
    """Start it, with a driver of its own, by the script that `wrap` returns: in a network lab. `close` ends both.

    Playwright talks to Firefox over a WebSocket on loopback, so its driver has to be in the same network namespace.
    Raises BrowserStartError, or Playwright's Error.
    """
    driver = await _start_driver(wrap)
    try:
        browser = await launch(driver, executable, **options)
    except BaseException:
        await driver.stop()
        raise
    close_browser = browser.close

    async def close(**why: Any) -> None:
        try:
            await close_browser(**why)
        finally:
            await driver.stop()

    vars(browser).update(close=close)
    return browser


_starting: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}


async def _start_driver(wrap: Callable[[Path], Path]) -> Playwright:
    """Start a driver by the wrapped executable. The variable that names it is the whole process's: one at a time."""
    import playwright
    from playwright.async_api import async_playwright

    own = Path(playwright.__file__).parent / "driver" / ("node.exe" if sys.platform == "win32" else "node")
    lock = _starting.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with lock:
        before = os.environ.get(_NODE)
        os.environ[_NODE] = str(wrap(Path(before) if before else own))
        try:
            return await async_playwright().start()
        finally:
            if before is None:
                del os.environ[_NODE]
            else:
                os.environ[_NODE] = before
