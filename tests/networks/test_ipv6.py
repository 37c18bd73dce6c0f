"""A network with IPv6 alone, and one with both of which one dies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address

import pytest
import pytest_asyncio

from pyvidu.testing import LabError, NetworkLab, WrongArgumentError, lab_unavailable_reason
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from pyvidu.testing.inside import call_inside
from tests.browser.calls import CallPage, MessageLog, Rest, known_as
from tests.browser.drops import OUTAGE, DroppedCall
from tests.networks.selected import remembering, selected
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
    named = {line.split()[0] for line in dual_lab.run("getent", "ahosts", dual_lab.host_name).splitlines()}
    assert set(map(ip_address, named)) == {ip_address(four), ip_address(six)}
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dual_call(
    dual_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    """Give a call whose server has both families: Ada, in the lab, knows it by a name with an address of each."""
    dual_lab.restore()
    departed = dual_lab.departures()  # in the tests before
    server = await pyvidu_server(host="::")
    server.url = f"http://{dual_lab.host_address}:{server.port}/"
    named = known_as(server, dual_lab.host_name)
    inside, outside = await asyncio.gather(
        open_browser("chromium", lab=dual_lab, secure_origins=[named.origin, server.origin]),
        open_browser("chromium", secure_origins=[server.origin]),
    )
    context, rest = await remembering(inside), Rest(server)
    ada, bob = await asyncio.gather(CallPage.open(context, named, "ada"), CallPage.open(outside, server, "bob"))
    await ada.join((await rest.token("dual")).replace(dual_lab.host_address, dual_lab.host_name))
    await bob.join(await rest.token("dual"))
    call = DroppedCall(server, dual_lab, ada, bob, MessageLog(server))
    await call.both_move(20)
    yield call
    dual_lab.restore()
    assert dual_lab.departures() == departed


async def families(page: CallPage) -> set[str]:
    """Return those of the selected pairs of all connections."""
    return {"IPv6" if ":" in remote["address"] else "IPv4" for _, remote in await selected(page)}


async def all_take(page: CallPage, family: str) -> None:
    """Wait until all connections take a family. IPv6 is preferred: Chromium moves there soon if IPv4 answered first."""
    async with asyncio.timeout(15):
        while await families(page) != {family}:
            await asyncio.sleep(0.1)  # between two looks


async def test_page_with_ipv6_alone_joins_and_others_do_not_notice_that_ipv4_is_gone(dual_call: DroppedCall) -> None:
    lab = dual_call.lab
    await all_take(dual_call.ada, "IPv6")
    async with watch(dual_call, "IPv4 dies, media takes IPv6") as found:
        with found.fault(), lab.dropped("ipv4"):
            ended = asyncio.create_task(asyncio.sleep(6))  # the length of the fault, at least
            eve = await CallPage.open(dual_call.ada.page.context, known_as(dual_call.server, lab.host_name), "eve")
            token = await Rest(dual_call.server).token("dual")
            await eve.join(token.replace(lab.host_address, lab.host_name), publish=False)
            await eve.moves(15, more=20)
            await eve.page.close()
            await ended
        await dual_call.both_move(5)
    assert dual_call.ada.events(*OUTAGE, "streamFrozen") == dual_call.bob.events(*OUTAGE, "streamFrozen") == []


async def test_call_goes_on_over_ipv4_when_ipv6_dies(dual_call: DroppedCall) -> None:
    await all_take(dual_call.ada, "IPv6")
    async with watch(dual_call, "IPv6 dies, media and signaling take it") as found:
        with found.fault(), dual_call.lab.dropped("ipv6"):
            ended = asyncio.create_task(asyncio.sleep(6))  # the length of the fault
            await asyncio.sleep(1)  # until what came before the fault has been presented
            await dual_call.both_move(5)
            assert await families(dual_call.ada) == {"IPv4"}
            await ended
        await dual_call.both_move(5)
    await went_on(found)
    assert dual_call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]


async def test_media_alone_that_loses_ipv6_is_told_and_goes_on_over_ipv4(dual_call: DroppedCall) -> None:
    server, lab, rest = dual_call.server, dual_call.lab, Rest(dual_call.server)
    ada = await CallPage.open(dual_call.ada.page.context, server, "ada")  # which knows the server by its IPv4 address
    bob = await CallPage.open(dual_call.bob.page.context, server, "bob")
    await ada.join(await rest.token("by-address"))
    await bob.join(await rest.token("by-address"))
    call = DroppedCall(server, lab, ada, bob, MessageLog(server))
    await call.both_move(20)
    await all_take(ada, "IPv6")
    await asyncio.sleep(3)  # until the rhythm of what is received is known
    async with watch(call, "IPv6 dies, media alone takes it") as found:
        with found.fault(), lab.dropped("ipv6"):
            await asyncio.sleep(1)  # until what came before the fault has been presented
            await call.both_move(5)
            assert await families(ada) == {"IPv4"}
        await call.both_move(5)
    await went_on(found)
    assert ada.events(*OUTAGE) == []
    assert len(ada.events("streamFrozen")) == 2
    assert len(call.messages.requests("reconnectStream", ada.connection_id)) == 2, "ICE alone renegotiates nothing"
