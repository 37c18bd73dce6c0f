"""The PyScript page: a call from a `<script type="py">` tag, and the error message in a worker."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, expect

from pyvidu.testing import PageLog, RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import page_url
from tests.browser.content_policy import VIOLATIONS, violations
from tests.browser.watching import moves, watch_frames

SOURCE = Path(__file__).parents[2] / "web" / "pyscript" / "index.html"

IN_A_WORKER = """<!doctype html><link rel=icon href=data:,>
<script type=module src=/static/vendor/pyscript/core.js></script>
<script type=py worker config=/pyvidu-client/pyscript.json>
import js
from pyvidu import OpenVidu
try:
    OpenVidu()
except Exception as error:
    js.console.log(f"SAID {type(error).__name__}: {error}")
</script>"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server("--demo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context()
    await watch_frames(context)
    await context.add_init_script(VIOLATIONS)
    yield context
    await context.close()


async def test_two_pages_are_in_a_call_also_on_a_second_visit(context: BrowserContext, server: RunningServer) -> None:
    # One context: the second page uses the browser caches that the first one filled.
    first, second = await context.new_page(), await context.new_page()
    logs = [PageLog.watch(first), PageLog.watch(second)]
    for page in (first, second):
        await page.goto(page_url(server, "/pyscript/"))
        await expect(page.locator("#status")).to_have_text("Connected", timeout=60_000)
    await asyncio.gather(moves(first, "#others video"), moves(second, "#others video"), moves(second, "#me video"))
    for log in logs:
        assert log.errors == []
        assert log.leaving(server.origin, server.origin.replace("http", "ws")) == []
    assert [await violations(page) for page in (first, second)] == [[], []], (
        "of the policy that the page is served with"
    )
    await second.close(run_before_unload=True)
    await expect(first.locator("#others .tile")).to_have_count(0)


def test_pyscript_page_has_less_than_40_lines_of_python() -> None:
    (code,) = re.findall(r'<script type="py"[^>]*>(.*?)</script>', SOURCE.read_text("utf-8"), re.DOTALL)
    lines = [line for line in html.unescape(code).splitlines() if line.strip()]
    assert len(lines) < 40


async def test_pyscript_worker_is_refused_with_what_to_do(context: BrowserContext, server: RunningServer) -> None:
    page = await context.new_page()
    url = page_url(server, "/worker.html")
    await page.route(url, lambda route: route.fulfill(content_type="text/html", body=IN_A_WORKER))
    async with page.expect_console_message(lambda message: message.text.startswith("SAID"), timeout=60_000) as told:
        await page.goto(url)
    sentence = (await told.value).text
    assert sentence.startswith("SAID BrowserNotSupportedError: pyvidu must run in the page itself")
    assert "remove `worker`" in sentence
