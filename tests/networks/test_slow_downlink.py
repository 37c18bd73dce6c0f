"""A real Chromium behind a downlink that is too narrow for what another Chromium sends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from playwright.async_api import Page

from pyvidu.server.media.ice_lite import IceSession, SharedPorts
from tests.server.media import media_rig
from tests.waiting import until

pytestmark = pytest.mark.skipif(media_rig.chromium() is None, reason="needs a Chromium: apt-get install chromium")

RATE = 300_000
_QUEUE = 0.3  # seconds of packets that a router's queue holds


class Bottleneck:
    """A narrow link: packets wait in a queue, and those that do not fit into it are dropped."""

    def __init__(self, send: Callable[[bytes], None], bits_per_second: float) -> None:
        self._send, self._rate = send, bits_per_second
        self._loop = asyncio.get_running_loop()
        self._free = 0.0

    def __call__(self, data: bytes) -> None:
        now = self._loop.time()
        free = max(self._free, now)
        if free - now < _QUEUE:
            self._free = free + 8 * (len(data) + 28) / self._rate
            self._loop.call_at(self._free, self._send, data)


async def target(page: Page) -> float:
    return float((await page.evaluate("stats()"))["out_video"].get("targetBitrate", 0))


async def until_target(page: Page, condition: Callable[[float], bool], patience: float) -> None:
    """Return when the encoder's target bit rate satisfies a condition. Raises AssertionError after `patience` s."""
    found = math.nan

    async def satisfied() -> bool:
        nonlocal found
        found = await target(page)
        return condition(found)

    try:
        await until(satisfied, patience, every=0.1)
    except AssertionError:
        raise AssertionError(f"after {patience} s the target was {found:.0f} bit/s") from None


async def test_publisher_reduces_its_bitrate_to_the_narrowest_downlink_and_video_keeps_playing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sessions: list[IceSession] = []
    add = SharedPorts.add

    def record(ports: SharedPorts, session: IceSession) -> None:
        sessions.append(session)
        add(ports, session)

    monkeypatch.setattr(SharedPorts, "add", record)
    async with media_rig.rig() as rig:
        ada, bob, carol = [await rig.page() for _ in range(3)]
        await ada.evaluate("publish('/publish', {owner: 'ada', stream: 's'})")
        for name, page in (("bob", bob), ("carol", carol)):
            await page.evaluate(f"subscribe({{subscriber: '{name}', stream: 's'}})")
        await until_target(ada, lambda rate: rate > 1.5 * RATE, 40)  # a Chromium has stayed at 320 kbit/s for 20 s
        _, bobs, _ = sessions  # of ada, bob and carol, in the order in which they were made
        bobs.send = Bottleneck(bobs.send, RATE)  # type: ignore[method-assign]
        await until_target(ada, lambda rate: rate < RATE, 20)
        await bob.evaluate("framesFromNow(30, 6000)")
        await carol.evaluate("framesFromNow(30, 6000)")
