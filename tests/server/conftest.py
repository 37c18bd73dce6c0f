"""Fixtures: a whole server in this process, with real sockets and (unless a test asks for real media) fake media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from pyvidu.server.app import create_app
from pyvidu.server.config import ServerConfig
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.traffic import Traffic
from tests.server.live_server import LiveServer, Serve
from tests.server.server_world import SECRET, FakeMedia


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Yield a function that starts servers: `live = await serve(eviction_timeout=2)`. Fail if one leaves tasks behind."""
    started: list[LiveServer] = []

    async def start(*, make_media: Callable[[Traffic], MediaServer] | None = None, **settings: Any) -> LiveServer:
        config = ServerConfig(**{"secret": SECRET, **settings})
        test_server = TestServer(create_app(config, make_media=make_media or (lambda _: FakeMedia())))
        await test_server.start_server(shutdown_timeout=1)
        live = LiveServer(test_server, aiohttp.ClientSession())
        started.append(live)
        return live

    before = asyncio.all_tasks()
    yield start
    for live in started:
        await live.test_server.close()
        for page in live.pages:
            page.reader.cancel()
        await live.http.close()
        assert live.server.signaling.sockets == 0
        assert len(live.server.tasks) == 0
    for _ in range(20):
        await asyncio.sleep(0)
    left = {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()}
    assert not left, left


@pytest.fixture
async def live(serve: Serve) -> LiveServer:
    """Return a server with the settings that most tests need."""
    return await serve(fault_control=True, demo=True)
