"""`make calm`: a call over a bad link on a busy machine, but without an outage. Every alarm in it is false.

`python -m benchmarks.calm [--seconds 600] [--out FILE]`: two pages, one of them behind a link that loses 5 % of the packets
at random, each way, and delays the others by up to 200 ms; another process keeps one core busy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import rig
from benchmarks.measure import STALL_S, Trace
from benchmarks.pulse import Pulse
from benchmarks.world import World
from pyvidu.testing import LabError, NetworkLab
from tests.browser.calls import Rest

RESULTS = Path(__file__).resolve().parent / "results" / "calm.json"
LOSS_PERCENT: Final = 5.0
RTT_S: Final = 0.05
JITTER_S: Final = 0.2
ALARMS: Final = ("reconnecting", "streamFrozen", "sessionDisconnected", "exception")
AFTERMATH_S: Final = 3.0
"""Seconds after a stalled event loop in which the machine may have caused an alarm: such alarms are reported apart."""
_SETTLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A false alarm. `at` is seconds since the measurement began."""

    page: str
    at: float
    event: str
    why: str
    stalled: bool


def alarms(name: str, trace: Trace, server_stalls: Sequence[tuple[float, float]], began: float) -> list[Alarm]:
    """Return the false alarms of a page. Times of `trace` and `began` are of one clock."""
    stalls = [ended for since, ended in (*trace.stalls, *server_stalls) if ended - since > STALL_S]
    whys = iter([str(outage["witness"]) for outage in trace.outages])
    return [
        Alarm(
            name,
            round(happened.at - began, 2),
            happened.name,
            next(whys, "") if happened.name == "reconnecting" else happened.reason,
            any(0 <= happened.at - ended <= AFTERMATH_S for ended in stalls),
        )
        for happened in trace.events
        if happened.name in ALARMS and happened.at >= began
    ]


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another process."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def measure(seconds: float) -> dict[str, Any]:
    """Run the call and return the results."""
    with NetworkLab(rtt=RTT_S, jitter=JITTER_S) as lab:
        async with World.make(lab) as world:
            server = await world.server("best")
            rest = Rest(server)
            pages = {
                "behind the link": await world.page("pyvidu", "best"),
                "beside it": await world.peer("pyvidu", "best"),
            }
            for page in pages.values():
                await page.join(await rest.token("calm"))
            joined = time.monotonic()
            for name, page in pages.items():
                if not await page.moves(joined, joined + 30, more=10):
                    raise LabError(f"{name}: no video; {page.console[-5:]}")
            with busy_core():
                lab.random_loss(LOSS_PERCENT)
                async with Pulse.of(server) as pulse:
                    await asyncio.sleep(_SETTLE_S)  # the streams settle
                    before, began = lab.counters(), time.monotonic()
                    for page in pages.values():
                        await page.clear()
                    pulse.restart()
                    await asyncio.sleep(seconds)  # the length of the calm call
                    traces = {name: await page.trace() for name, page in pages.items()}
                    after = lab.counters()
                lab.restore()
            found = [alarm for name, trace in traces.items() for alarm in alarms(name, trace, pulse.stalls, began)]
            dropped, passed = after.dropped - before.dropped, after.passed - before.passed
            return {
                "rig": rig.describe(
                    world.browser_versions, 0, f"make calm BENCH_ARGS='--seconds {seconds:g}'"
                ).model_dump(),
                "seconds": seconds,
                "loss_percent": round(100 * dropped / (dropped + passed), 2),
                "rtt_ms": [1000 * RTT_S, 1000 * (RTT_S + JITTER_S)],
                "reconnecting": _count(found, "reconnecting", stalled=False),
                "stream_frozen": _count(found, "streamFrozen", stalled=False),
                "after_a_stall": sum(alarm.stalled for alarm in found),
                "server_stalls": _long(pulse.stalls),
                "pages": {name: page_report(trace, seconds) for name, trace in traces.items()},
                "alarms": [asdict(alarm) for alarm in found],
            }


def page_report(trace: Trace, seconds: float) -> dict[str, Any]:
    """Return the results of one page."""
    waits = [answered - sent for sent, answered in trace.pongs]
    return {
        "frames_per_second": round(sum(map(len, trace.frames.values())) / seconds, 1),
        "stalls": _long(trace.stalls),
        "pings": sum(method == "ping" for _, method in trace.requests),
        "pongs_after_1_s": sum(late > 1 for late in waits),
        "slowest_pong_ms": round(1000 * max(waits, default=0)),
        "sockets": len(trace.sockets),
    }


def _count(found: Sequence[Alarm], event: str, *, stalled: bool) -> int:
    return sum(alarm.event == event and alarm.stalled is stalled for alarm in found)


def _long(stalls: Sequence[tuple[float, float]]) -> int:
    return sum(ended - began > STALL_S for began, ended in stalls)


def main() -> int:
    """Run, print and save the result. Returns 1 after an alarm that no stall explains, 2 when the lab fails."""
    parser = argparse.ArgumentParser(prog="make calm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    try:
        result = asyncio.run(measure(options.seconds))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = json.dumps(result, indent=1)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", "utf-8")
    sys.stdout.write(text + "\n")
    return 1 if result["reconnecting"] or result["stream_frozen"] else 0


if __name__ == "__main__":
    sys.exit(main())
