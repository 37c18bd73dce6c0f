"""A leaner `VirtualClockLoop` for a hundred thousand outages: no selector; timers of one moment fire as they were made."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from virtual_time import Deadlock, VirtualClockLoop

MOST_ROUNDS = 20_000  # of a loop in which no time goes by
LEAST_STEP = 1e-7  # seconds that count as time


class TimeStandsStill(RuntimeError):
    """Something goes round in circles."""


class SimulationLoop(VirtualClockLoop):
    """Nothing in a simulation waits for the outside world, so nothing is asked of it. The same calls, the same order."""

    def __init__(self) -> None:
        super().__init__()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = self._rounds = 0

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """The timers that are still to fire."""
        return [timer for _, _, timer in self._timers if not timer.cancelled()]

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        heapq.heappush(self._timers, (when, self._made, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when their time comes."""

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise TimeStandsStill(f"{MOST_ROUNDS} rounds of the loop at {self._now:g} s")
        if not ready:
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if timers:
                if timers[0][0] > self._now + LEAST_STEP:
                    self._rounds = 0
                self._now = max(self._now, timers[0][0])
            elif not self._stopping:  # type: ignore[attr-defined]
                raise Deadlock("Everything waits for something that no timer brings")
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
