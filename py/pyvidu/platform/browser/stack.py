"""The stack that the event loop's callbacks run on.

Pyodide runs them on a stack of their own (WebAssembly's stack switching), so that `run_sync` can suspend them. In Chromium
156 that can crash the page: its heap profiler, active in about one browser in a hundred, follows frame pointers past the end
of such a stack. So from the first `OpenVidu()` on, callbacks run on the page's own stack. The cost: `run_sync` and
`run_until_complete` do not work inside of a task (`await` does).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyodide import webloop

_create: Callable[[Callable[[], None]], Any] = webloop.create_once_callable


def stay_on_the_pages_stack() -> None:
    """Run callbacks scheduled from now on on the page's own stack. May be called more than once."""
    webloop.create_once_callable = _without_switching


def _without_switching(callback: Callable[[], None], *, _may_syncify: bool = False) -> Any:
    return _create(callback)
