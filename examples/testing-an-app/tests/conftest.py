"""What the tests share: the application, started for an OpenVidu server, and people in its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from app.backend import make_app
from pyvidu.testing import RunningServer

TIMEOUT = 120_000  # milliseconds; what is awaited comes in seconds, but this machine may have to do other things
expect.set_options(timeout=TIMEOUT)

PICTURES = """[...document.querySelectorAll('#others video')]
    .reduce((sum, video) => sum + video.getVideoPlaybackQuality().totalVideoFrames, 0)"""

StartApp = Callable[[RunningServer], Awaitable[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def start_app() -> AsyncIterator[StartApp]:
    """Give a function that starts the application for a server, on the same address, and returns its origin."""
    async with AsyncExitStack() as stack:

        async def start(openvidu: RunningServer) -> str:
            runner = web.AppRunner(make_app(openvidu.url, openvidu.secret), shutdown_timeout=1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, openvidu.host, 0).start()
            return f"http://{openvidu.host}:{runner.addresses[0][1]}"

        yield start


@dataclass
class Person:
    """Somebody who has joined the room in a page of their own."""

    page: Page

    @classmethod
    async def join(cls, browser: Browser, app: str, name: str) -> Person:
        """Join as somebody does: open the page, type the name, press the button."""
        person = cls(await browser.new_page())
        await person.page.goto(app)
        await person.page.get_by_label("Your name").fill(name)
        await person.page.get_by_role("button", name="Join").click()
        await person.reads("You are in the room")
        return person

    async def reads(self, status: str) -> None:
        """Wait until the page says `status`."""
        await expect(self.page.get_by_role("status")).to_have_text(status)

    async def sees_people(self, *names: str) -> None:
        """Wait until exactly these are listed, in whatever order."""
        people = self.page.get_by_role("listitem")
        await expect(people).to_have_count(len(names))
        for name in names:
            await expect(people.get_by_text(name, exact=True)).to_be_visible()

    async def sees_the_others_move(self) -> None:
        """Wait until five more pictures of the others have been presented, each newer than this call."""
        before = await self.page.evaluate(PICTURES)
        await self.page.wait_for_function(f"(before) => {PICTURES} >= before + 5", arg=before, timeout=TIMEOUT)
