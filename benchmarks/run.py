"""Runs a schedule block after block, with progress on the terminal. A call that fails is set up once more."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from playwright.async_api import Error as PlaywrightError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.measure import NEVER
from benchmarks.plan import Block, Call, Client, Trial
from benchmarks.pulse import Pulse
from benchmarks.trial import BenchCall, CallFailed, TrialRecord
from benchmarks.world import World
from pyvidu.testing import LabError

_CHANCES = 2  # attempts for a block whose call fails

Keep = Callable[[TrialRecord], None]


async def run_blocks(world: World, blocks: Sequence[Block], *, peer: Client, keep: Keep) -> list[str]:
    """Run every block and pass each trial to `keep`. Returns the errors, in sentences."""
    troubles: list[str] = []
    console = Console(stderr=True)
    total = sum(block.estimate_s for block in blocks)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[left]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress:
        count = sum(len(block.trials) for block in blocks)
        task = progress.add_task("starting", total=count, left=f"about {total / 60:.0f} min left")
        clock = _TimeLeft(total)

        def told(record: TrialRecord) -> None:
            keep(record)
            clock.done(record.cell.estimate_s)
            progress.update(task, advance=1, description=str(record.cell), left=clock.left())
            if not sys.stderr.isatty():
                console.print(f"{line(record)}; {clock.left()}", highlight=False)

        for block in blocks:
            left = list(block.trials)
            chances = _CHANCES
            while left and chances:
                try:
                    await _block(world, block.call, left, peer=peer, keep=told)
                except (CallFailed, LabError, PlaywrightError) as error:
                    chances -= 1
                    troubles.append(f"{block.call}: {error}")
                    console.print(troubles[-1], style="red", highlight=False)
                    await world.close_pages()
    return troubles


def line(record: TrialRecord) -> str:
    """Return a trial as one line."""
    names = {"detect_ms": "detect", "signaling_ms": "signaling", "inbound_ms": "inbound", "outbound_ms": "outbound"}
    values = ((label, getattr(record.numbers, name)) for name, label in names.items())
    told = ", ".join(f"{label} {_ms(value)}" for label, value in values if value is not None)
    extra = f"; requests {record.numbers.requests}, renegotiated {record.numbers.renegotiated}"
    return f"{record.cell}: {told}{extra}{' (stalled)' if record.stalled else ''}"


def _ms(value: float) -> str:
    return "never" if value == NEVER else f"{value:.0f} ms"


async def _block(world: World, kept: Call, left: list[Trial], *, peer: Client, keep: Keep) -> None:
    """Run the trials of `left` and remove those that are done."""
    mode = kept.server
    server = await world.server(mode)
    async with Pulse.of(server) as pulse:
        page, watcher = await world.page(kept.client, mode, kept.browser), await world.peer(peer, mode)
        call = BenchCall(kept, world.lab, server, page, watcher, pulse)
        await call.join()
        try:
            while left:
                keep(await call.run(left[0]))
                del left[0]
        finally:
            await call.leave()


class _TimeLeft:
    """The estimated time left, corrected by the error of the estimate so far."""

    def __init__(self, total: float) -> None:
        self._total = total
        self._done = 0.0
        self._began = time.monotonic()

    def done(self, estimate: float) -> None:
        self._done += estimate

    def left(self) -> str:
        took = time.monotonic() - self._began
        pace = took / self._done if self._done > 60 else 1.0
        seconds = max(0.0, self._total - self._done) * pace
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
