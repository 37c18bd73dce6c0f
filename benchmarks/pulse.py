"""Detects stalls of the server's event loop and of the bench's own, so that neither is taken for a client's slowness."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp

from pyvidu.testing import RunningServer

PERIOD_S = 0.1


class Pulse:
    """Sends a request to the server ten times a second over one connection, and records when the response came late."""

    def __init__(self) -> None:
        self.stalls: list[tuple[float, float]] = []
        """Intervals in which the server, or this process, did not respond; seconds of the monotonic clock."""

    def restart(self) -> None:
        """Drop the stalls so far."""
        self.stalls.clear()

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, server: RunningServer) -> AsyncIterator[Pulse]:
        """Yield a `Pulse` that runs for the length of the block."""
        self = cls()
        task = asyncio.create_task(self._take(server))
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _take(self, server: RunningServer) -> None:
        connector = aiohttp.TCPConnector(ssl=False, limit=1)
        async with aiohttp.ClientSession(connector=connector) as http:
            while True:
                began = time.monotonic()
                async with http.get(f"{server.origin}/healthz") as answer:
                    await answer.read()
                await asyncio.sleep(PERIOD_S)  # between two requests
                ended = time.monotonic()
                if ended - began > 2 * PERIOD_S:
                    self.stalls.append((began, ended))
