"""All that a run needs: a network lab, servers, browsers and pages, created when first needed and closed at the end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser as OpenBrowser
from playwright.async_api import BrowserContext, CDPSession, Playwright, async_playwright

from benchmarks.pages import OFFICIAL_BUNDLE, BenchPage
from benchmarks.plan import Browser, Client, ServerMode
from benchmarks.tls import Certificate, self_signed
from pyvidu.testing import (
    LabError,
    NetworkLab,
    RunningServer,
    chromium_flags,
    find_browser,
    lab_unavailable_reason,
    launch_browser,
    start_server,
)
from tests.browser.calls import known_as

_Where = Browser | Literal["outside"]
_Key = tuple[_Where, Client, ServerMode]

PROFILES: dict[ServerMode, tuple[str, ...]] = {"plain": ("--profile", "kurento"), "best": ()}


class World:
    """Everything around the calls. Pages are kept: a client that is not in a call costs next to nothing."""

    def __init__(
        self,
        driver: Playwright,
        lab: NetworkLab,
        inside: Mapping[Browser, OpenBrowser],
        outside: OpenBrowser,
        certificate: Certificate,
        server_args: Sequence[str] = (),
        server_env: Mapping[str, str] | None = None,
        host_of_page: str = "",
    ) -> None:
        self.host_of_page = host_of_page
        """The name by which pages inside the lab know a server that has both families; "" without one."""
        self._driver = driver
        self.lab = lab
        self.certificate = certificate
        self.browser_versions = {"chromium": outside.version} | {name: one.version for name, one in inside.items()}
        self._inside = inside
        self._outside = outside
        self._server_args, self._server_env = server_args, server_env
        self._contexts: dict[_Key, BrowserContext] = {}
        self._pages: dict[_Key, BenchPage] = {}
        self._servers: dict[ServerMode, RunningServer] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def make(
        cls,
        lab: NetworkLab | None = None,
        *,
        rtt_ms: float = 0.0,
        browsers: Iterable[Browser] = ("chromium",),
        dual_stack: bool = False,
        server_args: Sequence[str] = (),
        server_env: Mapping[str, str] | None = None,
    ) -> AsyncIterator[World]:
        """Yield a world for the length of the block, with these browsers inside the lab and a Chromium outside.

        The lab is its own unless one is passed. Servers get these arguments and this environment besides; with `dual_stack`
        they have IPv4 and IPv6, as the lab. Raises LabError, or BrowserNotFoundError.
        """
        if lab is None and (reason := lab_unavailable_reason()):
            raise LabError(reason)
        if not OFFICIAL_BUNDLE.exists():
            raise LabError("openvidu-browser is not here: make interop")
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyvidu-bench-")))
            lab = lab or stack.enter_context(NetworkLab(rtt=rtt_ms / 1000))
            certificate = self_signed(folder, lab.host_address)
            driver = await stack.enter_async_context(async_playwright())

            async def launch(name: Browser, guest: NetworkLab | None) -> OpenBrowser:
                args = certificate.browser_args if name == "chromium" else ()
                browser = await launch_browser(driver, name, lab=guest, args=args)
                stack.push_async_callback(browser.close)
                return browser

            inside = {name: await launch(name, lab) for name in browsers}
            outside, name = await launch("chromium", None), lab.host_name if dual_stack else ""
            self = cls(driver, lab, inside, outside, certificate, server_args, server_env, name)
            stack.push_async_callback(self._stop)
            yield self

    async def server(self, mode: ServerMode) -> RunningServer:
        """Return the server of this mode, started if necessary."""
        if mode not in self._servers:
            args = (*PROFILES[mode], *self.certificate.server_args, *self._server_args)
            if self.host_of_page:
                self._servers[mode] = server = await start_server(*args, host="::", env=self._server_env)
                server.url = f"https://{self.lab.host_address}:{server.port}/"
            else:
                self._servers[mode] = await start_server(*args, lab=self.lab, env=self._server_env)
        return self._servers[mode]

    async def page(self, client: Client, mode: ServerMode, browser: Browser = "chromium") -> BenchPage:
        """Return the page inside the lab that runs `client`."""
        return await self._page(browser, client, mode)

    async def peer(self, client: Client, mode: ServerMode) -> BenchPage:
        """Return the page outside that watches."""
        return await self._page("outside", client, mode)

    async def fresh_context(self, where: _Where = "chromium") -> BrowserContext:
        """Return a browser profile with empty caches, of a browser inside or of the one outside. The caller closes it."""
        # Chromium trusts the certificate by its key (`browser_args`), Firefox has to be told of any.
        return await self._browser(where).new_context(ignore_https_errors=where == "firefox")

    async def persistent_context(self, folder: Path) -> BrowserContext:
        """Return a Chromium inside the lab with its profile in `folder`. The caller closes it."""
        return await self._driver.chromium.launch_persistent_context(
            folder,
            executable_path=self.lab.wrap(find_browser()),
            args=[*chromium_flags(), *self.certificate.browser_args],
        )

    async def browser_session(self, where: _Where = "chromium") -> CDPSession:
        """Return a CDP session with a Chromium itself, for data about its processes."""
        return await self._browser(where).new_browser_cdp_session()

    async def close_pages(self) -> None:
        """Close every page: the next ones are fresh."""
        for context in self._contexts.values():
            await context.close()
        self._contexts.clear()
        self._pages.clear()

    def _browser(self, where: _Where) -> OpenBrowser:
        return self._outside if where == "outside" else self._inside[where]

    async def _page(self, where: _Where, client: Client, mode: ServerMode) -> BenchPage:
        key = (where, client, mode)
        if key not in self._pages:
            server = await self.server(mode)
            if where != "outside" and self.host_of_page:
                server = known_as(server, self.host_of_page)
            self._contexts[key] = await self.fresh_context(where)
            self._pages[key] = await BenchPage.open(self._contexts[key], server, client)
        return self._pages[key]

    async def _stop(self) -> None:
        for server in self._servers.values():
            await server.stop()
