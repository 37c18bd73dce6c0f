"""Whether the server's event loop, and the bench's own, stood still: neither may be taken for a client's slowness."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp

from pyvidu.testing import RunningServer

PERIOD_S = 0.1


class Pulse:
    """Asks the server for a sign of life ten times a second over one connection, and notes when it came late."""

    def __init__(self) -> None:
        self.stalls: list[tuple[float, float]] = []
        """From when to when the server, or this process, did not answer; seconds of the monotonic clock."""

    def forget(self) -> None:
        """Stalls so far do not count any more."""
        self.stalls.clear()

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, server: RunningServer) -> AsyncIterator[Pulse]:
        """A pulse that is taken for the length of the block."""
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
                await asyncio.sleep(PERIOD_S)
                ended = time.monotonic()
                if ended - began > 2 * PERIOD_S:
                    self.stalls.append((began, ended))
