"""Which drops, of which kind and length, in which order. Pure: the same seed gives the same drops."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.plan import EVICTION_S, Call, Cell, Fault

KINDS: dict[Fault, int] = {
    "silent": 30,
    "link": 25,
    "handover": 15,
    "media-only": 12,
    "signaling-only": 12,
    "flapping": 6,
}
"""Out of a hundred drops, roughly so many are of each kind."""
LENGTH_S = (1.0, 9.0)
EVICTION_EVERY = 10
"""One drop in so many lasts long enough to evict: leaving and rejoining may leak in other places."""
DEAD_MEDIA = 0.4
"""The share of the drops after which the old media paths stay dead, as after a NAT has dropped their mappings."""
SETTLE_S = (2.0, 5.0)

_CALL = Call("best", "both", "pyvidu")
_KILLABLE = ("silent", "link", "media-only")


@dataclass(frozen=True, slots=True)
class Drop:
    """One drop. The call is left alone for `settle_s` seconds before it."""

    cell: Cell
    dead_media: bool
    settle_s: float

    def __str__(self) -> str:
        dead = ", dead media" if self.dead_media else ""
        return f"{self.cell.fault} {self.cell.outage_s:.1f} s{dead}{', evicts' if self.cell.evicts else ''}"


def drops(count: int, seed: int) -> list[Drop]:
    """Return `count` drops. Every tenth evicts, so that each row of the report has the same share of them."""
    dice = random.Random(seed)
    return [_drop(dice, evicts=number % EVICTION_EVERY == EVICTION_EVERY // 2) for number in range(count)]


def _drop(dice: random.Random, *, evicts: bool) -> Drop:
    settle = round(dice.uniform(*SETTLE_S), 2)
    if evicts:
        return Drop(Cell(_CALL, dice.choice(("silent", "link")), EVICTION_S["best"]), dead_media=False, settle_s=settle)
    (fault,) = dice.choices(list(KINDS), list(KINDS.values()))
    dead = fault in _KILLABLE and dice.random() < DEAD_MEDIA
    return Drop(Cell(_CALL, fault, round(dice.uniform(*LENGTH_S), 2)), dead, settle)
