"""openvidu-browser 2.32.2 when the server evicts, crashes or stops: the reasons in its events."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.interop.official import OfficialPage

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")


async def test_official_client_gets_the_reason_of_eviction_crash_and_shutdown(
    chromium: Browser, pyvidu_server: StartServer
) -> None:
    server = await pyvidu_server(fault_control=True)
    rest = Rest(server)
    names = ("evicted", "crashed", "stopped")
    pages = await asyncio.gather(*(OfficialPage.open(chromium, server, name) for name in names))
    evicted, crashed, stopped = pages
    for page in (evicted, crashed):
        await page.join(await rest.token("faults"), publish=False)

    await server.fault("eviction", evicted.connection_id)
    await evicted.told("sessionDisconnected", 10)
    assert evicted.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
    assert crashed.events("connectionDestroyed") == ["connectionDestroyed(networkDisconnect)"]

    async with server.fault("restart", seconds=30):
        await crashed.told("reconnecting")
    await crashed.told("sessionDisconnected", 15)
    assert crashed.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(nodeCrashed)"]

    await stopped.join(await rest.token("faults"), publish=False)
    assert await server.stop() == 0
    await stopped.told("sessionDisconnected", 10)
    assert stopped.events(*OUTAGE) == ["sessionDisconnected(openviduServerStopped)"]
