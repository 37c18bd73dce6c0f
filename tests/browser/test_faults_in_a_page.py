"""The server's faults in a page, without root: one call, faults in sequence, from the mildest to one that ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import BeginningFault, RunningServer, ServerFault
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import CallPage, MessageLog, Rest
from tests.waiting import until

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")
HEALTH = ("streamFrozen", "streamRecovered", "exception")
COMING_AND_GOING = ("streamCreated", "streamDestroyed", "connectionCreated", "connectionDestroyed")


@dataclass
class Call:
    """A call of two: the faults are Ada's, Bob watches."""

    server: RunningServer
    rest: Rest
    ada: CallPage
    bob: CallPage
    messages: MessageLog

    def fault(self, kind: ServerFault, **options: Any) -> BeginningFault:
        """Start a fault of Ada's, and ignore the events before it."""
        self.clear_events()
        return self.server.fault(kind, self.ada.connection_id, **options)

    def clear_events(self) -> None:
        self.ada.clear_events()
        self.bob.clear_events()
        self.messages.restart()

    def renegotiated(self) -> int:
        return len(self.messages.requests("reconnectStream"))

    async def both_move(self, timeout: float = 10.0) -> None:
        await asyncio.gather(self.ada.moves(timeout), self.bob.moves(timeout))

    async def rejoin_ada(self) -> None:
        """Join Ada again from the same page with a fresh token."""
        await self.ada.join(await self.rest.token("faults"))
        await self.both_move()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Call]:
    server = await pyvidu_server(fault_control=True)
    rest = Rest(server)
    ada, bob = await asyncio.gather(*(CallPage.open(chromium, server, name) for name in ("ada", "bob")))
    await ada.join(await rest.token("faults"))
    await bob.join(await rest.token("faults"))
    call = Call(server, rest, ada, bob, MessageLog(server))
    await call.both_move(20)
    yield call


@asynccontextmanager
async def guest_without_media(call: Call) -> AsyncIterator[None]:
    """Keep a participant in the room that has only a WebSocket, and let it leave."""
    token = await call.rest.token("faults")
    join = {"token": token, "session": "faults", "platform": "x", "secret": "", "metadata": '{"clientData":"guest"}'}
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{call.server.url}openvidu?sessionId=faults") as ws:
        await ws.send_json({"jsonrpc": "2.0", "id": 1, "method": "joinRoom", "params": join})
        assert "result" in await ws.receive_json()
        yield
        await ws.send_json({"jsonrpc": "2.0", "id": 2, "method": "leaveRoom", "params": {}})
        while (await ws.receive_json()).get("id") != 2:
            pass


async def test_media_only_fault_is_repaired_without_reconnecting(call: Call) -> None:
    async with call.fault("media-only"):
        await call.ada.told("streamFrozen", 15, count=2)
        await until(lambda: call.renegotiated() >= 2, 15, "renegotiations")
    await call.ada.told("streamRecovered", 10, count=2)
    await call.both_move()
    assert call.ada.events(*OUTAGE) == call.bob.events(*OUTAGE) == []
    assert call.bob.events("streamDestroyed") == []


async def test_round_trip_of_600_ms_raises_no_alarm(call: Call) -> None:
    async with call.fault("slow", delay=0.3):
        await asyncio.sleep(2)  # the length of the fault
        await call.both_move()
    await call.both_move()
    assert call.ada.events(*OUTAGE, *HEALTH) == call.bob.events(*OUTAGE, *HEALTH) == []
    assert call.renegotiated() == 0


async def test_signaling_only_fault_reconnects_without_renegotiating_media(call: Call) -> None:
    before = await call.ada.picture()
    async with call.fault("signaling-only"):
        await call.ada.told("reconnecting", 7)  # an unanswered ping is a verdict after 5 s, and one is sent each second
        await call.ada.moves()
    await call.ada.told("reconnected", 5)
    await call.both_move()
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.renegotiated() == 0
    assert await call.ada.picture() == before
    assert call.bob.events(*OUTAGE, *COMING_AND_GOING) == []


async def test_lost_notifications_are_replayed_by_the_next_resume(call: Call) -> None:
    lost = await call.fault("lost-notification")  # all: what is delivered after a lost one would hide the gap
    async with guest_without_media(call):
        await call.bob.told("connectionCreated")
        await call.bob.python("await session.unpublish(publisher)")
        await call.bob.call("publish")
        async with call.server.fault("signaling-only", call.ada.connection_id, close=True):
            await call.ada.told("reconnecting", 5)
            assert call.ada.events(*COMING_AND_GOING) == []
            await lost.end()
        await call.ada.told("streamCreated", 5)
        assert call.ada.events(*OUTAGE, *COMING_AND_GOING) == [
            "reconnecting",
            "reconnected",
            "connectionCreated",
            "streamDestroyed(unpublish)",
            "streamCreated",
        ]
        await call.both_move()
    await call.ada.told("connectionDestroyed")
    await call.bob.told("connectionDestroyed")


async def test_refused_resume_ends_the_session_with_network_disconnect(call: Call) -> None:
    refused = await call.fault("refused-resume")
    async with call.server.fault("signaling-only", call.ada.connection_id, close=True):
        await call.ada.told("reconnecting", 5)
    await call.ada.told("sessionDisconnected", 5)
    assert call.ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
    assert call.bob.events("connectionDestroyed") == [], "for the server it is a member until its clock says otherwise"
    await refused.end()
    await call.fault("eviction")
    await call.bob.told("connectionDestroyed", 5)
    await call.ada.has_released_everything()
    await call.rejoin_ada()


async def test_eviction_ends_the_session_at_once_and_notifies_the_others(call: Call) -> None:
    await call.fault("eviction")
    await call.ada.told("sessionDisconnected", 5)
    await call.bob.told("connectionDestroyed", 5)
    assert call.ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
    assert call.bob.events(*COMING_AND_GOING) == [
        "streamDestroyed(networkDisconnect)",
        "connectionDestroyed(networkDisconnect)",
    ]
    await call.rejoin_ada()


async def test_restarted_server_ends_the_session_with_node_crashed(call: Call) -> None:
    call.clear_events()
    await call.server.fault("restart", seconds=1)
    for page in (call.ada, call.bob):
        await page.told("sessionDisconnected", 10)
        assert page.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(nodeCrashed)"]
        await page.has_released_everything()


async def test_server_shutdown_ends_the_session_without_reconnecting(call: Call) -> None:
    call.clear_events()
    await call.ada.join(await call.rest.token("faults"), publish=False)
    assert await call.server.stop() == 0
    await call.ada.told("sessionDisconnected", 5)
    assert call.ada.events(*OUTAGE) == ["sessionDisconnected(openviduServerStopped)"]
