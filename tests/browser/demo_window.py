"""A window with the demo page in it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Browser, Page

from pyvidu.testing import PageLog, RunningServer
from tests.browser.calls import page_url
from tests.browser.watching import watch_frames

OWN = "[data-own=true] video"
OTHERS = "[data-own=false] video"


@dataclass
class Window:
    """One window with the demo in it."""

    page: Page
    log: PageLog

    @classmethod
    async def open(cls, browser: Browser, *scripts: str) -> Window:
        context = await browser.new_context()
        await watch_frames(context)
        for script in scripts:
            await context.add_init_script(script)
        page = await context.new_page()
        return cls(page, PageLog.watch(page))

    async def join(self, server: RunningServer, room: str, name: str) -> None:
        """Open the page with a link that joins at once."""
        await self.page.goto(page_url(server, "/", room=room, name=name, join="1"))

    async def banner(self, kind: str, timeout: float = 60) -> str:
        """Wait until the banner is of a kind and return its text."""
        await self.page.wait_for_selector(f"#banner[data-kind={kind}]", timeout=timeout * 1000)
        return await self.page.inner_text("#banner p")

    async def drop(self, seconds: int) -> None:
        """Press one of the buttons."""
        await self.page.click(f"#drops [data-seconds='{seconds}']")

    @property
    def uncaught(self) -> list[str]:
        return [line for line in self.log.errors if line.startswith("uncaught")]
