"""`make bench-server`, the load: two real browsers and four light callers in one room, each receiving all others."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playwright.async_api import BrowserContext
from rich.console import Console
from rich.table import Table

from benchmarks import processes
from benchmarks.light.process import LightProcess
from benchmarks.world import World
from pyvidu.testing import RunningServer
from tests.browser.calls import CallPage, Rest

LIGHT = 4
BIT_RATE = 500_000
SECONDS = 60.0
SETTLING = 5.0
"""Seconds between the last join and the start of counting: the browsers' first bandwidth estimates."""

REMEMBER_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); peers.push(this); }
};
"""
_LIMIT = """async (rate) => {
  for (const sender of peers.flatMap((peer) => peer.getSenders()).filter((sender) => sender.track?.kind === 'video')) {
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = rate;
    await sender.setParameters(parameters);
  }
}"""
_RECEIVED = """async () => {
  const found = [];
  for (const peer of peers) {
    const stream = {};
    for (const report of (await peer.getStats()).values())
      if (report.type === 'inbound-rtp') stream[report.kind] = report;
    if (stream.video) found.push({
      frames: stream.video.framesDecoded, freezes: stream.video.freezeCount, frozen: stream.video.totalFreezesDuration,
      key_frames: stream.video.keyFramesDecoded, lost: stream.video.packetsLost + (stream.audio?.packetsLost ?? 0),
      video_packets: stream.video.packetsReceived, audio_packets: stream.audio?.packetsReceived ?? 0,
    });
  }
  return found;
}"""

Stream = dict[str, Any]


class Load:
    """The call and its results. `browsers` and `light` have one list of received streams for each participant."""

    def __init__(self, server: RunningServer, contexts: list[BrowserContext]) -> None:
        self.server = server
        self.browsers: list[list[Stream]] = []
        self.light: list[list[Stream]] = []
        self.row: dict[str, Any] = {}
        self._contexts = contexts

    async def carry(self, seconds: float, settling: float = SETTLING) -> None:
        """Hold the call and count for so many seconds. Raises LabError or AssertionError when a join fails."""
        rest = Rest(self.server)
        pages = []
        for number, context in enumerate(self._contexts):
            await context.add_init_script(REMEMBER_PEERS)
            pages.append(await CallPage.open(context, self.server, f"browser{number}"))
        callers = await LightProcess.start("callers", [await rest.token("load") for _ in range(LIGHT)])
        try:
            for page in pages:
                await page.join(await rest.token("load"))
                await page.page.evaluate(_LIMIT, BIT_RATE)
            for page in pages:
                for number in range(1, LIGHT + len(pages)):
                    await page.told("streamPlaying", 20, count=number)
            await asyncio.sleep(settling)  # rates and caches settle
            await self._count(pages, callers, seconds)
        finally:
            await callers.stop()

    async def _count(self, pages: list[CallPage], callers: LightProcess, seconds: float) -> None:
        server = self.server.process.pid
        first = [await page.page.evaluate(_RECEIVED) for page in pages]
        await callers.ask("restart")
        cpu, light_cpu, dropped = processes.cpu_s(server), processes.cpu_s(callers.pid), processes.kernel_drops()
        whole, began = processes.whole_cpu_s(), time.monotonic()
        await asyncio.sleep(seconds)  # the period that is measured
        took = time.monotonic() - began
        cpu, light_cpu = processes.cpu_s(server) - cpu, processes.cpu_s(callers.pid) - light_cpu
        whole, dropped = processes.whole_cpu_s() - whole, processes.kernel_drops() - dropped
        told = await callers.ask("report")
        assert not told["failures"], told["failures"]
        self.light = [list(caller.values()) for caller in told["received"]]
        last = [await page.page.evaluate(_RECEIVED) for page in pages]
        self.browsers = [
            [{name: now[name] - then[name] for name in now} for now, then in zip(late, early, strict=True)]
            for late, early in zip(last, first, strict=True)
        ]
        light, browsers = ([leg for legs in group for leg in legs] for group in (self.light, self.browsers))
        self.row = {
            "seconds": round(took, 1),
            "browsers": len(pages),
            "light": LIGHT,
            "kbit_s_each_light_leg": round(sum(s["octets"] for s in light) * 8 / took / len(light) / 1000),
            "server_percent_of_a_core": round(100 * cpu / took, 1),
            "light_percent_of_a_core": round(100 * light_cpu / took, 1),
            "machine_percent_of_a_core": round(100 * whole / took, 1),
            "packets_s": round(sum(s["video_packets"] + s["audio_packets"] for s in light + browsers) / took),
            "missed": sum(s["missed"] for s in light),
            "recovered": sum(s["recovered"] for s in light),
            "lost_browsers": sum(s["lost"] for s in browsers),
            "dropped_by_the_kernel": dropped,
            "freezes_light": sum(s["freezes"] for s in light),
            "longest_gap_light_ms": round(1000 * max(s["longest_gap"] for s in light)),
            "freezes_browsers": sum(s["freezes"] for s in browsers),
            "frozen_browsers_s": round(sum(s["frozen"] for s in browsers), 2),
            "frames_s_light": round(min(s["frames"] for s in light) / took, 1),
            "frames_s_browsers": round(min(s["frames"] for s in browsers) / took, 1),
        }


async def measure(world: World, seed: int) -> list[dict[str, Any]]:
    """Return one row. Both browsers are on the machine's own network: the machine is measured, not a link."""
    contexts = [await world.fresh_context("outside") for _ in range(2)]
    try:
        load = Load(await world.server("best"), contexts)
        await load.carry(SECONDS)
        return [load.row]
    finally:
        for context in contexts:
            await context.close()


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the row, a line for each number."""
    table = Table(title="two browsers and four light callers, 640x480, all seeing each other", title_justify="left")
    for head in ("what", *("" for _ in rows)):
        table.add_column(head)
    for name in rows[0]:
        if name not in ("date", "load_average"):
            table.add_row(name.replace("_", " "), *(str(row[name]) for row in rows))
    console.print(table)
