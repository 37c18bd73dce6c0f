"""A page of another origin than the server's that uses `pyvidu.js` as pages written for openvidu-browser use that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page

from pyvidu.testing import PageLog, RunningServer
from tests.browser.watching import watch_frames
from tests.serving import serving

# The code of openvidu-browser's tutorials, but for the module's address. `atOnce` is what existed before Python ran.
PAGE = """<!doctype html><meta charset=utf-8><link rel=icon href=data:,><div id=me></div><div id=others></div>
<script type=module src=page.js></script>"""

SCRIPT = """
import { OpenVidu, ready } from '%s/pyvidu.js';
const fired = [];
const OV = new OpenVidu();
OV.setAdvancedConfiguration({ forceMediaReconnectionAfterNetworkDrop: true });
const session = OV.initSession();
const publisher = OV.initPublisher('me', { resolution: '320x240', frameRate: 15, publishAudio: true },
                                   (error) => fired.push(['completionHandler', error]));
let booted = false;
ready.then(() => { booted = true; }, () => {});
const names = ['connectionCreated', 'connectionDestroyed', 'streamCreated', 'streamDestroyed', 'streamPropertyChanged',
               'signal', 'signal:chat', 'reconnecting', 'reconnected', 'outageSettled',
               'sessionDisconnected', 'exception'];
for (const name of names) session.on(name, (event) => fired.push([name, event]));
for (const name of ['accessAllowed', 'streamCreated', 'streamDestroyed', 'videoElementCreated', 'videoElementDestroyed'])
  publisher.on(name, (event) => fired.push([`publisher ${name}`, event]));
session.on('streamCreated', (event) => {
  window.subscriber = session.subscribe(event.stream, 'others', (error) => fired.push(['subscribed', error]));
  window.subscriber.on('streamPlaying', (event) => fired.push(['streamPlaying', event]));
  window.subscriber.on('videoElementCreated', (event) => fired.push(['videoElementCreated', event]));
});
const atOnce = { booted, session: session.constructor.name, publisher: publisher.constructor.name,
                 stream: publisher.stream.constructor.name, identical: publisher.stream.streamManager === publisher,
                 videoActive: publisher.stream.videoActive, accessAllowed: publisher.accessAllowed,
                 supported: OV.checkSystemRequirements() };
Object.assign(window, { OV, session, publisher, fired, atOnce, ready });
window.until = async (condition) => { while (!condition()) await new Promise((done) => setTimeout(done, 20)); };
window.failure = async (promise) => {
  try { await promise; } catch (error) { return [error instanceof Error, error.name, error.message, error.code ?? null]; }
};
"""


@dataclass
class Participant:
    page: Page
    log: PageLog

    @classmethod
    async def open(cls, browser: Browser, url: str, *scripts: str) -> Participant:
        context = await browser.new_context()
        await watch_frames(context)
        for script in scripts:
            await context.add_init_script(script)
        page = await context.new_page()
        log = PageLog.watch(page)
        await page.goto(url)
        await page.wait_for_function("() => window.until")
        return cls(page, log)

    async def js(self, code: str, *args: Any) -> Any:
        """Return the value that `code`, the body of an async function of `args`, returns."""
        async with asyncio.timeout(40):
            return await self.page.evaluate(f"async (args) => {{ {code} }}", list(args))

    async def wait_for(self, name: str) -> None:
        """Wait for an event."""
        await self.page.wait_for_function("(name) => fired.some(([fired]) => fired === name)", arg=name, timeout=30_000)

    async def fired(self) -> list[str]:
        return list(await self.js("return fired.map(([name]) => name)"))


@asynccontextmanager
async def served_page(server: RunningServer, policy: str = "") -> AsyncIterator[str]:
    """Serve the page, with `pyvidu.js` of `server`, from localhost on another port, and give its URL.

    `policy` is its Content-Security-Policy.
    """

    async def page(_request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": policy} if policy else {}
        return web.Response(text=PAGE, content_type="text/html", headers=headers)

    async def script(_request: web.Request) -> web.Response:
        return web.Response(text=SCRIPT % server.origin, content_type="text/javascript")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/page.js", script)
    async with serving(app) as port:
        yield f"http://localhost:{port}/"
