"""A page that runs openvidu-browser itself, with the interface of a pyvidu page (`calls.CallPage`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from pyvidu.testing import RunningServer
from tests.browser.calls import PAGE, CallPage

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"
VERSION = "2.32.2"
BUNDLE = NODE_MODULES / "openvidu-browser" / "static" / "js" / f"openvidu-browser-{VERSION}.min.js"
PARTICIPANT = HERE / "official_participant.js"


class OfficialPage(CallPage):
    """One participant whose page runs no pyvidu."""

    @classmethod
    async def open(
        cls, where: Browser | BrowserContext, server: RunningServer, name: str, *, head: str = ""
    ) -> OfficialPage:
        """Open a page that has loaded openvidu-browser and not joined yet. `head` is extra HTML at its beginning."""
        if not BUNDLE.exists():
            pytest.fail("openvidu-browser is not here: make interop")
        context = where if isinstance(where, BrowserContext) else await where.new_context(ignore_https_errors=True)
        page = await context.new_page()
        self = cls(page, name)
        page.on(
            "console", lambda message: self.console.append(f"{message.type}: {message.text} {message.location['url']}")
        )
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        await page.expose_function("tell", self._told)
        # A page really loaded from the server, see `CallPage.open`.
        await page.goto(f"{server.origin}/healthz")
        await page.set_content(PAGE.replace("<title>", f"{head}<title>"))
        await page.wait_for_function("() => !!window.boot")
        await page.add_script_tag(path=BUNDLE)
        await page.add_script_tag(path=PARTICIPANT)
        return self

    async def js(self, code: str) -> Any:
        """Return the value of a JavaScript expression, awaited if it is a promise."""
        return await self.evaluate(code)

    def logged_errors(self) -> list[str]:
        """Return the errors in its console so far: openvidu-browser's and uncaught ones, not the missing icon's."""
        return [line for line in self.console if re.match("error:|uncaught:", line) and "/favicon.ico" not in line]


async def sees(page: CallPage, other: CallPage) -> dict[str, bool]:
    """Return what `page` shows of the stream of `other`: whether it has audio, whether it has video."""
    picture = await page.picture()
    index = next(i for i, stream in enumerate(picture["streams"]) if stream.endswith(other.connection_id))
    return {"audio": picture["audio"][index], "video": picture["video"][index]}
