"""The server's classic script in a page that was written for openvidu-browser's, on a site of another origin."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path

import aiohttp
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.browser.content_policy import violations
from tests.browser.watching import moves
from tests.npm.conftest import HERE
from tests.npm.site import Visitor, served, survive_a_silent_drop

SCRIPT = "openvidu-browser-2.32.2.min.js"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server(fault_control=True)


async def pages_of(server: RunningServer, folder: Path) -> Path:
    """Return a folder with the pages, which load the script of `server` and check its hash."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.origin}/{SCRIPT}") as answer:
        digest = hashlib.sha384(await answer.read()).digest()
    shutil.copytree(HERE / "classic", folder / "pages")
    for page in (folder / "pages").glob("*.html"):
        text = page.read_text("utf-8").replace("SERVER", server.origin)
        page.write_text(text.replace("INTEGRITY", f"sha384-{base64.b64encode(digest).decode()}"), "utf-8")
    return folder / "pages"


def headers(server: RunningServer) -> dict[str, str]:
    """Return those of a site that trusts the server's scripts and nothing else, and embeds only what agrees to it."""
    policy = f"script-src 'self' {server.origin} 'wasm-unsafe-eval'; worker-src 'self' blob:"
    return {"Content-Security-Policy": policy, "Cross-Origin-Embedder-Policy": "require-corp"}


async def test_script_sets_openvidu_at_once_and_nothing_else_and_its_calls_survive_a_silent_drop_of_9_s(
    chromium: Browser, server: RunningServer, tmp_path: Path
) -> None:
    async with served({"app": await pages_of(server, tmp_path)}, headers(server)) as site:
        visitors = await survive_a_silent_drop(server, chromium, [f"{site}app/index.html"] * 2, "classic")
        for visitor in visitors:
            assert await visitor.page.evaluate("() => application.atOnce") == ["Session", "Publisher", True]
            assert await visitor.page.evaluate("() => application.addedAtOnce") == ["OpenVidu"]
            assert await visitor.page.evaluate("() => application.added()") == ["OpenVidu"], "after a call"
            await visitor.page.context.close()


async def test_two_copies_in_a_page_each_make_a_call(chromium: Browser, server: RunningServer, tmp_path: Path) -> None:
    rest = Rest(server)
    async with served({"app": await pages_of(server, tmp_path)}, headers(server)) as site:
        visitor = await Visitor.open(chromium, f"{site}app/twice.html")
        assert await visitor.page.evaluate("() => kept.First !== OpenVidu")
        await visitor.join(await rest.token("twice"))
        await visitor.page.evaluate("(token) => application.joinWithTheFirst(token)", await rest.token("twice"))
        await moves(visitor.page, "#me video")
        await moves(visitor.page, "#others video")
        assert await violations(visitor.page) == []
        assert visitor.log.errors == []
        await visitor.page.context.close()
