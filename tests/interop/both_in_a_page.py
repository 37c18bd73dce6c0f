"""One page with openvidu-browser and `pyvidu.js`: both do the same on one server, and what they have seen is compared."""

from __future__ import annotations

import asyncio
import difflib
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from pyvidu.testing import RunningServer
from tests.browser.calls import Rest
from tests.interop.official import BUNDLE, NODE_MODULES

HERE = Path(__file__).parent
PAGE = '<!doctype html><meta charset=utf-8><link rel=icon href=data:,><div id="videos"></div>'


class Both:
    """The page. `console` has the exceptions so far that nothing has caught, but for openvidu-browser's."""

    def __init__(self, page: Page, server: RunningServer) -> None:
        self.page = page
        self.console: list[str] = []
        self.rest = Rest(server)
        self._numbers = itertools.count()

    @classmethod
    async def open(
        cls, browser: Browser, server: RunningServer, *scripts: str, first: Sequence[str] = (), **context: Any
    ) -> Both:
        """Open the page with both libraries and the scenarios in `scripts`, files of this folder.

        `first` are files below `node_modules` that are loaded before them.
        """
        page = await (await browser.new_context(**context)).new_page()
        self = cls(page, server)
        page.on("pageerror", self._uncaught)
        await page.expose_function("rest", self.rest.call)
        await page.goto(f"{server.origin}/healthz")  # really loaded from the server, so that it may import from it
        await page.set_content(PAGE)
        await page.evaluate("(address) => { window.pyviduAddress = address; }", f"{server.origin}/pyvidu.js")
        for script in first:
            await page.add_script_tag(path=NODE_MODULES / script)
        await page.add_script_tag(path=BUNDLE)
        for script in ("both_in_a_page.js", *scripts):
            await page.add_script_tag(path=HERE / script)
        await page.evaluate("() => started()")
        return self

    def _uncaught(self, error: PlaywrightError) -> None:
        # openvidu-browser's timers fail when a stream has ended, and it rejects promises with nothing.
        if error.message and BUNDLE.name not in (error.stack or ""):
            self.console.append(f"uncaught: {error}")

    async def seen(
        self,
        scenario: str,
        library: str,
        roles: Sequence[str] = ("PUBLISHER", "PUBLISHER"),
        tokens: Callable[[str], list[str]] | None = None,
        *,
        limit: float = 30,
    ) -> Any:
        """Return what `scenario` has seen with one of the libraries (`official` or `own`), in a new session.

        `tokens` returns the tokens of a session on another server than the embedded one. It has `limit` seconds.
        """
        session = f"{scenario}-{library}-{next(self._numbers)}"
        made = [await self.rest.token(session, role) for role in roles] if tokens is None else tokens(session)
        async with asyncio.timeout(limit):
            arguments = [scenario, library, made]
            return await self.page.evaluate("([name, library, tokens]) => seen(name, library, tokens)", arguments)

    async def compared(
        self,
        scenario: str,
        roles: Sequence[str] = ("PUBLISHER", "PUBLISHER"),
        tokens: Callable[[str], list[str]] | None = None,
        *,
        at_once: bool = False,
    ) -> Any:
        """Return what a scenario has seen with `pyvidu.js`, once it is what it has seen with openvidu-browser.

        `at_once`: one beside the other, for a scenario that mostly waits and changes nothing of the page's.
        """
        if at_once:
            both = [self.seen(scenario, library, roles, tokens, limit=60) for library in ("official", "own")]
            official, own = await asyncio.gather(*both)
        else:
            official = await self.seen(scenario, "official", roles, tokens)
            own = await self.seen(scenario, "own", roles, tokens)
        assert own == official, "\n".join(
            difflib.unified_diff(_lines(official), _lines(own), "official", "own", lineterm="")
        )
        return own


def _lines(trace: Sequence[Any]) -> list[str]:
    return [json.dumps(item) for item in trace]
