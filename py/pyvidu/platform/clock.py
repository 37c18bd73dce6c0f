"""The clock and timers that the core uses, all in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel the call; harmless after it was made."""


class Clock(Protocol):
    """Monotonic time and timers."""

    def now(self) -> float:
        """Return the seconds since an arbitrary moment, never decreasing."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `delay` seconds."""


async def pause(clock: Clock, seconds: float) -> None:
    """Sleep by `clock`: a browser throttles its own timers in a background tab, but not the clock's."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_later(seconds, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        timer.cancel()


class LoopClock:
    """The clock of the running asyncio loop: real in Pyodide and CPython, virtual in a test with a virtual loop."""

    def now(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Schedule `callback` on the loop."""
        return asyncio.get_running_loop().call_later(max(0.0, delay), callback)
