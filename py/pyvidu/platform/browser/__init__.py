"""The browser as a host: the only part of `pyvidu` that imports `js` and `pyodide`.

Every JS listener and every Python callable passed to JavaScript has an owner here, a `ProxyScope`, which releases it.
"""

from __future__ import annotations

from pyvidu.platform.browser.host import browser_host
from pyvidu.platform.browser.proxies import ProxyScope

__all__ = ["ProxyScope", "browser_host"]
