"""Servers of the tests' own, for the length of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serving(app: web.Application, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve `app` on a free port of `host`, and yield the port."""
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        port: int = runner.addresses[0][1]
        yield port
    finally:
        await runner.cleanup()
