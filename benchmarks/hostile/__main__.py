"""`make hostile`, or `python -m benchmarks.hostile [NAME...]`: all attacks, or those named. Returns 1 if one was felt."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence

from benchmarks.hostile.attacks import ATTACKS, BY_NAME
from benchmarks.hostile.run import World
from benchmarks.hostile.verdict import is_felt, needs_another


async def main(names: Sequence[str]) -> int:
    """Attack and print what was felt."""
    wanted = [attack.__name__ for attack in ATTACKS if not names or attack.__name__ in names]
    felt: list[str] = []
    began = time.monotonic()
    while wanted:  # a server and a call that have felt an attack are replaced
        async with World.begin() as world:
            await _calm(world)
            while wanted and await _unfelt(world, wanted, felt):
                pass
            if not wanted:
                await _calm(world)
    count = len([name for name in names if name in BY_NAME] or ATTACKS)
    for line in felt:
        print(f"felt: {line}")
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{count} attacks, {len(felt)} felt")
    return 1 if felt else 0


async def _calm(world: World) -> None:
    """Measure without an attack, five times at most until the machine leaves the call alone: before, nothing is proved."""
    for _ in range(5):
        trial = await world.baseline_trial()
        print(f"no attack (load {os.getloadavg()[0]:.1f}): {trial.line(world.baseline)}", flush=True)
        if not trial.felt(world.baseline):
            return


_trials: dict[str, list[bool]] = {}


async def _unfelt(world: World, wanted: list[str], felt: list[str]) -> bool:
    """Carry out the next attack and return whether world and call can be used for another."""
    name = wanted[0]
    trial = await world.attack(name)
    feelings = trial.felt(world.baseline)
    verdicts = _trials.setdefault(name, [])
    verdicts.append(bool(feelings))
    if not verdicts[1:]:
        print(f"{name}: {' '.join((BY_NAME[name].__doc__ or '').split())}")
    print(f"    {trial.line(world.baseline)}{'; ' if trial.told else ''}{trial.told}")
    print("".join(f"    felt: {feeling}\n" for feeling in feelings), end="", flush=True)
    if not needs_another(verdicts):
        del wanted[0]
        if is_felt(verdicts):
            felt.append(f"{name}: {', '.join(feelings)}" if feelings else name)
    return not feelings


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(BY_NAME):
        sys.exit(f"no such attack: {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}")
    sys.exit(asyncio.run(main(sys.argv[1:])))
