"""Calls that can only go through a TURN server: a real coturn, announced by the server or by a connection's settings.

Ada is in a network whose packets can be dropped and reaches coturn over UDP, as the server announces to everybody; Bob
over TCP, as the REST request for his token asks.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, MessageLog, Rest
from tests.networks.coturn import USER, coturn, why_not
from tests.networks.relayed import RELAY_ONLY, RelayedCall, ways
from tests.networks.selected import remembering

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[RelayedCall]:
    host = network_lab.host_address
    async with coturn(host) as turn:
        flags, environment = turn.announced(turn.url)
        server = await pyvidu_server(*flags, host=host, env=environment)
        rest = Rest(server)
        own = {"url": f"{turn.url}?transport=tcp", "username": USER, "credential": turn.credential}
        inside = await open_browser(lab=network_lab, secure_origins=[server.origin])
        outside = await open_browser(secure_origins=[server.origin])
        ada = await CallPage.open(await remembering(inside), server, "ada")
        bob = await CallPage.open(await remembering(outside), server, "bob")
        await ada.join(await rest.token("relayed"), rtcConfiguration=RELAY_ONLY)
        _, connection = await rest.call("POST", "sessions/relayed/connection", {"customIceServers": [own]})
        await bob.join(connection["token"], rtcConfiguration=RELAY_ONLY)
        call = RelayedCall(server, network_lab, ada, bob, MessageLog(server), turn)
        await call.both_move(20)
        yield call
        network_lab.restore()


async def test_media_flows_through_the_configured_turn_servers(call: RelayedCall) -> None:
    assert await ways(call.ada) == [["relay", "udp", f"{call.turn.url}?transport=udp"]] * 2
    assert await ways(call.bob) == [["relay", "tcp", f"{call.turn.url}?transport=tcp"]] * 2


async def test_relayed_connections_continue_after_a_drop_of_4_s(call: RelayedCall) -> None:
    before = await call.ada.picture()
    call.clear_events()
    with call.lab.dropped("silent"):
        await call.lab.verify_silence(0.3)
        await asyncio.sleep(3.7)  # the rest of the drop
    await call.ada.told("reconnected")
    await call.both_move(4)
    assert call.messages.requests("reconnectStream") == []
    assert await call.ada.picture() == before
    assert [kind for kind, *_ in await ways(call.ada)] == ["relay"] * 2


async def test_dead_media_is_renegotiated_through_the_relay_after_9_s(call: RelayedCall) -> None:
    before = await call.ada.picture()
    call.clear_events()
    with call.lab.dropped("silent", dead_media=True):
        await call.lab.verify_silence(0.3)
        await asyncio.sleep(8.7)  # the rest of the drop
    returned = time.monotonic()
    await call.ada.told("reconnected", 3)
    await call.both_move(8 - (time.monotonic() - returned))
    renegotiated = [entry["stream"] for entry in call.messages.requests("reconnectStream")]
    after = await call.ada.picture()
    assert sorted(renegotiated) == sorted(before["streams"])
    assert after["streams"] == before["streams"]
    assert after["elements"] == before["elements"]
    assert [kind for kind, *_ in await ways(call.ada)] == ["relay"] * 2, json.dumps(await ways(call.ada))
