"""The reading of reports: when, of which peer connections, and that it ends."""

from __future__ import annotations

import asyncio
from typing import Any

from pyvidu.media.reports import Reports
from tests.unit.media.rig import Rig, description
from tests.virtual_time import virtual_time


class Reading:
    """Two peer connections, and the reports about them, as they are polled."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.reports = Reports(self.rig.clock)
        self.peers: list[Any] = []

    async def begin(self) -> Reading:
        for _ in range(2):
            await self.rig.outbound().publish(description())
        self.peers = list(self.rig.peers.made)
        return self

    async def poll(self, times: int) -> list[list[float | None]]:
        """Return what each poll has found, in the order of the peer connections."""
        found = []
        for _ in range(times):
            found.append([*self.reports.read(self.peers).values()])
            await asyncio.sleep(0.05)
        return found


@virtual_time
async def test_reports_are_read_in_every_second_poll_and_found_in_the_next_one() -> None:
    reading = await Reading().begin()
    one, other = reading.peers
    assert await reading.poll(2) == [[None, None], [None, None]]
    one.reported = lambda: 7.0
    assert await reading.poll(2) == [[None, None], [7.0, None]]
    assert (one.reports, other.reports) == (2, 2)


@virtual_time
async def test_nothing_is_read_while_no_reports_are_needed_and_nothing_of_before_is_found_afterwards() -> None:
    reading = await Reading().begin()
    one, other = reading.peers
    one.reported = other.reported = lambda: 7.0
    await reading.poll(2)
    reading.peers = []
    await reading.poll(20)
    assert (one.reports, other.reports) == (1, 1)
    reading.peers = [other]
    assert await reading.poll(2) == [[None], [7.0]]
    assert (one.reports, other.reports) == (1, 2)


@virtual_time
async def test_host_that_is_slow_is_asked_once_at_a_time_and_not_after_closing() -> None:
    reading = await Reading().begin()
    one, other = reading.peers
    asked = []

    async def never() -> float | None:
        asked.append(one)
        return await asyncio.Event().wait()  # type: ignore[return-value]

    one.reported_at = never
    await reading.poll(20)
    assert (len(asked), other.reports) == (1, 0)
    reading.reports.close()
    await asyncio.sleep(1)
    assert (len(asked), other.reports) == (1, 0)
