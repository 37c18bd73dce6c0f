"""Drops that the server imitates. They need no root."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from conftest import Person, StartApp
from playwright.async_api import Browser

from pyvidu.testing import RunningServer, wait_for_outage
from pyvidu.testing.fixtures import StartServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server(fault_control=True)


async def test_call_goes_on_after_a_silent_drop(chromium: Browser, server: RunningServer, start_app: StartApp) -> None:
    app = await start_app(server)
    ada, bob = await Person.join(chromium, app, "Ada"), await Person.join(chromium, app, "Bob")
    await asyncio.gather(ada.sees_the_others_move(), bob.sees_the_others_move())
    of_ada, _of_bob = await server.connections("standup")

    async with server.fault("silent", of_ada.connection_id):
        await ada.reads("Reconnecting")
    await ada.reads("You are back")

    await asyncio.gather(ada.sees_the_others_move(), bob.sees_the_others_move())
    await bob.sees_people("Ada", "Bob")
    assert (await wait_for_outage(ada.page))["end"] == "reconnected"

    # Longer than the server waits: it gives up on Ada. The page says so and offers to join again.
    await server.fault("eviction", of_ada.connection_id)
    await ada.reads("You have left the room (networkDisconnect)")
    await bob.sees_people("Bob")
    await ada.page.get_by_role("button", name="Join").click()
    await ada.reads("You are in the room")
    await asyncio.gather(ada.sees_the_others_move(), bob.sees_the_others_move())
