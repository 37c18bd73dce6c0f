"""Thousands of outages in random worlds, and tests of the simulation itself."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation import invariants
from tests.simulation.campaign import campaign, differing, shrunk
from tests.simulation.mended import FILE, MendedWorld, as_json, mended_worlds
from tests.simulation.mutations import MUTATIONS, catches, plan_of, seeds
from tests.simulation.proofs import Proof, next_fresh, of_this_commit, proofs, record
from tests.simulation.schedule import Entry, Plan, plan
from tests.simulation.simulated_world import live

HERE = Path(__file__).parent


@pytest.mark.parametrize("world", mended_worlds().values(), ids=mended_worlds())
def test_world_that_once_broke_an_invariant_breaks_none(world: MendedWorld) -> None:
    assert live(world.plan).broken is None, world.cause


def test_5000_outages_in_fixed_worlds_break_no_invariant() -> None:
    tally = campaign(5_000)
    assert not tally.broken, tally.reports()
    assert tally.outages >= 5_000


def test_skipped_polls_make_no_difference() -> None:
    assert not differing(40, of_this_commit())


def test_world_depends_only_on_its_seed() -> None:
    for seed in range(7_018_080, 7_018_140):  # three depended on addresses while server sockets were in a set
        before = fingerprint(seed)
        kept = [object() for _ in range(seed % 97)]  # gives later objects other addresses
        assert fingerprint(seed) == before
        del kept


def test_campaign_continues_after_the_last_recorded_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.proofs.FILE", tmp_path / "proofs.json")
    (tmp_path / "proofs.json").write_text("[]")
    record(Proof(100, 30, 400, 0, "2026-11-25", "abc"))
    record(Proof(130, 7, 90, 1, "2026-11-25", "abc"))
    assert next_fresh() == 137
    assert proofs()[1].broken == 1


def test_saved_schedule_equals_the_loaded_one() -> None:
    for world in mended_worlds().values():
        assert as_json(world.plan) in FILE.read_text()


def test_seed_replays_identically_with_any_hash_seed() -> None:
    some = (7, 600_029, 600_035, 600_038)  # the last three once reported events of the same moment in any order
    script = f"from tests.simulation import test_simulation; print(*map(test_simulation.fingerprint, {some}))"
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert told == {" ".join(map(fingerprint, some))}


def fingerprint(seed: int) -> str:
    """Return a hash of all that happened in the world of `seed`, and when."""
    return hashlib.sha256(live(plan(seed)).tell().encode()).hexdigest()


def test_schedule_that_breaks_an_invariant_is_shrunk() -> None:
    (mutation,) = [item for item in MUTATIONS if item.name == "membership is not verified"]
    whole = plan_of(seeds()[mutation.name][0])
    with mutation.applied():
        broken = live(whole).broken
        assert broken is not None
        short = shrunk(whole, broken)
        again = live(short).broken
    assert again is not None
    assert again.invariant == broken.invariant
    assert len(short.entries) <= 6 < len(whole.entries)


def test_a_schedule_can_be_written_by_hand() -> None:
    quiet = Plan(seed=1, entries=(Entry(5.0, 0, "silent", 9.0, "dead media"),))
    outcome = live(quiet)
    assert outcome.broken is None
    assert outcome.outages == 1
    told = [what for _, who, what in outcome.story if who == "a1"]
    assert any(what.startswith("is told reconnected") for what in told)
    assert live(replace(quiet, profile="kurento")).broken is None


def test_every_invariant_has_a_name_and_a_description() -> None:
    names = [kind.name for kind in invariants.ALL]
    assert len(set(names)) == len(names)
    assert all(kind.sentence.rstrip(")").endswith(".") for kind in invariants.ALL)


def test_every_mutation_is_caught_and_its_worlds_break_no_invariant_without_it() -> None:
    known = seeds()
    assert set(known) == {mutation.name for mutation in MUTATIONS}
    every = sorted({world for found in known.values() for world in found}, key=str)
    # Its own world first. A change of the engine may have changed what happens there; then another mutation's will do.
    missed = [item.name for item in MUTATIONS if not any(catches(item, world) for world in [*known[item.name], *every])]
    assert not missed, f"`make mutations` looks for other seeds of {missed}"
    whole = {world: live(plan_of(world)).broken for world in every}
    assert not {world: broken for world, broken in whole.items() if broken is not None}
