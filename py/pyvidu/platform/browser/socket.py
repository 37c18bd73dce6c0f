"""The browser's WebSocket."""

from __future__ import annotations

from typing import Any

from pyodide.code import run_js
from pyodide.ffi import JsException

from pyvidu.platform import SocketListener
from pyvidu.platform.browser.proxies import ProxyScope

_CONNECTING, _OPEN = 0, 1

# After a WebSocket that failed Firefox 153 delays the next ones to the same path, by 0.3 s and then half as much more each
# time, for a minute: after some link drops none opened before the eviction. A refused `fetch` delays nothing, so it is first.
_OPENED = run_js(
    """
    () => {
      class AskingFirst extends EventTarget {
        constructor(url) {
          super();
          this.asking = new AbortController();
          const options = { mode: 'no-cors', cache: 'no-store', signal: this.asking.signal };
          fetch(url.replace('ws', 'http').split('?')[0], options).then(() => this.open(url)).catch(() => {
            this.asking = null;
            this.dispatchEvent(new CloseEvent('close', { code: 1006 }));
          });
        }
        get readyState() { return this.socket ? this.socket.readyState : this.asking ? 0 : 3; }
        open(url) {
          if (!this.asking) return;
          this.socket = new WebSocket(url);
          for (const type of ['open', 'message', 'close'])
            this.socket.addEventListener(type, (event) => this.dispatchEvent(new event.constructor(type, event)));
        }
        send(text) { this.socket.send(text); }
        close(...why) {
          if (this.socket) return this.socket.close(...why);
          this.asking?.abort();
          this.asking = null;
        }
      }
      let Kind = WebSocket;
      return (url) => {
        const socket = new Kind(url);
        if (navigator.userAgent.includes('Firefox/')) Kind = AskingFirst;
        return socket;
      };
    }
    """
)()


class BrowserSocket:
    """A `Socket`."""

    def __init__(self, url: str, listener: SocketListener) -> None:
        try:
            self._socket = _OPENED(url)
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
