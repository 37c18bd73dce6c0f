"""Drops with real packets: Ada's Firefox is in a network whose packets are dropped, Bob's Chromium watches.

Scenario 1, recordings and filters over a drop, and what the engine relies on in Firefox. Scenarios 2 and 3 are in
`test_every_fault.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import each_key_frame_arrives
from tests.browser.drops import DroppedCall
from tests.browser.scenarios import back_after_4_s_nothing_is_renegotiated
from tests.browser.test_own_media import (
    test_filter_of_the_page_is_seen_by_the_others_over_an_outage_until_it_is_removed,
    test_recording_across_a_silent_drop_of_9_s_is_one_file,
)

__all__ = [
    "test_filter_of_the_page_is_seen_by_the_others_over_an_outage_until_it_is_removed",
    "test_recording_across_a_silent_drop_of_9_s_is_one_file",
]

SAMPLED = """
peer = publisher.stream.stream_manager.media.peer
samples = [await peer.sample()]
while samples[-1].received_packets <= samples[0].received_packets:
    samples.append(await peer.sample())
[samples[0].ice_state, samples[-1].ice_state]
"""
SAYS_DISCONNECTED = """
from pyodide.code import run_js
run_js("peer => Object.defineProperty(peer, 'iceConnectionState', { get: () => 'disconnected', configurable: true })")(
    publisher.stream.get_rtc_peer_connection()
)
"""
SAYS_ITS_STATE = """run_js("peer => delete peer.iceConnectionState")(publisher.stream.get_rtc_peer_connection())"""

TEN_FAIL = """
import asyncio
from types import SimpleNamespace
from pyvidu.platform.browser.socket import BrowserSockets

loop = asyncio.get_running_loop()
began = loop.time()
for _ in range(10):
    closed = loop.create_future()
    told = SimpleNamespace(socket_closed=lambda _socket, code, _reason: closed.set_result(code))
    refused = BrowserSockets().open("ws://127.0.0.1:9999/openvidu", told)  # nothing listens there
    assert await closed == 1006
loop.time() - began
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    browsers = ("firefox", "chromium")
    yield await DroppedCall.begin(network_lab, open_browser, pyvidu_server, "drops", browsers=browsers)
    assert network_lab.departures() == [], "neither the page nor Firefox itself talks to anybody else"
    network_lab.restore()


async def test_scenario_1_back_after_4_s_nothing_is_renegotiated(call: DroppedCall) -> None:
    await back_after_4_s_nothing_is_renegotiated(call)


async def test_rtcp_counts_as_received_and_proves_a_path_that_ice_calls_disconnected(call: DroppedCall) -> None:
    assert list(await call.ada.python(SAMPLED)) == ["connected", "connected"]
    await call.ada.python(SAYS_DISCONNECTED)
    assert list(await call.ada.python(SAMPLED)) == ["disconnected", "connected"]
    await call.ada.python(SAYS_ITS_STATE)


async def test_each_key_frame_that_is_to_be_sent_arrives(call: DroppedCall) -> None:
    await each_key_frame_arrives(call.bob, call.ada, "publisher.stream.stream_manager.media.peer.send_key_frame()")
    await call.both_move()


async def test_sockets_that_fail_do_not_delay_the_next(call: DroppedCall) -> None:
    # Firefox's own delays would be 0.3 + 0.4 + 0.6 + ... + 4.8 s.
    assert await call.ada.python(TEN_FAIL) < 3
