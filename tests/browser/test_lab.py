"""The network lab with a real Chromium inside: each kind of drop drops what it claims, as silently as it claims."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import WSMsgType, web
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from playwright.async_api import Browser, Page

from pyvidu.testing import LabError, NetworkLab, lab_unavailable_reason
from pyvidu.testing.fixtures import OpenBrowser
from tests.serving import serving
from tests.waiting import until

# A page that records its browser's network events, counts ticks over a WebSocket and over an unreliable data channel
# ten times a second, and responds to nothing by itself.
PAGE = """<!doctype html><title>lab</title><script>
const seen = {events: [], wsTicks: 0, rtcTicks: 0};
for (const name of ['online', 'offline']) addEventListener(name, () => seen.events.push(name));
const ws = new WebSocket(`ws://${location.host}/ws`);
ws.onclose = () => seen.events.push('ws closed');
ws.onmessage = () => seen.wsTicks++;
async function call() {
  const pc = new RTCPeerConnection({iceServers: []});
  pc.oniceconnectionstatechange = () => seen.events.push(`ice ${pc.iceConnectionState}`);
  const channel = pc.createDataChannel('ticks', {ordered: false, maxRetransmits: 0});
  channel.onmessage = () => seen.rtcTicks++;
  await pc.setLocalDescription(await pc.createOffer());
  while (pc.iceGatheringState !== 'complete') await new Promise(done => setTimeout(done, 10));
  const answer = await fetch('/offer', {method: 'POST', body: pc.localDescription.sdp});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  await new Promise(done => channel.onopen = done);
}
</script>"""


@dataclass
class Peer:
    """The other end: an HTTP server on the lab's host address that sends ticks to every connected page."""

    origin: str = ""
    calls: set[RTCPeerConnection] = field(default_factory=set)
    channels: set[RTCDataChannel] = field(default_factory=set)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
        self.sockets.discard(socket)
        return socket

    async def offer(self, request: web.Request) -> web.Response:
        call = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.calls.add(call)
        call.on("datachannel", self.channels.add)
        await call.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await call.setLocalDescription(await call.createAnswer())
        return web.Response(text=call.localDescription.sdp)

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.1)  # ten ticks a second
            for channel in self.channels:
                if channel.readyState == "open":
                    channel.send("tick")
            for socket in self.sockets:
                if not socket.closed:
                    await socket.send_str("tick")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer(network_lab: NetworkLab) -> AsyncIterator[Peer]:
    peer = Peer()
    app = web.Application()
    app.add_routes([web.get("/", peer.page), web.get("/ws", peer.socket), web.post("/offer", peer.offer)])
    async with serving(app, network_lab.host_address) as port:
        peer.origin = f"http://{network_lab.host_address}:{port}"
        ticking = asyncio.create_task(peer.tick())
        yield peer
        ticking.cancel()
        for call in peer.calls:
            await call.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(network_lab: NetworkLab, open_browser: OpenBrowser, peer: Peer) -> Browser:
    """Return a browser inside the lab."""
    return await open_browser(lab=network_lab, secure_origins=(peer.origin,))


@pytest_asyncio.fixture(loop_scope="module")
async def page(network_lab: NetworkLab, browser: Browser, peer: Peer) -> AsyncIterator[Page]:
    """Yield a page inside the lab with an open WebSocket and data channel, and connections of its own."""
    network_lab.restore()
    network_lab.revive()
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(peer.origin)
    await page.evaluate("call()")
    await both_tick(page)
    yield page
    network_lab.restore()
    await context.close()


async def both_tick(page: Page, timeout: float = 5) -> None:
    """Wait until a new tick has come over each of the two planes."""
    await ticks(page, "wsTicks", timeout)
    await ticks(page, "rtcTicks", timeout)


async def ticks(page: Page, plane: str, timeout: float = 5) -> None:
    before = await page.evaluate(f"seen.{plane}")
    await page.wait_for_function(f"seen.{plane} > {before}", timeout=timeout * 1000, polling=20)


async def stopped(page: Page, plane: str, seconds: float) -> bool:
    before = await page.evaluate(f"seen.{plane}")
    await asyncio.sleep(seconds)  # the period in which none may come
    return bool(await page.evaluate(f"seen.{plane}") == before)


async def events(page: Page) -> list[str]:
    """Return the network events of the page since the last call of this function."""
    told: list[str] = await page.evaluate("seen.events.splice(0)")
    return told


async def test_silent_drop_stops_every_packet_without_network_events(page: Page, network_lab: NetworkLab) -> None:
    await events(page)
    before = network_lab.counters()
    with network_lab.dropped("silent"):
        await network_lab.verify_silence(0.5)
        assert await stopped(page, "wsTicks", 1)
        assert await stopped(page, "rtcTicks", 0.5)
        assert await events(page) == []
        assert await page.evaluate("[ws.readyState, navigator.onLine]") == [1, True]
    after = network_lab.counters()
    assert after.to_host_dropped > before.to_host_dropped, "the guest sent, and nothing arrived"
    assert after.to_guest_dropped > before.to_guest_dropped, "the host sent, and nothing arrived"
    await both_tick(page)
    assert await events(page) == [], "the same socket and the same call go on"


async def test_link_drop_fires_offline_and_online(page: Page, network_lab: NetworkLab) -> None:
    await events(page)
    with network_lab.dropped("link"):
        await page.wait_for_function("seen.events.includes('offline')", timeout=1000, polling=10)
        assert await page.evaluate("navigator.onLine") is False
    await page.wait_for_function("seen.events.includes('online')", timeout=2000, polling=10)
    await ticks(page, "rtcTicks", 10)


async def test_media_only_drop_does_not_affect_the_websocket(page: Page, network_lab: NetworkLab) -> None:
    with network_lab.dropped("media-only"):
        assert await stopped(page, "rtcTicks", 0.5)
        await ticks(page, "wsTicks")
    await both_tick(page)


async def test_signaling_only_drop_does_not_affect_media(page: Page, network_lab: NetworkLab) -> None:
    with network_lab.dropped("signaling-only"):
        assert await stopped(page, "wsTicks", 0.5)
        await ticks(page, "rtcTicks")
    await both_tick(page)


async def test_killed_media_stays_dead_after_the_drop_and_a_new_connection_works(
    page: Page, network_lab: NetworkLab
) -> None:
    with network_lab.dropped("silent", dead_media=True):
        assert await stopped(page, "rtcTicks", 1)
    await ticks(page, "wsTicks")
    assert await stopped(page, "rtcTicks", 3), "a dead flow came back"
    await page.evaluate("call()")
    await both_tick(page)


async def test_killed_signaling_stays_dead_and_a_new_socket_works(page: Page, network_lab: NetworkLab) -> None:
    assert network_lab.kill_signaling() > 0
    assert await stopped(page, "wsTicks", 1)
    await ticks(page, "rtcTicks")
    opened = "new Promise(done => { const fresh = new WebSocket(ws.url); fresh.onopen = () => done(true); })"
    assert await page.evaluate(opened)


async def test_address_change_makes_the_old_socket_silent_and_a_new_one_works(
    page: Page, network_lab: NetworkLab
) -> None:
    old = network_lab.guest_address
    new = network_lab.address_change()
    assert new == network_lab.guest_address != old
    assert new in network_lab.run("ip", "address")
    assert old + "/" not in network_lab.run("ip", "address")
    # A browser gets no event for a handover: its old socket still reads as open, but its packets are dropped.
    assert await stopped(page, "wsTicks", 1)
    assert await page.evaluate("ws.readyState") == 1
    opened = "new Promise(done => { const fresh = new WebSocket(ws.url); fresh.onopen = () => done(true); })"
    assert await page.evaluate(opened)


async def test_random_loss_drops_about_its_percentage(page: Page, network_lab: NetworkLab) -> None:
    before = network_lab.counters()
    network_lab.random_loss(30)
    await asyncio.sleep(2)  # the period over which packets are counted
    network_lab.restore()
    after = network_lab.counters()
    dropped, passed = after.dropped - before.dropped, after.passed - before.passed
    assert 0.1 < dropped / (dropped + passed) < 0.5
    await both_tick(page)


@pytest.mark.usefixtures("page")
async def test_browser_in_the_lab_contacts_no_other_host(network_lab: NetworkLab) -> None:
    assert network_lab.departures() == []


async def test_request_to_a_public_stun_server_is_a_departure(open_browser: OpenBrowser, peer: Peer) -> None:
    with fresh_lab() as lab:
        page = await (await open_browser(lab=lab)).new_page()
        await page.goto(peer.origin)  # the address of another lab, yet no departure: it belongs to this machine
        await page.evaluate("""async () => {
            const pc = new RTCPeerConnection({iceServers: [{urls: 'stun:stun.example.org'}]});
            pc.createDataChannel('any');
            await pc.setLocalDescription();
        }""")
        await until(lambda: any(departure.port == 53 for departure in lab.departures()), 5, "a departure")


def send_datagram(lab: NetworkLab, address: str, port: int) -> None:
    program = "import socket, sys; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], int(sys.argv[2])))"
    lab.run(sys.executable, "-c", program, address, str(port))


def test_departures_list_addresses_and_ports_of_other_hosts() -> None:
    with fresh_lab() as lab:
        send_datagram(lab, lab.host_address, 4443)
        assert lab.departures() == []
        send_datagram(lab, "203.0.113.7", 3478)
        send_datagram(lab, "203.0.113.7", 3478)
        send_datagram(lab, lab.host_address, 53)
        found = {(departure.address, departure.port): departure.packets for departure in lab.departures()}
        assert found == {("203.0.113.7", 3478): 2, (lab.host_address, 53): 1}


async def test_verify_silence_fails_on_a_working_network() -> None:
    with fresh_lab() as lab:

        async def send_packets() -> None:
            for _ in range(5):
                await asyncio.to_thread(send_datagram, lab, lab.host_address, 4443)

        chatting = asyncio.create_task(send_packets())
        with pytest.raises(LabError, match="packets passed"):
            await lab.verify_silence(0.5)
        await chatting


def test_labs_are_independent_and_removed_afterwards() -> None:
    with fresh_lab() as one, fresh_lab() as other:
        assert one.namespace != other.namespace
        one.silent_drop()
        send_datagram(other, other.host_address, 4443)
        assert other.counters().to_host_passed == 1
        names = (one.namespace, other.namespace)
    assert not any(name in listing("ip", "netns", "list") for name in names)
    assert not any(name.replace("-", "_") in listing("nft", "list", "tables") for name in names)


def test_leftovers_of_a_crashed_run_are_removed_by_the_next() -> None:
    crash = textwrap.dedent("""
        import os, subprocess, sys
        from pyvidu.testing import NetworkLab
        lab = NetworkLab()
        inside = subprocess.Popen(["ip", "netns", "exec", lab.namespace, "sleep", "600"], stdout=-3, stderr=-3)
        print(lab.namespace, inside.pid, lab.wrap("/bin/true").parent, flush=True)
        os._exit(9)
    """)
    skip_without_lab()
    printed = subprocess.run([sys.executable, "-c", crash], capture_output=True, text=True, check=False).stdout.split()
    namespace, pid, folder = printed[0], int(printed[1]), Path(printed[2])
    assert folder.exists()
    assert namespace in listing("ip", "netns", "list")
    # The next labs take the lowest free slots, the crashed lab's among them.
    with fresh_lab() as lab:
        assert lab.namespace == namespace
        assert str(pid) not in listing("ip", "netns", "pids", namespace).split()
        assert lab.counters().passed == 0
        assert not folder.exists()
    assert namespace not in listing("ip", "netns", "list")


def skip_without_lab() -> None:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)


def fresh_lab() -> NetworkLab:
    skip_without_lab()
    return NetworkLab()


def listing(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
