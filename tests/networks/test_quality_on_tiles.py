"""What the tiles of the demo page say of a network that is slow, and of a video that it does not carry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser, expect

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.demo_window import OTHERS, Window
from tests.browser.watching import moves


@dataclass
class Demo:
    server: RunningServer
    ada: Window
    bob: Window
    bobs_connection: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Demo]:
    server = await pyvidu_server("--demo", fault_control=True)
    ada, bob = await asyncio.gather(Window.open(chromium), Window.open(chromium))
    await asyncio.gather(ada.join(server, "demo", "Ada"), bob.join(server, "demo", "Bob"))
    await asyncio.gather(moves(ada.page, OTHERS), moves(bob.page, OTHERS))
    (joined,) = [one for one in await server.connections("demo") if "Bob" in one.client_data]
    yield Demo(server, ada, bob, joined.connection_id)
    assert ada.uncaught == bob.uncaught == []


async def test_tiles_say_what_is_wrong_with_a_network(demo: Demo) -> None:
    adas, bobs = (window.page.locator(".tile[data-own=true]") for window in (demo.ada, demo.bob))
    async with demo.server.fault("slow", demo.bobs_connection, delay=0.5, plane="media"):
        # A round trip of 1 s, more on a busy machine; the packets are also late if a shorter one was measured before.
        wrong = re.compile(r"^[12]/5: (long round trip|packets late) on the way down$")
        await expect(bobs.locator(".quality")).to_have_text(wrong, timeout=15_000)
        await expect(demo.ada.page.locator(".tile[data-own=false] .quality")).to_be_visible()
        await expect(demo.ada.page.locator("#log")).to_contain_text("networkQualityLevelChanged Bob: 5 to")
    await expect(adas.locator(".quality")).to_be_hidden()
    await expect(bobs.locator(".quality")).to_be_hidden(timeout=30_000)


async def test_tile_says_that_its_video_is_paused_for_the_sound(demo: Demo) -> None:
    tile = demo.bob.page.locator(".tile[data-own=false]")
    await asyncio.sleep(3)  # in which a shorter round trip is reported, once a second
    async with demo.server.fault("slow", demo.bobs_connection, delay=1.5, plane="media"):
        await expect(tile.locator(".frozen")).to_have_text("Video paused: weak network", timeout=15_000)
        await expect(demo.bob.page.locator("#log")).to_contain_text("streamVideoPaused Ada (bandwidth)")
    await expect(tile.locator(".frozen")).to_be_hidden(timeout=30_000)
    await moves(demo.bob.page, OTHERS)
