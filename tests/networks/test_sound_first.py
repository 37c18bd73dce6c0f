"""Bandwidth that does not carry the videos: they are given up for the sound, which is told, and come back with it."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.browser.calls import CallPage
from tests.browser.drops import DroppedCall
from tests.networks.watched import watch, went_on

SOUND = """
watched = next(manager.stream for manager in session.stream_managers if manager.remote)
reports = (await watched.get_rtc_peer_connection().getStats()).values()
found = next(report for report in reports if report.type == "inbound-rtp" and report.kind == "audio")
f"[{found.concealedSamples - found.silentConcealedSamples}, {found.totalSamplesReceived}]"
"""
BUSY = 0.05  # share of the sound that is concealed at most; 0.004 to 0.055 in fourteen runs


async def sound(page: CallPage) -> tuple[int, int]:
    """Return how many samples of the other's sound were concealed, and how many there were."""
    concealed, played = json.loads(await page.python(SOUND))
    return concealed, played


@pytest.mark.parametrize("link", ["12 kB/s, policed", "100 kbit/s, a queue of 3 s"])
async def test_video_is_given_up_for_the_sound_and_both_are_told(routed_call: DroppedCall, link: str) -> None:
    call = routed_call
    await asyncio.sleep(5)  # the links before are forgotten
    async with watch(call, link) as found:
        before = await sound(call.ada)
        with found.fault():
            if link.startswith("12"):
                call.lab.policing(12_000)
            else:
                call.lab.router.queue(100, 3, "down")  # up too, the own video delays signaling until `reconnecting`
            paused = await call.ada.told("streamVideoPaused", 12)
            await asyncio.sleep(5)  # the rest of the fault
            after = await sound(call.ada)
        resumed = await call.ada.told("streamVideoResumed", 15, count=len(call.ada.events("streamVideoPaused")))
        await call.both_move(10)
    concealed = (after[0] - before[0]) / (after[1] - before[1])
    print(  # noqa: T201  pytest shows it with -s
        f"{link}: told after {paused.at - found.began:.1f} s, {concealed:.1%} concealed, "
        f"back {resumed.at - found.ended:.1f} s after its end"
    )
    await went_on(found)
    assert paused.reason == "bandwidth"
    assert concealed <= 2 * BUSY
    assert "sessionDisconnected" not in call.ada.events()
