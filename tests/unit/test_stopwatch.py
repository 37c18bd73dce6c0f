"""The stopwatch of tests that bound a real time."""

from __future__ import annotations

import asyncio
import time

from tests.stopwatch import stopwatch
from tests.virtual_time import virtual_time


@virtual_time
async def test_seconds_that_the_loop_runs_are_counted() -> None:
    async with stopwatch() as watch:
        await asyncio.sleep(1.5)
        assert 1.45 <= watch.seconds <= 1.5


async def test_a_standstill_of_the_process_counts_as_a_twentieth_of_a_second_at_most() -> None:
    async with stopwatch() as watch:
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251  the process stands still: that is what is tested
        await asyncio.sleep(0)
        assert watch.seconds < 0.2
