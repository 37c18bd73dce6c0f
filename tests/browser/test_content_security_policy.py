"""Pages with a strict Content-Security-Policy: no `unsafe-eval`, no inline script, workers as they are needed."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest, page_url
from tests.browser.demo_window import OTHERS, Window
from tests.browser.embedding_page import Participant, served_page
from tests.browser.watching import moves, watch_frames

VIOLATIONS = """
window.violations = [];
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  violations.push(`${violatedDirective} ${blockedURI} (${sourceFile}:${lineNumber})`));
"""


async def violations(page: Page) -> list[str]:
    return list(await page.evaluate("() => violations"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server("--demo", fault_control=True)


async def test_demo_survives_a_drop_of_4_s_and_draws_it_within_the_policy_of_its_page(
    chromium: Browser, server: RunningServer
) -> None:
    ada, bob = await asyncio.gather(Window.open(chromium, VIOLATIONS), Window.open(chromium, VIOLATIONS))
    answer = await ada.page.goto(page_url(server, "/demo/"))
    assert answer is not None
    assert "unsafe-eval" not in answer.headers["content-security-policy"].replace("wasm-unsafe-eval", "")
    await asyncio.gather(ada.join(server, "policy", "Ada"), bob.join(server, "policy", "Bob"))
    await asyncio.gather(ada.banner("connected"), bob.banner("connected"))
    await asyncio.gather(moves(ada.page, OTHERS), moves(bob.page, OTHERS))
    await ada.drop(4)
    await ada.banner("reconnected")
    await asyncio.gather(moves(ada.page, OTHERS), moves(bob.page, OTHERS))
    await ada.page.locator("#log [data-kind=reconnected]", has_text="reconnected").first.get_by_role("button").click()
    await ada.page.wait_for_selector("#timeline-chart canvas")
    await ada.page.hover("#timeline-chart canvas")
    assert await violations(ada.page) == await violations(bob.page) == []
    await asyncio.gather(ada.page.context.close(), bob.page.context.close())


async def test_pyscript_page_is_in_a_call_within_the_policy_of_its_page(
    chromium: Browser, server: RunningServer
) -> None:
    context = await chromium.new_context()
    await watch_frames(context)
    await context.add_init_script(VIOLATIONS)
    pages = [await context.new_page(), await context.new_page()]
    for page in pages:
        await page.goto(page_url(server, "/pyscript/"))
        await expect(page.locator("#status")).to_have_text("Connected", timeout=60_000)
    await asyncio.gather(*(moves(page, "#others video") for page in pages))
    assert [await violations(page) for page in pages] == [[], []]
    await context.close()


@pytest.mark.parametrize("workers", ["'self' blob:", "'self'"])
async def test_page_with_pyvidu_js_survives_a_drop_of_4_s_within_a_strict_policy(
    workers: str, chromium: Browser, server: RunningServer
) -> None:
    policy = f"script-src 'self' {server.origin} 'wasm-unsafe-eval'; worker-src {workers}"
    async with served_page(server, policy) as url:
        ada, bob = await asyncio.gather(
            Participant.open(chromium, url, VIOLATIONS), Participant.open(chromium, url, VIOLATIONS)
        )
        rest = Rest(server)
        for page in (ada, bob):
            await page.js(
                "await session.connect(args[0]); await session.publish(publisher);", await rest.token("strict")
            )
        await asyncio.gather(moves(ada.page, "#others video"), moves(bob.page, "#others video"))
        connection_id = await ada.js("return session.connection.connectionId")
        async with server.fault("silent", connection_id):
            await ada.wait_for("reconnecting")
            await asyncio.sleep(4)  # the length of the drop
        await ada.wait_for("reconnected")
        await asyncio.gather(moves(ada.page, "#others video"), moves(bob.page, "#others video"))
        told = [line for line in ada.log.console if "worker-src blob:" in line]
        if "blob:" in workers:
            assert await violations(ada.page) == await violations(bob.page) == told == []
        else:
            assert len(told) == 1, "what is lost is told, once"
        assert not [line for page in (ada, bob) for line in page.log.errors if line.startswith("uncaught")]
        await asyncio.gather(ada.page.context.close(), bob.page.context.close())
