"""`make bench-server`, the reconnect storm: drops a crowd for 5 s, all at once, and measures when the last one is back."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import processes
from benchmarks.light.process import LightProcess
from benchmarks.plan import SERVERS, ServerMode
from benchmarks.world import World
from pyvidu.testing import LabError, RunningServer
from tests.browser.calls import Rest

SIZES = (100, 300, 1000)
ROOM = 10
OUTAGE_S = 5.0
_PATIENCE_S = 60.0
_POLL_S = 0.5


async def measure(world: World, seed: int, sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """Return one row for each server and size."""
    return [await storm(world, mode, size) for mode in SERVERS for size in sizes]


async def storm(world: World, mode: ServerMode, size: int) -> dict[str, Any]:
    """Join a crowd of `size`, drop it, wait until all are back, and return the row."""
    server = await world.server(mode)
    rest = Rest(server)
    tokens = [await rest.token(f"storm{size}-{number // ROOM}") for number in range(size)]
    memory = processes.memory_mib(server.process.pid)
    began = time.monotonic()
    crowd = await LightProcess.start("crowd", tokens, world.lab)
    try:
        joining = time.monotonic() - began
        per_member = (processes.memory_mib(server.process.pid) - memory) / size
        return {
            "server": mode,
            "n": size,
            "outage_s": OUTAGE_S,
            "join_s": round(joining, 2),
            "server_mib_per_participant": round(per_member, 3),
            **await _cut_off(world, server, crowd),
        }
    finally:
        world.lab.restore()
        await crowd.stop()


async def _cut_off(world: World, server: RunningServer, crowd: LightProcess) -> dict[str, Any]:
    before = await crowd.ask("report")
    await asyncio.to_thread(world.lab.silent_drop)
    passed = await asyncio.to_thread(world.lab.counters)
    await asyncio.sleep(OUTAGE_S)  # the length of the outage
    if (await asyncio.to_thread(world.lab.counters)).passed > passed.passed:
        raise LabError("packets passed during a silent drop")
    cpu, removed = processes.cpu_s(server.process.pid), time.monotonic()
    await asyncio.to_thread(world.lab.let_pass)
    while True:
        await asyncio.sleep(_POLL_S)  # between two reports of the crowd
        after = await crowd.ask("report")
        back = [_back(told, removed) for told in after["told"]]
        if None not in back or time.monotonic() > removed + _PATIENCE_S:
            break
    noticed = sum(any(name == "reconnecting" for _, name in told) for told in after["told"])
    evicted = sum(any(name == "sessionDisconnected" for _, name in told) for told in after["told"])
    times = sorted((value if value is not None else _PATIENCE_S) * 1000 for value in back)
    return {
        "noticed": noticed,
        "evicted": evicted,
        "never": sum(value is None for value in back),
        "p50_ms": round(statistics.median_low(times), 1),
        "p95_ms": round(times[max(0, int(len(times) * 0.95) - 1)], 1),
        "all_resumed_ms": round(times[-1], 1),
        "sockets": after["sockets"] - before["sockets"],
        "probes": after["probes"] - before["probes"],
        "server_cpu_s": round(processes.cpu_s(server.process.pid) - cpu, 2),
    }


def _back(told: list[tuple[float, str]], removed: float) -> float | None:
    """Return the seconds from the return to the end of the outage; 0 if none was detected, None while it lasts."""
    if not told:
        return 0.0
    at, name = told[-1]
    return None if name == "reconnecting" else max(0.0, at - removed)


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title=f"{OUTAGE_S:g} s without a packet for all of them", title_justify="left")
    heads = ("server", "n", "noticed", "evicted", "never", "p50_ms", "p95_ms", "all_resumed_ms", "sockets", "probes",
             "server_cpu_s", "server_mib_per_participant")  # fmt: skip
    for head in heads:
        table.add_column(head.replace("_", " "))
    for row in rows:
        table.add_row(*(str(row[head]) for head in heads), style="bold red" if row["evicted"] else None)
    console.print(table)
