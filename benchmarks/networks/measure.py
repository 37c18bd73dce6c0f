"""From the traces of a trial to its numbers. Pure; times are seconds of one clock."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from benchmarks.measure import CEILING_MS, DISCONNECTED, RECONNECTING, Fault, Trace, stalled
from benchmarks.networks.rows import NETWORKS
from benchmarks.plan import Client, ServerMode

_LONG_S = 30.0  # seconds of a fault: in a longer one something always stands still on a busy machine
_EDGES_S = 5.0  # seconds after such a fault begins, and before it ends, in which that counts
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
    sockets: int
    """How many WebSockets the page opened."""
    end: str
    """The last of `reconnecting`, `reconnected`, `rejoined`, `sessionDisconnected`; "" when none was fired."""
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
    outage = [event.name for event in told if event.name in (RECONNECTING, "reconnected", "rejoined", DISCONNECTED)]
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
        sockets=sum(at >= fault.applied for at in page.sockets),
        end=outage[-1] if outage else "",
        stalled=stalled,
    )


def stalled_trial(
    network: str,
    fault: Fault,
    until: float,
    page: Trace,
    *others: Sequence[tuple[float, float]],
) -> bool:
    """Return whether an event loop, that of `page` or one of the `others`, stood still while something was timed.

    A page that was stopped is no sign of a busy machine, and nothing is timed before it wakes; after 30 s it needs all
    processors for that, so that nothing is set apart. Of another fault of more than 30 s the first and last five seconds
    count, and what follows. What stood still all the same counts against the client.
    """
    seconds = NETWORKS[network].seconds
    if network.startswith("asleep"):
        return seconds < _LONG_S and stalled(fault.removed, until, *others)
    series = (page.stalls, *others)
    if seconds <= _LONG_S:
        return stalled(fault.applied, until, *series)
    begins = stalled(fault.applied, fault.applied + _EDGES_S, *series)
    return begins or stalled(fault.removed - _EDGES_S, until, *series)


def _hole(trace: Trace, began: float, until: float) -> float:
    """Return the longest time without a new frame that ended after the fault began, in milliseconds."""
    frames = sorted(at for series in trace.frames.values() for at in series if at <= until)
    edges = [max((at for at in frames if at <= began), default=began), *(at for at in frames if at > began), until]
    return _ms(max(later - earlier for earlier, later in itertools.pairwise(edges)))


def _back(trace: Trace, removed: float) -> float:
    """Return the milliseconds until the first frame after the fault; what took longer than 20 s counts as 20 s."""
    first = min((at for series in trace.frames.values() for at in series if at >= removed), default=float("inf"))
    return min(CEILING_MS, _ms(first - removed))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
