"""The browser as a host: the only place that knows that there is a JavaScript.

Every JS listener and every Python callable handed to JavaScript has an owner here, a `ProxyScope`, which takes it back.
"""

from __future__ import annotations

from pyvidu.platform.browser.host import browser_host
from pyvidu.platform.browser.proxies import ProxyScope

__all__ = ["ProxyScope", "browser_host"]
