"""A call in a background tab: timers of the page are throttled there, the engine's are not.

Cameras only: Chromium exempts a page that captures or plays sound (measured: ten ticks a second instead of one).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.background import DevTools, Tab, users_chromium
from tests.browser.calls import PAGE, PARTICIPANT, CallPage, MessageLog, Rest

TICKS = "(() => { window.ticks = 0; setInterval(() => window.ticks++, 100); })()"
TOLD = "<script>window.told = []; window.tell = (text) => told.push(JSON.parse(text).name);</script>"
CAMERA = json.dumps({"audioSource": False})
OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")


@dataclass
class Call:
    """Ada's tab is in the background, in the lab. Bob's is in the foreground."""

    ada: Tab
    bob: CallPage
    devtools: DevTools
    messages: MessageLog
    connection: str

    async def told(self) -> list[str]:
        """Return the outage events that Ada's session fired."""
        found = json.loads(await self.ada.evaluate("JSON.stringify(told)"))
        return [name for name in found if name in OUTAGE]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer, browser_path: Path
) -> AsyncIterator[Call]:
    server = await pyvidu_server(lab=network_lab)
    rest = Rest(server)
    async with users_chromium(browser_path, network_lab, server.origin) as devtools:
        ada = await Tab.open(devtools, f"{server.origin}/healthz")
        await ada.set_content(PAGE.replace("<title>", f"{TOLD}<title>"))
        await ada.until("!!window.boot")
        await ada.evaluate(f"boot({json.dumps(PARTICIPANT.read_text())}).then(() => true)")
        token = await rest.token("background")
        connection = await ada.evaluate(f"call('join', {json.dumps(token)}, 'ada', '{{}}')")
        await ada.evaluate(f"call('publish', {json.dumps(CAMERA)})")
        outside = await open_browser(secure_origins=(server.origin,))
        bob = await CallPage.open(outside, server, "bob")
        await bob.join(await rest.token("background"), publish=False)
        await bob.call("publish", CAMERA)
        await bob.moves()
        await ada.evaluate(TICKS)
        await Tab.open(devtools, f"{server.origin}/healthz")  # the tab that is now in the foreground
        yield Call(ada, bob, devtools, MessageLog(server), connection)
        network_lab.restore()


async def test_pings_are_on_time_in_a_background_tab_with_throttled_timers(call: Call) -> None:
    await call.ada.until("document.visibilityState === 'hidden'")
    call.messages.restart()
    ticks, began = await call.ada.evaluate("ticks"), time.monotonic()
    await asyncio.sleep(5)  # the period over which pings are counted
    rate = (await call.ada.evaluate("ticks") - ticks) / (time.monotonic() - began)
    assert rate < 2.5, "the page's own timers are throttled to one call a second, or this proves nothing"
    pings = [entry["time"] for entry in call.messages.requests("ping", call.connection)]
    gaps = [later - earlier for earlier, later in pairwise(pings)]
    assert len(pings) >= 4
    assert max(gaps) < 1.6, gaps


async def test_a_9_s_silent_drop_ends_in_reconnected_in_the_background_too(call: Call, network_lab: NetworkLab) -> None:
    call.bob.clear_events()
    with network_lab.dropped("silent"):
        await network_lab.verify_silence(0.3)
        await asyncio.sleep(8.7)  # the rest of the drop
    await call.ada.until("told.at(-1) === 'reconnected'", 5)
    await call.bob.moves(5)
    assert await call.told() == ["reconnecting", "reconnected"]
    assert await call.ada.evaluate("document.visibilityState") == "hidden"
    assert call.bob.events("streamDestroyed", "connectionDestroyed", "streamFrozen", *OUTAGE) == []
