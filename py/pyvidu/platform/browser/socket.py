"""The browser's WebSocket."""

from __future__ import annotations

from functools import cache
from typing import Any

from pyodide.ffi import JsException

from pyvidu.platform import SocketListener
from pyvidu.platform.browser.functions import functions
from pyvidu.platform.browser.proxies import ProxyScope

_CONNECTING, _OPEN = 0, 1


@cache  # for all sockets of the page; not at import, so that a memory snapshot holds nothing of the page that made it
def _opener() -> Any:
    return functions.webSockets()


class BrowserSocket:
    """A `Socket`."""

    def __init__(self, url: str, listener: SocketListener) -> None:
        try:
            self._socket = _opener()(url)
        except JsException as error:
            raise OSError(f"The browser refuses to open {url.partition('?')[0]}: {error.message}") from None
        self._listener = listener
        self._scope = ProxyScope()
        self._scope.listen(self._socket, "open", lambda _event: listener.socket_opened(self))
        self._scope.listen(self._socket, "message", self._received)
        self._scope.listen(self._socket, "close", self._closed)

    @property
    def is_open(self) -> bool:
        """Return whether `readyState` is OPEN."""
        return bool(self._socket.readyState == _OPEN)

    def send(self, text: str) -> None:
        """Send, unless the socket is not open."""
        if self.is_open:
            self._socket.send(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket; the listener gets no close event."""
        self._scope.close()
        if self._socket.readyState in (_CONNECTING, _OPEN):
            self._socket.close(code, reason)

    def _received(self, event: Any) -> None:
        if isinstance(event.data, str):
            self._listener.socket_received(self, event.data)

    def _closed(self, event: Any) -> None:
        self._scope.close()
        self._listener.socket_closed(self, event.code, event.reason)


class BrowserSockets:
    """Opens `BrowserSocket`s."""

    def open(self, url: str, listener: SocketListener) -> BrowserSocket:
        """Return a socket in state CONNECTING. Raises OSError if the browser refuses the address."""
        return BrowserSocket(url, listener)
