"""The way from a page to the tests that watch it (`pyvidu.testing.outages`). Without them it does nothing."""

from __future__ import annotations

from collections.abc import Callable

import js
from pyodide.ffi import create_proxy


def offer_outages(read: Callable[[], str]) -> None:
    """Hand `read` to the tests that watch this page, if any. Its proxy lives as long as the page."""
    if hasattr(js, "pyviduTesting"):
        js.pyviduTesting.add(create_proxy(read))
