"""The reconnection engine under the other kinds of fault: media alone, handover, flapping, sleep, freeze.

One call, drops in sequence. `test_drops.py` has the three scenarios, and that a drop of the peer raises no alarm.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import LabCall

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")
HEALTH = ("streamFrozen", "streamRecovered")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[LabCall]:
    yield await LabCall.begin(network_lab, open_browser, pyvidu_server, "engine")
    network_lab.restore()


def adas_machine(call: LabCall, *, sleeps: bool) -> None:
    """Stop or continue all processes of Ada's browser, as a machine that sleeps does."""
    for pid in call.lab.processes():
        os.kill(pid, signal.SIGSTOP if sleeps else signal.SIGCONT)


async def test_media_only_drop_of_3_s_recovers_without_renegotiation(call: LabCall) -> None:
    call.clear_events()
    with call.lab.dropped("media-only"):
        await asyncio.sleep(3)  # the length of the drop
    await call.both_move(4)
    assert call.ada.events(*OUTAGE, *HEALTH) == call.bob.events(*OUTAGE, *HEALTH) == []
    assert call.messages.requests("reconnectStream") == []


async def test_dead_media_is_repaired_without_reconnecting(call: LabCall) -> None:
    call.clear_events()
    with call.lab.dropped("media-only", dead_media=True):
        away = asyncio.create_task(asyncio.sleep(13))  # the length of the drop: more than an eviction takes
        await call.ada.told("streamFrozen", 10, count=2)
        await away
    await call.both_move(10)
    await call.ada.told("streamRecovered", 10, count=2)
    assert call.ada.events(*OUTAGE) == []
    assert len(call.messages.requests("reconnectStream", call.ada.connection_id)) >= 2
    assert call.bob.events(*OUTAGE, *HEALTH, "streamDestroyed", "connectionDestroyed") == [], "it evicts nobody"


async def test_client_whose_address_changes_reconnects_with_its_streams(call: LabCall) -> None:
    call.clear_events()
    call.lab.lose_address()
    await call.ada.told("reconnecting", 3)
    await asyncio.sleep(4)  # the length of the handover
    call.lab.gain_address()
    await call.ada.told("reconnected", 5)
    await call.both_move(5)
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.bob.events("streamDestroyed", "connectionDestroyed") == []


async def test_flapping_link_ends_connected_with_a_reconnected_for_every_reconnecting(call: LabCall) -> None:
    call.clear_events()
    for _ in range(10):
        with call.lab.dropped("link"):
            await asyncio.sleep(1)  # the link is down
        await asyncio.sleep(2)  # the link is up
    await call.both_move(10)
    await asyncio.sleep(3)  # nothing may follow the last reconnection
    told = call.ada.events(*OUTAGE)
    assert told == ["reconnecting", "reconnected"] * (len(told) // 2)
    assert told
    assert call.bob.events("streamDestroyed", "connectionDestroyed") == []
    assert await call.ada.page.evaluate("performance.now()") > 0


async def test_call_continues_after_a_sleep_of_a_few_seconds(call: LabCall) -> None:
    for seconds in (3, 9):
        call.clear_events()
        adas_machine(call, sleeps=True)
        try:
            await asyncio.sleep(seconds)  # the length of the sleep
        finally:
            adas_machine(call, sleeps=False)
        await call.both_move(6)
        await asyncio.sleep(1)  # nothing may follow
        told = call.ada.events(*OUTAGE)
        assert told in ([], ["reconnecting", "reconnected"])
        assert call.bob.events("streamDestroyed", "connectionDestroyed") == []


async def test_call_continues_after_the_page_was_frozen(call: LabCall) -> None:
    call.clear_events()
    devtools = await call.ada.page.context.new_cdp_session(call.ada.page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    await asyncio.sleep(4)  # for so long the page is frozen
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await call.both_move(6)
    await asyncio.sleep(1)  # nothing may follow
    assert call.ada.events(*OUTAGE) in ([], ["reconnecting", "reconnected"])
    await devtools.detach()


async def test_session_ends_on_wake_up_after_a_long_sleep(call: LabCall) -> None:
    call.clear_events()
    adas_machine(call, sleeps=True)
    try:
        await call.bob.told("connectionDestroyed", 20)
    finally:
        adas_machine(call, sleeps=False)
    woken = time.monotonic()
    lost = await call.ada.told("sessionDisconnected", 5)
    assert lost.reason == "networkDisconnect"
    assert lost.at - woken < 5
    await call.ada.has_released_everything()
