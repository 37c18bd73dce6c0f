"""An application's web site, with a strict Content-Security-Policy, and pages that make calls on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, Page

from pyvidu.testing import PageLog, RunningServer
from tests.browser.calls import Rest
from tests.browser.content_policy import VIOLATIONS, violations
from tests.browser.watching import moves, watch_frames
from tests.serving import serving

STRICT = {"Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:"}
OUTAGE = 9
"""Seconds."""


@asynccontextmanager
async def served(folders: dict[str, Path], headers: dict[str, str] = STRICT) -> AsyncIterator[str]:
    """Serve each folder under its name, from localhost, every file with `headers`, and give the site's URL."""

    async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    for name, folder in folders.items():
        app.router.add_static(f"/{name}/", folder)
    async with serving(app) as port:
        yield f"http://localhost:{port}/"


@dataclass
class Visitor:
    """A page that has `window.application`: `join(token)`, which returns the connection's id, and the events `fired`."""

    page: Page
    log: PageLog
    connection_id: str = ""

    @classmethod
    async def open(cls, browser: Browser, url: str) -> Visitor:
        context = await browser.new_context()
        await watch_frames(context)
        await context.add_init_script(VIOLATIONS)
        page = await context.new_page()
        log = PageLog.watch(page)
        await page.goto(url)
        await page.wait_for_function("() => window.application", timeout=30_000)
        return cls(page, log)

    async def join(self, token: str) -> None:
        async with asyncio.timeout(120):
            self.connection_id = await self.page.evaluate("(token) => application.join(token)", token)

    async def fired(self, name: str) -> None:
        await self.page.wait_for_function("(name) => application.fired.includes(name)", arg=name, timeout=30_000)


async def survive_a_silent_drop(
    server: RunningServer, browser: Browser, urls: list[str], session: str
) -> list[Visitor]:
    """Open the pages, let them call each other, drop all of them for 9 s at once; return them when everything moves again."""
    visitors = await asyncio.gather(*(Visitor.open(browser, url) for url in urls))
    rest = Rest(server)
    for visitor in visitors:
        await visitor.join(await rest.token(session))
    await asyncio.gather(*(moves(visitor.page, "#others video", count=len(urls) - 1) for visitor in visitors))
    async with AsyncExitStack() as faults:
        for visitor in visitors:
            await faults.enter_async_context(server.fault("silent", visitor.connection_id))
        await asyncio.sleep(OUTAGE)  # the length of the drop
        await asyncio.gather(*(visitor.fired("reconnecting") for visitor in visitors))
    await asyncio.gather(*(visitor.fired("reconnected") for visitor in visitors))
    await asyncio.gather(*(moves(visitor.page, "#others video", count=len(urls) - 1) for visitor in visitors))
    for visitor in visitors:
        fired = await visitor.page.evaluate("() => application.fired")
        # A busy machine may add an exception or an outage of its own; an end of the session it may not.
        assert [name for name in fired if name != "exception"][:2] == ["reconnecting", "reconnected"]
        assert "sessionDisconnected" not in fired
        assert await violations(visitor.page) == []
        assert [line for line in visitor.log.errors if line.startswith("uncaught")] == []
    return visitors
