"""`online`, `offline`, the page's end, and fetches that ask for a sign of life."""

from __future__ import annotations

from itertools import cycle

import js
from pyodide.ffi import JsException

from pyvidu.platform import NetworkListener
from pyvidu.platform.browser.proxies import ProxyScope, js_object


class BrowserNetworkMonitor:
    """Hands window events on to a listener."""

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
        """Ends the subscription."""
        self._scope.close()


class BrowserReachability:
    """Probes by `fetch`. Any answer counts, so CORS does not matter (`no-cors`).

    Aborted fetches leave TCP connects behind in the browser's pool, six to a host, and later ones ride them; alternating
    `credentials` uses two pools (measured in Chromium 156).
    """

    def __init__(self) -> None:
        self._credentials = cycle(("omit", "include"))

    async def probe(self, url: str, timeout: float) -> bool:
        """Whether anything answered within `timeout` seconds."""
        options = js_object({"mode": "no-cors", "cache": "no-store", "credentials": next(self._credentials)})
        options.signal = js.AbortSignal.timeout(round(timeout * 1000))
        try:
            await js.fetch(url, options)
        except JsException:
            return False
        return True
