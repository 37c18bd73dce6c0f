"""The server killed, or stopped, and started again, with rooms of light participants that rejoin. No browser, no lab."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from benchmarks.light.process import LightProcess
from benchmarks.light.rejoining import Order
from benchmarks.measure import DISCONNECTED, RECONNECTING
from benchmarks.plan import ServerMode
from benchmarks.results import Percentiles
from benchmarks.statistics import percentiles
from benchmarks.tls import self_signed
from benchmarks.world import PROFILES
from pyvidu.testing import start_server

RestartKind = Literal["server-killed", "server-drained"]
RESTARTS: tuple[RestartKind, ...] = get_args(RestartKind)
MEMBERS, ROOM, MEDIA_EVERY = 200, 4, 10
_HOST = "127.0.0.1"
_SETTLE_S = 5.0  # of an undisturbed call before
_DOWN_S = 3.0  # until the server is started again; that takes a second or two more
_WATCH_S = 30.0  # in which all have to be back; what takes longer is `never`
_POLL_S = 0.5


NAMES: dict[RestartKind, str] = {
    "server-killed": "the server killed and started again",
    "server-drained": "the server stopped and started again",
}


class RestartTrial(BaseModel):
    """The numbers of one restart, in milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: RestartKind
    server: ServerMode
    members: int
    with_media: int
    down_ms: float
    """From the server's end until it listened again."""
    told_ms: Percentiles | None
    """From its end until `reconnecting`."""
    tried_ms: Percentiles | None
    """From when it listened again to the first socket that it accepted, of each participant."""
    spread_ms: float
    """In how much of that time the middle 90 % of them fell."""
    rejoined_ms: Percentiles | None
    """From when it listened again to `rejoined`."""
    media_ms: Percentiles | None
    """From when both have rejoined to the first frame, of each received stream."""
    sockets_while_down: int
    """Attempts, of all participants."""
    lost: int
    """Sessions that ended."""
    lag_ms: float
    """The longest time for which the participants' event loop stood still."""
    date: str = ""


@dataclass(frozen=True)
class Restart:
    """When the server ended and listened again; seconds of the monotonic clock."""

    stopped: float
    started: float


async def restart(kind: RestartKind, mode: ServerMode, members: int = MEMBERS) -> RestartTrial:
    """Let `members` join, end the server, start another one at its address, and return the numbers. Raises LabError."""
    with tempfile.TemporaryDirectory(prefix="pyvidu-bench-") as folder:
        # Log lines of so many participants would be a load of their own.
        args = (*PROFILES[mode], *self_signed(Path(folder), _HOST).server_args, "--log-level", "warning")
        server = await start_server(*args, host=_HOST)
        try:
            order = Order(server.url, server.secret, members, ROOM, MEDIA_EVERY)
            crowd = await LightProcess.start("rejoining", dataclasses.asdict(order))
            try:
                await asyncio.sleep(_SETTLE_S)  # the calls are left alone
                await crowd.ask("restart")
                stopped = time.monotonic()
                await (server.kill() if kind == "server-killed" else server.stop())
                await asyncio.sleep(_DOWN_S)  # the server is away
                server = await start_server(*args, host=_HOST, port=server.port, secret=server.secret)
                found = Restart(stopped, time.monotonic())
                return numbers(kind, mode, order, found, await _watched(crowd, order, found))
            finally:
                await crowd.stop()
        finally:
            await server.stop()


async def _watched(crowd: LightProcess, order: Order, found: Restart) -> dict[str, Any]:
    """Return the report once all are back, or the time for it is over."""
    while True:
        await asyncio.sleep(_POLL_S)  # between two reports
        report = await crowd.ask("report")
        members = report["members"]
        back = sum(_last(member["told"], "rejoined") is not None for member in members)
        flow = sum(at > found.stopped for member in members for _, at in member["frames"])
        lost = sum(_last(member["told"], DISCONNECTED) is not None for member in members)
        if (back == order.members and flow == legs(order)) or lost == order.members:
            return report
        if time.monotonic() > found.started + _WATCH_S:
            return report


def legs(order: Order) -> int:
    """Return how many streams are received, all participants together."""
    rooms = [len(range(first, min(first + order.room, order.members))) for first in range(0, order.members, order.room)]
    return sum(size * (size - 1) for size in rooms[:: order.media_every])


def numbers(kind: RestartKind, mode: ServerMode, order: Order, found: Restart, report: dict[str, Any]) -> RestartTrial:
    """Return the numbers of a report."""
    members = report["members"]
    tries = [[tuple(one) for one in member["tries"]] for member in members]
    opened = [min((at for _, at in of_one if at and at > found.stopped), default=None) for of_one in tries]
    # The server listens a moment before it says so.
    started = min(found.started, *(at for at in opened if at is not None)) if any(opened) else found.started
    rejoined = [_last(member["told"], "rejoined") for member in members]
    tried = [_ms(at, started) for at in opened]
    return RestartTrial(
        network=kind,
        server=mode,
        members=len(members),
        with_media=sum(order.has_media(number) for number in range(len(members))),
        down_ms=_ms(started, found.stopped),
        told_ms=percentiles([_ms(_first(member["told"], RECONNECTING), found.stopped) for member in members]),
        tried_ms=percentiles(tried, _WATCH_S * 1000),
        spread_ms=_spread(tried),
        rejoined_ms=percentiles([_ms(at, started) for at in rejoined], _WATCH_S * 1000),
        media_ms=percentiles(list(_media(members, rejoined, found, legs(order))), _WATCH_S * 1000),
        sockets_while_down=sum(found.stopped < began < started for began, _ in itertools.chain(*tries)),
        lost=sum(name == DISCONNECTED for member in members for _, name, _ in member["told"]),
        lag_ms=round(report["lag"] * 1000, 1),
    )


def _media(members: Sequence[Any], rejoined: Sequence[float | None], found: Restart, expected: int) -> Iterator[float]:
    """Yield for each stream the ms from the later of both rejoins to its first frame, infinity if there was none."""
    count = 0
    for number, member in enumerate(members):
        for owner, at in member["frames"]:
            both = (rejoined[number], rejoined[owner])
            if at > found.stopped and None not in both:
                count += 1
                yield max(0.0, _ms(at, max(moment for moment in both if moment is not None)))
    yield from itertools.repeat(float("inf"), expected - count)


def _spread(times: Sequence[float]) -> float:
    """Return the ms between the 5th and the 95th percentile of those that are finite."""
    ranked = sorted(one for one in times if one != float("inf"))
    cut = len(ranked) // 20
    return round(ranked[-1 - cut] - ranked[cut], 1) if ranked else 0.0


def _first(told: Sequence[Any], wanted: str) -> float | None:
    return next((at for at, name, _ in told if name == wanted), None)


def _last(told: Sequence[Any], wanted: str) -> float | None:
    return _first(told[::-1], wanted)


def _ms(at: float | None, since: float) -> float:
    return float("inf") if at is None else round((at - since) * 1000, 1)
