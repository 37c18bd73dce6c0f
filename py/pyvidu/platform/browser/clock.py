"""Time in a page. A background tab's own timers tick once a second, and a sleeping machine's clocks may stand still.

So timers run in a worker, started from a Blob URL (a page cannot start a worker of another origin), and time is that of
whichever of the browser's two clocks has moved on: `performance.now()` stops in the sleep of some systems, `Date.now()`
goes on.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from itertools import count
from typing import Any

import js
from pyodide.ffi import create_proxy

from pyvidu.platform.browser.proxies import ProxyScope, js_object

logger = logging.getLogger(__name__)

_WORKER = """
let timer;
onmessage = ({ data }) => { clearTimeout(timer); timer = setTimeout(() => postMessage(0), data); };
"""
_JUMP = 1.0  # seconds that the wall clock must be ahead by to be believed: smaller steps are NTP's


class _Worker:
    """Says when time is up, at its own pace whatever the tab's state."""

    def __init__(self, time_is_up: Callable[[], None], failed: Callable[[], None]) -> None:
        blob = js.Blob.new(js.Array.of(_WORKER), js_object({"type": "text/javascript"}))
        url = js.URL.createObjectURL(blob)
        self._worker = js.Worker.new(url)
        js.URL.revokeObjectURL(url)
        self._scope = ProxyScope()
        self._scope.listen(self._worker, "message", lambda _event: time_is_up())
        self._scope.listen(self._worker, "error", lambda _event: failed())

    def wake_in(self, seconds: float) -> None:
        """Once, in so many seconds; an earlier wish is forgotten."""
        self._worker.postMessage(seconds * 1000)

    def close(self) -> None:
        """Ends the worker."""
        self._scope.close()
        self._worker.terminate()


class _MainThread:
    """The same for a page whose Content-Security-Policy forbids workers: late in a background tab, but there."""

    def __init__(self, time_is_up: Callable[[], None]) -> None:
        self._time_is_up = create_proxy(time_is_up)
        self._pending: Any = None
        ProxyScope.alive += 1

    def wake_in(self, seconds: float) -> None:
        """See `_Worker`."""
        js.clearTimeout(self._pending)
        self._pending = js.setTimeout(self._time_is_up, seconds * 1000)

    def close(self) -> None:
        """Ends the timer."""
        js.clearTimeout(self._pending)
        self._time_is_up.destroy()
        ProxyScope.alive -= 1


class BrowserTimer:
    """A call that is still to come."""

    def __init__(self, clock: BrowserClock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Takes it back."""
        if self.callback is not None:
            self.callback = None
            self._clock._released()


class BrowserClock:
    """A `Clock`. Its worker lives as long as there are timers."""

    def __init__(self) -> None:
        self._now = 0.0
        self._steady, self._wall = js.performance.now() / 1000, js.Date.now() / 1000
        self._heap: list[tuple[float, int, BrowserTimer]] = []
        self._order = count()
        self._live = 0
        self._running = False
        self._alarm: _Worker | _MainThread | None = None
        self._workers_forbidden = False

    def now(self) -> float:
        """Seconds since the clock was made, sleep included."""
        steady, wall = js.performance.now() / 1000, js.Date.now() / 1000
        passed, passed_wall = steady - self._steady, wall - self._wall
        self._steady, self._wall = steady, wall
        self._now += passed_wall if passed_wall > passed + _JUMP else passed
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> BrowserTimer:
        """A timer that keeps its time in a background tab too."""
        timer = BrowserTimer(self, callback)
        heapq.heappush(self._heap, (self.now() + max(0.0, delay), next(self._order), timer))
        self._live += 1
        if self._heap[0][2] is timer and not self._running:
            self._arm()
        return timer

    def _arm(self) -> None:
        if self._alarm is None:
            if self._workers_forbidden:
                self._alarm = _MainThread(self._run)
            else:
                self._alarm = _Worker(self._run, self._no_worker)
        self._alarm.wake_in(max(0.0, self._heap[0][0] - self._now))

    def _no_worker(self) -> None:
        self._workers_forbidden = True
        self._drop_alarm()
        if self._heap:
            self._arm()

    def _drop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def _run(self) -> None:
        self._running = True
        now = self.now()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].callback is None):
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is None:
                continue
            try:
                callback()
            except Exception:  # whatever a callback raises, the other timers go on
                logger.exception("a timer failed")
            self._released()
        self._running = False
        if self._heap:
            self._arm()

    def _released(self) -> None:
        self._live -= 1
        if self._live == 0:
            self._heap.clear()
            self._drop_alarm()
