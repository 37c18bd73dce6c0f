"""A faster `VirtualClockLoop` for 100,000 outages: no selector; timers of one time fire in the order of creation."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

from tests.virtual_time import Deadlock, VirtualClockLoop

Args = TypeVarTuple("Args")

MOST_ROUNDS = 20_000  # of the loop in which no time passes
LEAST_STEP = 1e-7  # seconds that count as time


class TimeStandsStill(RuntimeError):
    """The loop runs without end while no time passes."""


class SimulationLoop(VirtualClockLoop):
    """An event loop without a selector: nothing in a simulation waits for I/O. The same calls run in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = self._rounds = 0

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are still to fire."""
        return [timer for _, _, timer in self._timers if not timer.cancelled()]

    def call_later(
        self, delay: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        heapq.heappush(self._timers, (when, self._made, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: cancelled timers are dropped when they are due."""

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise TimeStandsStill(f"{MOST_ROUNDS} rounds of the loop at {self._now:g} s")
        if not ready:
            while timers and timers[0][2].cancelled():
                heapq.heappop(timers)
            if timers:
                if timers[0][0] > self._now + LEAST_STEP:
                    self._rounds = 0
                self._now = max(self._now, timers[0][0])
            elif not self._stopping:  # type: ignore[attr-defined]
                raise Deadlock("Everything waits for something that no timer brings")
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()
