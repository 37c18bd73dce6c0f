"""The clock and timers of a page: timers fire on time in a background tab, and the clock counts sleep.

A background tab's own timers fire once a second, so timers run in a worker, started from a Blob URL (a page cannot start a
worker of another origin). `performance.now()` stops while some systems sleep, `Date.now()` does not; time is that of
whichever has advanced.
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
_JUMP = 1.0  # seconds by which the wall clock must be ahead to be used: smaller steps are NTP's


class _Worker:
    """A timer in a worker, which fires on time whatever the tab's state."""

    def __init__(self, time_is_up: Callable[[], None], failed: Callable[[], None]) -> None:
        blob = js.Blob.new(js.Array.of(_WORKER), js_object({"type": "text/javascript"}))
        url = js.URL.createObjectURL(blob)
        self._worker = js.Worker.new(url)
        js.URL.revokeObjectURL(url)
        self._scope = ProxyScope()
        self._scope.listen(self._worker, "message", lambda _event: time_is_up())
        self._scope.listen(self._worker, "error", lambda _event: failed())

    def wake_in(self, seconds: float) -> None:
        """Call `time_is_up` once, in `seconds` seconds; this replaces an earlier request."""
        self._worker.postMessage(seconds * 1000)

    def close(self) -> None:
        """End the worker."""
        self._scope.close()
        self._worker.terminate()


class _MainThread:
    """The same for a page whose Content-Security-Policy forbids workers; it fires late in a background tab."""

    def __init__(self, time_is_up: Callable[[], None]) -> None:
        self._time_is_up = create_proxy(time_is_up)
        self._pending: Any = None
        ProxyScope.alive += 1

    def wake_in(self, seconds: float) -> None:
        """Call `time_is_up` once, in `seconds` seconds; this replaces an earlier request."""
        js.clearTimeout(self._pending)
        self._pending = js.setTimeout(self._time_is_up, seconds * 1000)

    def close(self) -> None:
        """End the timer."""
        js.clearTimeout(self._pending)
        self._time_is_up.destroy()
        ProxyScope.alive -= 1


class BrowserTimer:
    """A scheduled call."""

    def __init__(self, clock: BrowserClock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Cancel the call."""
        if self.callback is not None:
            self.callback = None
            self._clock._released()


class BrowserClock:
    """A `Clock`. Its worker runs as long as there are timers."""

    def __init__(self) -> None:
        self._now = 0.0
        self._steady, self._wall = js.performance.now() / 1000, js.Date.now() / 1000
        self._heap: list[tuple[float, int, BrowserTimer]] = []
        self._order = count()
        self._live = 0
        self._running = False
        self._alarm: _Worker | _MainThread | None = None
        self.workers_forbidden = False

    def now(self) -> float:
        """Return the seconds since the clock was created, sleep included."""
        steady, wall = js.performance.now() / 1000, js.Date.now() / 1000
        passed, passed_wall = steady - self._steady, wall - self._wall
        self._steady, self._wall = steady, wall
        self._now += passed_wall if passed_wall > passed + _JUMP else passed
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> BrowserTimer:
        """Call `callback` in `delay` seconds, on time even in a background tab."""
        timer = BrowserTimer(self, callback)
        heapq.heappush(self._heap, (self.now() + max(0.0, delay), next(self._order), timer))
        self._live += 1
        if self._heap[0][2] is timer and not self._running:
            self._arm()
        return timer

    def _arm(self) -> None:
        if self._alarm is None:
            if self.workers_forbidden:
                self._alarm = _MainThread(self._run)
            else:
                self._alarm = _Worker(self._run, self._no_worker)
        self._alarm.wake_in(max(0.0, self._heap[0][0] - self._now))

    def _no_worker(self) -> None:
        self.workers_forbidden = True
        logger.warning(
            "The Content-Security-Policy of this page lacks `worker-src blob:`: timers are late in a background tab, "
            "and no key frames are requested of received video"
        )
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
            except Exception:  # whatever a callback raises, the other timers continue
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
