"""A network with IPv6 alone, and one with both of which one dies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from pyvidu.testing import LabError, NetworkLab, WrongArgumentError, lab_unavailable_reason
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from pyvidu.testing.inside import call_inside
from tests.browser.calls import CallPage, Rest
from tests.browser.drops import DroppedCall
from tests.networks.watched import watch, went_on


@pytest.fixture(scope="module")
def dual_lab() -> Iterator[NetworkLab]:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab(ipv6=True) as lab:
        yield lab


def arrives(lab: NetworkLab, address: str) -> bool:
    """Return whether a datagram of the guest arrives at an address of the host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as host,
        call_inside(lab.namespace, lambda: socket.socket(family, socket.SOCK_DGRAM)) as guest,
    ):
        host.bind((address, 0))
        host.settimeout(0.3)
        guest.sendto(b"any", host.getsockname())
        try:
            return host.recv(100) == b"any"
        except TimeoutError:
            return False


def test_each_family_is_dropped_alone_and_killed_and_noted(dual_lab: NetworkLab) -> None:
    four, six = dual_lab.host_address, dual_lab.host_address6
    assert arrives(dual_lab, four)
    assert arrives(dual_lab, six)
    with dual_lab.dropped("ipv4"):
        assert not arrives(dual_lab, four)
        assert arrives(dual_lab, six)
    with dual_lab.dropped("ipv6"):
        assert arrives(dual_lab, four)
        assert not arrives(dual_lab, six)
    with dual_lab.dropped("link"):
        assert "state DOWN" in dual_lab.run("ip", "link")
    dual_lab.address_change()
    dual_lab.lose_address()
    dual_lab.gain_address()
    assert arrives(dual_lab, four)
    assert arrives(dual_lab, six)
    assert dual_lab.kill_media() >= 2
    dual_lab.revive()
    assert dual_lab.departures() == []
    with call_inside(dual_lab.namespace, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as guest:
        guest.sendto(b"any", ("2001:db8::7", 3478))
    assert [(found.address, found.port) for found in dual_lab.departures()] == [("2001:db8::7", 3478)]


def test_ipv6_has_to_be_asked_for_and_not_with_a_router() -> None:
    with pytest.raises(WrongArgumentError, match="not both"):
        NetworkLab(router=True, ipv6=True)
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab() as plain, pytest.raises(LabError, match="ipv6=True"):
        _ = plain.host_address6


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["host_address", "host_address6"])
async def dual_call(
    request: pytest.FixtureRequest, dual_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    """Give a call over the one family: the server listens, and offers media, at an address of that alone."""
    dual_lab.restore()
    server = await pyvidu_server(host=getattr(dual_lab, request.param))
    call = await DroppedCall.begin(dual_lab, open_browser, server, "dual")
    yield call
    dual_lab.restore()
    for page in (call.ada, call.bob):
        await page.page.context.close()


async def test_death_of_the_family_that_a_call_does_not_use_is_no_outage_and_media_goes_on(
    dual_call: DroppedCall,
) -> None:
    other = "ipv4" if ":" in dual_call.server.host else "ipv6"
    async with watch(dual_call, f"{other} dies, signaling is over the other") as found:
        with found.fault(), dual_call.lab.dropped(other):
            ended = asyncio.create_task(asyncio.sleep(6))  # the length of the fault
            await asyncio.sleep(1)  # until what came before the fault has been presented
            await dual_call.both_move(5)
            await ended
        await dual_call.both_move(10)
    await went_on(found)
    assert dual_call.ada.events("sessionDisconnected") == []


@pytest.mark.parametrize("dual_call", ["host_address6"], indirect=True)
async def test_page_with_ipv6_alone_joins_and_sees_the_others(dual_call: DroppedCall) -> None:
    with dual_call.lab.dropped("ipv4"):
        eve = await CallPage.open(dual_call.ada.page.context, dual_call.server, "eve")
        await eve.join(await Rest(dual_call.server).token("dual"), publish=False)
        await eve.moves(15, more=20)
        await eve.page.close()
