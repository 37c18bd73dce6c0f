"""`disconnect()` at every point of an outage: its own `sessionDisconnected`, then nothing; the server is informed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, LabCall, Rest

# Every socket that the page ever opens, so that a test can check which of them is open.
SOCKETS = """<script>
window.sockets = [];
window.WebSocket = class extends WebSocket { constructor(...args) { super(...args); window.sockets.push(this); } };
</script>"""
LIVING = "() => sockets.filter((socket) => socket.readyState <= 1).length"
LEAVE = "session.disconnect()"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[LabCall]:
    yield await LabCall.begin(network_lab, open_browser, pyvidu_server, "leaving", head=SOCKETS)
    network_lab.restore()


@pytest_asyncio.fixture(loop_scope="module")
async def ada(call: LabCall) -> CallPage:
    """Return Ada's page in the call, joined again if her last membership has ended."""
    if call.ada.events("sessionDisconnected"):
        await call.ada.join(await Rest(call.server).token("leaving"))
        await call.both_move(10)
    call.clear_events()
    return call.ada


async def check_nothing_follows(call: LabCall, *before: str) -> None:
    """Check that Ada has left: no more events or sockets, nothing of the session left, and Bob is notified."""
    outage = ("reconnecting", "reconnected", "sessionDisconnected")
    assert call.ada.events(*outage) == [*before, "sessionDisconnected(disconnect)"]
    told, requests = len(call.ada.log), await call.ada.page.evaluate("sockets.length")
    gone = await call.bob.told("connectionDestroyed", 8)
    assert gone.reason in ("disconnect", "networkDisconnect")
    await call.ada.has_released_everything()
    await call.ada.page.wait_for_function(f"() => ({LIVING})() === 0", timeout=5000)
    assert len(call.ada.log) == told, call.ada.events()
    assert await call.ada.page.evaluate("sockets.length") == requests, "no socket is opened afterwards"


async def test_disconnect_before_the_drop_is_detected(call: LabCall, ada: CallPage) -> None:
    with call.lab.dropped("silent"):
        await ada.python(LEAVE)
        await asyncio.sleep(1)  # the rest of the drop, in which it would be detected
    await check_nothing_follows(call)


async def test_disconnect_while_the_first_attempt_hangs(call: LabCall, ada: CallPage) -> None:
    with call.lab.dropped("silent"):
        await ada.told("reconnecting", 5)
        await ada.told("reconnectionAttempt", 5)
        await asyncio.sleep(0.5)  # its SYN has been sent and dropped
        assert await ada.page.evaluate("sockets.filter((socket) => socket.readyState === 0).length") == 1
        await ada.python(LEAVE)
    await check_nothing_follows(call, "reconnecting")  # had the network stayed away, it would be an eviction
    assert call.messages.requests("connect") == []


async def test_disconnect_between_two_attempts_on_a_link_that_is_down(call: LabCall, ada: CallPage) -> None:
    with call.lab.dropped("link"):
        await ada.told("reconnectionAttempt", 5)
        await ada.page.wait_for_function(f"() => ({LIVING})() <= 1", timeout=5000)
        await ada.python(LEAVE)
    await check_nothing_follows(call, "reconnecting")
    assert call.messages.requests("connect") == []


async def test_disconnect_right_after_the_network_is_back(call: LabCall, ada: CallPage) -> None:
    with call.lab.dropped("silent"):
        await ada.told("reconnecting", 5)
        await asyncio.sleep(1)  # attempts are under way, the drop goes on
    await ada.python(LEAVE)
    before = ada.events("reconnecting", "reconnected")
    await check_nothing_follows(call, *before)


async def test_disconnect_in_the_handler_of_reconnected(call: LabCall, ada: CallPage) -> None:
    await ada.python("session.once('reconnected', lambda _: session.disconnect())")
    with call.lab.dropped("link"):
        await ada.told("reconnecting", 5)
    await ada.told("sessionDisconnected", 5)
    await check_nothing_follows(call, "reconnecting", "reconnected")


async def test_disconnect_while_streams_are_renegotiated(call: LabCall, ada: CallPage) -> None:
    await ada.python("session.on('streamFrozen', lambda _: session.disconnect())")
    with call.lab.dropped("silent", dead_media=True):
        await ada.told("reconnecting", 5)
        await asyncio.sleep(3.5)  # the rest of the drop, in which the streams freeze
    await ada.told("sessionDisconnected", 8)
    assert "streamFrozen" in ada.events()
    await check_nothing_follows(call, "reconnecting", "reconnected")
