"""From the traces of a trial to its numbers, and from trials to the table. Pure; times are seconds of one clock."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.measure import CEILING_MS, DISCONNECTED, RECONNECTING, Fault, Trace
from benchmarks.networks.rows import NETWORKS
from benchmarks.plan import Client, ServerMode
from benchmarks.statistics import percentiles

_TOLD = (RECONNECTING, "streamFrozen", "exception", DISCONNECTED)


class NetworkTrial(BaseModel):
    """The numbers of one trial, in milliseconds. null: did not happen, or does not apply."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str
    client: Client
    server: ServerMode
    told_ms: float | None
    """From the beginning of the fault until the page was told anything, of an outage or of a stream."""
    told_what: str
    see_hole_ms: float
    """The longest time without a new frame of the other, in the page that has the fault."""
    seen_hole_ms: float
    """The longest time without a new frame of that page, in the other's."""
    see_back_ms: float | None
    """From the end of the fault until a frame of the other."""
    seen_back_ms: float | None
    reconnecting: int
    frozen: int
    exceptions: int
    renegotiated: int
    end: str
    """The last of `reconnecting`, `reconnected`, `sessionDisconnected`; "" when none was fired."""
    stalled: bool
    """Whether an event loop stood still for more than 250 ms: then the machine may have made it."""
    date: str = ""


def trial_of(  # one parameter for each thing that is known of it
    network: str,
    client: Client,
    server: ServerMode,
    fault: Fault,
    page: Trace,
    peer: Trace,
    *,
    until: float,
    stalled: bool,
) -> NetworkTrial:
    """Return the numbers of a trial in which `page` had the fault, `peer` watched, and recording ended at `until`."""
    told = [event for event in page.events if event.at >= fault.applied]
    first = next((event for event in told if event.name in _TOLD), None)
    outage = [event.name for event in told if event.name in (RECONNECTING, "reconnected", DISCONNECTED)]
    names = [event.name for event in told]
    returns = not NETWORKS[network].stays
    return NetworkTrial(
        network=network,
        client=client,
        server=server,
        told_ms=None if first is None else _ms(first.at - fault.applied),
        told_what="" if first is None else first.name,
        see_hole_ms=_hole(page, fault.applied, until),
        seen_hole_ms=_hole(peer, fault.applied, until),
        see_back_ms=_back(page, fault.removed) if returns else None,
        seen_back_ms=_back(peer, fault.removed) if returns else None,
        reconnecting=names.count(RECONNECTING),
        frozen=names.count("streamFrozen"),
        exceptions=names.count("exception"),
        renegotiated=[method for at, method in page.requests if at >= fault.applied].count("reconnectStream"),
        end=outage[-1] if outage else "",
        stalled=stalled,
    )


def markdown(trials: Iterable[NetworkTrial]) -> str:
    """Return the table as it stands in docs/benchmark.md: milliseconds, median / 95th percentile.

    Trials in which an event loop stood still are counted apart, and are in no time.
    """
    groups: dict[tuple[str, ServerMode, Client], list[NetworkTrial]] = {}
    for trial in trials:
        groups.setdefault((trial.network, trial.server, trial.client), []).append(trial)
    lines = [
        "| network | server | client | n | told | hole: sees | hole: is seen | back: sees | back: is seen | renegotiated |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    keys = list(NETWORKS)
    for (key, server, client), group in sorted(groups.items(), key=lambda item: (keys.index(item[0][0]), item[0][1:])):
        row = NETWORKS[key]
        name = f"{row.name}, {row.seconds:g} s" if row.seconds else row.name
        counted = [trial for trial in group if not trial.stalled]
        stalls = len(group) - len(counted)
        texts = [name, server, client, f"{len(counted)}" + (f" (+{stalls} stalled)" if stalls else "")]
        texts.append(_told(counted))
        texts += [_times([getattr(trial, metric) for trial in counted]) for metric in _TIMES]
        texts.append(_count([trial.renegotiated for trial in counted]))
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines)


_TIMES = ("see_hole_ms", "seen_hole_ms", "see_back_ms", "seen_back_ms")


def _hole(trace: Trace, began: float, until: float) -> float:
    """Return the longest time without a new frame that ended after the fault began, in milliseconds."""
    frames = sorted(at for series in trace.frames.values() for at in series if at <= until)
    edges = [max((at for at in frames if at <= began), default=began), *(at for at in frames if at > began), until]
    return _ms(max(later - earlier for earlier, later in itertools.pairwise(edges)))


def _back(trace: Trace, removed: float) -> float:
    """Return the milliseconds until the first frame after the fault; what took longer than 20 s counts as 20 s."""
    first = min((at for series in trace.frames.values() for at in series if at >= removed), default=float("inf"))
    return min(CEILING_MS, _ms(first - removed))


def _told(group: Sequence[NetworkTrial]) -> str:
    found = [trial.told_ms for trial in group if trial.told_ms is not None]
    if not found:
        return "nobody" if group else "-"
    never = len(group) - len(found)
    what = "/".join(dict.fromkeys(trial.told_what for trial in group if trial.told_what))
    return f"{_times(found)} {what}" + (f", {never} times nobody" if never else "")


def _times(values: Sequence[Any]) -> str:
    found = percentiles(values, math.inf)
    return "-" if found is None else f"{found.p50:.0f} / {found.p95:.0f}"


def _count(values: Sequence[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return str(low) if low == high else f"{low}-{high}"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
