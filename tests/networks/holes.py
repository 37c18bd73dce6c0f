"""For how long the picture of the others stood still: a page records when it presented which frame."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.browser.calls import CallPage
from tests.browser.drops import DroppedCall

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
class Holes:
    """The longest time, in seconds, without a new frame of the other: seen by who has the fault, and by the other."""

    seen: float = 0.0
    others: float = 0.0

    def __str__(self) -> str:
        return f"longest hole: sees {self.seen:.2f} s, is seen {self.others:.2f} s"


@contextlib.asynccontextmanager
async def holes(call: DroppedCall) -> AsyncIterator[Holes]:
    """Measure the longest holes of a `with` block; they are known at its end."""
    found = Holes()
    await asyncio.gather(*(page.page.evaluate(_RECORD) for page in (call.ada, call.bob)))
    yield found
    found.seen, found.others = await asyncio.gather(_longest(call.ada), _longest(call.bob))


async def _longest(page: CallPage) -> float:
    return float(await page.page.evaluate(_LONGEST))
