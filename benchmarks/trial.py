"""One call of two pages, and one drop in it."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks import faults
from benchmarks.light.process import LightProcess
from benchmarks.measure import CEILING_MS, RECONNECTING, Fault, Numbers, Trace, false_alarms, numbers, stalled
from benchmarks.pages import BenchPage
from benchmarks.plan import Call, Cell, Trial
from benchmarks.pulse import Pulse
from pyvidu.testing import NetworkLab, RunningServer
from tests.browser.calls import Rest

_CEILING_S = CEILING_MS / 1000
_JOIN_S = 60.0
_FLOWING = 10  # frames that show that a stream flows, and not that a single one came through
DROPPED = "dropped"
_rooms = itertools.count(1)


class CallFailed(Exception):
    """A call could not be set up. The message names what was missing and the last console lines of the pages."""


@dataclass(frozen=True)
class TrialRecord:
    """Everything recorded of a trial. Times are seconds of one clock; `at` is the wall-clock time of the failure."""

    cell: Cell
    settle_s: float
    at: float
    fault: Fault
    numbers: Numbers
    stalled: bool
    false_alarms: int
    load: float
    page: Trace
    peer: Trace
    stalls: dict[str, list[tuple[float, float]]]
    server_log: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the record for the file of trials: times of the traces relative to the fault, in seconds."""
        data = dataclasses.asdict(self)
        start = self.fault.applied

        def relative(value: Any) -> Any:
            return round(value - start, 4)

        data["fault"] = {"applied": 0.0, "removed": relative(self.fault.removed)}
        for name in ("page", "peer"):
            trace = data[name]
            trace["events"] = [{**event, "at": relative(event["at"])} for event in trace["events"]]
            trace["frames"] = {tag: [relative(at) for at in series] for tag, series in trace["frames"].items()}
            trace["requests"] = [(relative(at), method) for at, method in trace["requests"]]
            for series in ("sockets", "fetches"):
                trace[series] = [relative(at) for at in trace[series]]
            for spans in ("pongs", "stalls"):
                trace[spans] = [(relative(a), relative(b)) for a, b in trace[spans]]
        data["stalls"] = {who: [(relative(a), relative(b)) for a, b in series] for who, series in self.stalls.items()}
        data["numbers"] = {
            name: ("never" if value == float("inf") else value) for name, value in data["numbers"].items()
        }
        return data


class BenchCall:
    """A call between a page inside the lab, which will be dropped, and a watcher outside.

    The page knows the server by the name `host_of_page`; "" means by its address.
    """

    def __init__(  # one parameter for each thing that differs
        self,
        call: Call,
        lab: NetworkLab,
        server: RunningServer,
        page: BenchPage,
        peer: BenchPage,
        pulse: Pulse,
        host_of_page: str = "",
    ) -> None:
        self.call = call
        self._lab = lab
        self._server = server
        self._page = page
        self._peer = peer
        self._pulse = pulse
        self._rest = Rest(server)
        self._host_of_page = host_of_page or lab.host_address
        self._sends = call.media != "none"
        self._receives = call.media == "both"
        self._senders: LightProcess | None = None

    async def join(self, *, rejoin: bool = False) -> None:
        """Let both join a fresh room; with `rejoin` the page does it again after an eviction. Raises CallFailed."""
        room = f"bench{next(_rooms)}"
        began = time.monotonic()
        try:
            # The watcher subscribes only to the page that is dropped: its own load must not grow with the room.
            await self._peer.join(await self._rest.token(room), publish=self._receives, name="watcher", others=DROPPED)
            if self.call.streams > 1:
                tokens = [await self._rest.token(room) for _ in range(self.call.streams - 1)]
                self._senders = await LightProcess.start("senders", tokens)
            await self._page.join(
                await self._token_of_page(room),
                force=self.call.force,
                publish=self._sends,
                name=DROPPED,
                rejoin=partial(self._token_of_page, room) if rejoin else None,
            )
        except Exception as error:
            raise CallFailed(f"{self.call}: {error}; {self._page.console[-5:]} {self._peer.console[-5:]}") from error
        if not await self._flows(began, began + _JOIN_S):
            raise CallFailed(f"{self.call}: no video; {self._page.console[-5:]} {self._peer.console[-5:]}")

    async def _token_of_page(self, room: str) -> str:
        return (await self._rest.token(room)).replace(self._lab.host_address, self._host_of_page)

    async def leave(self) -> None:
        """End the call, whatever state it is in."""
        self._lab.restore()
        if self._senders is not None:
            await self._senders.stop()
            self._senders = None
        await asyncio.gather(self._page.leave(), self._peer.leave())

    async def run(self, trial: Trial) -> TrialRecord:
        """Make one drop after leaving the call alone for a random time. Rejoins afterwards if the drop ended the call."""
        await self._page.clear()
        await asyncio.sleep(trial.settle_s)  # the call is left alone
        await self._peer.clear()
        self._pulse.restart()
        first_line, at = len(self._server.log), time.time()
        fault = await faults.drop(self._lab, trial.cell)
        await self._watch(trial.cell, fault)
        until = time.monotonic()
        page, peer = await asyncio.gather(self._page.trace(), self._peer.trace())
        page = dataclasses.replace(page, outages=_of_this_trial(page, fault))
        stalls = {"page": list(page.stalls), "peer": list(peer.stalls), "server": list(self._pulse.stalls)}
        record = TrialRecord(
            cell=trial.cell,
            settle_s=round(trial.settle_s, 3),
            at=at,
            fault=fault,
            numbers=numbers(trial.cell, fault, page, peer, until=until),
            stalled=stalled(fault.applied, until, *stalls.values()),
            false_alarms=false_alarms(page, fault.applied),
            load=os.getloadavg()[0],
            page=page,
            peer=peer,
            stalls=stalls,
            server_log=[line for line in self._server.log[first_line:] if line.startswith("{")],
        )
        await self._ensure_health(fault)
        return record

    async def _watch(self, cell: Cell, fault: Fault) -> None:
        """Wait until everything that applies has happened, at most 20 s for each."""
        late = fault.removed + _CEILING_S
        waits: list[Coroutine[object, object, object]] = []
        if "detect_ms" in cell.applicable:
            waits.append(self._outage_told(fault, late))
        if "inbound_ms" in cell.applicable:
            waits.append(self._page.moves(fault.removed, late, videos=cell.call.streams))
        if "outbound_ms" in cell.applicable:
            waits.append(self._peer.moves(fault.removed, late))
        await asyncio.gather(*waits)

    async def _outage_told(self, fault: Fault, late: float) -> None:
        if await self._page.told("reconnecting", fault.applied, max(fault.applied + _CEILING_S, fault.removed + 1)):
            await self._page.settled(fault.applied, late)

    async def _flows(self, after: float, deadline: float) -> bool:
        """Return whether all expected videos move."""
        waits = []
        if self._receives:
            waits.append(self._page.moves(after, deadline, more=_FLOWING, videos=self.call.streams))
        if self._sends:
            waits.append(self._peer.moves(after, deadline, more=_FLOWING))
        return all(await asyncio.gather(*waits))

    async def _ensure_health(self, fault: Fault) -> None:
        """Set the call up again unless it is healthy, so that the next trial begins in a healthy one."""
        now = time.monotonic()
        ended = await self._page.last(fault.applied) in ("sessionDisconnected", "reconnecting")
        if ended or not await self._flows(now, now + 5):
            await self.leave()
            await self.join()


def _of_this_trial(page: Trace, fault: Fault) -> tuple[Any, ...]:
    """Return the outage records that belong to this fault, out of the whole session's: one for each `reconnecting`."""
    count = sum(event.name == RECONNECTING and event.at >= fault.applied for event in page.events)
    return tuple(page.outages[-count:]) if count else ()
