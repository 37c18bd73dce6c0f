"""`make bench-boot`: from navigation to a connected session, with a cold and a warm cache, and the bytes transferred."""

from __future__ import annotations

import itertools
import json
import random
import statistics
from typing import Any
from urllib.parse import quote

from playwright.async_api import BrowserContext
from rich.console import Console
from rich.table import Table

from benchmarks import site
from benchmarks.plan import CLIENTS, Client
from benchmarks.world import World
from tests.browser.calls import Rest

TRIALS = 5
_LIMIT_MS = 120_000


async def measure(world: World, seed: int) -> list[dict[str, Any]]:
    """Return one row for each client and cache: milliseconds and bytes."""
    found: dict[tuple[Client, str], list[tuple[float, int, int]]] = {}
    server = await world.server("plain")
    rest = Rest(server)
    turns = [client for _ in range(TRIALS) for client in random.Random(seed).sample(CLIENTS, len(CLIENTS))]
    rooms = itertools.count()
    async with site.serving(world.certificate, world.lab.host_address) as origin:
        for client in turns:
            context = await world.fresh_context()
            try:
                for cache in ("cold", "warm"):
                    token = await rest.token(f"boot{next(rooms)}")
                    url = f"{origin}/page/{client}#{quote(json.dumps([server.origin, token]))}"
                    found.setdefault((client, cache), []).append(await _boot(context, url))
            finally:
                await context.close()
    return [_row(client, cache, trials) for (client, cache), trials in sorted(found.items())]


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title="navigation → connected", title_justify="left")
    for head in ("client", "cache", "n", "p50 ms", "max ms", "kB over the wire", "requests answered"):
        table.add_column(head)
    for row in rows:
        values = (row["client"], row["cache"], row["n"], f"{row['p50_ms']:.0f}", f"{row['max_ms']:.0f}")
        table.add_row(*map(str, values), f"{row['bytes'] / 1000:.0f}", str(row["responses"]))
    console.print(table)


async def _boot(context: BrowserContext, url: str) -> tuple[float, int, int]:
    """Return milliseconds until connected, bytes on the wire (headers too, WebSocket not), responses from the network."""
    page = await context.new_page()
    network = await context.new_cdp_session(page)
    await network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    await page.goto(url, wait_until="commit")
    await page.wait_for_function("() => window.connectedAt", timeout=_LIMIT_MS, polling=20)
    took = float(await page.evaluate("() => connectedAt"))
    await page.close()
    return took, sum(sizes), sum(size > 0 for size in sizes)


def _row(client: Client, cache: str, trials: list[tuple[float, int, int]]) -> dict[str, Any]:
    times = [took for took, _, _ in trials]
    return {
        "client": client,
        "cache": cache,
        "n": len(trials),
        "p50_ms": round(statistics.median(times), 1),
        "max_ms": round(max(times), 1),
        "bytes": int(statistics.median(size for _, size, _ in trials)),
        "responses": int(statistics.median(count for _, _, count in trials)),
    }
