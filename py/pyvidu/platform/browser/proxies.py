"""Ownership of the Python callables passed to JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import js
from pyodide.ffi import create_proxy, to_js


class ProxyScope:
    """Event listeners on JS objects, and the proxies behind them, released together.

    `alive` counts the proxies of all scopes: when all sessions have ended it is zero again.
    """

    alive: ClassVar[int] = 0

    def __init__(self) -> None:
        self._releases: list[Callable[[], None]] = []

    def listen(self, target: Any, name: str, handler: Callable[[Any], None]) -> None:
        """Call `handler` with every event `name` of `target`, until the scope is closed."""
        proxy = create_proxy(handler)
        target.addEventListener(name, proxy)
        ProxyScope.alive += 1

        def release() -> None:
            target.removeEventListener(name, proxy)
            proxy.destroy()
            ProxyScope.alive -= 1

        self._releases.append(release)

    def close(self) -> None:
        """Release all listeners and proxies."""
        releases, self._releases = self._releases, []
        for release in releases:
            release()


def js_object(mapping: Mapping[str, Any]) -> Any:
    """Return `mapping` as a plain JS object, nested values included."""
    return to_js(mapping, dict_converter=js.Object.fromEntries)
