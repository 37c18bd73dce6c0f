"""One direction dead, or one protocol: what is told, and that the call goes on when it works again."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.testing import LabFault
from tests.browser.calls import CallPage
from tests.browser.drops import OUTAGE, DroppedCall
from tests.networks.watched import Watched, watch, went_on


# Dead signaling is first: within 10 s of an outage at whose end the old socket answered, probes hasten nothing.
@pytest.mark.parametrize("fault", ["signaling-only", "uplink", "downlink"])
async def test_outage_is_told_and_ends_when_it_works_again(routed_call: DroppedCall, fault: LabFault) -> None:
    await asyncio.sleep(5)  # the rhythm of both streams is learnt
    async with watch(routed_call, f"{fault} dead") as found:
        with found.fault(), routed_call.lab.dropped(fault):
            await asyncio.sleep(6)  # the length of the fault
            told = routed_call.ada.events(*OUTAGE)
        await routed_call.ada.told("reconnected", 10)
        await routed_call.both_move(10)
    assert told == ["reconnecting"]
    await went_on(found)
    assert routed_call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    told_after = _told_after(found, routed_call.ada)
    if fault == "signaling-only":  # beside living media
        # 2.4 s and what a busy machine adds.
        assert told_after <= 3.0, await routed_call.ada.call("outages")


async def test_who_is_still_seen_is_not_evicted_after_14_s_without_signaling(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "signaling dead for 14 s") as found:
        with found.fault(), routed_call.lab.dropped("signaling-only"):
            await asyncio.sleep(14)  # the length of the fault
        await routed_call.ada.told("reconnected", 10)
    await went_on(found)


async def test_who_receives_nothing_is_told_of_a_silent_drop_by_missing_reports(routed_call: DroppedCall) -> None:
    call = routed_call
    await call.bob.python("await session.unpublish(publisher)")
    await asyncio.sleep(8)  # the rhythm of the reports is learnt
    async with watch(call, "silent, nothing received") as found:
        with found.fault(), call.lab.dropped("silent"):
            await asyncio.sleep(4)  # the length of the fault
        await call.ada.told("reconnected", 10)
    assert await call.ada.python("session.outages[-1].witness") == "no reports"
    assert _told_after(found, call.ada) <= 1.5


def _told_after(found: Watched, page: CallPage) -> float:
    told = next(item for item in page.log if item.name == "reconnecting")
    print(f"told after {told.at - found.began:.2f} s")  # noqa: T201  pytest shows it with -s
    return told.at - found.began
