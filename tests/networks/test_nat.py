"""A router whose NAT forgets its mappings: the call goes on, and only what is lost is made anew."""

from __future__ import annotations

from tests.browser.drops import OUTAGE, DroppedCall
from tests.networks.watched import watch, went_on


async def test_nat_forgets_its_udp_mappings_and_nothing_is_told_or_renegotiated(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "the NAT forgets UDP") as found:
        with found.fault():
            assert routed_call.lab.router.forget_udp() > 0
        await routed_call.both_move(10)
    await went_on(found)
    assert routed_call.ada.events(*OUTAGE) == []
    assert routed_call.renegotiated() == []


async def test_nat_forgets_everything_and_the_session_goes_on_over_a_new_connection(routed_call: DroppedCall) -> None:
    async with watch(routed_call, "the NAT forgets everything") as found:
        with found.fault():
            assert routed_call.lab.router.forget_all() > 0
        await routed_call.ada.told("reconnected", 10)
        await routed_call.both_move(10)
    await went_on(found)
    assert routed_call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
