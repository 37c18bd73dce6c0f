"""Real time, less what the process of the test stood still in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

_PERIOD = 0.01
_LONGEST = 0.05  # a turn of the event loop that took longer counts as so long


class Stopwatch:
    """Seconds in which the event loop ran, so that other processes' use of the processor is not taken for a delay."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        return self._seconds + self._turn()

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD)  # the period of the measurement
            self._seconds, self._since = self.seconds, self._loop.time()

    def _turn(self) -> float:
        return min(self._loop.time() - self._since, _LONGEST)


@contextlib.asynccontextmanager
async def stopwatch() -> AsyncIterator[Stopwatch]:
    """Measure what is awaited inside. A test whose server runs in its own process may bound `seconds`."""
    watch = Stopwatch()
    counting = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        counting.cancel()
        await asyncio.wait([counting])
