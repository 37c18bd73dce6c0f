"""`examples/javascript`: each page with openvidu-browser and with pyvidu, in a call that is dropped, with its banner."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from pyvidu.testing import PageLog
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.browser.watching import moves, watch_frames
from tests.npm.site import served
from tools.generated import ROOT

EXAMPLES = ROOT / "examples" / "javascript"
PAGES = ("script", "react", "vue", "angular")


def built(library: Path, folder: Path) -> Path:
    """Build the pages with a package as their openvidu-browser; return the folder of the result."""
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "public"))
    packages = folder / "node_modules"
    packages.mkdir()
    for package in (EXAMPLES / "node_modules").iterdir():
        if package.name != "openvidu-browser":
            (packages / package.name).symlink_to(package)
    (packages / "openvidu-browser").symlink_to(library)
    command = ["node", packages / "vite" / "bin" / "vite.js", "build", "--logLevel", "error"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
    return folder / "dist"


@pytest.mark.parametrize("library", ["openvidu-browser", "pyvidu"])
async def test_every_example_shows_its_banner_in_a_drop_and_the_others_after_it(
    library: str, project: Path, chromium: Browser, pyvidu_server: StartServer, tmp_path: Path
) -> None:
    own = project / "node_modules" / "pyvidu"
    package = own if library == "pyvidu" else EXAMPLES / "node_modules" / "openvidu-browser"
    folder = built(package, tmp_path / "examples")
    server = await pyvidu_server(fault_control=True)
    rest = Rest(server)
    async with served({"app": folder, "pyvidu": own / "assets"}, {}) as site, AsyncExitStack() as contexts:
        pages: list[Page] = []
        logs: list[PageLog] = []
        for name in PAGES:
            context = await chromium.new_context()
            contexts.push_async_callback(context.close)
            await watch_frames(context)
            page = await context.new_page()
            logs.append(PageLog.watch(page))
            await page.goto(f"{site}app/{name}/index.html?token={quote(await rest.token('examples'), safe='')}")
            await moves(page, "#me video")
            pages.append(page)
        others = len(PAGES) - 1
        await asyncio.gather(*(moves(page, "#others video", count=others) for page in pages))
        _, session = await rest.call("GET", "sessions/examples")
        ids = [connection["id"] for connection in session["connections"]["content"]]
        assert len(ids) == len(PAGES), json.dumps(session)
        async with AsyncExitStack() as faults:
            for connection_id in ids:
                await faults.enter_async_context(server.fault("silent", connection_id))
            # openvidu-browser needs up to 10 s, then the server has not evicted anybody yet.
            await asyncio.gather(
                *(expect(page.get_by_role("status")).to_have_text("Reconnecting…", timeout=12_000) for page in pages)
            )
        await asyncio.gather(*(expect(page.get_by_role("status")).to_have_text("", timeout=30_000) for page in pages))
        await asyncio.gather(*(moves(page, "#others video", count=others) for page in pages))
        assert [line for log in logs for line in log.errors if line.startswith("uncaught")] == []
