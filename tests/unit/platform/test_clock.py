"""The clock of the asyncio loop, and pauses by any clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pyvidu.platform import LoopClock, pause
from tests.virtual_time import virtual_time


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualClock:
    """A clock whose timers a test fires."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], None], Timer]] = []

    def now(self) -> float:
        return 0.0

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.set.append((delay, callback, Timer()))
        return self.set[-1][2]


@virtual_time
async def test_loop_clock_fires_in_order_of_time_and_at_once_for_a_time_that_has_passed() -> None:
    clock, fired = LoopClock(), list[tuple[str, float]]()
    began = clock.now()
    for name, delay in (("late", 2.0), ("early", 1.0), ("passed", -5.0)):
        clock.call_later(delay, lambda name=name: fired.append((name, clock.now() - began)))  # type: ignore[misc]
    clock.call_later(1.5, lambda: fired.append(("cancelled", 0.0))).cancel()
    await asyncio.sleep(3)
    assert fired == [("passed", 0.0), ("early", 1.0), ("late", 2.0)]


@virtual_time
async def test_pause_lasts_as_long_as_its_clock_says() -> None:
    clock = ManualClock()
    pausing = asyncio.ensure_future(pause(clock, 5.0))
    await asyncio.sleep(3600)
    assert not pausing.done(), "the loop's clock does not matter"
    ((delay, fire, _),) = clock.set
    assert delay == 5.0
    fire()
    await pausing


@virtual_time
async def test_cancelled_pause_cancels_its_timer_and_bears_one_that_fires_all_the_same() -> None:
    clock = ManualClock()
    pausing = asyncio.ensure_future(pause(clock, 5.0))
    await asyncio.sleep(0)
    pausing.cancel()
    ((_, fire, timer),) = clock.set
    fire()
    with pytest.raises(asyncio.CancelledError):
        await pausing
    assert timer.cancelled
