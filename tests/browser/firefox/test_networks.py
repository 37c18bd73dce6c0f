"""The networks of everyday life that Firefox may take differently (`make test-firefox`): NAT, UDP blocked, one way dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from pyvidu.testing import BrowserName, LabFault, NetworkLab, lab_unavailable_reason
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import OUTAGE, DroppedCall
from tests.networks.watched import watch, went_on


@pytest.fixture(scope="module")
def routed_lab() -> Iterator[NetworkLab]:
    """Give a lab whose guest is behind a router with NAT."""
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab(router=True) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    routed_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    """Give a call: Ada has Firefox and is behind the router, Bob has Chromium and is not."""
    browsers: tuple[BrowserName, BrowserName] = ("firefox", "chromium")
    yield await DroppedCall.begin(routed_lab, open_browser, pyvidu_server, "networks", browsers=browsers)
    routed_lab.restore()
    assert routed_lab.departures() == [], "neither the page nor its browser talks to anybody else"


async def test_nat_forgets_its_udp_mappings(call: DroppedCall) -> None:
    async with watch(call, "Firefox: the NAT forgets UDP") as found:
        with found.fault():
            assert call.lab.router.forget_udp() > 0
        await call.both_move(15)
    await went_on(found)


async def test_nat_forgets_everything(call: DroppedCall) -> None:
    async with watch(call, "Firefox: the NAT forgets everything") as found:
        with found.fault():
            assert call.lab.router.forget_all() > 0
        await call.ada.told("reconnected", 15)
        await call.both_move(15)
    await went_on(found)


@pytest.mark.parametrize("fault", ["uplink", "downlink"])
async def test_one_way_is_dead_for_9_s(call: DroppedCall, fault: LabFault) -> None:
    async with watch(call, f"Firefox: {fault} dead") as found:
        with found.fault(), call.lab.dropped(fault):
            await asyncio.sleep(9)  # the length of the fault
            told = call.ada.events(*OUTAGE)
        await call.ada.told("reconnected", 15)
        await call.both_move(15)
    assert told == ["reconnecting"]
    await went_on(found)


async def test_udp_is_blocked_for_20_s_after_a_handover(call: DroppedCall) -> None:
    async with watch(call, "Firefox: UDP blocked") as found:
        with found.fault():
            call.lab.media_only_drop()
            call.lab.address_change()
            ended = asyncio.create_task(asyncio.sleep(20))  # the length of the fault
            await call.ada.told("streamFrozen", 19, count=2)
            await ended
        await call.both_move(30)
    await went_on(found, within=30)
