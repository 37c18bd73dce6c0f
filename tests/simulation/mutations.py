"""Faults seeded into the engine, each a small change of its source, and the worlds that catch them.

A simulation without findings proves something only if it finds these. `make mutations` looks for worlds that catch each of
them and writes their seeds to `mutation_seeds.json`; a test checks that they still do. The name of a world in
`mended_worlds.json` can stand in place of a seed.
"""

from __future__ import annotations

import json
import os
import sys
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.campaign import say
from tests.simulation.media_mutations import MEDIA
from tests.simulation.mended import mended_worlds
from tests.simulation.mutation import Mutation
from tests.simulation.schedule import Plan, plan
from tests.simulation.signaling_mutations import SIGNALING
from tests.simulation.simulated_world import live

SEEDS = Path(__file__).with_name("mutation_seeds.json")
KEPT = 1  # seeds for each mutation
TRIED = 400  # worlds tried at most for each mutation
MUTATIONS = (*SIGNALING, *MEDIA)


def plan_of(world: int | str) -> Plan:
    """Return the plan of a seed, or of the mended world with that name."""
    return plan(world) if isinstance(world, int) else mended_worlds()[world].plan


def catches(mutation: Mutation, world: int | str) -> str:
    """Return the invariant that the mutation breaks in `world`; "" if none."""
    with mutation.applied():
        broken = live(plan_of(world)).broken
    return broken.invariant if broken is not None else ""


def seeds() -> dict[str, list[int | str]]:
    """Return the worlds that caught each mutation, by its name."""
    known: dict[str, list[int | str]] = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    return known


def find_seeds(mutation: Mutation) -> tuple[Mutation, list[int | str], str]:
    """Return the mutation, worlds that break only with it (known ones first), and the invariants broken."""
    found: list[int | str] = []
    invariants = set()
    known = seeds().get(mutation.name, [])
    for world in [*known, *(number for number in range(TRIED) if number not in known)]:
        broken = catches(mutation, world)
        if broken and live(plan_of(world)).broken is None:
            found.append(world)
            invariants.add(broken)
            if len(found) == KEPT:
                break
    return mutation, found, ", ".join(sorted(invariants))


def main() -> int:
    """Rerun every mutation, with `MUTATION=text` only those whose name contains it; return 1 if one is not caught."""
    wanted = os.environ.get("MUTATION", "")
    chosen = [item for item in MUTATIONS if wanted in item.name]
    caught = seeds()
    with get_context("spawn").Pool(int(os.environ.get("PROCESSES") or 0) or os.cpu_count()) as pool:
        for mutation, found, invariants in pool.imap_unordered(find_seeds, chosen):
            caught[mutation.name] = found
            seen = f"world {found[0]} ({invariants})" if found else "NOT CAUGHT"
            say(f"{mutation.name}: {seen}")
    known = {item.name: caught[item.name] for item in MUTATIONS if item.name in caught}
    SEEDS.write_text(json.dumps(known, indent=1).replace("\n  ", " ").replace("\n ]", "]").replace("[ ", "[") + "\n")
    missed = [item.name for item in chosen if not caught[item.name]]
    say(f"{len(chosen)} mutations, {len(missed)} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
