"""The three scenarios with real packets: openvidu-browser 2.32.2 is dropped, pyvidu is the peer that watches.

The official client decides how fast it comes back: the bounds here are generous. The server decides whether it can.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from pyvidu.testing import NetworkLab, RunningServer
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, MessageLog, Rest
from tests.interop.official import OfficialPage, sees
from tests.waiting import until

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")
OFFICIAL_HEARTBEAT = 5.0  # seconds: its ping period, and its timeout for the answer
COMING_AND_GOING = ("streamCreated", "streamDestroyed", "connectionCreated", "connectionDestroyed")


@dataclass
class Call:
    """Ana (openvidu-browser) is in the lab and will be dropped; Pia (pyvidu) is outside and watches."""

    server: RunningServer
    lab: NetworkLab
    ana: OfficialPage
    pia: CallPage
    messages: MessageLog
    report: Callable[[str, object], None] = lambda _what, _seconds: None
    began: float = 0.0
    returned: float = 0.0

    async def settle(self) -> None:
        """Wait until the drop has no more effect: what the server sends reaches Ana again.

        After a silent drop TCP takes its time to retransmit. If that delays the answer to a ping, openvidu-browser reconnects
        after the return. Signals sent at such a moment are lost and their promises never settle, so the signal is repeated.
        """
        signal = "void session.signal({type: 'settled', to: [session.connection]}).catch(() => {})"
        async with asyncio.timeout(30):
            while not self.ana.events("signal:settled"):
                await self.ana.js(signal)
                await asyncio.sleep(0.25)  # between two signals

    async def phase(self) -> None:
        """Wait so that Ana's next ping goes out 1.5 to 2.5 s into a drop: she detects it 5 s later, while the network is
        away, and her SYNs then go out often enough for her to be back before the eviction.
        """
        pings = functools.partial(self.messages.requests, "ping", self.ana.connection_id)
        await until(lambda: bool(pings()), 2 * OFFICIAL_HEARTBEAT, "a ping of Ana's")
        # Until 2 s before her next ping.
        await asyncio.sleep((pings()[-1]["time"] + OFFICIAL_HEARTBEAT - 2 - time.time()) % OFFICIAL_HEARTBEAT)

    async def drop(self, seconds: float, *, dead_media: bool = False) -> None:
        """Drop Ana's packets for so many seconds, and ignore the events before it."""
        await self.settle()
        await self.phase()
        self.ana.clear_events()
        self.pia.clear_events()
        self.messages.restart()
        self.began = time.monotonic()
        with self.lab.dropped("silent", dead_media=dead_media):
            await self.lab.verify_silence(0.3)
            await asyncio.sleep(seconds - 0.3)  # the rest of the drop
        self.returned = time.monotonic()

    async def move_again(self, timeout: float = 20.0) -> None:
        """Wait for new frames in both directions."""

        async def seen_by(page: CallPage, what: str) -> None:
            await page.moves(timeout)
            self.report(what, round(time.monotonic() - self.returned, 2))

        await asyncio.gather(seen_by(self.ana, "own view moves"), seen_by(self.pia, "the other's view moves"))

    def renegotiated(self) -> list[str]:
        """Return the streams that Ana renegotiated, sorted."""
        return sorted(entry["stream"] for entry in self.messages.requests("reconnectStream", self.ana.connection_id))

    async def has_come_back(self) -> None:
        """Check the outage events of Ana: none (the official client may miss a short outage) or both of a pair."""
        await self.settle()
        if self.ana.events("reconnecting"):
            back = await self.ana.told("reconnected", 15)
            self.report("reconnecting, after the drop", round(self.ana.log[0].at - self.began, 2))
            self.report("reconnected, after the return", round(back.at - self.returned, 2))
        assert self.ana.events(*OUTAGE) in ([], ["reconnecting", "reconnected"])

    def no_joins_or_leaves(self) -> bool:
        """Return whether neither client fired an event of coming, going or (Pia) an outage."""
        return (
            self.ana.events(*COMING_AND_GOING) == self.pia.events(*COMING_AND_GOING) == self.pia.events(*OUTAGE) == []
        )


@pytest.fixture(scope="module")
def negotiation() -> str:
    """Return who offers what is received; test_server_offers_drops.py has another."""
    return "client-offers"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer, negotiation: str
) -> AsyncIterator[Call]:
    server = await pyvidu_server("--negotiation", negotiation, lab=network_lab)
    rest = Rest(server)
    inside = await open_browser(lab=network_lab, secure_origins=(server.origin,))
    outside = await open_browser(secure_origins=(server.origin,))
    ana, pia = await OfficialPage.open(inside, server, "ana"), await CallPage.open(outside, server, "pia")
    await ana.join(await rest.token("drops"))
    await pia.join(await rest.token("drops"))
    await asyncio.gather(ana.moves(), pia.moves())
    yield Call(server, network_lab, ana, pia, MessageLog(server))
    network_lab.restore()


@pytest_asyncio.fixture(loop_scope="module")
async def call(started: Call, record_property: Callable[[str, object], None]) -> Call:
    def report(name: str, value: object) -> None:
        record_property(name, value)
        logging.getLogger(__name__).info("%s: %s s", name, value)

    started.report = report
    return started


async def test_official_client_and_its_peer_contact_no_other_host(call: Call) -> None:
    assert call.lab.departures() == []


async def test_scenario_1_official_client_continues_after_4_s_without_renegotiation(call: Call) -> None:
    before = await call.ana.picture()
    await call.drop(4)
    await call.move_again()
    await call.has_come_back()
    assert call.renegotiated() == []
    assert await call.ana.picture() == before
    assert call.no_joins_or_leaves()


async def test_scenario_3_official_client_continues_after_9_s_without_renegotiating_working_media(call: Call) -> None:
    before = await call.ana.picture()
    await call.drop(9)
    await call.move_again()
    await call.has_come_back()
    assert call.renegotiated() == []
    assert await call.ana.picture() == before
    assert call.no_joins_or_leaves()
    await call.ana.js("session.signal({data: 'back', type: 'after-9-s', to: [...session.remoteConnections.values()]})")
    assert (await call.pia.told("signal:after-9-s")).data == "back"


async def test_scenario_3_official_client_renegotiates_both_dead_streams_after_9_s(call: Call) -> None:
    await call.ana.js("publisher.publishAudio(false)")
    await call.pia.told("streamPropertyChanged")
    before = await call.ana.picture()
    await call.drop(9, dead_media=True)
    await call.move_again()
    await call.has_come_back()
    after = await call.ana.picture()
    assert set(call.renegotiated()) == set(before["streams"])
    assert (after["streams"], after["elements"]) == (before["streams"], before["elements"])
    assert await sees(call.pia, call.ana) == {"audio": False, "video": True}, "muted stays muted"
    assert call.no_joins_or_leaves()
    await call.ana.js("publisher.publishAudio(true)")


async def test_scenario_2_official_client_is_evicted_after_14_s_and_the_peer_is_notified_before(call: Call) -> None:
    await call.drop(14)
    gone = await call.pia.told("connectionDestroyed", 1)
    assert gone.at < call.returned, "the others are told while the victim is still away"
    assert call.pia.events(*COMING_AND_GOING) == [
        "streamDestroyed(networkDisconnect)",
        "connectionDestroyed(networkDisconnect)",
    ]
    lost = await call.ana.told("sessionDisconnected", 40)
    call.report("told of the eviction, after the return", round(lost.at - call.returned, 2))
    assert call.ana.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
    assert call.ana.events("streamDestroyed", whose="publisher") == ["streamDestroyed(networkDisconnect)"]
    await call.ana.join(await Rest(call.server).token("drops"))
    await asyncio.gather(call.ana.moves(), call.pia.moves())
    assert call.lab.departures() == []
