"""The command: `python -m benchmarks [--claims | a selection] [--out FILE]`. See docs/benchmark.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import (
    boot,
    browsers_table,
    load,
    page_cost,
    plan,
    report,
    rig,
    server_cost,
    storm,
    summary,
    table,
    trials_file,
)
from benchmarks.plan import Plan
from benchmarks.results import Results, Rig
from benchmarks.run import run_blocks
from benchmarks.trial import TrialRecord
from benchmarks.world import World
from pyvidu.testing import LabError

HERE = Path(__file__).resolve().parent
LATEST = HERE / "results" / "latest.json"
SUBJECTS: dict[str, Any] = {"boot": boot, "page": page_cost, "server": server_cost, "storm": storm, "room": load}
SELECTORS = ("client", "browser", "force", "server", "fault", "outage", "media", "rtt", "streams")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options. Selecting options may be repeated; without any of them the whole smoke runs."""
    found = argparse.ArgumentParser(prog="make bench", description=__doc__)
    found.add_argument("what", nargs="?", choices=SUBJECTS, help="another benchmark than that of the reconnection")
    found.add_argument("--claims", action="store_true", help="the cells and counts that the claims are made of")
    found.add_argument("--client", action="append", choices=plan.CLIENTS)
    found.add_argument("--browser", action="append", choices=plan.BROWSERS, help="of the page that is dropped")
    found.add_argument("--force", action="append", choices=("no", "yes"), help="forceMediaReconnectionAfterNetworkDrop")
    found.add_argument("--server", action="append", choices=plan.SERVERS)
    found.add_argument("--fault", action="append", choices=plan.FAULTS)
    found.add_argument("--outage", action="append", type=_outage, metavar="SECONDS|eviction")
    found.add_argument("--media", action="append", choices=plan.MEDIA)
    found.add_argument("--rtt", action="append", type=float, metavar="MS", help="of the guest's link (a TAP link)")
    found.add_argument("--streams", action="append", type=int, metavar="N", help="remote streams")
    found.add_argument("--trials", type=int, help="a cell (default 1)")
    found.add_argument("--peer", choices=plan.CLIENTS, default="openvidu-browser", help="who watches, in every cell")
    found.add_argument("--seed", type=int, default=20261124)
    found.add_argument("--out", type=Path, default=LATEST)
    found.add_argument("--add", action="store_true", help="keep what the file has of other cells")
    found.add_argument(
        "--merge", nargs="+", type=Path, metavar="TRIALS", help="run nothing: results of these .trials.jsonl"
    )
    return found


def wanted(options: argparse.Namespace) -> Plan:
    """Return the plan that the options select."""
    if options.claims:
        return plan.claims()
    named: dict[str, Any] = {name: value for name in SELECTORS if (value := getattr(options, name)) is not None}
    if not named and options.trials is None:
        return plan.smoke()
    plurals = {
        "client": "clients",
        "browser": "browsers",
        "server": "servers",
        "fault": "faults",
        "outage": "outages",
        "media": "media",
        "streams": "streams",
    }
    selected: dict[str, Any] = {plurals[name]: value for name, value in named.items() if name in plurals}
    if "force" in named:
        selected["forces"] = [value == "yes" for value in named["force"]]
    if "rtt" in named:
        selected["rtts_ms"] = named["rtt"]
    return plan.selection(trials=options.trials or 1, **selected)


async def bench(options: argparse.Namespace) -> int:
    """Run the selected cells and return the exit code."""
    blocks = plan.schedule(wanted(options), options.seed)
    records: list[TrialRecord] = []
    here: Rig | None = None
    out: Path = options.out
    trials = out.with_suffix(".trials.jsonl")
    trials.parent.mkdir(parents=True, exist_ok=True)
    with trials.open("a" if options.add else "w", encoding="utf-8") as lines:

        def keep(record: TrialRecord) -> None:
            records.append(record)
            lines.write(json.dumps(record.to_dict()) + "\n")
            lines.flush()

        troubles: list[str] = []
        for rtt in sorted({block.call.rtt_ms for block in blocks}):  # a lab has one link, with one round-trip time
            same = [block for block in blocks if block.call.rtt_ms == rtt]
            browsers = dict.fromkeys(block.call.browser for block in same)
            async with World.make(rtt_ms=rtt, browsers=browsers) as world:
                here = here or rig.describe(world.browser_versions, options.seed, command(sys.argv[1:]))
                troubles += await run_blocks(world, same, peer=options.peer, keep=keep)
    assert here is not None, "a schedule has at least one block"
    cells = summary.cells(records)
    results = (Results.load(out) or Results(rig=here)).measured(here, cells, add=options.add)
    results.save(out)
    report.write(out.with_suffix(".html"), results.measured(here, cells, add=False), records)
    console = _console()
    table.show(cells, console)
    _show_browsers(results, console)
    console.print(f"load average when it began: {here.load_average}", highlight=False)
    return 1 if troubles else 0


def merge(options: argparse.Namespace) -> int:
    """Make one result of the trials of several runs, whose own results name their machine, and print its tables."""
    files: list[Path] = options.merge
    records = [record for file in files for record in trials_file.read(file)]
    first = Results.load(files[0].with_name(files[0].name.replace(".trials.jsonl", ".json")))
    if first is None or not records:
        sys.stderr.write(f"{files[0]}: no trials, or no results beside them\n")
        return 2
    cells = summary.cells(records)
    results = (Results.load(options.out) or Results(rig=first.rig)).measured(first.rig, cells, add=options.add)
    results.save(options.out)
    console = _console()
    table.show(cells, console)
    _show_browsers(results, console)
    return 0


def _show_browsers(results: Results, console: Console) -> None:
    """Print Chromium beside Firefox if the file has a cell in both."""
    if rows := browsers_table.rows(results.cells):
        console.print(browsers_table.markdown(rows), highlight=False, soft_wrap=True)


async def costs(options: argparse.Namespace) -> int:
    """Run one of the other benchmarks and replace its part of the results."""
    subject = SUBJECTS[options.what]
    async with World.make() as world:
        here = rig.describe(world.browser_versions, options.seed, f"make bench-{options.what}")
        rows = await subject.measure(world, options.seed)
    # The rig at the top of the file is that of the cells; each other part records its own date and load.
    stamped = [{**row, "date": here.date, "load_average": here.load_average} for row in rows]
    results = Results.load(options.out) or Results(rig=here)
    results.model_copy(update={options.what: stamped}).save(options.out)
    subject.show(rows, _console())
    return 0


def main() -> int:
    """Parse the arguments and run."""
    options = parser().parse_args()
    try:
        if options.merge:
            return merge(options)
        return asyncio.run(costs(options) if options.what else bench(options))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _outage(text: str) -> float | str:
    return text if text == "eviction" else float(text)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 200)


def command(arguments: Sequence[str]) -> str:
    """Return the command that repeats the run, without the options that only say where the results go."""
    elsewhere = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    elsewhere.add_argument("--out")
    elsewhere.add_argument("--add", action="store_true")
    _, words = elsewhere.parse_known_args(arguments)
    claims = "--claims" in words
    args = " ".join(word for word in words if word != "--claims")
    return f"make bench{'-claims' if claims else ''}" + (f' BENCH_ARGS="{args}"' if args else "")


if __name__ == "__main__":
    sys.exit(main())
