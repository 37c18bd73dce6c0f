"""The command: `python -m benchmarks.networks [--network NAME] [--client C] [--server S] [--trials N] [--add]`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks import plan, rig
from benchmarks.measure import Fault, Trace, stalled
from benchmarks.networks.measure import NetworkTrial, markdown, trial_of
from benchmarks.networks.rows import NETWORKS
from benchmarks.pages import BenchPage
from benchmarks.plan import SETTLE_S, Call, Client, ServerMode
from benchmarks.pulse import Pulse
from benchmarks.results import Rig
from benchmarks.trial import BenchCall, CallFailed
from benchmarks.world import World
from pyvidu.testing import LabError, NetworkLab, lab_unavailable_reason

RESULTS = Path(__file__).resolve().parents[1] / "results" / "networks.json"
_WATCH_S = 20.0  # seconds in which both have to move after the return; what takes longer counts as that
_AFTER_S = 2.0  # seconds after that in which holes still count
_CLIENTS: tuple[Client, ...] = ("pyvidu", "openvidu-browser")


class NetworkResults(BaseModel):
    """The file: every trial, so that later runs can add to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rig: Rig
    trials: list[NetworkTrial] = []


async def measure(options: argparse.Namespace) -> tuple[Rig, list[NetworkTrial]]:
    """Run the selected rows. A call whose set-up fails is reported, and its trials are left out."""
    dice = random.Random(options.seed)
    found: list[NetworkTrial] = []
    with NetworkLab(router=True) as lab:
        async with World.make(lab) as world:
            here = rig.describe(world.browser_versions, options.seed, " ".join(["make bench-networks", *sys.argv[1:]]))
            for server, client in itertools.product(options.server or plan.SERVERS, options.client or _CLIENTS):
                trials = [name for name in options.network or NETWORKS for _ in range(options.trials)]
                dice.shuffle(trials)
                try:
                    found += await _trials(world, server, client, trials, dice)
                except CallFailed as error:
                    sys.stderr.write(f"{error}\n")
                    await world.close_pages()
    return here, [trial.model_copy(update={"date": here.date}) for trial in found]


async def _trials(
    world: World, server: ServerMode, client: Client, names: list[str], dice: random.Random
) -> list[NetworkTrial]:
    """Run trials in one call, which is set up again after a trial that ended it."""
    found = []
    running = await world.server(server)
    page, peer = await world.page(client, server), await world.peer("openvidu-browser", server)
    async with Pulse.of(running) as pulse:
        call = BenchCall(Call(server, "both", client), world.lab, running, page, peer, pulse)
        await call.join()
        for name in names:
            await asyncio.sleep(dice.uniform(*SETTLE_S))  # the call is left alone
            pulse.restart()
            fault = await _fault(world.lab, name, page, peer)
            until = time.monotonic()
            seen, watched = await asyncio.gather(page.trace(), peer.trace())
            found.append(_numbers(name, server, client, fault, (seen, watched), until, pulse))
            sys.stderr.write(f"{found[-1].model_dump(exclude={'date'})}\n")
            await asyncio.to_thread(world.lab.restore)
            # Switching a VPN off is a fault again.
            if name == "vpn" or found[-1].end not in ("", "reconnected") or not await _healthy(page, peer):
                await call.leave()
                await call.join()
        await call.leave()
    return found


async def _fault(lab: NetworkLab, name: str, page: BenchPage, peer: BenchPage) -> Fault:
    """Make a fault, end it, and return once both have moved again or the time for it is over."""
    await asyncio.gather(page.clear(), peer.clear())
    await asyncio.sleep(0.5)  # so that the last frames before the fault are recorded
    row = NETWORKS[name]
    applied = time.monotonic()
    try:
        await row.fault(lab, row.seconds)
    finally:
        removed = time.monotonic()
        if not row.stays:
            await asyncio.to_thread(lab.restore)
    deadline = removed + _WATCH_S
    await asyncio.gather(page.moves(removed, deadline), peer.moves(removed, deadline))
    await asyncio.sleep(
        _AFTER_S + (6 if row.stays else 0)
    )  # in which holes count: a path that dies later is noticed then
    return Fault(applied, removed)


def _numbers(
    name: str,
    server: ServerMode,
    client: Client,
    fault: Fault,
    traces: tuple[Trace, Trace],
    until: float,
    pulse: Pulse,
) -> NetworkTrial:
    page, peer = traces
    # A page that was stopped is no sign of a busy machine.
    own = () if name.startswith("asleep") else page.stalls
    stood = stalled(fault.applied, until, own, peer.stalls, pulse.stalls)
    return trial_of(name, client, server, fault, page, peer, until=until, stalled=stood)


async def _healthy(page: BenchPage, peer: BenchPage) -> bool:
    now = time.monotonic()
    return all(await asyncio.gather(page.moves(now, now + 5, more=10), peer.moves(now, now + 5, more=10)))


def main() -> int:
    """Run, print the table of the file and save it. Returns 2 when the lab fails."""
    parser = argparse.ArgumentParser(prog="make bench-networks", description=__doc__)
    parser.add_argument("--network", action="append", choices=NETWORKS)
    parser.add_argument("--client", action="append", choices=plan.CLIENTS)
    parser.add_argument("--server", action="append", choices=plan.SERVERS)
    parser.add_argument("--trials", type=int, default=1, help="a row, client and server (default 1)")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--add", action="store_true", help="keep the trials that the file has")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if reason := lab_unavailable_reason():
        sys.stderr.write(f"{reason}\n")
        return 2
    try:
        here, trials = asyncio.run(measure(options))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    before = options.add and options.out.exists()
    kept = NetworkResults.model_validate_json(options.out.read_text("utf-8")).trials if before else []
    results = NetworkResults(rig=here, trials=[*kept, *trials])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(results.model_dump_json(indent=1) + "\n", "utf-8")
    sys.stdout.write(markdown(results.trials) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
