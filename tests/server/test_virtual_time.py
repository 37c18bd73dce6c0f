"""The virtual clock that the other tests rely on."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.virtual_time import Deadlock, run_virtual, virtual_time


@virtual_time
async def test_virtual_hour_passes_within_a_real_second() -> None:
    before = time.monotonic()
    await asyncio.sleep(3600)
    assert asyncio.get_running_loop().time() == 3600
    assert time.monotonic() - before < 1


@virtual_time
async def test_timers_fire_in_their_order() -> None:
    order: list[int] = []

    async def after(seconds: int) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    await asyncio.gather(after(30), after(10), after(20))
    assert order == [10, 20, 30]


def test_waiting_without_a_timer_raises_deadlock() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtual(wait())


@virtual_time
async def test_what_is_meant_for_a_thread_runs_at_once_and_its_error_reaches_who_awaits_it() -> None:
    assert await asyncio.to_thread(sum, [1, 2]) == 3
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(divmod, 1, 0)
