"""How long `GET /healthz` takes: asked every 50 ms, each time on a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp

PERIOD_S = 0.05
TIMEOUT_S = 20.0


class Healthz:
    """Asks for the length of the block. `restart` drops what was measured so far."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/healthz"
        self._times: list[float] = []
        self._asked_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Healthz:
        self._task = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def restart(self) -> None:
        """Drop the times so far."""
        self._times.clear()

    def times(self) -> list[float]:
        """Return the seconds that each answer took, and those that the one still awaited has taken; at least one."""
        waiting = [time.monotonic() - self._asked_at] if self._asked_at is not None else []
        return [*self._times, *waiting] or [0.0]

    async def _ask(self) -> None:
        timeout = aiohttp.ClientTimeout(TIMEOUT_S)
        while True:
            self._asked_at = before = time.monotonic()
            answered = False
            with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
                async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self._url) as response:
                    await response.read()
                    answered = response.status == 200
            # A connection that is refused at once is as bad as an answer that never comes.
            self._times.append(time.monotonic() - before if answered else TIMEOUT_S)
            self._asked_at = None
            await asyncio.sleep(PERIOD_S)  # between two measurements
