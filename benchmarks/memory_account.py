"""What a renderer's memory is used for, by Chromium's own account (memory-infra)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from playwright.async_api import CDPSession

ITEMS: Mapping[str, str] = {
    "malloc": "C++ objects, the bytes of WebAssembly modules",
    "partition_alloc/partitions/buffer": "strings, vectors of Blink, WebAssembly code for the cache",
    "partition_alloc/partitions/array_buffer": "array buffers",
    "v8": "heaps of JavaScript",
    "blink_gc": "DOM",
}
"""The allocators that are listed, and what is in them mainly."""
REST = "the rest: WebAssembly memory and code, stacks"

_CONFIG = {"includedCategories": ["disabled-by-default-memory-infra"], "excludedCategories": ["*"]}
_MIB = 2**20


async def account(browser: CDPSession, page: CDPSession, pid: int) -> dict[str, float]:
    """Return MiB by item of the renderer `pid`, after a garbage collection in `page`; the sum is its private footprint."""
    await page.send("HeapProfiler.collectGarbage")
    events: list[dict[str, Any]] = []
    complete = asyncio.Event()
    browser.on("Tracing.dataCollected", lambda event: events.extend(event["value"]))
    browser.on("Tracing.tracingComplete", lambda _: complete.set())
    await browser.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": _CONFIG})
    await browser.send("Tracing.requestMemoryDump", {"levelOfDetail": "detailed"})
    await browser.send("Tracing.end")
    await complete.wait()
    return accounted(events, pid)


def accounted(events: Iterable[dict[str, Any]], pid: int) -> dict[str, float]:
    """Return MiB by item from the events of a trace with one dump."""
    allocators: dict[str, Any] = {}
    private = 0
    for event in events:
        if event.get("ph") != "v" or event["pid"] != pid:
            continue
        dumps = event["args"]["dumps"]
        allocators |= dumps.get("allocators", {})
        if totals := dumps.get("process_totals"):
            private = int(totals["private_footprint_bytes"], 16)
    found = {name: round(_size(allocators.get(name, {})) / _MIB, 1) for name in ITEMS}
    return found | {REST: round(private / _MIB - sum(found.values()), 1)}


def _size(allocator: Mapping[str, Any]) -> int:
    size = allocator.get("attrs", {}).get("size")
    return int(size["value"], 16) if size else 0
