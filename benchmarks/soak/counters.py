"""Counts what exists in a page and in the server, from outside, without using the engine's own numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, BrowserContext, CDPSession
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import processes
from benchmarks.soak.growth import Tolerance
from pyvidu.testing import RunningServer
from tests.browser.calls import CallPage

PAGE: Mapping[str, Tolerance] = {
    "js_heap_mib": Tolerance(1.0, share=0.05),
    "wasm_mib": Tolerance(1.0),
    "python_objects": Tolerance(500, share=0.01),
    "python_tasks": Tolerance(0.5),
    "js_references": Tolerance(5),
    "py_proxies": Tolerance(2),
    "listeners": Tolerance(0.5),
    "peer_connections": Tolerance(0.5),
    "peer_connections_open": Tolerance(0.5),
    "websockets": Tolerance(0.5),
    "websockets_open": Tolerance(0.5),
    "workers": Tolerance(0.5),
    "frames": Tolerance(0.5),
    "documents": Tolerance(0.5),
    "dom_nodes": Tolerance(5),
    "dom_listeners": Tolerance(5),
}
"""The tolerated growth of a page within a hundred drops. Memory fluctuates; objects counted one by one do not."""

SERVER: Mapping[str, Tolerance] = {
    "sessions": Tolerance(0.5),
    "participants": Tolerance(0.5),
    "streams": Tolerance(0.5),
    "subscriptions": Tolerance(0.5),
    "sockets": Tolerance(0.5),
    "tasks": Tolerance(5),
    "threads": Tolerance(0.5),
    "files": Tolerance(5),
    "memory_mib": Tolerance(3.0, share=0.04),
}
"""The same for the server. A page that changes network leaves connections behind, each with a task and a file, for 20 s:
their number goes up and down with the handovers of the last two drops.
"""

_COUNTING = Path(__file__).with_name("counting.js")
_COUNTED = {
    "py_proxies": "soak.alive('PyProxy')",
    "peer_connections": "soak.alive('RTCPeerConnection')",
    "peer_connections_open": "soak.alive('RTCPeerConnection', (it) => it.connectionState !== 'closed')",
    "websockets": "soak.alive('WebSocket')",
    "websockets_open": "soak.alive('WebSocket', (it) => it.readyState < WebSocket.CLOSING)",
    "workers": "soak.alive('Worker')",
    "frames": "window.length",
    "js_references": "py._module.hiwire.num_keys()",
    "wasm_bytes": "py._module.HEAP8.length",
}
_PYTHON = """
import asyncio, gc
gc.collect()
f"{len(gc.get_objects())} {len(asyncio.all_tasks())}"
"""


async def counting_context(browser: Browser) -> BrowserContext:
    """Return a context whose pages count every object they create, from the first script on."""
    context = await browser.new_context()
    await context.add_init_script(path=_COUNTING)
    return context


class PageCounters:
    """Counts in one page, always after both garbage collectors have run."""

    def __init__(self, page: CallPage, session: CDPSession) -> None:
        self._page = page
        self._session = session

    @classmethod
    async def of(cls, page: CallPage) -> PageCounters:
        """Return the counters of `page`, which is in a `counting_context`."""
        await page.page.evaluate("() => soak.watchProxies(py)")
        return cls(page, await page.page.context.new_cdp_session(page.page))

    async def read(self) -> dict[str, float]:
        """Return every counter of `PAGE`."""
        objects, tasks = map(int, (await self._page.python(_PYTHON)).split())
        listeners = await self._page.call("proxies")
        # Twice: objects that the first run finds unreachable may have held others that only the second run finds.
        for _ in range(2):
            await self._session.send("HeapProfiler.collectGarbage")
        heap = await self._session.send("Runtime.getHeapUsage")
        dom = await self._session.send("Memory.getDOMCounters")
        counted = await self._page.page.evaluate(
            f"() => ({{{', '.join(f'{name}: {count}' for name, count in _COUNTED.items())}}})"
        )
        found = {
            **counted,
            "python_objects": objects,
            "python_tasks": tasks,
            "listeners": listeners,
            "js_heap_mib": round(heap["usedSize"] / 2**20, 2),
            "wasm_mib": counted["wasm_bytes"] / 2**20,
            "documents": dom["documents"],
            "dom_nodes": dom["nodes"],
            "dom_listeners": dom["jsEventListeners"],
        }
        return {name: found[name] for name in PAGE}


async def server_counters(server: RunningServer) -> dict[str, float]:
    """Return every counter of `SERVER`, from its metrics and from the kernel's data about its process."""
    headers = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", server.secret)}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{server.url}metrics") as answer:
        answer.raise_for_status()
        text = await answer.text()
    told = {
        sample.name.removeprefix("pyvidu_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }
    pid = server.process.pid
    kernel = await asyncio.to_thread(_of_process, pid)
    return {name: value for name, value in {**told, **kernel}.items() if name in SERVER}


def _of_process(pid: int) -> dict[str, float]:
    process = Path(f"/proc/{pid}")
    return {
        "threads": sum(1 for _ in (process / "task").iterdir()),
        "files": sum(1 for _ in (process / "fd").iterdir()),
        "memory_mib": round(processes.memory_mib(pid), 1),
    }
