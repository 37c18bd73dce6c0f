"""The command: `python -m benchmarks.networks [--network NAME] [--client C] [--server S] [--trials N] [--add]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks import plan, rig
from benchmarks.measure import Fault, Trace
from benchmarks.networks.measure import NetworkTrial, stalled_trial, trial_of
from benchmarks.networks.restarts import RESTARTS, RestartTrial, restart
from benchmarks.networks.rows import NETWORKS
from benchmarks.networks.tables import short_table, tables
from benchmarks.pages import BenchPage
from benchmarks.plan import SETTLE_S, Call, Client, ServerMode
from benchmarks.pulse import Pulse
from benchmarks.results import Rig
from benchmarks.trial import BenchCall, CallFailed
from benchmarks.world import World
from pyvidu.testing import LabError, NetworkLab, lab_unavailable_reason
from tests.networks.coturn import coturn, why_not

RESULTS = Path(__file__).resolve().parents[1] / "results" / "networks.json"
_WATCH_S = 20.0  # seconds in which both have to move after the return; what takes longer counts as that
_AFTER_S = 2.0  # seconds after that in which holes still count
_CLIENTS: tuple[Client, ...] = ("pyvidu", "openvidu-browser")
_RESTARTED: tuple[ServerMode, ...] = ("best",)
Announced = tuple[Sequence[str], Mapping[str, str]]
"""Arguments and environment of a server that announces a TURN server."""


class NetworkResults(BaseModel):
    """The file: every trial, so that later runs can add to them. `rig` is that of the last run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rig: Rig
    trials: list[NetworkTrial] = []
    restarts: list[RestartTrial] = []


class Record:
    """The results so far, written after each trial: a run that is interrupted loses one at most."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._out: Path = options.out
        self._seed: int = options.seed
        self.rig = self._described({})
        earlier = _read(self._out) if options.add and self._out.exists() else None
        self.trials = list(earlier.trials) if earlier is not None else []
        self.restarts = list(earlier.restarts) if earlier is not None else []

    def on(self, browsers: Mapping[str, str]) -> None:
        """Note the versions of the browsers that were opened."""
        self.rig = self._described(browsers)

    def keep(self, trial: NetworkTrial | RestartTrial) -> None:
        """Add a trial, print it and write the file."""
        sys.stderr.write(f"{trial.model_dump(exclude={'date'})}\n")
        if isinstance(trial, RestartTrial):
            self.restarts.append(trial.model_copy(update={"date": self.rig.date}))
        else:
            self.trials.append(trial.model_copy(update={"date": self.rig.date}))
        self._write()

    def _write(self) -> None:
        results = NetworkResults(rig=self.rig, trials=self.trials, restarts=self.restarts)
        self._out.parent.mkdir(parents=True, exist_ok=True)
        self._out.write_text(results.model_dump_json(indent=1) + "\n", "utf-8")

    def merge(self, files: Sequence[Path]) -> None:
        """Add the trials of files that other runs have written, and write the file."""
        for found in map(_read, files):
            self.trials += found.trials
            self.restarts += found.restarts
            self.rig = found.rig
        self._write()

    def _described(self, browsers: Mapping[str, str]) -> Rig:
        return rig.describe(browsers, self._seed, " ".join(["make bench-networks", *sys.argv[1:]]))


async def measure(options: argparse.Namespace, record: Record) -> None:
    """Run the selected rows. A call whose set-up fails is reported, and its remaining trials are left out."""
    chosen = options.network or [*NETWORKS, *RESTARTS]
    for kind in RESTARTS:
        if kind in chosen and "pyvidu" in (options.client or _CLIENTS):
            for mode in options.server or _RESTARTED:
                record.keep(await restart(kind, mode))
    rows = [name for name in chosen if name in NETWORKS]
    if not rows:
        return
    for dual_stack in (False, True):
        here = [name for name in rows if NETWORKS[name].dual_stack == dual_stack]
        if not here:
            continue
        with NetworkLab(router=not dual_stack, ipv6=dual_stack) as lab:
            for turn in (False, True):
                if names := [name for name in here if NETWORKS[name].turn == turn]:
                    await _measure_in(lab, options, record, names, turn=turn)


async def _measure_in(
    lab: NetworkLab, options: argparse.Namespace, record: Record, names: Sequence[str], *, turn: bool
) -> None:
    """Run rows whose server announces a TURN server, or none. All have IPv6 besides, or none has."""
    dice = random.Random(options.seed)
    async with contextlib.AsyncExitStack() as stack:
        announced: Announced = ((), {})
        if turn:
            if reason := why_not():
                sys.stderr.write(f"{', '.join(names)}: {reason}\n")
                return
            announced = (await stack.enter_async_context(coturn(lab.host_address))).announced()
        dual_stack = NETWORKS[names[0]].dual_stack
        made = World.make(lab, dual_stack=dual_stack, server_args=announced[0], server_env=announced[1])
        world = await stack.enter_async_context(made)
        record.on(world.browser_versions)
        calls = itertools.product(options.server or plan.SERVERS, options.client or _CLIENTS, (False, True))
        for server, client, rejoin in calls:
            trials = [name for name in names if NETWORKS[name].rejoin == rejoin for _ in range(options.trials)]
            if not trials or (rejoin and client == "openvidu-browser"):
                continue
            dice.shuffle(trials)
            try:
                await _trials(world, server, client, trials, dice, record)
            except CallFailed as error:
                sys.stderr.write(f"{error}\n")
                await world.close_pages()


async def _trials(  # one parameter for each thing that differs
    world: World, server: ServerMode, client: Client, names: list[str], dice: random.Random, record: Record
) -> None:
    """Run trials in one call, which is made anew with fresh pages after a trial that ended it. All rejoin, or none does."""
    running = await world.server(server)
    async with Pulse.of(running) as pulse:

        async def begin() -> tuple[BenchPage, BenchPage]:
            page, peer = await world.page(client, server), await world.peer("openvidu-browser", server)
            call = BenchCall(Call(server, "both", client), world.lab, running, page, peer, pulse, world.host_of_page)
            await call.join(rejoin=NETWORKS[names[0]].rejoin)
            return page, peer

        page, peer = await begin()
        for name in names:
            await asyncio.sleep(dice.uniform(*SETTLE_S))  # the call is left alone
            pulse.restart()
            fault = await _fault(world.lab, name, page, peer)
            until = time.monotonic()
            seen, watched = await asyncio.gather(page.trace(), peer.trace())
            trial = _numbers(name, server, client, fault, (seen, watched), until, pulse)
            record.keep(trial)
            await asyncio.to_thread(world.lab.restore)
            if NETWORKS[name].fresh or trial.end not in ("", "reconnected") or not await _healthy(page, peer):
                await world.close_pages()  # openvidu-browser cannot leave while it reconnects
                page, peer = await begin()
        await world.close_pages()


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
    stood = stalled_trial(name, fault, until, page, peer.stalls, pulse.stalls)
    return trial_of(name, client, server, fault, page, peer, until=until, stalled=stood)


async def _healthy(page: BenchPage, peer: BenchPage) -> bool:
    now = time.monotonic()
    return all(await asyncio.gather(page.moves(now, now + 5, more=10), peer.moves(now, now + 5, more=10)))


def _read(file: Path) -> NetworkResults:
    return NetworkResults.model_validate_json(file.read_text("utf-8"))


def _print(trials: Sequence[NetworkTrial], restarts: Sequence[RestartTrial]) -> None:
    sys.stdout.write(f"{tables(trials, restarts)}\n\n{short_table(trials)}\n")


def main() -> int:
    """Run, save each trial, and print the tables of the file. Returns 2 when the lab fails."""
    parser = argparse.ArgumentParser(prog="make bench-networks", description=__doc__)
    parser.add_argument("--network", action="append", choices=(*NETWORKS, *RESTARTS))
    parser.add_argument("--client", action="append", choices=plan.CLIENTS)
    parser.add_argument("--server", action="append", choices=plan.SERVERS)
    parser.add_argument(
        "--trials", type=int, default=1, help="a row, client and server (default 1); restarts are made once"
    )
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--add", action="store_true", help="keep the trials that the file has")
    parser.add_argument("--show", action="store_true", help="run nothing, print the tables of the file")
    parser.add_argument(
        "--merge",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="run nothing, add the trials of files that runs side by side wrote",
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.show:
        found = _read(options.out) if options.out.exists() else None
        _print(*((found.trials, found.restarts) if found is not None else ((), ())))
        return 0
    if options.merge:
        options.add = True
        record = Record(options)
        record.merge(options.merge)
        _print(record.trials, record.restarts)
        return 0
    in_a_lab = any(name in NETWORKS for name in options.network or NETWORKS)
    if in_a_lab and (reason := lab_unavailable_reason()):
        sys.stderr.write(f"{reason}\n")
        return 2
    record = Record(options)
    try:
        asyncio.run(measure(options, record))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        _print(record.trials, record.restarts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
