"""What the pages and servers of a test did, kept for its report should it fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyvidu.testing.outages import WATCH_OUTAGES, Outages, read_outages
from pyvidu.testing.page_log import PageLog

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

    from pyvidu.testing.server import RunningServer

_LINES = 40  # of each log in the report; its file has all
_PATIENCE = 5.0  # seconds for what a page is asked: it may hang

_PING = '"method": "ping"'  # one a second and participant: in the file only

Section = tuple[str, str]
"""A title and a text."""


@dataclass
class _Page:
    page: Page
    log: PageLog
    lines_before: int = 0  # of its console, before the test began


@dataclass
class _Server:
    server: RunningServer
    lines_before: int = 0


@dataclass
class Recorder:
    """The pages and servers of the running test and of its module."""

    folder: Path
    """Where failed tests get a folder each."""
    loop: asyncio.AbstractEventLoop | None = None
    _pages: list[_Page] = field(default_factory=list)
    _servers: list[_Server] = field(default_factory=list)

    async def watch_context(self, context: BrowserContext) -> None:
        """Record all pages of a context, from their next navigation on."""
        self.loop = asyncio.get_running_loop()
        for page in context.pages:
            self._watch_page(page)
        context.on("page", self._watch_page)
        await context.add_init_script(WATCH_OUTAGES)

    def watch_server(self, server: RunningServer) -> None:
        """Record a server."""
        self._servers.append(_Server(server))

    def forget_browser(self, browser: Browser) -> None:
        """Drop the pages of a browser that is closed now."""
        self._pages = [item for item in self._pages if item.page.context.browser is not browser]

    def forget_server(self, server: RunningServer) -> None:
        """Drop a server that was stopped."""
        self._servers = [item for item in self._servers if item.server is not server]

    def begin_test(self) -> None:
        """Leave what was logged before out of the next report's sections."""
        self._pages = [item for item in self._pages if not item.page.is_closed()]
        for item in self._pages:
            item.lines_before = len(item.log.console)
        for one in self._servers:
            one.lines_before = len(one.server.log)

    def report(self, test: str) -> list[Section]:
        """Write the files of a failed test, by its node id, and return what its report should show."""
        if not self._pages and not self._servers:
            return []
        into = self.folder / re.sub(r"[^\w.-]+", "-", test).strip("-")[-150:]
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        sections: list[Section] = []
        for number, item in enumerate(self._pages, 1):
            sections += self._report_page(item, f"page-{number}", into)
        for number, one in enumerate(self._servers, 1):
            (into / f"server-{number}.log").write_text("\n".join(one.server.log) + "\n", "utf-8")
            lines = [line for line in one.server.log[one.lines_before :] if _PING not in line]
            sections.append((f"pyvidu: log of server {number}, {one.server.url}", _last(lines)))
        sections.append(("pyvidu: report folder", str(into)))
        return sections

    def _watch_page(self, page: Page) -> None:
        if all(item.page is not page for item in self._pages):
            self._pages.append(_Page(page, PageLog.watch(page)))

    def _report_page(self, item: _Page, name: str, into: Path) -> list[Section]:
        console = [*item.log.console[item.lines_before :]]
        (into / f"{name}-console.log").write_text("\n".join(item.log.console) + "\n", "utf-8")
        title = f"{name.replace('-', ' ')}, {item.page.url}"
        sections = [(f"pyvidu: console of {title}", _last(console))]
        outages = self._run(item.page, into / f"{name}.png")
        if outages is None:
            sections.append((f"pyvidu: outages of {title}", "(the page is closed, has crashed or does not respond)"))
        else:
            (into / f"{name}-outages.json").write_text(json.dumps(outages, indent=1, ensure_ascii=False), "utf-8")
            sections.append((f"pyvidu: outages of {title}", "\n".join(map(_in_words, outages)) or "(none)"))
        return sections

    def _run(self, page: Page, picture: Path) -> Outages | None:
        """Ask a page for its outages and take a picture of it; return None if it does not answer."""
        from playwright.async_api import Error as PlaywrightError

        if self.loop is None or self.loop.is_closed() or self.loop.is_running() or page.is_closed():
            return None

        async def ask() -> Outages:
            async with asyncio.timeout(_PATIENCE):
                found = await read_outages(page)
            with contextlib.suppress(PlaywrightError):
                await page.screenshot(path=picture, timeout=_PATIENCE * 1000)
            return found

        try:
            return self.loop.run_until_complete(ask())
        except (PlaywrightError, TimeoutError):
            return None


def _last(lines: list[str]) -> str:
    left_out = len(lines) - _LINES
    note = [f"({left_out} lines before these are in its file)"] if left_out > 0 else []
    return "\n".join([*note, *lines[-_LINES:]]) or "(nothing)"


def _in_words(outage: dict[str, Any]) -> str:
    entries = (f"  {entry['at']:+8.3f} s  {entry['kind']}: {entry['text']}" for entry in outage["entries"])
    lasted = f"lasted {outage['duration']:.3f} s" if outage["duration"] is not None else "in progress"
    return "\n".join([f"outage, {lasted}, {outage['end'] or 'not ended'}, {outage['attempts']} attempts", *entries])
