"""Calls that can only go through a TURN server: a real coturn, announced by the server or by a connection's settings.

Ada is in a network whose packets can be dropped and reaches coturn over UDP, as the server announces to everybody; Bob
over TCP, as the REST request for his token asks.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, LabCall, MessageLog, Rest
from tests.networks.coturn import USER, Coturn, coturn, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

RELAY_ONLY = {"iceTransportPolicy": "relay"}

# Every peer connection of the page and its frames: after a change of network they are created in an iframe.
REMEMBER_PEERS = """
top.peers ??= [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); top.peers.push(this); }
};
"""

SELECTED = """async () => {
  const pairs = [];
  for (const peer of peers.filter((peer) => peer.connectionState !== 'closed')) {
    const stats = await peer.getStats();
    const transport = [...stats.values()].find((report) => report.type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId);
    const local = stats.get(pair?.localCandidateId);
    pairs.push([local?.candidateType, local?.relayProtocol, local?.url]);
  }
  return pairs;
}"""


@dataclass
class RelayedCall(LabCall):
    """A call through coturn."""

    turn: Coturn
    joined: dict[str, Any] = field(default_factory=dict)

    async def way(self, page: CallPage) -> list[list[str]]:
        """Return candidate type, protocol and TURN URL of each connection's selected pair."""
        found: list[list[str]] = await page.page.evaluate(SELECTED)
        return found


async def relayed_page(browser: Browser, call_server: Any, name: str) -> CallPage:
    context = await browser.new_context()
    await context.add_init_script(REMEMBER_PEERS)
    return await CallPage.open(context, call_server, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[RelayedCall]:
    host = network_lab.host_address
    async with coturn(host) as turn:
        flags = "--turn-url", turn.url, "--turn-username", USER
        environment = {"PYVIDU_SERVE_TURN_CREDENTIAL": turn.credential}
        server = await pyvidu_server(*flags, host=host, env=environment)
        rest = Rest(server)
        own = {"url": f"{turn.url}?transport=tcp", "username": USER, "credential": turn.credential}
        inside = await open_browser(lab=network_lab, secure_origins=[server.origin])
        outside = await open_browser(secure_origins=[server.origin])
        ada, bob = await relayed_page(inside, server, "ada"), await relayed_page(outside, server, "bob")
        await ada.join(await rest.token("relayed"), rtcConfiguration=RELAY_ONLY)
        _, connection = await rest.call("POST", "sessions/relayed/connection", {"customIceServers": [own]})
        await bob.join(connection["token"], rtcConfiguration=RELAY_ONLY)
        call = RelayedCall(server, network_lab, ada, bob, MessageLog(server), turn)
        await call.both_move(20)
        yield call
        network_lab.restore()


async def test_media_flows_through_the_configured_turn_servers(call: RelayedCall) -> None:
    assert await call.way(call.ada) == [["relay", "udp", f"{call.turn.url}?transport=udp"]] * 2
    assert await call.way(call.bob) == [["relay", "tcp", f"{call.turn.url}?transport=tcp"]] * 2


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
    assert [kind for kind, *_ in await call.way(call.ada)] == ["relay"] * 2


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
    assert [kind for kind, *_ in await call.way(call.ada)] == ["relay"] * 2, json.dumps(await call.way(call.ada))
