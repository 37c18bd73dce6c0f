"""Time, as the core sees it. Seconds everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Takes the call back; harmless afterwards."""


class Clock(Protocol):
    """Monotonic time and timers."""

    def now(self) -> float:
        """Seconds from an arbitrary moment, never going back."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Calls `callback` in `delay` seconds."""


async def pause(clock: Clock, seconds: float) -> None:
    """Sleeps by `clock`: a browser slows its own timers down in a background tab, the clock's not."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_later(seconds, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        timer.cancel()


class LoopClock:
    """The clock of the running asyncio loop: real in Pyodide and CPython, virtual in a test with a virtual loop."""

    def now(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """A timer of the loop."""
        return asyncio.get_running_loop().call_later(max(0.0, delay), callback)
