"""One call, dropped again and again, and a row of the report after every so many drops."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from benchmarks import faults
from benchmarks.results import Percentiles
from benchmarks.soak.counters import PageCounters, server_counters
from benchmarks.soak.plan import Drop
from benchmarks.soak.report import Row
from benchmarks.statistics import percentiles
from pyvidu.testing import LabError
from tests.browser.calls import LabCall, Rest

ROOM = "soak"
PATIENCE_S = 20.0
"""Seconds after which the report counts something as never back. The next drop follows all the same."""


@dataclass
class Tally:
    """The results of the drops since the last row. Times are milliseconds after the return of the network."""

    signaling: list[float | None] = field(default_factory=list)
    media: list[float | None] = field(default_factory=list)
    evicted: int = 0
    troubles: list[str] = field(default_factory=list)

    def times(self) -> tuple[Percentiles | None, Percentiles | None]:
        """Return the percentiles of signaling and media."""
        return percentiles(self.signaling, PATIENCE_S * 1000), percentiles(self.media, PATIENCE_S * 1000)


async def soak(call: LabCall, drops: Sequence[Drop], every: int) -> AsyncIterator[Row]:
    """Make the drops, one after another, and yield a row after every `every` of them."""
    ada, bob = await PageCounters.of(call.ada), await PageCounters.of(call.bob)
    began, tally = time.monotonic(), Tally()
    for number, drop in enumerate(drops, 1):
        await asyncio.sleep(drop.settle_s)  # the call between two drops
        try:
            await _one(call, drop, tally)
        except (AssertionError, LabError) as error:
            tally.troubles.append(f"drop {number}, {drop}: {str(error).partition(chr(10))[0]}")
            await _member_again(call)
        if number % every == 0:
            call.lab.revive()  # dead paths stay dead for the length of a row, after which nothing uses them any more
            await asyncio.sleep(drop.settle_s)  # the call with revived paths, before it is counted
            signaling, media = tally.times()
            yield Row(
                drops=number,
                seconds=round(time.monotonic() - began, 1),
                signaling_ms=signaling,
                media_ms=media,
                evicted=tally.evicted,
                troubles=tally.troubles,
                page=await ada.read(),
                watcher=await bob.read(),
                server=await server_counters(call.server),
            )
            tally = Tally()


async def _one(call: LabCall, drop: Drop, tally: Tally) -> None:
    """Make one drop. Raises AssertionError when something did not come back afterwards, or should not have."""
    call.clear_events()
    if drop.dead_media:
        call.lab.kill_media()
    fault = await faults.drop(call.lab, drop.cell)
    if drop.cell.evicts:
        await call.ada.told("sessionDisconnected", PATIENCE_S)
        tally.evicted += 1
        await _member_again(call)
        return
    try:
        await call.both_move(PATIENCE_S)
    except AssertionError:
        tally.media.append(math.inf)
        raise
    tally.media.append(_ms_since(fault.removed))
    announced = len(call.ada.events("reconnecting"))
    if not announced:  # too short to be detected, or a media-only drop
        return
    try:
        ends = [await call.ada.told("reconnected", PATIENCE_S, count=number) for number in range(1, announced + 1)]
    except AssertionError:
        tally.signaling.append(math.inf)
        raise
    tally.signaling.append(max(0.0, (ends[-1].at - fault.removed) * 1000))


async def _member_again(call: LabCall) -> None:
    """Make sure that Ada is in the call, as a new participant if she was evicted."""
    if call.ada.events("sessionDisconnected"):
        await call.ada.has_released_everything()
        call.clear_events()
        await call.ada.join(await Rest(call.server).token(ROOM))
    await call.both_move(PATIENCE_S)


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
