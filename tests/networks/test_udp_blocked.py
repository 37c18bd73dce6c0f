"""A network that carries no UDP at all, after a handover to it: without a TURN server, and with one over TCP or TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from benchmarks.tls import self_signed
from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import DroppedCall
from tests.networks.coturn import coturn, why_not
from tests.networks.relayed import ways
from tests.networks.selected import remembering
from tests.networks.watched import watch, went_on
from tests.waiting import until


def block(lab: NetworkLab) -> None:
    """Give the guest another address, from and to which UDP is dropped."""
    lab.media_only_drop()
    lab.address_change()


async def test_without_turn_the_page_is_told_chat_goes_on_and_media_returns_with_udp(routed_call: DroppedCall) -> None:
    call = routed_call
    async with watch(call, "UDP blocked, no TURN") as found:
        with found.fault():
            block(call.lab)
            ended = asyncio.create_task(asyncio.sleep(12))  # the length of the fault
            await call.ada.told("streamFrozen", 11, count=2)
            await call.ada.python("await session.signal(data='still here')")
            await call.bob.told("signal:signal", 10)
            await ended
        await call.both_move(30)
    await went_on(found, within=30)


async def test_udp_that_is_blocked_alone_is_told_within_2500_ms_and_nothing_is_renegotiated_if_it_returns_soon(
    routed_call: DroppedCall,
) -> None:
    call = routed_call
    await asyncio.sleep(4)  # of streams that were negotiated anew the rhythm is learnt first
    async with watch(call, "UDP alone blocked") as found:
        with found.fault():
            call.lab.media_only_drop()
            await call.ada.told("streamFrozen", 4, count=2)
        await call.both_move(10)
    assert min(item.at for item in found.told if item.name == "streamFrozen") - found.began < 2.5
    assert not call.renegotiated()
    await went_on(found)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["tcp", "tls"])
async def call_with_turn(
    request: pytest.FixtureRequest,
    routed_lab: NetworkLab,
    open_browser: OpenBrowser,
    pyvidu_server: StartServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[DroppedCall]:
    """Give a call whose server announces a TURN server, which is not needed while UDP works."""
    if reason := why_not():
        pytest.skip(reason)
    host = routed_lab.host_address
    certificate = self_signed(tmp_path_factory.mktemp("turn"), host)
    async with coturn(host, certificate) as turn:
        flags, environment = turn.announced(*([turn.tls_url] if request.param == "tls" else []))
        server = await pyvidu_server(*flags, host=host, env=environment)

        async def open_one(*args: Any, **options: Any) -> BrowserContext:
            return await remembering(await open_browser(*args, args=certificate.browser_args, **options))

        call = await DroppedCall.begin(routed_lab, open_one, server, "relayed")
        yield call
        routed_lab.restore()
        for page in (call.ada, call.bob):  # two calls at a time are too much for two cores
            await page.page.context.close()


async def test_with_turn_media_flows_both_ways_within_5_s_of_the_block(call_with_turn: DroppedCall) -> None:
    call = call_with_turn
    async with watch(call, "UDP blocked, TURN over TCP or TLS") as found:
        with found.fault():
            block(call.lab)
            ended = asyncio.create_task(asyncio.sleep(8))  # the length of the fault
            await asyncio.sleep(1)  # until what came before the block has been presented
            await call.both_move(4)
            blocked = await ways(call.ada)
            await ended
        await call.both_move(15)
    assert [kind for kind, *_ in blocked] == ["relay"] * 2, blocked
    await went_on(found)
    await until(partial(goes_directly, call), 10)  # Chromium remembers the direct path for half a minute or so


@pytest.mark.parametrize("call_with_turn", ["tcp"], indirect=True)
async def test_call_that_the_browser_has_left_at_the_relay_goes_directly_from_the_next_network_on(
    call_with_turn: DroppedCall,
) -> None:
    call = call_with_turn
    async with watch(call, "UDP blocked, TURN over TCP, a network with UDP") as found:
        with found.fault():
            block(call.lab)
            call.lab.kill_media()  # the direct paths do not come back
            await asyncio.sleep(1)  # until what came before the block has been presented
            await call.both_move(4)
            await asyncio.sleep(3)  # the rest of the fault
        await call.both_move(5)
        assert not await goes_directly(call)
        call.lab.address_change()
        await until(partial(goes_directly, call), 10)
        await call.both_move(5)
    await went_on(found)


async def goes_directly(call: DroppedCall) -> bool:
    """Return whether none of Ada's media goes by a relay."""
    found = await ways(call.ada)
    return len(found) == 2 and all(kind not in ("relay", None) for kind, *_ in found)
