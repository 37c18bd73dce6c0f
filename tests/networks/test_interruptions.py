"""Interruptions of everyday life: portals, flaps, networks that come back slowly, another address, a VPN."""

from __future__ import annotations

import asyncio
import json

from tests.browser.drops import OUTAGE, DroppedCall
from tests.networks.watched import paused_videos, watch, went_on


async def test_captive_portal_is_an_outage_and_its_answers_are_not_taken_for_the_server(
    routed_call: DroppedCall,
) -> None:
    async with watch(routed_call, "captive portal") as found:
        with found.fault():
            routed_call.lab.router.captive_portal()
            await asyncio.sleep(6)  # the length of the fault
            told, visits = routed_call.ada.events(*OUTAGE), routed_call.lab.router.portal_visits
            attempts = json.loads(await routed_call.ada.call("outages"))[-1]["attempts"]
            assert await routed_call.ada.page.evaluate("navigator.onLine") is True
        await routed_call.ada.told("reconnected", 10)
        await routed_call.both_move(10)
    assert visits > 0, "it asked, and the portal answered"
    assert told == ["reconnecting"], "never a false `reconnected`"
    print(f"{attempts} attempts, {visits} visits of the portal")  # noqa: T201
    assert attempts <= 8, "the first at once, then one every 3.75 s on average"
    await went_on(found)


async def test_network_that_loses_half_of_the_packets_when_it_comes_back_evicts_nobody(
    routed_call: DroppedCall,
) -> None:
    async with watch(routed_call, "slow return") as found:
        with found.fault():
            routed_call.lab.silent_drop()
            await routed_call.lab.verify_silence(5)  # the length of the fault
            routed_call.lab.random_loss(50)
            await asyncio.sleep(5)  # the length of the slow return
        await routed_call.both_move(10)
    await went_on(found)
    assert "reconnecting" in routed_call.ada.events(*OUTAGE)


async def test_flapping_link_evicts_nobody_and_each_outage_ends(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "6 flaps") as found:
        with found.fault():
            for _ in range(6):
                routed_call.lab.link_drop()
                await asyncio.sleep(0.7)  # the length of a drop
                routed_call.lab.link_up()
                await asyncio.sleep(0.7)  # the length of a return
        await routed_call.both_move(15)
        await asyncio.sleep(3)  # nothing may follow the last reconnection
    await went_on(found)
    assert routed_call.ada.events(*OUTAGE)
    assert paused_videos(found) == [], "what is lost in outages is not for want of bandwidth"


async def test_another_address_after_2_s_without_any_goes_on(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "new address after 2 s") as found:
        with found.fault():
            routed_call.lab.lose_address()
            await asyncio.sleep(2)  # the length of the fault
            routed_call.lab.gain_address()
        await routed_call.both_move(15)
    await went_on(found)
    assert "reconnecting" in routed_call.ada.events(*OUTAGE)


async def test_vpn_that_is_switched_on_and_off_evicts_nobody(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "VPN on") as found:
        with found.fault():
            pass
        routed_call.lab.router.vpn_on()
        # While this waits for its acknowledgement, what the server tells of the dead way up often waits too.
        await routed_call.bob.python("await session.signal(data='it waits')")
        await asyncio.sleep(1)  # until what came by the old path has been presented
        await routed_call.both_move(4)  # ICE alone takes 7 s to see that what is sent arrives nowhere
    await went_on(found)
    assert routed_call.ada.events("streamFrozen"), "the server has told"
    assert routed_call.ada.events("signal:signal") == ["signal:signal"]
    async with watch(routed_call, "VPN off") as found:
        with found.fault():
            pass
        await routed_call.both_move(15)
    await went_on(found)
