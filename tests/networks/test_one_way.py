"""One direction dead, or one protocol: what is told, and that the call goes on when it works again."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.testing import LabFault
from tests.browser.drops import OUTAGE, DroppedCall
from tests.browser.scenarios import back_after_14_s_the_session_is_over
from tests.networks.watched import watch, went_on


@pytest.mark.parametrize("fault", ["uplink", "downlink", "signaling-only"])
async def test_outage_is_told_and_ends_when_it_works_again(routed_call: DroppedCall, fault: LabFault) -> None:
    async with watch(routed_call, f"{fault} dead") as found:
        with found.fault(), routed_call.lab.dropped(fault):
            await asyncio.sleep(9)  # the length of the fault
            told = routed_call.ada.events(*OUTAGE)
        await routed_call.ada.told("reconnected", 10)
        await routed_call.both_move(10)
    assert told == ["reconnecting"]
    await went_on(found)
    assert routed_call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]


async def test_dead_signaling_for_14_s_ends_the_session_although_media_flows(routed_call: DroppedCall) -> None:
    await back_after_14_s_the_session_is_over(routed_call, "signaling-only")
