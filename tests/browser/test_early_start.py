"""What `pyvidu.js` begins before Python has started: the WebSocket, camera and microphone, and who releases them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, Route

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.serving import serving

PAGE = """<!doctype html><meta charset=utf-8><link rel=icon href=data:,><div id=me></div>
<script type=module>
  import { OpenVidu, ready } from '%s/pyvidu.js';
  Object.assign(window, { OpenVidu, ready });
  ready.catch(() => {});
</script>"""

# Records the WebSockets, what was sent and received, and the tracks of the page.
WATCH = """
  Object.assign(window, { sockets: [], sent: [], asked: [], tracks: [] });
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (text) { sent.push(text); return send.call(this, text); };
  window.WebSocket = class extends WebSocket {
    constructor(...options) { super(...options); sockets.push(this); }
  };
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    asked.push(constraints);
    if (window.deny) throw new DOMException('denied', 'NotAllowedError');
    const stream = await getUserMedia(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  };
"""


class Held:
    """A page whose Python starts when it is told to."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._routes: list[Route] = []
        self._is_held, self._is_gone = True, False

    async def hold(self, route: Route) -> None:
        if self._is_gone:
            await route.fulfill(status=404, body="gone")
        elif self._is_held:
            self._routes.append(route)
        else:
            await route.continue_()

    async def let_python_start(self) -> None:
        self._is_held = False
        for route in self._routes:
            await route.continue_()

    async def keep_python_from_starting(self) -> None:
        self._is_gone = True
        for route in self._routes:
            await self.hold(route)

    async def js(self, code: str, *args: Any) -> Any:
        async with asyncio.timeout(60):
            return await self.page.evaluate(f"async (args) => {{ {code} }}", list(args))

    async def until(self, condition: str) -> None:
        await self.page.wait_for_function(f"() => {condition}", timeout=60_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context()
    await context.add_init_script(WATCH)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def held(context: BrowserContext, server: RunningServer) -> AsyncIterator[Held]:
    async def blank(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE % server.origin, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", blank)
    held = Held(await context.new_page())
    await context.route("**/pyodide.asm.wasm", held.hold)
    async with serving(app) as port:
        await held.page.goto(f"http://localhost:{port}/")
        await held.until("window.OpenVidu")
        await held.js("window.OV = new OpenVidu(); window.session = OV.initSession();")
        yield held


BEGIN_TO_CONNECT = "window.connecting = session.connect(args[0]); connecting.catch(() => {});"
CLOSED = "sockets.every(({ readyState }) => readyState === WebSocket.CLOSED)"
ENDED = "tracks.length && tracks.every(({ readyState }) => readyState === 'ended')"


async def test_socket_that_opened_before_python_is_the_sessions_and_carried_nothing_until_then(
    held: Held, server: RunningServer
) -> None:
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-socket"))
    await held.until("sockets[0]?.readyState === WebSocket.OPEN")
    assert await held.js("return sent") == []
    await held.let_python_start()
    await held.js("await connecting;")
    assert await held.js("return [sockets.length, session.sessionConnected()]") == [1, True]
    assert "joinRoom" in await held.js("return sent.map((text) => JSON.parse(text).method)")


async def test_frames_that_came_before_python_reach_it_in_their_order(held: Held, server: RunningServer) -> None:
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-frames"))
    await held.until("sockets[0]?.readyState === WebSocket.OPEN")
    await held.js("""
      for (const data of ['first', 'second']) sockets[0].dispatchEvent(new MessageEvent('message', { data }));
      window.told = [];
      const { warn } = console;
      console.warn = (...words) => { told.push(words.join(' ')); warn(...words); };
      window.heard = [];
      sockets[0].addEventListener('message', ({ data }) => heard.push(data));""")
    await held.let_python_start()
    await held.js("await connecting;")
    assert (await held.js("return heard"))[:2] == ["first", "second"]
    assert len(await held.js("return told.filter((line) => line.includes('malformed'))")) == 2


async def test_socket_that_the_server_closed_before_python_is_opened_anew(held: Held, server: RunningServer) -> None:
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-closed"))
    await held.until("sockets[0]?.readyState === WebSocket.OPEN")
    await held.js("sockets[0].close();")
    await held.until("sockets[0].readyState === WebSocket.CLOSED")
    await held.let_python_start()
    await held.js("await connecting;")
    assert await held.js("return [sockets.length, session.sessionConnected()]") == [2, True]


async def test_disconnect_before_python_closes_the_socket(held: Held, server: RunningServer) -> None:
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-left"))
    await held.until("sockets[0]?.readyState === WebSocket.OPEN")
    await held.js("session.disconnect();")
    await held.until(CLOSED)
    await held.let_python_start()
    assert await held.js("return connecting.then(() => 'joined', (error) => error.name)") == "OPENVIDU_NOT_CONNECTED"


async def test_python_that_does_not_start_releases_socket_and_devices(held: Held, server: RunningServer) -> None:
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-broken"))
    await held.js("window.publisher = OV.initPublisher('me', {}, () => {});")
    await held.until("sockets[0]?.readyState === WebSocket.OPEN && tracks.length === 2")
    await held.keep_python_from_starting()
    assert await held.js("return connecting.then(() => 'joined', (error) => error.message)")
    await held.until(CLOSED)
    await held.until(ENDED)
    await held.until("!document.querySelector('#me video')")


async def test_page_that_is_left_before_python_closes_its_socket(held: Held, server: RunningServer) -> None:
    rest = Rest(server)
    token = await rest.token("early-gone")
    await held.js(BEGIN_TO_CONNECT, token)
    await held.until("sockets[0]?.readyState === WebSocket.OPEN")
    await held.page.goto("about:blank")
    held.page = await held.page.context.new_page()  # the token is as good as before
    await held.page.goto(f"{server.url}demo/")
    assert (await rest.call("GET", "sessions/early-gone"))[1]["connections"]["numberOfElements"] == 0


async def test_own_camera_is_shown_before_python_and_is_the_one_that_is_published(
    held: Held, server: RunningServer
) -> None:
    await held.js("window.publisher = OV.initPublisher('me', { publishAudio: false });")
    await held.until("document.querySelector('#me video')?.videoWidth > 0")
    assert await held.js(
        """const video = document.querySelector('#me video');
           return [video.muted, video.style.transform !== '', tracks.map(({ kind, enabled }) => [kind, enabled])]"""
    ) == [True, True, [["audio", False], ["video", True]]]
    await held.js(BEGIN_TO_CONNECT, await Rest(server).token("early-camera"))
    await held.let_python_start()
    await held.js("await connecting; await session.publish(publisher);")
    assert await held.js(
        """const own = publisher.stream.getMediaStream();
           return [asked.length, document.querySelectorAll('video').length, publisher.accessAllowed,
                   own === document.querySelector('#me video').srcObject, own.getTracks().every((t) => tracks.includes(t))]"""
    ) == [1, 1, True, True, True]
    await held.js("session.disconnect();")
    await held.until(ENDED)


@pytest.mark.parametrize(
    "properties",
    [
        "{ resolution: '320x240', frameRate: 15 }",
        "{ videoSource: false }",
        "{ audioSource: false, resolution: '1280X720' }",
        "{ audioSource: true, videoSource: true, publishVideo: false }",
        "{ videoSource: (await OV.getDevices()).find(({ kind }) => kind === 'videoinput').deviceId, audioSource: null }",
    ],
)
async def test_devices_are_asked_for_once_whatever_the_properties_are(held: Held, properties: str) -> None:
    await held.js(f"window.publisher = OV.initPublisher('me', {properties});")
    await held.until("tracks.length")
    await held.let_python_start()
    await held.js("await new Promise((allowed) => { publisher.on('accessAllowed', allowed); });")
    assert len(await held.js("return asked")) == 1


async def test_camera_that_is_denied_before_python_is_reported_once_and_not_asked_for_again(held: Held) -> None:
    await held.js("window.deny = true; window.told = [];")
    await held.js("window.publisher = OV.initPublisher('me', {}, (error) => told.push(error.name));")
    await held.js("publisher.on('accessDenied', (error) => told.push(`denied ${error.name}`));")
    await held.let_python_start()
    await held.until("told.length === 2")
    assert await held.js("return [told, asked.length]") == [
        ["DEVICE_ACCESS_DENIED", "denied DEVICE_ACCESS_DENIED"],
        1,
    ]


async def test_camera_that_was_taken_away_before_python_is_asked_for_again(held: Held) -> None:
    await held.js("window.publisher = OV.initPublisher('me', {});")
    await held.until("tracks.length === 2")
    await held.js("for (const track of tracks) track.stop();")
    await held.let_python_start()
    await held.js("await new Promise((allowed) => { publisher.on('accessAllowed', allowed); });")
    assert await held.js("return [asked.length, tracks.map(({ readyState }) => readyState)]") == [
        2,
        ["ended", "ended", "live", "live"],
    ]


async def test_properties_that_python_refuses_release_the_devices(held: Held) -> None:
    await held.js(
        "window.told = []; window.publisher = OV.initPublisher('me', { mirror: 'yes' }, (e) => told.push(e.name));"
    )
    await held.until("tracks.length === 2")
    await held.let_python_start()
    await held.until("told.length")
    await held.until(ENDED)
    await held.until("!document.querySelector('#me video')")
