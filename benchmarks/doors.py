"""What one sender can cost a real `pyvidu serve` on loopback: `python -m benchmarks.doors [NAME...]`, see docs/server.md.

Every attack of `benchmarks.hostile` is sent by this process, to a server of its own; measured is the server's: CPU seconds
from /proc/PID/stat, memory (PSS) from /proc/PID/smaps_rollup, and the time that `GET /healthz` takes meanwhile, asked every
50 ms on connections of its own. `make hostile` runs them beside a call.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import aiohttp

from benchmarks import processes
from benchmarks.hostile.attacks import ATTACKS
from benchmarks.hostile.healthz import Healthz
from benchmarks.hostile.server import start
from benchmarks.hostile.target import Attack, Target

KIB = 1024


async def measure(attack: Attack) -> None:
    """Start a server, attack it and print what that cost."""
    server = await start()
    pid = server.process.pid
    async with aiohttp.ClientSession() as http:
        target = Target(server.port, server.secret, http)
        await target.member()
        await asyncio.sleep(1.5)  # what is imported late
        cpu, memory, began = processes.cpu_s(pid), processes.memory_mib(pid), time.monotonic()
        error = ""
        async with Healthz(server.port) as healthz:
            try:
                await attack(target)
            except (ConnectionError, RuntimeError, TimeoutError, aiohttp.ClientError) as problem:
                error = f" [{type(problem).__name__}: {problem}]"[:200]
            seconds = time.monotonic() - began
            await asyncio.sleep(0.3)  # for the last measurements
            times = healthz.times()
        median, worst = (round(1000 * value) for value in (statistics.median(times), max(times)))
        cost = (
            f"{processes.cpu_s(pid) - cpu:.2f} s CPU in {seconds:.1f} s, {processes.memory_mib(pid) - memory:+.0f} MiB"
        )
        waited = f"/healthz {median} ms at the median, {worst} ms at worst"
        logged = sum(map(len, server.log)) / KIB
        print(f"    {cost}, {waited}, {logged:.0f} KiB of log{error}", flush=True)
    await server.stop()


async def main() -> None:
    """Run the attacks that are named, or all."""
    for attack in ATTACKS:
        if len(sys.argv) < 2 or attack.__name__ in sys.argv[1:]:
            print(f"{attack.__name__}: {' '.join((attack.__doc__ or '').split())}")
            await measure(attack)


if __name__ == "__main__":
    asyncio.run(main())
