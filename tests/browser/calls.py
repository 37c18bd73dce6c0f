"""Calls between real pages: each runs `participant.py` in Pyodide and reports its events, timed by the test's clock."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from pyvidu.testing import BrowserName, NetworkLab, RunningServer
from pyvidu.testing.fixtures import StartServer

PARTICIPANT = Path(__file__).with_name("participant.py")

PAGE = """<!doctype html><meta charset="utf-8"><title>call</title><div id="me"></div><div id="others"></div>
<script type="module">
// Counts presented frames per video element, and gives each element a tag that survives nothing but staying the same.
let tags = 0;
new MutationObserver(() => {
  for (const video of document.querySelectorAll('video:not([data-tag])')) {
    video.dataset.tag = `video-${++tags}`;
    video.frames = 0;
    const count = () => { video.frames++; video.presentedAt = Date.now(); video.requestVideoFrameCallback(count); };
    video.requestVideoFrameCallback(count);
  }
}).observe(document.body, {childList: true, subtree: true});
window.boot = async (code) => {
  const { bootPython } = await import('/python.js');
  window.py = await bootPython();
  py.runPython(code);
};
window.call = async (name, ...args) => {
  const result = py.globals.get(name)(...args);
  return result instanceof Object ? await result : result;
};
</script>"""


# The key frames that the page has decoded of the first stream that it receives.
KEY_FRAMES_DECODED = """
watched = next(manager.stream for manager in session.stream_managers if manager.remote)
reports = (await watched.get_rtc_peer_connection().getStats()).values()
next(report.keyFramesDecoded for report in reports if report.type == "inbound-rtp" and report.kind == "video")
"""


class Rest:
    """The REST API of a server, as an application's backend uses it."""

    def __init__(self, server: RunningServer) -> None:
        self._base = f"{server.url}openvidu/api"
        credentials = base64.b64encode(f"OPENVIDUAPP:{server.secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the JSON body (None without one)."""
        async with (
            aiohttp.ClientSession(headers=self._headers) as http,
            http.request(method, f"{self._base}/{path}", json=body, ssl=False) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def token(self, room: str, role: str = "PUBLISHER", **properties: Any) -> str:
        """Return a fresh token of a connection with these properties."""
        await self.call("POST", "sessions", {"customSessionId": room})
        _, connection = await self.call("POST", f"sessions/{room}/connection", {"role": role, **properties})
        return str(connection["token"])


@dataclass
class Happened:
    """An event that a page reported, `at` seconds of the test's clock."""

    at: float
    name: str
    whose: str
    reason: str
    stream: str
    data: str

    def __str__(self) -> str:
        return f"{self.name}({self.reason})" if self.reason else self.name


@dataclass
class CallPage:
    """One participant in a page."""

    page: Page
    name: str
    log: list[Happened] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    connection_id: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def open(
        cls, where: Browser | BrowserContext, server: RunningServer, name: str, *, head: str = ""
    ) -> CallPage:
        """Open a page that has booted Python and not joined yet. `head` is extra HTML at its beginning."""
        context = where if isinstance(where, BrowserContext) else await where.new_context(ignore_https_errors=True)
        page = await context.new_page()
        self = cls(page, name)
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        await page.expose_function("tell", self._told)
        # Load a real page of the server: for one made up by `route`, Chromium's local network checks refuse the WebSocket.
        await page.goto(f"{server.origin}/healthz")
        await page.set_content(PAGE.replace("<title>", f"{head}<title>"))
        await page.wait_for_function("() => !!window.boot")
        await page.evaluate("(code) => boot(code)", PARTICIPANT.read_text())
        return self

    async def join(self, token: str, *, publish: bool = True, **configuration: Any) -> None:
        """Join, and publish unless `publish` is false."""
        self.connection_id = await self.call("join", token, self.name, json.dumps(configuration))
        if publish:
            await self.call("publish")

    async def call(self, function: str, *args: Any) -> Any:
        """Return the result of a function of `participant.py`."""
        return await self.evaluate("([name, args]) => call(name, ...args)", [function, list(args)])

    async def python(self, code: str) -> Any:
        """Return the value of the last expression of `code`, which may await."""
        return await self.evaluate("(code) => py.runPythonAsync(code)", code)

    async def evaluate(self, script: str, argument: Any = None, *, timeout: float = 40.0) -> Any:
        """Return the value of `script`. Raises AssertionError after `timeout` s (Playwright alone would wait for ever)."""
        try:
            async with asyncio.timeout(timeout):
                return await self.page.evaluate(script, argument)
        except TimeoutError:
            raise AssertionError(
                f"{self.name} did not answer {script!r} ({argument!r}) within {timeout} s; "
                f"told: {self.events()}; console: {self.console[-20:]}"
            ) from None

    async def picture(self) -> Any:
        """Return the result of `participant.picture`."""
        return json.loads(await self.call("picture"))

    async def has_released_everything(self) -> None:
        """Check that nothing of the session is left in the page once its cancelled tasks have ended (up to 3 s)."""
        try:
            await self.page.wait_for_function("() => call('proxies').then((alive) => alive === 0)", timeout=3000)
        except PlaywrightError:
            raise AssertionError(f"{await self.call('proxies')} listeners and proxies are left") from None

    # --- events ------------------------------------------------------------------------------------------------------

    def events(self, *names: str, whose: str | None = None) -> list[str]:
        """Return the reported events in order, as `name` or `name(reason)`."""
        return [str(item) for item in self.log if (not names or item.name in names) and whose in (None, item.whose)]

    async def told(self, name: str, timeout: float = 20.0, *, count: int = 1, stream: str | None = None) -> Happened:
        """Wait for the `count`th event `name` (of `stream`) and return it. Raises AssertionError after `timeout` seconds."""

        def nth() -> Happened | None:
            found = [item for item in self.log if item.name == name and stream in (None, item.stream)]
            return found[count - 1] if len(found) >= count else None

        try:
            async with asyncio.timeout(timeout):
                while (found := nth()) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"{self.name} was not told of {name} within {timeout} s; told: {self.events()}; console: {self.console[-10:]}"
            ) from None
        return found

    def clear_events(self) -> None:
        """Ignore the events so far."""
        self.log.clear()

    def _told(self, text: str) -> None:
        self.log.append(Happened(time.monotonic(), **json.loads(text)))
        self._news.set()

    # --- frames ------------------------------------------------------------------------------------------------------

    async def frames(self, where: str = "others") -> int:
        """Return the number of frames presented so far by the videos in #me or #others."""
        script = "(id) => [...document.querySelectorAll(`#${id} video`)].reduce((sum, video) => sum + video.frames, 0)"
        return int(await self.page.evaluate(script, where))

    async def moves(self, timeout: float = 10.0, *, more: int = 5) -> float:
        """Return the seconds until `more` new frames of others are presented. Raises AssertionError when it times out."""
        began, before = time.monotonic(), await self.frames()
        try:
            await self.page.wait_for_function(
                "(wanted) => [...document.querySelectorAll('#others video')]"
                ".reduce((sum, video) => sum + video.frames, 0) >= wanted",
                arg=before + more,
                timeout=timeout * 1000,
                polling=20,
            )
        except PlaywrightError as error:
            raise AssertionError(f"what {self.name} sees of the others does not move: {error}") from None
        return time.monotonic() - began


class MessageLog:
    """The server's own log of messages, from a given moment on."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._from = len(server.log)

    def restart(self) -> None:
        """Ignore the messages so far."""
        self._from = len(self._server.log)

    def requests(self, method: str, participant: str | None = None) -> list[dict[str, Any]]:
        """Return the requests `method` that the server received (from one participant)."""
        found = []
        for line in self._server.log[self._from :]:
            if line.startswith("{") and f'"method": "{method}"' in line:
                entry = json.loads(line)
                if participant in (None, entry.get("participant")):
                    found.append(entry)
        return found


Opens = Callable[..., Awaitable[Browser | BrowserContext]]  # the fixture `open_browser`, or something like it


@dataclass
class LabCall:
    """A call of two: Ada is in the lab and will be dropped, Bob is outside and watches."""

    server: RunningServer
    lab: NetworkLab
    ada: CallPage
    bob: CallPage
    messages: MessageLog

    @classmethod
    async def begin(
        cls,
        lab: NetworkLab,
        open_browser: Opens,
        server: StartServer | RunningServer,
        room: str,
        *,
        head: str = "",
        browsers: tuple[BrowserName, BrowserName] = ("chromium", "chromium"),
    ) -> Self:
        """Start Ada's and Bob's browsers and a call with media both ways, on a server that runs or one that is started.

        `head` is extra HTML for Ada's page.
        """
        running = server if isinstance(server, RunningServer) else await server(lab=lab)
        rest = Rest(running)
        inside, outside = await asyncio.gather(
            open_browser(browsers[0], lab=lab, secure_origins=[running.origin]),
            open_browser(browsers[1], secure_origins=[running.origin]),
        )
        ada, bob = await asyncio.gather(
            CallPage.open(inside, running, "ada", head=head), CallPage.open(outside, running, "bob")
        )
        await ada.join(await rest.token(room))
        await bob.join(await rest.token(room))
        call = cls(running, lab, ada, bob, MessageLog(running))
        await call.both_move(20)
        return call

    def clear_events(self) -> None:
        """Ignore the events and messages so far."""
        self.ada.clear_events()
        self.bob.clear_events()
        self.messages.restart()

    async def both_move(self, timeout: float = 5.0) -> None:
        """Wait until each has presented new frames of the other. Raises AssertionError after `timeout` seconds."""
        try:
            await asyncio.gather(self.ada.moves(timeout), self.bob.moves(timeout))
        except AssertionError as error:
            await asyncio.sleep(3)  # let the outage record go on before it is printed
            raise AssertionError(f"{error}\n{await self.ada.call('outages')}") from None


def known_as(server: RunningServer, host: str) -> RunningServer:
    """Return a server as pages know it that reach it by another host name."""
    known = copy.copy(server)
    known.url = f"{urlsplit(server.url).scheme}://{host}:{server.port}/"
    return known


def page_url(server: RunningServer, path: str, **query: str) -> str:
    """Return the URL of a page of the server, with its key."""
    query = {**query, "key": server.key} if server.key else query
    return f"{server.origin}{path}?{urlencode(query)}" if query else f"{server.origin}{path}"


async def each_key_frame_arrives(watching: CallPage, asking: CallPage, request: str) -> None:
    """Run `request` on `asking`, twice until `watching` has decoded another key frame."""
    for _ in range(2):
        before = await watching.python(KEY_FRAMES_DECODED)
        async with asyncio.timeout(10):
            while await watching.python(KEY_FRAMES_DECODED) == before:
                await asking.python(request)
                await asyncio.sleep(0.3)  # requests of a shorter interval are coalesced
