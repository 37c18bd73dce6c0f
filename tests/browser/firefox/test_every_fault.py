"""Every fault of the network lab once in Firefox (`make test-firefox`), and calls in which the other browser is dropped.

Whatever happened, within seconds of the return both see each other move again, and nobody is told of anything twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyvidu.testing import BrowserName, NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage
from tests.browser.drops import COMING_AND_GOING, OUTAGE, DroppedCall
from tests.browser.scenarios import back_after_14_s_the_session_is_over

CALLS: tuple[tuple[BrowserName, BrowserName], ...] = (
    ("firefox", "chromium"),
    ("chromium", "firefox"),
    ("firefox", "firefox"),
)


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=CALLS, ids=["firefox-drops", "chromium-drops", "two-firefoxes"]
)
async def call(
    request: pytest.FixtureRequest, network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    opened = []

    async def open_one(name: BrowserName, **where: object) -> object:
        opened.append(await open_browser(name, **where))
        return opened[-1]

    yield await DroppedCall.begin(network_lab, open_one, pyvidu_server, "drops", browsers=request.param)
    network_lab.restore()
    assert network_lab.departures() == [], "neither the page nor its browser talks to anybody else"
    for browser in opened:
        await browser.close()


def firefox_drops(call: DroppedCall) -> bool:
    """Return whether Ada, who is dropped, has Firefox."""
    return call.ada.page.context.browser.browser_type.name == "firefox"


@pytest.mark.parametrize("dead_media", [False, True], ids=["media-lives", "media-is-dead"])
async def test_silent_drop_of_9_s(call: DroppedCall, dead_media: bool) -> None:
    before = await call.ada.picture()
    await call.drop("silent", 9, dead_media=dead_media)
    reconnected = await call.ada.told("reconnected", 3)
    await call.move_within(5)
    settled = await call.ada.told("outageSettled")
    after = await call.ada.picture()
    renegotiated = sorted(call.renegotiated())
    if dead_media:
        assert renegotiated == sorted(before["streams"])
    elif firefox_drops(call):  # whose ICE may have failed meanwhile
        assert len(set(renegotiated)) == len(renegotiated)
    else:
        assert renegotiated == []
    assert {**after, "tracks": None} == {**before, "tracks": None}, "same streams, same elements"
    assert after["tracks"][:2] == before["tracks"][:2], "the camera's own tracks go on"
    # Without the counters of RTCP it takes until Firefox's next consent check, up to 5 s.
    assert settled.at - reconnected.at < 3
    nothing_but_the_outage(call)


@pytest.mark.parametrize("seconds", [4, 9])
async def test_link_drop(call: DroppedCall, seconds: int) -> None:
    await call.drop("link", seconds)
    await call.ada.told("reconnected", 5)
    await call.move_within(6)
    await call.ada.told("outageSettled")
    nothing_but_the_outage(call)


async def test_another_address_after_4_s(call: DroppedCall) -> None:
    before = await call.ada.picture()
    await call.drop("handover", 4)
    await call.ada.told("reconnected", 5)
    await call.move_within(8)
    await call.ada.told("outageSettled")
    after = await call.ada.picture()
    assert {**after, "tracks": None} == {**before, "tracks": None}
    assert set(call.renegotiated()) == set(before["streams"])
    nothing_but_the_outage(call)


async def test_udp_that_is_gone_for_10_s(call: DroppedCall) -> None:
    await call.drop("media-only", 10)
    await call.move_within(8)
    assert call.ada.events(*OUTAGE) == call.bob.events(*OUTAGE) == []
    await without_frozen_streams(call.ada)
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []


async def test_tcp_that_is_gone_for_9_s_renegotiates_nothing(call: DroppedCall) -> None:
    await call.drop("signaling-only", 9)
    await call.ada.told("reconnected", 5)
    await call.move_within(4)
    await call.ada.told("outageSettled")
    assert call.renegotiated() == []
    nothing_but_the_outage(call)


async def test_loss_of_a_fifth_of_the_packets_for_8_s(call: DroppedCall) -> None:
    call.clear_events()
    call.lab.random_loss(20)
    await asyncio.sleep(8)  # the length of the fault
    call.lab.restore()
    await call.both_move(8)
    assert "sessionDisconnected" not in call.ada.events(), "nobody is evicted"
    await without_frozen_streams(call.ada)
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []


async def test_silent_drop_of_14_s_ends_the_session(call: DroppedCall) -> None:
    await back_after_14_s_the_session_is_over(call)


def nothing_but_the_outage(call: DroppedCall) -> None:
    """Check that Ada was told of one outage, and Bob of nothing."""
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert len(call.ada.events("streamFrozen")) == len(call.ada.events("streamRecovered"))
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*OUTAGE, *COMING_AND_GOING) == []


async def without_frozen_streams(page: CallPage) -> None:
    """Wait until each stream that was reported frozen is reported to have recovered."""
    for count in range(1, len(page.events("streamFrozen")) + 1):
        await page.told("streamRecovered", 10, count=count)
