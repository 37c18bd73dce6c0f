"""The suite of the seam in a real page, in Pyodide, on the browser's own event loop: one page, a test each."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import zipfile
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from playwright.async_api import Browser, Page

from pyvidu.server.http.assets import add_assets
from pyvidu.testing import PageLog
from tests.contract.endpoint import respond
from tests.contract.suite import SUITE
from tests.contract.world import Seen

HERE = Path(__file__).parent
NOT_IN_THE_PAGE = ("simulated_world.py", "endpoint.py")  # and the tests

PAGE = """<!doctype html><link rel=icon href=data:,><div id="place"></div><div id="own-place"></div>
<script type="module" src="/page.js"></script>
<script type="module">
  const manifest = await (await fetch('/pyvidu-client/manifest.json')).json();
  const { loadPyodide } = await import(manifest.pyodide);
  const python = await loadPyodide();
  await python.loadPackage([...manifest.packages, manifest.wheel], { messageCallback: () => {} });
  python.unpackArchive(await (await fetch('/suite.zip')).arrayBuffer(), 'zip', { extractDir: '/suite' });
  python.runPython('import sys; sys.path.insert(0, "/suite")');
  const { outcome } = python.pyimport('tests.contract.browser_world');
  window.outcome = outcome;
</script>"""


class _Connected:
    """The server's end of a WebSocket; what it sends goes out in order."""

    def __init__(self, response: web.WebSocketResponse, request: web.Request) -> None:
        self._response, self._request = response, request
        self._orders: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def send(self, text: str) -> None:
        self._orders.put_nowait(("send", text))

    def close(self, code: int, reason: str) -> None:
        self._orders.put_nowait(("close", (code, reason)))

    def abort(self) -> None:
        self._orders.put_nowait(("abort", None))

    async def work(self) -> None:
        """Carry out the orders."""
        while True:
            match await self._orders.get():
                case ("send", str(text)):
                    await self._response.send_str(text)
                case ("close", (int(code), str(reason))):
                    await self._response.close(code=code, message=reason.encode())
                case _:
                    assert self._request.transport is not None
                    self._request.transport.abort()


class Surroundings:
    """A server that answers, a port where nothing listens, and one that accepts connections and is silent."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.origin = ""
        self._accepted: list[asyncio.StreamWriter] = []

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Return the addresses of the servers, as `BrowserWorld` takes them."""
        found = {"seen": [f"{self.origin}/seen"]}
        for availability, port in self._ports.items():
            host = f"127.0.0.1:{port}"
            found[availability] = [f"ws://{host}/ws", f"http://{host}/resource", f"http://{host}/missing"]
        return found

    async def start(self) -> None:
        app = web.Application()
        add_assets(app)
        app.add_routes(
            [
                web.get("/contract", self._page),
                web.get("/resource", self._resource),
                web.get("/page.js", self._script),
                web.get("/suite.zip", self._suite),
                web.get("/seen", self._seen),
                web.get("/ws", self._web_socket),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._silent = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            refusing = unused.getsockname()[1]
        answering = self._runner.addresses[0][1]
        silent = self._silent.sockets[0].getsockname()[1]
        self._ports = {"answering": answering, "refusing": refusing, "silent": silent}
        self.origin = f"http://127.0.0.1:{answering}"

    async def stop(self) -> None:
        self._silent.close()
        for writer in self._accepted:
            writer.close()
        await self._runner.cleanup()

    async def _accept(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.append(writer)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _resource(self, _request: web.Request) -> web.Response:
        return web.Response(text="it exists")

    async def _script(self, _request: web.Request) -> web.Response:
        return web.Response(text=(HERE / "page.js").read_text(), content_type="text/javascript")

    async def _suite(self, _request: web.Request) -> web.Response:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
            target.write(HERE.parent / "__init__.py", "tests/__init__.py")
            for file in sorted(HERE.rglob("*.py")):
                if file.name not in NOT_IN_THE_PAGE and not file.name.startswith("test_"):
                    target.write(file, f"tests/contract/{file.relative_to(HERE)}")
        return web.Response(body=packed.getvalue(), content_type="application/zip")

    async def _seen(self, _request: web.Request) -> web.Response:
        return web.json_response(asdict(self.seen))

    async def _web_socket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        connected, seen = _Connected(response, request), self.seen
        working = asyncio.create_task(connected.work())
        reason = ""
        while (message := await response.receive()).type is WSMsgType.TEXT:
            respond(message.data, connected, seen)
        if isinstance(message, WSMessage) and message.type is WSMsgType.CLOSE:
            reason = str(message.extra or "")
        working.cancel()
        seen.closes.append((response.close_code or WSCloseCode.ABNORMAL_CLOSURE, reason))
        return response


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def surroundings() -> AsyncIterator[Surroundings]:
    surroundings = Surroundings()
    await surroundings.start()
    yield surroundings
    await surroundings.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(chromium: Browser, surroundings: Surroundings) -> Page:
    """Return a page in which the suite waits to be run."""
    page = await chromium.new_page()
    page.set_default_timeout(120_000)
    log = PageLog.watch(page)
    await page.goto(f"{surroundings.origin}/contract")
    try:
        await page.wait_for_function("() => !!window.outcome")
    except Exception as error:
        raise AssertionError(f"the page does not start: {log.errors}") from error
    return page


@pytest.mark.parametrize("promise", SUITE)
async def test_browser_host_keeps(promise: str, page: Page, surroundings: Surroundings) -> None:
    surroundings.seen = Seen()
    failure = await page.evaluate(
        "([name, addresses]) => outcome(name, addresses)", [promise, json.dumps(surroundings.addresses)]
    )
    assert not failure, failure
