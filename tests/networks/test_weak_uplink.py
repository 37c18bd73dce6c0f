"""An uplink that does not carry the own video beside the sound: the video is not sent, which is told, until there is room."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from benchmarks.calm import busy_core
from tests.browser.calls import CallPage
from tests.browser.drops import DroppedCall
from tests.networks.test_sound_first import CONCEALED, LATE, sound
from tests.networks.watched import watch, went_on

PAUSES = ("streamVideoPaused", "streamVideoResumed")


def of_own_video(page: CallPage) -> list[str]:
    """Return the pauses that a page was told of its own video."""
    return [str(item) for item in page.log if item.name in PAUSES and page.connection_id in item.stream]


async def test_own_video_is_paused_for_the_sound_and_sent_again_when_the_uplink_is_better(
    routed_call: DroppedCall,
) -> None:
    call = routed_call
    await asyncio.sleep(5)  # the links before are forgotten
    async with watch(call, "75 kbit/s up, a queue of 3 s") as found:
        before = await sound(call.bob)
        with found.fault():
            call.lab.router.queue(75, 3, "up")
            paused = await call.ada.told("streamVideoPaused", 12)
            await asyncio.sleep(5)  # until what is queued has arrived
            without_video = await sound(call.bob)
            await asyncio.sleep(3)  # the rest of the fault
            after = await sound(call.bob)
        resumed = await call.ada.told("streamVideoResumed", 20, count=len(call.ada.events("streamVideoPaused")))
        await call.both_move(10)
    shares = after.concealed_since(before), after.concealed_since(without_video)
    print(  # noqa: T201  pytest shows it with -s
        f"told after {paused.at - found.began:.1f} s, {shares[0]:.1%} concealed, {shares[1]:.1%} without the video, "
        f"back {resumed.at - found.ended:.1f} s after its end"
    )
    assert of_own_video(call.ada)[0] == "streamVideoPaused(bandwidth)"
    assert of_own_video(call.ada)[-1] == "streamVideoResumed"
    assert shares[0] <= LATE
    assert shares[1] <= CONCEALED
    await went_on(found)
    assert "sessionDisconnected" not in call.ada.events()


async def test_busy_machine_and_slow_way_down_pause_no_own_video(routed_call: DroppedCall) -> None:
    """Nor does an outage, nor a sleep: see `test_sleep.py`."""
    call = routed_call
    await asyncio.sleep(5)  # the links before are forgotten
    call.clear_events()
    with ExitStack() as processes:
        for _ in range(3):
            processes.enter_context(busy_core())
        await asyncio.sleep(12)  # for so long it is busy
    await call.both_move(20)
    assert of_own_video(call.ada) == []
    call.lab.router.queue(100, 3, "down")
    await asyncio.sleep(12)  # the length of the fault
    call.lab.restore()
    await call.both_move(20)
    await asyncio.sleep(8)  # in which it would be paused
    assert of_own_video(call.ada) == []
