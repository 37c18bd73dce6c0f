"""The server that is attacked: a `pyvidu serve` with few descriptors, and a webhook whose backend never answers."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

from pyvidu.testing import RunningServer, start_server

DESCRIPTORS = 1024
"""What a process may have by default on most systems."""


async def start(*arguments: str, eviction_timeout: float | None = None) -> RunningServer:
    """Start the server. The caller stops it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, before[1]), before[1]))  # inherited
    try:
        return await start_server(*arguments, eviction_timeout=eviction_timeout)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class BlackHole:
    """A backend that takes connections and never answers."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> str:
        """Return its URL."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/events"

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def waited_s(pid: int) -> float:
    """Return the seconds that a process's main thread was ready to run and had no core (schedstat); 0 if not told."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("utf-8").split()[1]) / 1e9
    except OSError:
        return 0.0
