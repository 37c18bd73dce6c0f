"""All attacks by name. The functions' docstrings say what they do; those of the limits' tables begin with the row's name."""

from __future__ import annotations

from benchmarks.hostile import beyond, floods, media, signaling, tcp
from benchmarks.hostile.target import Attack

ATTACKS: tuple[Attack, ...] = (
    *signaling.ATTACKS, *media.ATTACKS, *tcp.ATTACKS, *floods.ATTACKS, *beyond.ATTACKS,
)  # fmt: skip
BY_NAME: dict[str, Attack] = {attack.__name__: attack for attack in ATTACKS}
