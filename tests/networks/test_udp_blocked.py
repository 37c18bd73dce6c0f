"""A network that carries no UDP at all, after a handover to it: without a TURN server, and with one that takes TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import DroppedCall
from tests.networks.coturn import USER, coturn, why_not
from tests.networks.watched import watch, went_on


def block(lab: NetworkLab) -> None:
    """Give the guest another address, from and to which UDP is dropped."""
    lab.media_only_drop()
    lab.address_change()


async def test_without_turn_the_page_is_told_chat_goes_on_and_media_returns_with_udp(routed_call: DroppedCall) -> None:
    call = routed_call
    async with watch(call, "UDP blocked, no TURN") as found:
        with found.fault():
            block(call.lab)
            ended = asyncio.create_task(asyncio.sleep(20))  # the length of the fault
            await call.ada.told("streamFrozen", 19, count=2)
            await call.ada.python("await session.signal(data='still here')")
            await call.bob.told("signal:signal", 10)
            await ended
        await call.both_move(30)
    await went_on(found, within=30)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call_with_turn(
    routed_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    """Give a call whose server announces a TURN server, which is not needed while UDP works."""
    if reason := why_not():
        pytest.skip(reason)
    host = routed_lab.host_address
    async with coturn(host) as turn:
        announced = "--turn-url", turn.url, "--turn-url", f"{turn.url}?transport=tcp", "--turn-username", USER
        server = await pyvidu_server(*announced, host=host, env={"PYVIDU_SERVE_TURN_CREDENTIAL": turn.credential})
        yield await DroppedCall.begin(routed_lab, open_browser, server, "relayed")
        routed_lab.restore()


async def test_with_turn_media_flows_by_tcp_while_udp_is_blocked(call_with_turn: DroppedCall) -> None:
    call = call_with_turn
    async with watch(call, "UDP blocked, TURN over TCP") as found:
        with found.fault():
            block(call.lab)
            ended = asyncio.create_task(asyncio.sleep(20))  # the length of the fault
            await asyncio.sleep(1)  # until what came before the block has been presented
            await call.both_move(15)
            await ended
        await call.both_move(15)
    await went_on(found)
