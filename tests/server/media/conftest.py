"""Fixtures: a router and clients for it, all closed again. Fail if the router leaves tasks or connections behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aioice.ice
import pytest
import pytest_asyncio

from pyvidu.server.media.router import MediaRouter
from tests.server.media.media_client import Client
from tests.server.media.media_rig import MediaTraffic


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make aioice use loopback, which it leaves out, and nothing else: no packet may leave this machine."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture
def traffic() -> MediaTraffic:
    return MediaTraffic()


@pytest_asyncio.fixture
async def router(traffic: MediaTraffic) -> AsyncIterator[MediaRouter]:
    before = asyncio.all_tasks()
    router = MediaRouter(host_addresses=["127.0.0.1"], traffic=traffic)
    yield router
    await router.close()
    assert router.statistics().peer_connections == 0
    assert not traffic.open, "every connection closes its path"
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    # The router uses none of these classes; a client that is closed while it connects leaves tasks behind.
    clients = ("RTCPeerConnection", "RTCRtpSender", "aioice")
    left = {task for task in left if not task.done() and not any(name in repr(task) for name in clients)}
    assert not left, left


@pytest_asyncio.fixture
async def client(router: MediaRouter) -> AsyncIterator[Callable[[], Client]]:
    clients: list[Client] = []

    def make() -> Client:
        clients.append(Client())
        return clients[-1]

    yield make
    for made in clients:
        await made.connection.close()
