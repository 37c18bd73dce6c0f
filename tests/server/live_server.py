"""A server in this process that listens on a port of its own, and pages that connect to it over real sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from pyvidu.server.app import SERVER, Server
from tests.server.server_world import SECRET, join_params, publish_params

AUTH = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", SECRET)}


class Page:
    """One page: a WebSocket that is read continuously in the background, as a browser does."""

    def __init__(self, live: LiveServer, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.live = live
        self.ws = ws
        self.id = ""
        self.rpc_id = ""
        self.probe_id = ""
        self.notifications: list[tuple[str, dict[str, Any]]] = []
        self.refusals: list[dict[str, Any]] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count()
        self.arrived = asyncio.Event()
        self.closed: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()
        self.reader = asyncio.create_task(self._read())

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the response to a request."""
        number = next(self._ids)
        answer = self.expect(number)
        await self.ws.send_json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await answer

    def expect(self, number: int) -> asyncio.Task[dict[str, Any]]:
        """Return the response to come to the request with that id. It raises TimeoutError after 30 s."""
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        return asyncio.ensure_future(asyncio.wait_for(answer, 30))

    async def result(self, method: str, **params: Any) -> dict[str, Any]:
        response = await self.call(method, **params)
        assert "result" in response, response
        result: dict[str, Any] = response["result"]
        return result

    async def join(self, room: str, **connection: Any) -> dict[str, Any]:
        token = (await self.live.rest("POST", f"sessions/{room}/connection", connection))["token"]
        result = await self.result("joinRoom", **join_params(token, room))
        self.id, self.rpc_id, self.probe_id = result["id"], result["sessionId"], result.get("probeId", "")
        return result

    async def publish(self) -> str:
        stream_id: str = (await self.result("publishVideo", **publish_params()))["id"]
        return stream_id

    async def told(self, method: str, seconds: float = 10) -> dict[str, Any]:
        """Return the parameters of the first notification of that name, once received. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                for name, params in self.notifications:
                    if name == method:
                        return params
                self.arrived.clear()
                await self.arrived.wait()

    async def refused(self) -> dict[str, Any]:
        """Return the next error that matches no pending request by its id. Raises TimeoutError after 10 s."""
        async with asyncio.timeout(10):
            while not self.refusals:
                self.arrived.clear()
                await self.arrived.wait()
        return self.refusals.pop(0)

    def stop_reading(self) -> None:
        """Read nothing any more: the kernel's buffers of this end fill, then the server's."""
        self.reader.cancel()
        self._tcp().pause_reading()

    def read_again(self) -> None:
        """Undo `stop_reading`."""
        self._tcp().resume_reading()
        self.reader = asyncio.create_task(self._read())

    def _tcp(self) -> Any:
        return self.ws._response.connection.transport  # type: ignore[union-attr]

    async def _read(self) -> None:
        while True:
            message = await self.ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                if not self.closed.done():
                    self.closed.set_result((self.ws.close_code, message.extra))
                return
            value = message.json()
            if "method" in value:
                self.notifications.append((value["method"], value["params"]))
            elif value.get("id") in self._answers:
                self._answers.pop(value["id"]).set_result(value)
            elif "error" in value:
                self.refusals.append(value["error"])
            self.arrived.set()


class LiveServer:
    """A server that listens on a port of its own."""

    def __init__(self, server: TestServer, http: aiohttp.ClientSession) -> None:
        self.test_server = server
        self.http = http
        self.pages: list[Page] = []

    @property
    def server(self) -> Server:
        return self.test_server.app[SERVER]

    def url(self, path: str) -> str:
        return f"http://localhost:{self.test_server.port}{path}"

    async def page(self, query: str = "") -> Page:
        """Return a page whose socket is open."""
        ws = await self.http.ws_connect(self.url(f"/openvidu?sessionId=any{query}"), max_msg_size=0)
        page = Page(self, ws)
        self.pages.append(page)
        return page

    async def member(self, room: str = "room", **connection: Any) -> Page:
        """Return a page that has joined."""
        if self.server.rooms.get(room) is None:
            await self.rest("POST", "sessions", {"customSessionId": room})
        page = await self.page()
        await page.join(room, **connection)
        return page

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON body of a REST response. The call must succeed."""
        async with self.http.request(method, self.url(f"/openvidu/api/{path}"), json=body, headers=AUTH) as response:
            assert response.ok, await response.text()
            return await response.json() if response.content_type == "application/json" else None

    async def status(self, method: str, path: str, body: Any = None) -> int:
        """Return the status code of a REST response."""
        async with self.http.request(method, self.url(f"/openvidu/api/{path}"), json=body, headers=AUTH) as response:
            return response.status

    async def status_of(self, path: str, headers: dict[str, str]) -> int:
        """Return the status code of a GET."""
        async with self.http.get(self.url(path), headers=headers) as response:
            return response.status


Serve = Callable[..., Coroutine[Any, Any, LiveServer]]  # the type of the fixture `serve`
