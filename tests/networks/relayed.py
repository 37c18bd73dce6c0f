"""Calls whose media may go by a TURN server, and which way it goes."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Browser, BrowserContext

from tests.browser.calls import CallPage, LabCall
from tests.networks.coturn import Coturn

RELAY_ONLY = {"iceTransportPolicy": "relay"}

# Every peer connection of the page and its frames: after a change of network they are created in an iframe.
_REMEMBER_PEERS = """
top.peers ??= [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); top.peers.push(this); }
};
"""

_SELECTED = """async () => {
  const pairs = [];
  for (const peer of peers.filter((peer) => peer.connectionState !== 'closed')) {
    // Of one whose frame is removed meanwhile it stays pending.
    const stats = await Promise.race([peer.getStats(), new Promise((done) => setTimeout(done, 500, new Map()))]);
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


async def remembering(browser: Browser) -> BrowserContext:
    """Return a profile whose pages remember their peer connections, which `ways` needs."""
    context = await browser.new_context()
    await context.add_init_script(_REMEMBER_PEERS)
    return context


async def ways(page: CallPage) -> list[list[str]]:
    """Return candidate type, protocol and TURN URL of each connection's selected pair."""
    found: list[list[str]] = await page.page.evaluate(_SELECTED)
    return found
