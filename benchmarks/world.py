"""All that a run needs: a network lab, servers, browsers and pages, created when first needed and closed at the end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, CDPSession, async_playwright

from benchmarks.pages import OFFICIAL_BUNDLE, BenchPage
from benchmarks.plan import Client, ServerMode
from benchmarks.tls import Certificate, self_signed
from pyvidu.testing import (
    LabError,
    NetworkLab,
    RunningServer,
    find_browser,
    lab_unavailable_reason,
    launch_browser,
    start_server,
)

PROFILES: dict[ServerMode, tuple[str, ...]] = {"plain": ("--profile", "kurento"), "best": ()}


class World:
    """Everything around the calls. Pages are kept: a client that is not in a call costs next to nothing."""

    def __init__(self, lab: NetworkLab, inside: Browser, outside: Browser, certificate: Certificate) -> None:
        self.lab = lab
        self.certificate = certificate
        self.browser_version = inside.version
        self._browsers = {"inside": inside, "outside": outside}
        self._contexts: dict[tuple[str, Client, ServerMode], BrowserContext] = {}
        self._pages: dict[tuple[str, Client, ServerMode], BenchPage] = {}
        self._servers: dict[ServerMode, RunningServer] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def make(cls, lab: NetworkLab | None = None, *, rtt_ms: float = 0.0) -> AsyncIterator[World]:
        """Yield a world for the length of the block, in a lab of its own unless one is passed. Raises LabError."""
        if lab is None and (reason := lab_unavailable_reason()):
            raise LabError(reason)
        if not OFFICIAL_BUNDLE.exists():
            raise LabError("openvidu-browser is not here: make interop")
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyvidu-bench-")))
            lab = lab or stack.enter_context(NetworkLab(rtt=rtt_ms / 1000))
            certificate = self_signed(folder, lab.host_address)
            driver = await stack.enter_async_context(async_playwright())
            executable = find_browser()

            async def launch(guest: NetworkLab | None) -> Browser:
                browser = await launch_browser(driver, executable=executable, lab=guest, args=certificate.browser_args)
                stack.push_async_callback(browser.close)
                return browser

            self = cls(lab, await launch(lab), await launch(None), certificate)
            stack.push_async_callback(self._stop)
            yield self

    async def server(self, mode: ServerMode) -> RunningServer:
        """Return the server of this mode, started if necessary."""
        if mode not in self._servers:
            args = (*PROFILES[mode], *self.certificate.server_args)
            self._servers[mode] = await start_server(*args, lab=self.lab)
        return self._servers[mode]

    async def page(self, client: Client, mode: ServerMode) -> BenchPage:
        """Return the page inside the lab that runs `client`."""
        return await self._page("inside", client, mode)

    async def peer(self, client: Client, mode: ServerMode) -> BenchPage:
        """Return the page outside that watches."""
        return await self._page("outside", client, mode)

    async def fresh_context(self, where: str = "inside") -> BrowserContext:
        """Return a browser profile with empty caches. The caller closes it."""
        return await self._browsers[where].new_context()

    async def browser_session(self, where: str = "inside") -> CDPSession:
        """Return a CDP session with the browser itself, for data about its processes."""
        return await self._browsers[where].new_browser_cdp_session()

    async def close_pages(self) -> None:
        """Close every page: the next ones are fresh."""
        for context in self._contexts.values():
            await context.close()
        self._contexts.clear()
        self._pages.clear()

    async def _page(self, where: str, client: Client, mode: ServerMode) -> BenchPage:
        key = (where, client, mode)
        if key not in self._pages:
            self._contexts[key] = await self._browsers[where].new_context()
            self._pages[key] = await BenchPage.open(self._contexts[key], await self.server(mode), client)
        return self._pages[key]

    async def _stop(self) -> None:
        for server in self._servers.values():
            await server.stop()
