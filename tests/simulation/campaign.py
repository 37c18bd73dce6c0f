"""Many worlds, one seed each, on all cores; and one world again, told and shrunk."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from schedule import Plan, plan
from shrink import shrink
from simulated_world import Breakage, live

SHRUNK = 3  # broken worlds that a campaign shrinks; the others are named


@dataclass(slots=True)
class Tally:
    """What a campaign came to."""

    outages: int = 0
    worlds: int = 0
    broken: list[tuple[int, Breakage]] = field(default_factory=list)


def campaign(outages: int, first: int = 0, processes: int | None = None) -> Tally:
    """Lives through the worlds of the seeds from `first` on until there have been so many outages."""
    tally = Tally()
    for seed, had, broken in _worlds(first, processes or os.cpu_count() or 1):
        tally.worlds += 1
        tally.outages += had
        if broken is not None:
            tally.broken.append((seed, broken))
        if tally.outages >= outages:
            break
    return tally


def shrunk(whole: Plan, broken: Breakage) -> Plan:
    """The short plan behind `broken`."""

    def fails(candidate: Plan) -> bool:
        again = live(candidate).broken
        return again is not None and again.invariant == broken.invariant

    return shrink(whole, fails)


def report(seed: int, broken: Breakage) -> str:
    """A broken world in short."""
    short = shrunk(plan(seed), broken)
    return f"{broken}\n{short}\n{live(short).broken}"


def replay(seed: int) -> bool:
    """Prints the world of one seed, schedule and story, and a short schedule if something broke in it."""
    whole = plan(seed)
    outcome = live(whole)
    say(whole, "", outcome.tell())
    if outcome.broken is not None:
        say("", outcome.broken, "", "The short of it:", "")
        short = shrunk(whole, outcome.broken)
        say(short, "", live(short).tell(), "", live(short).broken)
    return outcome.broken is None


def say(*lines: object) -> None:
    """To whoever asked for it."""
    sys.stdout.write("\n".join(map(str, lines)) + "\n")
    sys.stdout.flush()


def main() -> int:
    """`SEED` replays one world. Else `OUTAGES` (100000) of them happen in the worlds from `FIRST` (0) on."""
    if seed := os.environ.get("SEED"):
        return 0 if replay(int(seed)) else 1
    wanted, first = int(os.environ.get("OUTAGES") or 100_000), int(os.environ.get("FIRST") or 0)
    began = time.monotonic()
    tally = campaign(wanted, first, int(os.environ.get("PROCESSES") or 0) or None)
    for number, (broken_seed, broken) in enumerate(tally.broken):
        say("", f"seed {broken_seed}: {report(broken_seed, broken) if number < SHRUNK else broken}")
    seconds = time.monotonic() - began
    say(f"{tally.outages} outages in {tally.worlds} worlds, seeds from {first} on, in {seconds:.0f} s")
    say(f"{wanted} outages, {len(tally.broken)} broken")
    return 1 if tally.broken else 0


def _worlds(first: int, processes: int) -> Iterator[tuple[int, int, Breakage | None]]:
    """Worlds without end, in the order of their seeds."""
    seeds = iter(range(first, sys.maxsize))
    if processes == 1:
        yield from map(_world, seeds)
        return
    # Pool.imap would ask for all seeds at once; a window of them is under way at a time.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        while True:
            batch = [next(seeds) for _ in range(processes * 25)]
            yield from pool.imap(_world, batch, chunksize=5)


def _world(seed: int) -> tuple[int, int, Breakage | None]:
    outcome = live(plan(seed))
    return seed, outcome.outages, outcome.broken


if __name__ == "__main__":
    sys.exit(main())
