"""The benchmark's faults, made in a network lab: applied, verified by packet counters, removed, and timestamped.

The times err to the client's disadvantage: `applied` is taken before the first command, `removed` before the command that
lets packets pass again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import measure
from benchmarks.plan import FIRST_DOWN_S, FIRST_UP_S, FLAP_DOWN_S, FLAP_UP_S, Cell, flaps
from pyvidu.testing import LabError, NetworkLab


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a fault is applied and removed, and which packets (TCP, UDP) still pass meanwhile."""

    apply: Callable[[NetworkLab], object]
    remove: Callable[[NetworkLab], object]
    tcp: bool = False
    udp: bool = False
    from_guest_only: bool = False  # packets to a guest without an address reach the link, and no further


def _drop_with_dead_media(lab: NetworkLab) -> None:
    lab.kill_media()
    lab.silent_drop()


_LINK = _Kind(NetworkLab.link_drop, NetworkLab.link_up)
_KINDS = {
    "link": _LINK,
    "silent": _Kind(NetworkLab.silent_drop, NetworkLab.let_pass),
    "handover": _Kind(NetworkLab.lose_address, NetworkLab.gain_address, from_guest_only=True),
    "media-only": _Kind(NetworkLab.media_only_drop, NetworkLab.let_pass, tcp=True),
    "signaling-only": _Kind(NetworkLab.signaling_only_drop, NetworkLab.let_pass, udp=True),
    "flapping": _LINK,
    "twice": _Kind(_drop_with_dead_media, NetworkLab.let_pass),
}


async def drop(lab: NetworkLab, cell: Cell) -> measure.Fault:
    """Drop the guest's network as described by `cell` and return when the network is back.

    Raises LabError when packets passed that should not have.
    """
    kind = _KINDS[cell.fault]
    under_way = cell.call.rtt_ms / 1000  # packets already on a slow link when it fails still arrive
    if cell.fault == "twice":
        first = await _once(lab, _LINK, FIRST_DOWN_S, under_way)
        await asyncio.sleep(FIRST_UP_S)  # the link is up
        return measure.Fault(first.applied, (await _once(lab, kind, cell.outage_s, under_way)).removed)
    if cell.fault != "flapping":
        return await _once(lab, kind, cell.outage_s, under_way)
    first = await _once(lab, kind, FLAP_DOWN_S, under_way)
    removed = first.removed
    for _ in range(flaps(cell.outage_s) - 1):
        await asyncio.sleep(max(0.0, removed + FLAP_UP_S - time.monotonic()))  # the link is up
        removed = (await _once(lab, kind, FLAP_DOWN_S, under_way)).removed
    return measure.Fault(first.applied, removed)


async def _once(lab: NetworkLab, kind: _Kind, seconds: float, under_way: float) -> measure.Fault:
    """Make one drop. The commands run in a thread, so that they do not block the event loop."""
    applied = time.monotonic()
    await asyncio.to_thread(kind.apply, lab)
    try:
        await asyncio.sleep(under_way)  # for so long packets of before the drop arrive
        before = await asyncio.to_thread(lab.passed_by_protocol, from_guest_only=kind.from_guest_only)
        counting = 0.1  # seconds before the end: reading the counters takes 10 to 40 ms
        # The drop, but for the time of counting.
        await asyncio.sleep(max(0.0, applied + seconds - counting - time.monotonic()))
        after = await asyncio.to_thread(lab.passed_by_protocol, from_guest_only=kind.from_guest_only)
        await asyncio.sleep(max(0.0, applied + seconds - time.monotonic()))  # the rest of the drop
    finally:
        removed = time.monotonic()
        await asyncio.to_thread(kind.remove, lab)
    for name, passes, count in zip(("TCP", "UDP"), (kind.tcp, kind.udp), _difference(before, after), strict=True):
        if count and not passes:
            raise LabError(f"{count} packets of {name} passed during a drop of it")
    return measure.Fault(applied, removed)


def _difference(before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int]:
    return after[0] - before[0], after[1] - before[1]
