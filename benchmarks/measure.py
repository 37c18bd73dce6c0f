"""From the traces of a trial to its numbers. Pure; all times are seconds of one clock, all results milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.plan import Cell, Metric

CEILING_MS: Final = 20_000.0
"""Milliseconds after which an event is `never`, and ranks as this."""
STALL_S: Final = 0.25
"""Seconds. A trial in which an event loop stood still for longer is reported apart."""
NEVER: Final = float("inf")

RECONNECTING, RECONNECTED, DISCONNECTED = "reconnecting", "reconnected", "sessionDisconnected"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a page's session."""

    at: float
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What was recorded in a page."""

    events: Sequence[Happened] = ()
    frames: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """When frames of others were presented, by video element."""
    requests: Sequence[tuple[float, str]] = ()
    """JSON-RPC requests that were sent: when, and the method."""
    pongs: Sequence[tuple[float, float]] = ()
    """Pings that were answered: when they were sent, and when the answers came."""
    sockets: Sequence[float] = ()
    """When WebSockets were opened."""
    fetches: Sequence[float] = ()
    stalls: Sequence[tuple[float, float]] = ()
    """Intervals in which the page's event loop stood still."""
    outages: Sequence[Mapping[str, Any]] = ()
    """pyvidu's own records of its outages, as `Outage.to_dict` returns them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """When the network failed (not before `applied`) and was back (not before `removed`), to the client's disadvantage."""

    applied: float
    removed: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """The results of one trial. A time is NEVER when it did not happen, None when it does not apply."""

    detect_ms: float | None
    signaling_ms: float | None
    inbound_ms: float | None
    outbound_ms: float | None
    requests: int
    renegotiated: int
    sockets: int
    fetches: int
    end: str
    """The last of `reconnecting`, `reconnected`, `sessionDisconnected`; "" when none was fired."""

    def metric(self, name: Metric) -> float | None:
        """Return one of the four times."""
        value: float | None = getattr(self, name)
        return value


def numbers(cell: Cell, fault: Fault, page: Trace, peer: Trace, *, until: float) -> Numbers:
    """Return the results of a trial in which `page` was dropped, `peer` watched, and recording ended at `until`."""
    told = [event for event in page.events if fault.applied <= event.at]
    outage = [event for event in told if event.name in (RECONNECTING, RECONNECTED, DISCONNECTED)]
    times: dict[Metric, float | None] = {
        "detect_ms": _since(fault.applied, _first(told, RECONNECTING)),
        "signaling_ms": _settled(outage, fault.removed),
        "inbound_ms": _moving(page.frames, fault.removed),
        "outbound_ms": _moving(peer.frames, fault.removed),
    }
    times = {name: value if name in cell.applicable else None for name, value in times.items()}
    during = [method for at, method in page.requests if fault.applied <= at <= until]
    return Numbers(
        **times,
        requests=len(during),
        renegotiated=during.count("reconnectStream"),
        sockets=sum(fault.applied <= at <= until for at in page.sockets),
        fetches=sum(fault.applied <= at <= until for at in page.fetches),
        end=outage[-1].name if outage else "",
    )


def false_alarms(page: Trace, applied: float) -> int:
    """Return how often an outage was reported before there was one."""
    return sum(event.name == RECONNECTING and event.at < applied for event in page.events)


def stalled(applied: float, until: float, *stalls: Sequence[tuple[float, float]]) -> bool:
    """Return whether an event loop stood still for more than `STALL_S` during the trial."""
    return any(
        ended - began > STALL_S and ended > applied and began < until for series in stalls for began, ended in series
    )


def _settled(outage: Sequence[Happened], removed: float) -> float | None:
    """Return the ms from the return to the end of the last reported outage, or None when none was reported."""
    if not any(event.name == RECONNECTING for event in outage):
        return _since(removed, _first(outage, DISCONNECTED)) if outage else None
    last = outage[-1]
    return _since(removed, None if last.name == RECONNECTING else last.at)


def _moving(frames: Mapping[str, Sequence[float]], removed: float) -> float:
    """Return the ms from the return until each video has presented a new frame."""
    firsts = [next((at for at in sorted(series) if at >= removed), None) for series in frames.values()]
    return max((_since(removed, first) for first in firsts), default=NEVER)


def _first(events: Sequence[Happened], name: str) -> float | None:
    return next((event.at for event in events if event.name == name), None)


def _since(start: float, at: float | None) -> float:
    if at is None or (at - start) * 1000 > CEILING_MS:
        return NEVER
    return max(0.0, round((at - start) * 1000, 1))
