"""Runs many simulated worlds, one seed each, on all cores; or replays one world and shrinks its schedule.

Worlds on which faults were found and repaired prove nothing any more, so a campaign begins where the last recorded one
ended (`proofs.py`).
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.simulation.mended import MendedWorld, as_json, mended_worlds
from tests.simulation.proofs import Proof, next_fresh, of_this_commit, record
from tests.simulation.schedule import Plan, plan
from tests.simulation.shrink import shrink
from tests.simulation.simulated_world import Breakage, live

SHRUNK = 3  # broken worlds that a campaign shrinks; the others are only listed


@dataclass(slots=True)
class Tally:
    """The result of a campaign."""

    first: int
    outages: int = 0
    worlds: int = 0
    broken: list[tuple[int, Breakage]] = field(default_factory=list)

    def reports(self) -> str:
        """Return the reports of the first broken worlds."""
        return "\n\n".join(f"seed {seed}: {report(seed, broken)}" for seed, broken in self.broken[:SHRUNK])


def campaign(outages: int, first: int = 0, processes: int | None = None) -> Tally:
    """Run the worlds of the seeds from `first` on until there have been at least `outages` outages."""
    tally = Tally(first)
    for seed, had, broken in _worlds(first, processes or os.cpu_count() or 1):
        tally.worlds += 1
        tally.outages += had
        if broken is not None:
            tally.broken.append((seed, broken))
        if tally.outages >= outages:
            break
    return tally


def differing(worlds: int, first: int, processes: int | None = None) -> list[tuple[int, str]]:
    """Return which worlds go another way if nothing is skipped: their seeds, and the first line of the log that differs."""
    with multiprocessing.get_context("spawn").Pool(processes or os.cpu_count()) as pool:
        found = pool.map(_difference, range(first, first + worlds), chunksize=5)
    return [(seed, difference) for seed, difference in found if difference]


def shrunk(whole: Plan, broken: Breakage) -> Plan:
    """Return a short plan that breaks the same invariant as `broken`."""

    def fails(candidate: Plan) -> bool:
        again = live(candidate).broken
        return again is not None and again.invariant == broken.invariant

    return shrink(whole, fails)


def mended_and_broken_again() -> list[tuple[MendedWorld, Breakage]]:
    """Return the mended worlds that break an invariant again, each with its breakage."""
    outcomes = [(world, live(world.plan).broken) for world in mended_worlds().values()]
    return [(world, broken) for world, broken in outcomes if broken is not None]


def report(seed: int, broken: Breakage) -> str:
    """Return a broken world's breakage, its shrunk schedule as text and as JSON, and the command that replays it."""
    short = shrunk(plan(seed), broken)
    return f"{broken}\n{short}\n{live(short).broken}\n{as_json(short)}\nTold again by: make simulate SEED={seed}"


def replay(whole: Plan) -> bool:
    """Print one world, schedule and story, and a short schedule if it broke an invariant; return whether it broke none."""
    outcome = live(whole)
    say(whole, "", outcome.tell())
    if outcome.broken is not None:
        say("", outcome.broken, "", "The short of it:", "")
        short = shrunk(whole, outcome.broken)
        say(short, "", live(short).tell(), "", live(short).broken, "", as_json(short))
    return outcome.broken is None


def say(*lines: object) -> None:
    """Print the lines to standard output."""
    sys.stdout.write("\n".join(map(str, lines)) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run what the environment asks for; return the exit code.

    `SEED` or `WORLD` (the name of a mended one) replays one world. Else `OUTAGES` (100000) happen in worlds of no recorded
    campaign: from `FIRST` on, by default where the last one ended; `RECORD=1` adds this one to `proofs.json`. `FIXED=1` takes
    the worlds that are always the same: the mended ones, and those from seed 0 on. `COMPARE=N` runs N worlds of this commit
    twice, with and without jumps over polls, which must make no difference.
    """
    if sys.argv[1:]:
        raise SystemExit(main.__doc__)
    asked = os.environ.get
    if seed := asked("SEED"):
        return 0 if replay(plan(int(seed))) else 1
    if name := asked("WORLD"):
        return 0 if replay(mended_worlds()[name].plan) else 1
    if worlds := asked("COMPARE"):
        return _compare(int(worlds))
    failed = _fixed_ones() if asked("FIXED") else 0
    first = int(asked("FIRST") or (0 if asked("FIXED") else next_fresh()))
    began = time.monotonic()
    tally = campaign(int(asked("OUTAGES") or 100_000), first, int(asked("PROCESSES") or 0) or None)
    for number, (broken_seed, broken) in enumerate(tally.broken):
        say("", f"seed {broken_seed}: {report(broken_seed, broken) if number < SHRUNK else broken}")
    seconds = time.monotonic() - began
    say(f"{tally.worlds} worlds, seeds {first} to {first + tally.worlds - 1}, in {seconds:.0f} s")
    say(f"{tally.outages} outages, {len(tally.broken)} broken")
    if asked("RECORD"):
        record(Proof.of_today(first, tally.worlds, tally.outages, len(tally.broken)))
    return 1 if failed or tally.broken else 0


def _compare(worlds: int) -> int:
    found = differing(worlds, of_this_commit(), int(os.environ.get("PROCESSES") or 0) or None)
    for seed, difference in found:
        say(f"seed {seed}: {difference}")
    say(f"{worlds} worlds, {len(found)} differ when polls are skipped")
    return 1 if found else 0


def _difference(seed: int) -> tuple[int, str]:
    # What happens at one moment may happen in either order: a timer that is set by a jump is not set when a poll sets it.
    jumping, polling = (sorted(live(plan(seed), jumps=jumps).tell().splitlines()) for jumps in (True, False))
    pairs = zip_longest(jumping, polling, fillvalue="(nothing)")
    return seed, next((f"{one.strip()}, polling: {other.strip()}" for one, other in pairs if one != other), "")


def _fixed_ones() -> int:
    again = mended_and_broken_again()
    for world, broken in again:
        say("", f"{world.name}: {world.cause}", broken, f'Told again by: make simulate WORLD="{world.name}"')
    say(f"{len(mended_worlds())} mended worlds, {len(again)} broken again")
    return len(again)


def _worlds(first: int, processes: int) -> Iterator[tuple[int, int, Breakage | None]]:
    """Yield (seed, outages, breakage) of worlds without end, in the order of their seeds."""
    seeds = iter(range(first, sys.maxsize))
    if processes == 1:
        yield from map(_world, seeds)
        return
    # Pool.imap would take all seeds at once, so they are submitted in batches.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        while True:
            batch = [next(seeds) for _ in range(processes * 25)]
            yield from pool.imap(_world, batch, chunksize=5)


def _world(seed: int) -> tuple[int, int, Breakage | None]:
    outcome = live(plan(seed))
    return seed, outcome.outages, outcome.broken


if __name__ == "__main__":
    sys.exit(main())
