"""The command: `python -m benchmarks.soak [--drops N] [--seed S] [--out FILE]`. See docs/benchmark.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, async_playwright
from rich.console import Console

from benchmarks import rig
from benchmarks.soak import plan
from benchmarks.soak.counters import counting_context
from benchmarks.soak.report import Row, Soak, line, show
from benchmarks.soak.run import ROOM, soak
from pyvidu.testing import (
    BrowserName,
    LabError,
    NetworkLab,
    RunningServer,
    lab_unavailable_reason,
    launch_browser,
    start_server,
)
from tests.browser.calls import LabCall

LATEST = Path(__file__).resolve().parent.parent / "results" / "soak.json"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    found = argparse.ArgumentParser(prog="make soak", description=__doc__)
    found.add_argument("--drops", type=int, default=100)
    found.add_argument("--every", type=int, default=10, metavar="N", help="a row after every N drops")
    found.add_argument("--seed", type=int, default=20261124)
    found.add_argument("--out", type=Path, default=LATEST)
    return found


async def run(options: argparse.Namespace) -> int:
    """Run the drops. Returns 1 when something grew or did not come back, 2 when there were too few drops for a row."""
    if reason := lab_unavailable_reason():
        raise LabError(reason)
    console = Console(width=None if sys.stdout.isatty() else 200)
    rows: list[Row] = []
    async with AsyncExitStack() as stack:
        lab = stack.enter_context(NetworkLab())
        driver = await stack.enter_async_context(async_playwright())
        versions: list[str] = []

        async def open_browser(name: BrowserName, **where: Any) -> BrowserContext:
            browser = await launch_browser(driver, name, **where)
            stack.push_async_callback(browser.close)
            versions.append(browser.version)
            return await counting_context(browser)

        async def serve(*args: str, **where: Any) -> RunningServer:
            server = await start_server(*args, **where)
            stack.push_async_callback(server.stop)
            return server

        call = await LabCall.begin(lab, open_browser, serve, ROOM)
        command = f"make soak SOAK_DROPS={options.drops} SOAK_SEED={options.seed}"
        here = rig.describe({"chromium": versions[0]}, options.seed, command)
        async for row in soak(call, plan.drops(options.drops, options.seed), options.every):
            rows.append(row)
            Soak.of(here, rows).save(options.out)  # so that an interrupted run leaves its results
            console.print(line(row), highlight=False)
    if not rows:
        console.print(f"fewer than {options.every} drops make no row")
        return 2
    found = Soak.of(here, rows)
    show(found, console)
    return 1 if found.grew or any(row.troubles for row in rows) else 0


def main() -> int:
    """Parse the arguments and run."""
    try:
        return asyncio.run(run(parser().parse_args()))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
