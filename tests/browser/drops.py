"""A call whose one participant is dropped again and again, and when each drop ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from pyvidu.testing import LabFault
from tests.browser.calls import LabCall

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")
COMING_AND_GOING = ("streamCreated", "streamDestroyed", "connectionCreated", "connectionDestroyed")


@dataclass
class DroppedCall(LabCall):
    """A call that records when a drop ended."""

    returned: float = 0.0

    async def drop(self, kind: LabFault, seconds: float, *, dead_media: bool = False) -> None:
        """Drop Ada's network for so many seconds, and ignore the events before it."""
        self.clear_events()
        ends = time.monotonic() + seconds
        if kind == "handover":
            self.lab.lose_address()
            await asyncio.sleep(ends - time.monotonic())  # the length of the drop
            self.lab.gain_address()
        else:
            with self.lab.dropped(kind, dead_media=dead_media):
                if kind not in ("signaling-only", "media-only"):
                    await self.lab.verify_silence(0.3)
                await asyncio.sleep(ends - time.monotonic())  # the rest of the drop
        self.returned = time.monotonic()

    def renegotiated(self) -> list[str]:
        """Return the streams that Ada renegotiated, in the order in which the server received the requests."""
        return [entry["stream"] for entry in self.messages.requests("reconnectStream")]

    async def move_within(self, seconds: float) -> None:
        """Wait until both present new frames of each other, within so many seconds of the return."""
        await self.both_move(seconds - (time.monotonic() - self.returned))
