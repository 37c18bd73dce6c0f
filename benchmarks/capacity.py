"""`make load`: how many participants one server carries, what degrades first, and what admission control does then.

Rooms of four light callers are added, two at a time, until joins are refused or a call degrades. Then newcomers go on asking.
Each step is a row; the last lines say what the server's core carries. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.hostile.healthz import Healthz
from benchmarks.hostile.server import waited_s
from benchmarks.light.host import http_client
from benchmarks.light.process import LightProcess
from benchmarks.light.rpc import Rpc
from pyvidu.testing import RunningServer, start_server

ROOM = 4
AT_ONCE = 2
"""Rooms added between two measurements."""
SETTLING_S, MEASURED_S = 2.0, 6.0
KNOCKING_S = 20.0
"""Longer than the window over which the server measures its load."""
RATE = 15
GAP_S, FRAMES_SHARE, MISSED_SHARE, HEALTHZ_S, JOIN_S = 0.5, 0.9, 0.01, 0.5, 5.0
"""What a degraded call is: a gap between frames, fewer of the frames, more lost packets, a slower answer, a slower join."""


@dataclass(frozen=True)
class Step:
    """What was measured with so many rooms. Times are seconds, shares are of one core."""

    rooms: int
    seconds: float
    server: float
    callers: float
    waited: float
    """The share of the time in which the server was ready to run and had no core."""
    join: float
    """From the start of the joins of a room to the last answer, for each participant."""
    healthz: Sequence[float]
    gap: float
    frames: float
    """Of the leg with the fewest, a second."""
    missed: float
    """Of all packets, those that had not arrived when a later one did and did not come after a NACK."""

    @property
    def participants(self) -> int:
        """Return the number of participants."""
        return self.rooms * ROOM

    @property
    def legs(self) -> int:
        """Return the number of forwarded streams."""
        return self.rooms * ROOM * (ROOM - 1)

    def degraded(self) -> list[str]:
        """Return what is worse than it may be."""
        found = []
        if self.gap > GAP_S:
            found.append(f"no frame for {self.gap:.2f} s")
        if self.frames < FRAMES_SHARE * RATE:
            found.append(f"{self.frames:.1f} frames/s of {RATE}")
        if self.missed > MISSED_SHARE:
            found.append(f"{100 * self.missed:.1f} % of the packets lost")
        if max(self.healthz) > HEALTHZ_S:
            found.append(f"/healthz {1000 * max(self.healthz):.0f} ms")
        if self.join > JOIN_S:
            found.append(f"a join of {self.join:.1f} s")
        return found

    def line(self) -> str:
        """Return the numbers as one line."""
        median, worst = (round(1000 * value) for value in (statistics.median(self.healthz), max(self.healthz)))
        return (
            f"{self.participants:4} participants, {self.legs:4} legs: server {100 * self.server:3.0f} % of a core"
            f" ({100 * self.waited:.0f} % without one), callers {100 * self.callers:3.0f} %; frames {self.frames:4.1f}/s,"
            f" {1000 * self.gap:4.0f} ms apart at most, {100 * self.missed:.2f} % lost; /healthz {median}/{worst} ms;"
            f" join {self.join:.2f} s"
        )


def summary(steps: Sequence[Step], refused: str, knocks: tuple[int, int]) -> list[str]:
    """Return the last lines. `knocks` are joins admitted and refused after the end, with the last step's calls going on."""
    whole = [step for step in steps if not step.degraded()]
    most = max(whole, key=lambda step: step.legs, default=None)
    lines = ["degraded from the start on"]
    if most is not None:
        share, per_core = round(100 * most.server), round(most.legs / max(most.server, 0.01))
        lines = [f"whole up to {most.participants} participants and {most.legs} legs, with {share} % of a core:"]
        lines[0] += f" {per_core} legs per core"
    first = next((step for step in steps if step.degraded()), None)
    if first is not None:
        lines.append(f"degrades first, at {first.legs} legs: {', '.join(first.degraded())}")
    lines.append(f"joins are refused: {refused}" if refused else "no join was refused")
    admitted, turned_away = knocks
    after = ", ".join(steps[-1].degraded()) or "whole"
    lines.append(f"of {sum(knocks)} newcomers then {admitted} were admitted, {turned_away} refused; the calls: {after}")
    return lines


class Ramp:
    """The server and its rooms."""

    def __init__(self, server: RunningServer, healthz: Healthz) -> None:
        self.rooms: list[LightProcess] = []
        self.refused = ""
        self._server, self._healthz = server, healthz
        self._join = 0.0

    async def add(self) -> bool:
        """Add a room and return whether all of it was admitted."""
        tokens = [await self._server.create_token(f"load{len(self.rooms)}") for _ in range(ROOM)]
        process, told = await LightProcess.start_told("callers", tokens)
        self.refused = told.get("refused", "")
        if self.refused:
            await process.stop()
            return False
        self._join = told["joined_in"] / ROOM
        self.rooms.append(process)
        return True

    async def measure(self, during: Awaitable[object]) -> Step:
        """Return a row of as long as `during` takes."""
        pid, pids = self._server.process.pid, [room.pid for room in self.rooms]
        self._healthz.restart()
        for room in self.rooms:
            await room.ask("restart")
        cpu, callers, waited, began = processes.cpu_s(pid), processes.cpu_s(*pids), waited_s(pid), time.monotonic()
        await during
        seconds = time.monotonic() - began
        cpu, callers = processes.cpu_s(pid) - cpu, processes.cpu_s(*pids) - callers
        reports = await asyncio.gather(*(room.ask("report") for room in self.rooms))
        legs = [leg for report in reports for of in report["received"] for leg in of.values()]
        packets = sum(leg["video_packets"] + leg["audio_packets"] for leg in legs)
        missed = sum(leg["missed"] - leg["recovered"] for leg in legs)
        return Step(
            len(self.rooms), seconds, cpu / seconds, callers / seconds, (waited_s(pid) - waited) / seconds, self._join,
            self._healthz.times(), max(leg["longest_gap"] for leg in legs), min(leg["frames"] for leg in legs) / seconds,
            missed / max(1, packets + missed),
        )  # fmt: skip

    async def knock(self, seconds: float) -> tuple[int, int]:
        """Let newcomers ask for a room of their own, two a second; return how many were admitted and how many refused."""
        admitted = refused = 0
        until = time.monotonic() + seconds
        async with http_client() as http:
            while time.monotonic() < until:
                rpc = Rpc(http)
                try:
                    await rpc.join(await self._server.create_token("newcomers"))
                    admitted += 1
                except (RuntimeError, TimeoutError):
                    refused += 1
                with contextlib.suppress(RuntimeError, TimeoutError):
                    await rpc.leave()
                await asyncio.sleep(0.5)  # between two newcomers
        return admitted, refused

    async def stop(self) -> None:
        """Let all leave."""
        await asyncio.gather(*(room.stop() for room in self.rooms))


async def carry(
    most: int,
    at_once: int = AT_ONCE,
    settling: float = SETTLING_S,
    measured: float = MEASURED_S,
    knocking: float = KNOCKING_S,
) -> list[str]:
    """Add rooms, `most` at most, print a row for each, and return the summary."""
    server = await start_server("--log-level", "warning")
    steps: list[Step] = []
    try:
        async with Healthz(server.port) as healthz:
            ramp = Ramp(server, healthz)
            try:
                worse = 0
                while len(ramp.rooms) < most and worse < 2:
                    for _ in range(min(at_once, most - len(ramp.rooms))):
                        if not await ramp.add():
                            break
                    if ramp.refused:
                        break
                    await asyncio.sleep(settling)  # for the first key frames
                    steps.append(await ramp.measure(asyncio.sleep(measured)))  # the length of a step
                    print(steps[-1].line(), flush=True)
                    worse = worse + 1 if steps[-1].degraded() else 0
                knocking_task = asyncio.create_task(ramp.knock(knocking))
                steps.append(await ramp.measure(knocking_task))
                print(f"newcomers: {steps[-1].line()}")
                return summary(steps, ramp.refused, await knocking_task)
            finally:
                await ramp.stop()
    finally:
        await server.stop()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--rooms", type=int, default=100, help="at most so many")
    parser.add_argument("--step", type=int, default=AT_ONCE, help="rooms added between two measurements")
    options = parser.parse_args()
    for line in asyncio.run(carry(options.rooms, options.step)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
