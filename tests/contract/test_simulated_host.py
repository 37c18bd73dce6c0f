"""The suite of the seam against the fake host of the simulation, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.simulated_world import SimulatedWorld
from tests.contract.suite import SUITE, check
from tests.simulation.simulated_loop import SimulationLoop


@pytest.mark.parametrize("promise", SUITE)
def test_simulated_host_keeps(promise: str) -> None:
    async def main() -> None:
        await check(promise, SimulatedWorld())

    with asyncio.Runner(loop_factory=SimulationLoop) as runner:
        runner.run(main())
