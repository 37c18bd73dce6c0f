"""Worlds that once broke an invariant, kept as shrunk schedules: those do not depend on how seeds make worlds.

Each has the cause of its breakage, in one sentence. `make simulate WORLD="a freeze after a slow spell"` replays one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.simulation.schedule import Entry, Person, Plan

FILE = Path(__file__).with_name("mended_worlds.json")


@dataclass(frozen=True, slots=True)
class MendedWorld:
    """A schedule, and why it broke an invariant before the repair."""

    name: str
    cause: str
    plan: Plan


@cache
def mended_worlds() -> dict[str, MendedWorld]:
    """Return all mended worlds, by name."""
    return {name: MendedWorld(name, item["cause"], _plan(item)) for name, item in json.loads(FILE.read_text()).items()}


def as_json(plan: Plan) -> str:
    """Return a schedule as JSON in the form of the file, without its name and cause."""
    lines = [
        f'  "seed": {plan.seed}, "profile": "{plan.profile}", "roster": {json.dumps(plan.roster)},',
        '  "people": [',
        ",\n".join(f"   {json.dumps(_fields(person))}" for person in plan.people),
        '  ],\n  "entries": [',
        ",\n".join(f"   {json.dumps(_fields(entry))}" for entry in plan.entries),
        "  ]",
    ]
    return "\n".join(lines)


def _fields(item: Person | Entry) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _plan(item: dict[str, Any]) -> Plan:
    return Plan(
        item["seed"],
        item["profile"],
        item["roster"],
        tuple(Person(**person) for person in item["people"]),
        tuple(Entry(**entry) for entry in item["entries"]),
    )
