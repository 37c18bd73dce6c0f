"""The reconnection engine under the other kinds of fault: media alone, handover, freeze, and `disconnect()`.

One call, drops in sequence. `test_drops.py` has the three scenarios, and that a drop of the peer raises no alarm. After
`disconnect()` at every point of an outage: its own `sessionDisconnected`, then nothing; the server is informed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, LabCall, Rest

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")
HEALTH = ("streamFrozen", "streamRecovered")
ROOM = "engine"

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
    yield await LabCall.begin(network_lab, open_browser, pyvidu_server, ROOM, head=SOCKETS)
    network_lab.restore()


async def test_media_only_drop_of_3_s_recovers_without_renegotiation(call: LabCall) -> None:
    call.clear_events()
    with call.lab.dropped("media-only"):
        await asyncio.sleep(3)  # the length of the drop
    await call.both_move(4)
    await call.ada.told("streamRecovered", 5, count=2)
    assert call.ada.events(*OUTAGE, *HEALTH) == ["streamFrozen"] * 2 + ["streamRecovered"] * 2
    assert call.bob.events(*OUTAGE, *HEALTH) == []
    assert call.messages.requests("reconnectStream") == []


async def test_dead_media_is_repaired_without_reconnecting(call: LabCall) -> None:
    call.clear_events()
    with call.lab.dropped("media-only", dead_media=True):
        await call.ada.told("streamFrozen", 10, count=2)
    await call.both_move(10)
    await call.ada.told("streamRecovered", 10, count=2)
    assert call.ada.events(*OUTAGE) == []
    assert len(call.messages.requests("reconnectStream", call.ada.connection_id)) >= 2
    assert call.bob.events(*OUTAGE, *HEALTH, "streamDestroyed", "connectionDestroyed") == [], "nobody else is told"


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


@pytest_asyncio.fixture(loop_scope="module")
async def ada(call: LabCall) -> CallPage:
    """Return Ada's page in the call, joined again if her last membership has ended."""
    if call.ada.events("sessionDisconnected"):
        await call.ada.join(await Rest(call.server).token(ROOM))
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
