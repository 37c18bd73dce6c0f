"""The candidate pairs that a page's connections have selected: which way their media goes."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, BrowserContext

from tests.browser.calls import CallPage

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
    pairs.push([stats.get(pair?.localCandidateId) ?? {}, stats.get(pair?.remoteCandidateId) ?? {}]);
  }
  return pairs;
}"""


async def remembering(browser: Browser) -> BrowserContext:
    """Return a profile whose pages remember their peer connections, which `selected` needs."""
    context = await browser.new_context()
    await context.add_init_script(_REMEMBER_PEERS)
    return context


async def selected(page: CallPage) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return local and remote candidate of each connection's selected pair, empty without one, as webrtc-stats has them."""
    return [(local, remote) for local, remote in await page.page.evaluate(_SELECTED)]
