"""A call on a bad network, watched: for how long each stood still for the other, what was told, and that it went on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.browser.calls import CallPage, Happened
from tests.browser.drops import COMING_AND_GOING, OUTAGE, DroppedCall
from tests.waiting import until

_RECORD = """() => {
  window.presented = [performance.now()];
  for (const video of document.querySelectorAll('#others video')) {
    if (video.recorded) continue;
    video.recorded = true;
    const note = () => { window.presented.push(performance.now()); video.requestVideoFrameCallback(note); };
    video.requestVideoFrameCallback(note);
  }
}"""
_LONGEST = """() => {
  const times = [...window.presented, performance.now()];
  return Math.max(...times.slice(1).map((time, index) => time - times[index])) / 1000;
}"""


@dataclass
class Watched:
    """What happened in a `with` block of `watch`.

    `began` and `ended` are those of the fault, in seconds of the test's clock; the holes are the longest times without a new
    frame, in seconds: of Bob for Ada, who has the fault, and of Ada for Bob.
    """

    call: DroppedCall
    before: Any
    began: float = 0.0
    ended: float = 0.0
    ada_saw_none: float = 0.0
    bob_saw_none: float = 0.0
    told: list[Happened] = field(default_factory=list)

    @contextlib.contextmanager
    def fault(self) -> Iterator[None]:
        """Time a fault by a `with` block. Its end ends every fault of the network."""
        self.began = time.monotonic()
        try:
            yield
        finally:
            self.call.lab.restore()
            self.ended = time.monotonic()


@contextlib.asynccontextmanager
async def watch(call: DroppedCall, name: str) -> AsyncIterator[Watched]:
    """Watch a call for the length of a `with` block, and print what happened: pytest shows it with -s."""
    call.clear_events()
    found = Watched(call, await call.ada.picture())
    await asyncio.gather(*(page.evaluate(_RECORD) for page in (call.ada, call.bob)))
    try:
        yield found
    finally:
        found.ada_saw_none, found.bob_saw_none = await asyncio.gather(_longest(call.ada), _longest(call.bob))
        found.told = list(call.ada.log)
        told = ", ".join(
            f"{item} {item.at - found.began:.2f} s"
            for item in found.told
            if item.name in (*OUTAGE, "streamFrozen", "streamRecovered", "exception")
        )
        holes = f"holes of {found.ada_saw_none:.2f} s (sees) and {found.bob_saw_none:.2f} s (is seen)"
        renegotiated = f"{len(call.renegotiated())} renegotiated"
        print(f"{name}, {found.ended - found.began:.1f} s: {holes}, {renegotiated}; told: {told or 'nothing'}")  # noqa: T201


async def went_on(found: Watched, *, within: float = 15.0) -> None:
    """Check that the call goes on: media both ways, and each outage and each frozen stream that was told has ended."""
    call = found.call
    await call.both_move(within)
    outages = len(call.ada.events("reconnecting"))
    if outages:
        await call.ada.told("reconnected", within, count=outages)
        # An outage may begin before the last one has settled.
        await until(
            lambda: call.ada.events(*OUTAGE, "outageSettled")[-1] == "outageSettled", within, "the last outage settles"
        )
    await without_frozen_streams(call.ada, within)
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"] * outages
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*OUTAGE, *COMING_AND_GOING) == []
    after = await call.ada.picture()
    assert {**after, "tracks": None} == {**found.before, "tracks": None}, "same streams, same elements"


def paused_videos(found: Watched) -> list[str]:
    """Return the pauses of videos that Ada was told of: when, of what stream, why."""
    return [
        f"{item} of {item.stream} after {item.at - found.began:.1f} s"
        for item in found.call.ada.log
        if item.name == "streamVideoPaused"
    ]


async def without_frozen_streams(page: CallPage, within: float) -> None:
    """Wait until each stream that was reported frozen is reported to have recovered."""
    for count in range(1, len(page.events("streamFrozen")) + 1):
        await page.told("streamRecovered", within, count=count)


async def _longest(page: CallPage) -> float:
    return float(await page.evaluate(_LONGEST))
