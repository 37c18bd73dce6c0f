"""`make bench-page`: CPU and memory of a page in a call in which nothing goes wrong, with 1 and 4 remote streams."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from playwright.async_api import CDPSession
from rich.console import Console
from rich.table import Table

from benchmarks import memory_account, processes
from benchmarks.light.process import LightProcess
from benchmarks.pages import BenchPage
from benchmarks.plan import CLIENTS, Client
from benchmarks.world import World
from pyvidu.testing import LabError
from tests.browser.calls import Rest

REMOTE_STREAMS = (1, 4)
SECONDS = 180.0
MEMORY = "memory_mib"  # of a row: see `memory_account`
_WARM_UP_S = 15.0  # bandwidth estimates climb, encoders settle, garbage of the loading is collected
_JOIN_S = 60.0


async def measure(world: World, seed: int, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Return one row for each client and number of streams."""
    turns = [(client, streams) for streams in REMOTE_STREAMS for client in random.Random(seed).sample(CLIENTS, 3)]
    return [await _one(world, client, streams, seconds) for client, streams in turns]


async def _one(world: World, client: Client, streams: int, seconds: float) -> dict[str, Any]:
    server = await world.server("plain")
    rest = Rest(server)
    room = f"page-{client.replace('.', '-')}-{streams}"
    senders = await LightProcess.start("senders", [await rest.token(room) for _ in range(streams)])
    context = await world.fresh_context()
    try:
        page = await BenchPage.open(context, server, client)
        began = asyncio.get_running_loop().time()
        await page.join(await rest.token(room))
        if not await page.moves(began, began + _JOIN_S, more=10, videos=streams):
            raise LabError(f"{client}: no video of {streams} streams; {page.console[-5:]}")
        await asyncio.sleep(_WARM_UP_S)  # the length of the warm-up
        browser = await world.browser_session()
        before = await _cpu(browser)
        await page.clear()
        await asyncio.sleep(seconds)  # the period that is measured
        after = await _cpu(browser)
        trace = await page.trace()
        frames = sum(map(len, trace.frames.values())) / seconds / streams
        renderer = max((pid for pid, (kind, _) in after.items() if kind == "renderer"), key=lambda pid: after[pid][1])
        session = await context.new_cdp_session(page.page)
        heap = await session.send("Runtime.getHeapUsage")
        mib = processes.memory_mib(renderer)
        used = {pid: spent - before.get(pid, ("", 0.0))[1] for pid, (_, spent) in after.items()}
        return {
            "client": client,
            "remote_streams": streams,
            "seconds": seconds,
            "cpu_percent_of_a_core": round(100 * sum(used.values()) / seconds, 2),
            "renderer_percent_of_a_core": round(100 * used[renderer] / seconds, 2),
            "renderer_mib": round(mib, 1),
            "js_heap_mib": round(heap["usedSize"] / 2**20, 1),
            "frames_per_second": round(frames, 1),
            "requests": len(trace.requests),
            "stalls": sum(ended - began > 0.25 for began, ended in trace.stalls),
            MEMORY: await memory_account.account(browser, session, renderer),
        }
    finally:
        await context.close()
        await senders.stop()


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title="a call in which nothing goes wrong", title_justify="left")
    heads = [head for head in rows[0] if head not in ("date", "load_average", MEMORY)]
    for head in heads:
        table.add_column(head.replace("_", " "))
    for row in sorted(rows, key=lambda row: (row["remote_streams"], row["client"])):
        table.add_row(*(str(row[head]) for head in heads))
    console.print(table)
    memory = Table(title="MiB of the renderer after a garbage collection, by item", title_justify="left")
    columns = [row for row in rows if row["remote_streams"] == REMOTE_STREAMS[0]]
    for head in ("", *(row["client"] for row in columns)):
        memory.add_column(head)
    for item in columns[0][MEMORY]:
        memory.add_row(memory_account.ITEMS.get(item, item), *(str(row[MEMORY][item]) for row in columns))
    console.print(memory)


async def _cpu(browser: CDPSession) -> dict[int, tuple[str, float]]:
    """Return kind and CPU seconds of every process of the browser, by process id."""
    found = await browser.send("SystemInfo.getProcessInfo")
    # Chromium refreshes its own CPU times irregularly; the kernel's are exact.
    return {item["id"]: (item["type"], processes.cpu_s(item["id"])) for item in found["processInfo"]}
