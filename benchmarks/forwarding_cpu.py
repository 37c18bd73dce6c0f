"""CPU cost of forwarding one stream, measured with real Chromium pages.

    python -m benchmarks.forwarding_cpu [--subscribers 1] [--seconds 20] [--relay] [--profile FILE]

A server process of its own forwards one publisher's camera (Chromium's fake device, 640x480, Opus) to the subscribers.
Its CPU time (user and system, of the whole process) is read before and after; what it uses with nobody connected is
measured first and printed beside it. Printed are per cent of one core, and the same per 500 kbit/s forwarded. With
`--relay` the server is the baseline: aiortc's MediaRelay, which decodes and encodes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from benchmarks.relay_baseline import RelayRouter
from pyvidu.server.media.router import MediaRouter
from tests.server.media.media_rig import browser, serving


async def serve(profile: str | None, *, relay: bool = False) -> None:
    """Run the server process: print its URL, answer each input line with its counters, end at the end of the input."""
    router: Any = RelayRouter() if relay else MediaRouter(host_addresses=["127.0.0.1"])
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    profiler = None
    if profile:
        import cProfile

        profiler = cProfile.Profile()
    async with serving(router) as url:
        print(url, flush=True)
        while await reader.readline():
            if profiler:
                profiler.enable()
            times = os.times()
            octets, packets = await router.sent() if relay else sent(router)
            counters = {"cpu": times.user + times.system, "at": loop.time(), "octets": octets, "packets": packets}
            print(json.dumps(counters), flush=True)
    if profiler:
        profiler.disable()
        profiler.dump_stats(str(profile))
    await router.close()


def sent(router: MediaRouter) -> tuple[int, int]:
    """Return the octets and packets forwarded so far."""
    streams = router.statistics().streams.values()
    subscribers = [s for stream in streams for s in stream.subscribers.values()]
    return sum(s.octets_forwarded for s in subscribers), sum(s.packets_forwarded for s in subscribers)


class Server:
    """The server process, controlled over its standard input and output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def over(self, seconds: float) -> dict[str, float]:
        """Return the growth of the counters over so many seconds."""
        before = await self._counters()
        await asyncio.sleep(seconds)  # the period that is measured
        after = await self._counters()
        return {name: after[name] - before[name] for name in after}

    async def _counters(self) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        counters: dict[str, float] = json.loads(await self.line())
        return counters


async def measure(
    subscribers: int, seconds: float, profile: str | None = None, *, relay: bool = False
) -> dict[str, float]:
    """Run the benchmark, print the result and return it."""
    arguments = [
        sys.executable,
        "-m",
        "benchmarks.forwarding_cpu",
        "--serve",
        *(["--profile", profile] if profile else []),
    ]
    arguments += ["--relay"] if relay else []
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    server = Server(process)
    url = await server.line()
    idle = await server.over(3)
    async with browser() as chromium, contextlib.AsyncExitStack() as stack:
        pages = []
        for _ in range(subscribers + 1):
            context = await chromium.new_context()
            stack.push_async_callback(context.close)
            page = await context.new_page()
            await page.goto(url)
            pages.append(page)
        publisher, *receivers = pages
        await publisher.evaluate("publish('/publish', {owner: 'publisher', stream: 's'})")
        for index, page in enumerate(receivers):
            took = await page.evaluate(f"subscribe({{subscriber: 'subscriber{index}', stream: 's'}})")
            print(f"subscriber {index}: connected {took['connected']:.0f} ms after its offer was sent,", end=" ")
            print(f"first frame after {took['firstFrame']:.0f} ms")
        await asyncio.sleep(5)  # the bandwidth estimate climbs meanwhile
        used = await server.over(seconds)
        stats = await receivers[0].evaluate("stats()")
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()
    rate = 8 * used["octets"] / used["at"] / 1000
    core = 100 * used["cpu"] / used["at"]
    print(f"idle: {100 * idle['cpu'] / idle['at']:.2f} % of a core")
    print(
        f"forwarding to {subscribers}: {core:.2f} % of a core for {rate:.0f} kbit/s and "
        f"{used['packets'] / used['at']:.0f} packets/s out; {core * 500 / rate:.2f} % per 500 kbit/s forwarded"
    )
    print(
        f"subscriber 0 decodes {stats['in_video']['framesPerSecond']} frames/s, lost {stats['in_video']['packetsLost']}"
    )
    return {
        "percent_of_a_core": round(core, 2),
        "idle_percent": round(100 * idle["cpu"] / idle["at"], 2),
        "kbit_s": round(rate),
        "packets_s": round(used["packets"] / used["at"]),
        "percent_per_500_kbit_s": round(core * 500 / rate, 2),
        "frames_s": stats["in_video"]["framesPerSecond"],
    }


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--profile", help="write a cProfile of the server process here (it slows the server down)")
    parser.add_argument("--relay", action="store_true", help="measure the transcoding baseline instead")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.profile, relay=arguments.relay))
    else:
        asyncio.run(measure(arguments.subscribers, arguments.seconds, arguments.profile, relay=arguments.relay))


if __name__ == "__main__":
    main()
