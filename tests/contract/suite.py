"""The tests of the seam by name, and how one of them is run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType

from tests.contract.promises import clock, devices, elements, media, network, peers, sockets
from tests.contract.world import World, until

Promise = Callable[[World], Awaitable[None]]


def _of(module: ModuleType) -> dict[str, Promise]:
    part = module.__name__.rpartition(".")[2]
    return {
        f"{part}.{name.removeprefix('test_')}": test
        for name, test in vars(module).items()
        if name.startswith("test_") and inspect.iscoroutinefunction(test)
    }


SUITE: dict[str, Promise] = {}
for _module in (clock, sockets, network, peers, media, devices, elements):
    SUITE |= _of(_module)


async def check(name: str, world: World) -> None:
    """Run the test `name`; afterwards the host must have released everything. Raises AssertionError."""
    await SUITE[name](world)

    def left() -> dict[str, int]:
        return {kind: number for kind, number in world.alive().items() if number}

    try:
        await until(lambda: not left(), "everything is released")
    except AssertionError:
        raise AssertionError(f"{name} leaves {left()}") from None
