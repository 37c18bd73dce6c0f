"""Links that lose packets at random, or let them wait in a long queue; `test_sound_first.py` has narrower ones."""

from __future__ import annotations

import asyncio

from tests.browser.drops import DroppedCall
from tests.networks.watched import paused_videos, watch, went_on


async def test_quarter_of_the_packets_lost_both_ways_evicts_nobody(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "25 % lost both ways") as found:
        with found.fault():
            routed_call.lab.random_loss(25)
            await asyncio.sleep(10)  # the length of the fault
        await routed_call.both_move(10)
    await went_on(found)
    assert paused_videos(found) == [], "less video would not be lost less"


async def test_most_packets_lost_on_the_way_up_evicts_nobody(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "60 % lost on the way up") as found:
        with found.fault():
            routed_call.lab.random_loss(60, "up")
            await asyncio.sleep(10)  # the length of the fault
        await routed_call.both_move(10)
    await went_on(found)


async def test_queue_of_3_s_both_ways_evicts_nobody(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "100 kbit/s, a queue of 3 s") as found:
        with found.fault():
            routed_call.lab.router.queue(100, 3)
            await asyncio.sleep(12)  # the length of the fault
        await routed_call.both_move(15)
    await went_on(found)
