"""The active faults: which there are, and when they begin and end.

For tests and for people without root: a network namespace makes a real drop, this imitates it. What each fault does is in
`kinds.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import assert_never

from pyvidu.server import logs
from pyvidu.server.faults import orders
from pyvidu.server.faults.kinds import (
    Crash,
    Drop,
    EvictionFault,
    Fault,
    FaultHost,
    Loss,
    ParticipantFault,
    Refusal,
    Slowness,
)
from pyvidu.server.faults.traffic import ImpairedTraffic
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant


class NoSuchParticipant(LookupError):
    """No participant has the connection id that a fault was ordered for; the message lists those present."""


class Faults:
    """The active faults of a server: they act on its `traffic`, on its `rooms`, and on `host`, its signaling plane."""

    def __init__(self, traffic: ImpairedTraffic, rooms: Rooms, host: FaultHost) -> None:
        self.host = host
        self._traffic = traffic
        self._rooms = rooms
        self._faults: dict[str, Fault] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults.values()))

    @property
    def away(self) -> bool:
        """Return whether the server has crashed and is not back yet."""
        return any(isinstance(fault, Crash) for fault in self._faults.values())

    # --- ordering faults ----------------------------------------------------------------------------------------------

    def start(self, order: orders.AnyOrder) -> Fault:
        """Begin a fault. An active one of the same kind and participant continues as this one, or ends.

        Raises:
            NoSuchParticipant: no participant has the connection id of the order.
        """
        participant = self._participant(order.whose) if order.whose is not None else None
        fault = self._earlier(order)
        if fault is not None and fault.takes_over(order):
            fault.order = order
            self._arm(fault)
            return fault
        if fault is not None:
            self.end(fault.id)
        fault = self._make(order, f"fault-{next(self._numbers)}", participant)
        self._faults[fault.id] = fault
        self._arm(fault)
        logs.event("fault", id=fault.id, participant=order.whose, kind=order.kind, seconds=order.seconds)
        if isinstance(fault, ParticipantFault):
            self._traffic.add(fault)
        fault.begin()
        return fault

    def end(self, fault_id: str) -> bool:
        """End a fault now. Return False if there is none of that id (any more)."""
        fault = self._faults.pop(fault_id, None)
        if fault is None:
            return False
        if fault.timer is not None:
            fault.timer.cancel()
        logs.event("fault ended", id=fault.id, participant=fault.order.whose)
        if isinstance(fault, ParticipantFault):
            self._traffic.remove(fault)
        fault.end()
        return True

    def end_others(self, fault_id: str) -> None:
        """End every fault but one."""
        for other in self:
            if other.id != fault_id:
                self.end(other.id)

    def close(self) -> None:
        """End every fault."""
        for fault in self:
            self.end(fault.id)

    # --- for the faults themselves ------------------------------------------------------------------------------------

    def sever_media(self, media_key: str | None = None) -> None:
        """Sever the present media connections of a participant, or of all."""
        self._traffic.sever(media_key)

    # --- internals ----------------------------------------------------------------------------------------------------

    def _make(self, order: orders.AnyOrder, id_: str, participant: Participant | None) -> Fault:
        if isinstance(order, orders.Restart):
            return Crash(self, id_, order)
        assert participant is not None, "all other faults are a participant's"
        match order:
            case orders.Silent() | orders.DeadMedia() | orders.MediaOnly() | orders.SignalingOnly():
                return Drop(self, id_, order, participant)
            case orders.Slow():
                return Slowness(self, id_, order, participant)
            case orders.LostNotification():
                return Loss(self, id_, order, participant)
            case orders.RefusedResume():
                return Refusal(self, id_, order, participant)
            case orders.Eviction():
                return EvictionFault(self, id_, order, participant)
        assert_never(order)

    def _arm(self, fault: Fault) -> None:
        if fault.timer is not None:
            fault.timer.cancel()
        fault.timer = asyncio.get_running_loop().call_later(fault.order.seconds, self.end, fault.id)

    def _earlier(self, order: orders.AnyOrder) -> Fault | None:
        """Return the active fault that `order` replaces, or None."""

        def place(of: orders.FaultOrder) -> tuple[object, ...]:
            return of.kind, of.whose, getattr(of, "method", None)

        return next((fault for fault in self if place(fault.order) == place(order)), None)

    def _participant(self, connection_id: str) -> Participant:
        participant = self._rooms.find_participant(connection_id)
        if participant is None:
            present = [member.id for room in self._rooms for member in room.participants]
            here = f"connected are: {', '.join(present[:10])}" if present else "nobody has joined"
            raise NoSuchParticipant(f"No participant has the connection id '{connection_id[:60]}'; {here}")
        return participant
