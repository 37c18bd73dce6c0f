"""Pages of applications with a strict Content-Security-Policy: no `unsafe-eval`, no inline script, two sorts of workers.

The policies of the demo and of the PyScript page are tested in `test_demo_page.py` and `test_pyscript_page.py`.
"""

from __future__ import annotations

import asyncio

import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.browser.content_policy import VIOLATIONS, violations
from tests.browser.embedding_page import Participant, served_page
from tests.browser.watching import moves


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server(fault_control=True)


async def test_pages_with_pyvidu_js_survive_a_drop_of_4_s_within_a_strict_policy(
    chromium: Browser, server: RunningServer
) -> None:
    strict = f"script-src 'self' {server.origin} 'wasm-unsafe-eval'; worker-src"
    async with served_page(server, f"{strict} 'self' blob:") as url, served_page(server, f"{strict} 'self'") as without:
        pages = await asyncio.gather(*(Participant.open(chromium, one, VIOLATIONS) for one in (url, without)))
        for page in pages:
            join = "await session.connect(args[0]); await session.publish(publisher);"
            await page.js(join, await Rest(server).token("strict"))
        await asyncio.gather(*(moves(page.page, "#others video") for page in pages))
        await both_are_dropped_for_4_s(server, pages)
        await asyncio.gather(*(page.wait_for("reconnected") for page in pages))
        await asyncio.gather(*(moves(page.page, "#others video") for page in pages))
        told_with_blobs, told_without = (
            [line for line in page.log.console if "worker-src blob:" in line] for page in pages
        )
        assert await violations(pages[0].page) == told_with_blobs == []
        assert await violations(pages[1].page), "the recorder records"
        assert len(told_without) == 1, "what is lost is told, once"
        assert not [line for page in pages for line in page.log.errors if line.startswith("uncaught")]
        await asyncio.gather(*(page.page.context.close() for page in pages))


async def both_are_dropped_for_4_s(server: RunningServer, pages: list[Participant]) -> None:
    ada, bob = [await page.js("return session.connection.connectionId") for page in pages]
    async with server.fault("silent", ada), server.fault("silent", bob):
        await asyncio.gather(*(page.wait_for("reconnecting") for page in pages))
        await asyncio.sleep(4)  # the length of the drop
