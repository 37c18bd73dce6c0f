"""`make bench-boot`: from navigation to a connected session: cold, cold over a slow line, and warm, with what it costs.

*Cold*: an empty profile. *Slow*: the same, with the browser's own limit of 20 Mbit/s and 40 ms for each request. *Warm*: a
profile on disk that visited the page twice before, for 30 s each: only then Chromium has its code compiled in the cache.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.async_api import BrowserContext, CDPSession
from rich.console import Console
from rich.table import Table

from benchmarks import site, waterfall
from benchmarks.world import World
from tests.browser.calls import Rest

TRIALS = 10
VISIT_SECONDS = 30
CACHES = ("cold", "slow", "warm")
PICTURE = Path("docs/img/boot.svg")
_LIMIT_MS = 120_000
_IS_THERE = "() => window.connectedAt && (window.longestTask === undefined || window.cameraAt)"
_HEADS = (
    "client",
    "cache",
    "n",
    "p50 ms",
    "max ms",
    "CPU ms",
    "kB over the wire",
    "requests",
    "camera ms",
    "longest task ms",
)
_SLOW = {"offline": False, "latency": 40, "downloadThroughput": 20e6 / 8, "uploadThroughput": 20e6 / 8}


@dataclass(frozen=True)
class Boot:
    """One navigation."""

    took_ms: float
    bytes: int
    """On the wire: headers too, the WebSocket not."""
    responses: int
    """From the network, not from the cache."""
    renderer_cpu_ms: float
    spans: list[waterfall.Span]
    camera_ms: float | None = None
    """When the own camera was shown, in a page that does."""
    longest_task_ms: float | None = None
    """For how long at most such a page did not react."""


async def measure(world: World, seed: int) -> list[dict[str, Any]]:
    """Return one row for each client and cache, and draw the boot of `pyvidu.js`."""
    found: dict[tuple[str, str], list[Boot]] = {}
    server = await world.server("plain")
    rest, rooms = Rest(server), itertools.count()
    clients = tuple(site.PAGES)
    turns = [client for _ in range(TRIALS) for client in random.Random(seed).sample(clients, len(clients))]
    async with site.serving(world.certificate, world.lab.host_address) as origin:

        async def boot(context: BrowserContext, client: str, *, slow: bool = False, stay: float = 0) -> Boot:
            token = await rest.token(f"boot{next(rooms)}")
            url = f"{origin}/page/{quote(client)}#{quote(json.dumps([server.origin, token]))}"
            return await _boot(context, url, slow=slow, stay=stay)

        for client, cache in itertools.product(turns, ("cold", "slow")):
            context = await world.fresh_context()
            found.setdefault((client, cache), []).append(await boot(context, client, slow=cache == "slow"))
            await context.close()
        for client in [name for _ in range(TRIALS) for name in site.CAMERA_PAGES]:
            context = await world.fresh_context()
            found.setdefault((client, "slow"), []).append(await boot(context, client, slow=True))
            await context.close()
        for client in clients:
            async with _kept_profile(world) as context:
                for _ in range(2):
                    await boot(context, client, stay=VISIT_SECONDS)
                found[client, "warm"] = [await boot(context, client) for _ in range(TRIALS)]
    _draw(found)
    return [_row(client, cache, found[client, cache]) for client, cache in sorted(found)]


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title="navigation → connected", title_justify="left")
    for head in _HEADS:
        table.add_column(head)
    for row in rows:
        times = (f"{row[name]:.0f}" for name in ("p50_ms", "max_ms", "renderer_cpu_ms"))
        shown = ("-" if row[name] is None else row[name] for name in ("camera_ms", "longest_task_ms"))
        values = (row["client"], row["cache"], row["n"], *times, f"{row['bytes'] / 1000:.0f}", row["responses"], *shown)
        table.add_row(*map(str, values))
    console.print(table)


@asynccontextmanager
async def _kept_profile(world: World) -> AsyncIterator[BrowserContext]:
    with tempfile.TemporaryDirectory(prefix="pyvidu-profile-", ignore_cleanup_errors=True) as folder:
        context = await world.persistent_context(Path(folder))
        try:
            yield context
        finally:
            await context.close()


async def _boot(context: BrowserContext, url: str, *, slow: bool, stay: float) -> Boot:
    page = await context.new_page()
    browser = await context.new_cdp_session(page)
    await browser.send("Network.enable")
    await browser.send("Performance.enable")
    if slow:
        await browser.send("Network.emulateNetworkConditions", _SLOW)
    sizes: list[int] = []
    browser.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    await page.goto(url, wait_until="commit")
    await page.wait_for_function(_IS_THERE, timeout=_LIMIT_MS, polling=20)
    took = float(await page.evaluate("() => connectedAt"))
    cpu = await _renderer_cpu_ms(browser)
    spans = await waterfall.spans(page)
    camera, longest_task = await page.evaluate("() => [window.cameraAt, window.longestTask]")
    await page.wait_for_timeout(stay * 1000)  # the length of the visit
    await page.close()
    return Boot(took, sum(sizes), sum(size > 0 for size in sizes), cpu, spans, camera, longest_task)


async def _renderer_cpu_ms(browser: CDPSession) -> float:
    found = await browser.send("Performance.getMetrics")
    return next(float(metric["value"]) * 1000 for metric in found["metrics"] if metric["name"] == "ProcessTime")


def _draw(found: dict[tuple[str, str], list[Boot]]) -> None:
    """Draw the median boot of `pyvidu.js` with each cache."""
    charts = {}
    for cache in CACHES:
        boots = sorted(found["pyvidu.js", cache], key=lambda boot: boot.took_ms)
        charts[f"pyvidu.js, {cache}"] = boots[len(boots) // 2].spans
    PICTURE.write_text(waterfall.drawn(charts), "utf-8")


def _row(client: str, cache: str, boots: list[Boot]) -> dict[str, Any]:
    times = [boot.took_ms for boot in boots]
    medians: dict[str, int | None] = {
        name: round(statistics.median(asdict(boot)[name] for boot in boots))
        for name in ("bytes", "responses", "renderer_cpu_ms")
    }
    for name in ("camera_ms", "longest_task_ms"):
        shown = [getattr(boot, name) for boot in boots if getattr(boot, name) is not None]
        medians[name] = round(statistics.median(shown)) if shown else None
    ends = {"p50_ms": round(statistics.median(times), 1), "max_ms": round(max(times), 1)}
    return {"client": client, "cache": cache, "n": len(boots), **ends, **medians}
