"""Network and page events of the browser, and probes of a server by `fetch` and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle

import js
from pyodide.ffi import JsException

from pyvidu.platform import NetworkListener, Socket
from pyvidu.platform.browser.functions import functions
from pyvidu.platform.browser.proxies import ProxyScope, js_object
from pyvidu.platform.browser.socket import BrowserSocket


class BrowserNetworkMonitor:
    """Forwards window events to a listener."""

    def __init__(self, listener: NetworkListener) -> None:
        self._scope = ProxyScope()
        self._scope.listen(js.window, "offline", lambda _event: listener.network_offline())
        self._scope.listen(js.window, "online", lambda _event: listener.network_online())
        self._scope.listen(js.window, "pagehide", lambda _event: listener.page_unloading())
        self._scope.listen(js.document, "resume", lambda _event: listener.page_woke_up())
        connection = getattr(js.navigator, "connection", None)
        if connection:
            self._scope.listen(connection, "change", lambda _event: listener.network_changed())

    def close(self) -> None:
        """End the subscription."""
        self._scope.close()


class BrowserReachability:
    """Probes by `fetch`. Where any answer counts, CORS does not matter (`no-cors`).

    Aborted fetches leave TCP connects in the browser's pool, six to a host, and later fetches use them; alternating
    `credentials` uses two pools (measured in Chromium 156). Connections left this way are idle after the return, and a
    `fetch` after another drop hangs on them; a new WebSocket is refused after 2 ms (also measured).
    """

    def __init__(self) -> None:
        self._credentials = cycle(("omit", "include"))

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        """Return which of the answers came within `timeout` seconds, "" for any if none are given; None for none."""
        mode = "cors" if answers else "no-cors"
        options = js_object({"mode": mode, "cache": "no-store", "credentials": next(self._credentials)})
        options.signal = functions.deadline(round(timeout * 1000))
        try:
            response = await js.fetch(url, options)
            text = await response.text() if answers else ""
        except JsException:
            return None
        return text if text in answers or not answers else None

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        """Return whether a new WebSocket opened within `timeout` seconds."""
        opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            socket = BrowserSocket(url, _WebSocketProbe(opened))
        except OSError:
            return False
        try:
            async with asyncio.timeout(timeout):
                return await opened
        except TimeoutError:
            return False
        finally:
            socket.close()


class _WebSocketProbe:
    """Listener of a socket that is opened only to find out whether it can be."""

    def __init__(self, opened: asyncio.Future[bool]) -> None:
        self._opened = opened

    def socket_opened(self, socket: Socket) -> None:
        """Report that it can be opened."""
        self._settle(True)

    def socket_received(self, socket: Socket, text: str) -> None:
        """Ignore the message: a probe expects none."""

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """Report that it was refused."""
        self._settle(False)

    def _settle(self, opened: bool) -> None:
        if not self._opened.done():
            self._opened.set_result(opened)
