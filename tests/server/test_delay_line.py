"""The delay line: delays, jitter and order of what passes through it."""

from __future__ import annotations

import asyncio
from functools import partial

from pyvidu.server.faults.delay_line import Delay, DelayLine
from virtual_time import virtual_time


@virtual_time
async def test_without_a_delay_things_happen_at_once() -> None:
    got: list[int] = []
    DelayLine().put(partial(got.append, 1))
    assert got == [1]


@virtual_time
async def test_things_come_out_as_much_later_as_they_went_in() -> None:
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
async def test_at_the_end_of_the_delay_what_is_under_way_arrives_at_once_and_in_order() -> None:
    line, got = DelayLine(), list[int]()
    line.set(Delay(5))
    for number in range(3):
        line.put(partial(got.append, number))
    assert len(line) == 3
    line.set(None)
    line.put(partial(got.append, 3))
    assert got == [0, 1, 2, 3]


@virtual_time
async def test_what_is_cleared_never_arrives() -> None:
    line, got = DelayLine(), list[int]()
    line.set(Delay(1))
    line.put(partial(got.append, 1))
    line.clear()
    await asyncio.sleep(2)
    assert got == []
