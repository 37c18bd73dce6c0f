"""What a person opens, in Firefox on this machine's own network: the demo, PyScript, `pyvidu.js`."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from playwright.async_api import Browser, expect

from pyvidu.testing import PageLog, RunningServer, read_outages, wait_for_outage
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import Rest, page_url
from tests.browser.demo_window import OTHERS, OWN, Window
from tests.browser.embedding_page import Participant, served_page
from tests.browser.watching import moves, watch_frames

FIREFOX_LACKS = ["keyFrame", "NetworkInformation", "transportStatistics"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firefox(open_browser: OpenBrowser) -> Browser:
    return await open_browser("firefox")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server("--demo", fault_control=True)


async def test_demo_reconnects_after_a_drop_of_4_s_and_repairs_media_that_stopped(
    firefox: Browser, server: RunningServer
) -> None:
    ada, bob = await asyncio.gather(Window.open(firefox), Window.open(firefox))
    await asyncio.gather(ada.join(server, "demo", "Ada"), bob.join(server, "demo", "Bob"))
    await asyncio.gather(ada.banner("connected"), bob.banner("connected"))
    await asyncio.gather(*(moves(window.page, videos) for window in (ada, bob) for videos in (OWN, OTHERS)))
    assert ada.log.errors == bob.log.errors == []
    await ada.drop(4)
    await ada.banner("reconnecting")
    await ada.banner("reconnected")
    await asyncio.gather(moves(ada.page, OTHERS), moves(bob.page, OTHERS))
    await expect(ada.page.locator("#banner-detail")).to_contain_text("nothing was renegotiated")
    (dropped,) = [one for one in await server.connections("demo") if "Ada" in one.client_data]
    badge = ada.page.locator(".tile[data-own=false] .frozen")
    async with server.fault("media-only", dropped.connection_id):
        await expect(badge).to_be_visible(timeout=15_000)
        await server.wait_for_line('"method": "reconnectStream"', timeout=15)
    await expect(badge).to_be_hidden(timeout=15_000)
    await asyncio.gather(moves(ada.page, OTHERS), moves(bob.page, OTHERS))
    assert len(await read_outages(ada.page)) == 1
    assert await read_outages(bob.page) == ada.uncaught == bob.uncaught == []
    for window in (ada, bob):
        await window.page.context.close()


async def test_pyscript_page_is_in_a_call(firefox: Browser, server: RunningServer) -> None:
    context = await firefox.new_context()
    await watch_frames(context)
    pages = [await context.new_page() for _ in range(2)]
    logs = [PageLog.watch(page) for page in pages]
    await asyncio.gather(*(page.goto(page_url(server, "/pyscript/")) for page in pages))
    for page in pages:
        await expect(page.locator("#status")).to_have_text("Connected", timeout=60_000)
    await asyncio.gather(*(moves(page, "#others video") for page in pages))
    for log in logs:
        assert log.errors == []
        assert log.leaving(server.origin, server.origin.replace("http", "ws")) == []
    await context.close()


async def test_pyvidu_js_of_another_origin_survives_a_silent_drop(firefox: Browser, server: RunningServer) -> None:
    async with served_page(server) as url:
        ada, bob = await asyncio.gather(Participant.open(firefox, url), Participant.open(firefox, url))
        for participant, name in ((ada, "Ada"), (bob, "Bob")):
            join = "await session.connect(args[0], { clientData: args[1] }); await session.publish(publisher);"
            await participant.js(join, await Rest(server).token("page"), name)
        await asyncio.gather(moves(ada.page, "#others video"), moves(bob.page, "#others video"))
        support = await ada.js("return await OV.browserSupport()")
        assert [name for name, there in support.items() if not there] == FIREFOX_LACKS
        async with server.fault("silent", await ada.js("return session.connection.connectionId")):
            await ada.wait_for("reconnecting")
        await ada.wait_for("outageSettled")
        await asyncio.gather(moves(ada.page, "#others video"), moves(bob.page, "#others video"))
        assert (await wait_for_outage(ada.page))["end"] == "reconnected"
        assert await read_outages(bob.page) == []
        assert [line for log in (ada.log, bob.log) for line in log.errors if line.startswith("uncaught")] == []
        for participant in (ada, bob):
            await participant.page.context.close()
