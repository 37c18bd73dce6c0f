"""What Firefox or its user refuses: storage, a camera that another program uses, WebRTC, WebAssembly."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import Rest
from tests.browser.embedding_page import Participant, served_page
from tests.browser.watching import moves

NO_STORAGE = """
const refuse = { get() { throw new DOMException('The operation is insecure.', 'SecurityError'); } };
for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) Object.defineProperty(window, name, refuse);
"""

# Firefox's own words. It takes no second camera here, so nothing else than a page can say them.
CAMERA_IN_USE = """
window.inUse = true;
if (window.MediaDevices) { // not in about:blank, where every page begins
  const open = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = function (constraints) {
    if (!window.inUse || !constraints.video) return open.call(this, constraints);
    return Promise.reject(new DOMException('Failed to allocate videosource', 'NotReadableError'));
  };
}
"""

JOIN_WITH_A_NEW_CAMERA = """
window.inUse = false;
window.second = await OV.initPublisherAsync('me', { resolution: '320x240', frameRate: 15 });
await session.connect(args[0], { clientData: args[1] });
await session.publish(window.second);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firefox(open_browser: OpenBrowser) -> Browser:
    return await open_browser("firefox")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


async def test_camera_in_use_is_told_and_taken_when_it_is_free_by_pages_without_storage(
    firefox: Browser, server: RunningServer
) -> None:
    async with served_page(server) as url:
        pages = [await Participant.open(firefox, url, NO_STORAGE, CAMERA_IN_USE) for _ in range(2)]
        for page, name in zip(pages, ("Ada", "Bob"), strict=True):
            await page.wait_for("completionHandler")
            error = await page.js("return fired.find(([name]) => name === 'completionHandler')[1]?.name")
            assert error == "DEVICE_ALREADY_IN_USE"
            await page.js(JOIN_WITH_A_NEW_CAMERA, await Rest(server).token("page"), name)
        await asyncio.gather(*(moves(page.page, videos) for page in pages for videos in ("#me video", "#others video")))
        assert [line for page in pages for line in page.log.errors if line.startswith("uncaught")] == []
        for page in pages:
            await page.page.context.close()


@pytest.mark.parametrize("missing", ["RTCPeerConnection", "WebAssembly"])
async def test_every_call_fails_with_browser_not_supported_without(
    missing: str, firefox: Browser, server: RunningServer
) -> None:
    async with served_page(server) as url:
        page = await Participant.open(firefox, url, f"delete window.{missing};")
        names = await page.js("return [(await failure(session.connect('x')))[1], (await failure(ready))[1]];")
        assert names == ["BROWSER_NOT_SUPPORTED"] * 2
        assert page.log.errors == []
        await page.page.context.close()
