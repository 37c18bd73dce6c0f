"""The delay line: delays, jitter and order of what passes through it."""

from __future__ import annotations

import asyncio
from functools import partial

from pyvidu.server.faults.delay_line import Delay, DelayLine
from tests.virtual_time import virtual_time


@virtual_time
async def test_without_a_delay_calls_run_at_once() -> None:
    got: list[int] = []
    DelayLine().put(partial(got.append, 1))
    assert got == [1]


@virtual_time
async def test_each_call_is_delayed_by_the_same_time() -> None:
    line, times = DelayLine(), list[float]()
    line.set(Delay(0.3))
    loop = asyncio.get_running_loop()
    for _ in range(3):
        line.put(lambda: times.append(round(loop.time(), 3)))
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    assert times == [0.3, 0.4, 0.5]


@virtual_time
async def test_jitter_never_changes_the_order() -> None:
    jitter = iter([0.9, 0.0, 0.5])
    line, got = DelayLine(lambda: next(jitter)), list[tuple[int, float]]()
    line.set(Delay(0.1, 0.2))
    loop = asyncio.get_running_loop()
    for number in range(3):
        line.put(lambda number=number: got.append((number, round(loop.time(), 3))))  # type: ignore[misc]
    await asyncio.sleep(1)
    assert got == [(0, 0.28), (1, 0.28), (2, 0.28)]


@virtual_time
async def test_pending_calls_run_at_once_and_in_order_when_the_delay_ends() -> None:
    line, got = DelayLine(), list[int]()
    line.set(Delay(5))
    for number in range(3):
        line.put(partial(got.append, number))
    assert len(line) == 3
    line.set(None)
    line.put(partial(got.append, 3))
    assert got == [0, 1, 2, 3]


@virtual_time
async def test_cleared_calls_never_run() -> None:
    line, got = DelayLine(), list[int]()
    line.set(Delay(1))
    line.put(partial(got.append, 1))
    line.clear()
    await asyncio.sleep(2)
    assert got == []
