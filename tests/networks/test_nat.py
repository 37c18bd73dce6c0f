"""A router whose NAT forgets its mappings: the call goes on, and only what is lost is made anew."""

from __future__ import annotations

from tests.browser.drops import COMING_AND_GOING, OUTAGE, DroppedCall
from tests.networks.holes import holes


async def test_nat_forgets_its_udp_mappings_and_nobody_is_told_and_nothing_renegotiated(
    routed_call: DroppedCall,
) -> None:
    call = routed_call
    before = await call.ada.picture()
    call.clear_events()
    async with holes(call) as longest:
        assert call.lab.router.forget_udp() > 0
        await call.both_move(10)
    print(f"UDP mappings forgotten; {longest}")  # noqa: T201  pytest shows it with -s
    assert call.ada.events(*OUTAGE) == call.bob.events(*OUTAGE) == []
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []
    assert call.renegotiated() == []
    assert await call.ada.picture() == before


async def test_nat_forgets_everything_and_the_session_goes_on_over_a_new_connection(routed_call: DroppedCall) -> None:
    call = routed_call
    before = await call.ada.picture()
    call.clear_events()
    async with holes(call) as longest:
        assert call.lab.router.forget_all() > 0
        reconnected = await call.ada.told("reconnected", 10)
        await call.both_move(10)
    reconnecting = await call.ada.told("reconnecting")
    print(f"everything forgotten; back {reconnected.at - reconnecting.at:.2f} s after it was told; {longest}")  # noqa: T201
    await call.ada.told("outageSettled")
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*OUTAGE, *COMING_AND_GOING) == []
    after = await call.ada.picture()
    assert {**after, "tracks": None} == {**before, "tracks": None}, "same streams, same elements"
