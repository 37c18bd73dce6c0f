"""The active faults: which there are, when they end, and how they affect new connections and resumes.

For tests and for people without root: a network namespace makes a real drop, this imitates it. What each fault does is in
`kinds.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import TypeVar

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
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Participant
from pyvidu.server.secret_map import same
from pyvidu.server.signaling.rpc_session import RpcSession
from pyvidu.server.signaling.transport import Transport

_F = TypeVar("_F", bound=ParticipantFault)


class NoSuchParticipant(LookupError):
    """No participant has the connection id that a fault was ordered for; the message lists those present."""


class Faults:
    """The active faults. `host` must be set before the first of them begins."""

    def __init__(self, rooms: Rooms) -> None:
        self.host: FaultHost
        self.media: MediaServer = rooms.media
        self._rooms = rooms
        self._faults: dict[str, Fault] = {}
        self._numbers = count(1)
        self._without_media: set[str] = set()

    def __len__(self) -> int:
        return len(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults.values()))

    # --- ordering faults ----------------------------------------------------------------------------------------------

    def start(self, order: orders.FaultOrder) -> Fault:
        """Begin a fault. An active one of the same kind and participant continues as this one, or ends.

        Raises:
            NoSuchParticipant: no participant has the connection id of the order.
        """
        participant = self._participant(order.whose) if order.whose is not None else None
        fault = self._earlier(order)
        if fault is not None and fault.takes_over(self, order):
            fault.order = order
            self._arm(fault)
            return fault
        if fault is not None:
            self.end(fault.id)
        fault = _make(order, f"fault-{next(self._numbers)}", participant)
        self._faults[fault.id] = fault
        self._arm(fault)
        logs.event("fault", id=fault.id, participant=order.whose, kind=order.kind, seconds=order.seconds)
        fault.begin(self)
        return fault

    def end(self, fault_id: str) -> bool:
        """End a fault now. Return False if there is none of that id (any more)."""
        fault = self._faults.pop(fault_id, None)
        if fault is None:
            return False
        if fault.timer is not None:
            fault.timer.cancel()
        logs.event("fault over", id=fault.id, participant=fault.order.whose)
        fault.end(self)
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

    def update_media_drop(self, participant_id: str) -> None:
        """Update a participant's media after a drop has begun or ended: it is dropped while any active drop covers it."""
        dropping = any(drop.media for drop in self._all(Drop) if drop.participant_id == participant_id)
        if dropping != (participant_id in self._without_media):
            self._without_media ^= {participant_id}
            self.media.set_dropping(participant_id, dropping)

    # --- for the endpoints and the signaling server -------------------------------------------------------------------

    @property
    def away(self) -> bool:
        """Return whether the server has crashed and is not back yet."""
        return any(isinstance(fault, Crash) for fault in self._faults.values())

    async def admits(self, probe_id: str | None) -> bool:
        """Wait, then return whether a new connection gets through. `probe_id` is that of the participant it names."""
        waited = False
        while (drop := self._dropping(probe_id)) is not None:
            if drop.refuses:
                return False
            waited = True
            await drop.over()
        for slow in self._all(Slowness):
            if slow.probe_id == probe_id:
                await slow.handshake()
        return not waited

    def opened(self, transport: Transport, probe_id: str | None) -> None:
        """Delay a new socket, that of the participant `probe_id` (if it names one), as the active faults require."""
        for slow in self._all(Slowness):
            if slow.probe_id == probe_id:
                slow.slow(transport)

    def dropping(self, rpc_session_id: object) -> Drop | None:
        """Return the active drop of the participant that a `connect` names, or None."""
        if not isinstance(rpc_session_id, str):
            return None
        drops = (drop for drop in self._all(Drop) if drop.signaling)
        return next((drop for drop in drops if same(rpc_session_id, drop.session.id)), None)

    def refuses(self, rpc_session_id: object) -> bool:
        """Return whether this `connect` is refused, and count the refusal."""
        if not isinstance(rpc_session_id, str):
            return False
        for refusal in self._all(Refusal):
            if same(rpc_session_id, refusal.session.id):
                refusal.refuse(self)
                return True
        return False

    def resumed(self, session: RpcSession, transport: Transport) -> None:
        """Delay `transport`, over which `session` has resumed, as the active faults require."""
        for slow in self._all(Slowness):
            if slow.session is session:
                slow.slow(transport)

    # --- internals ----------------------------------------------------------------------------------------------------

    def _dropping(self, probe_id: str | None) -> Drop | None:
        return next((drop for drop in self._all(Drop) if drop.signaling and drop.probe_id == probe_id), None)

    def _all(self, kind: type[_F]) -> list[_F]:
        return [fault for fault in self._faults.values() if isinstance(fault, kind)]

    def _arm(self, fault: Fault) -> None:
        if fault.timer is not None:
            fault.timer.cancel()
        fault.timer = asyncio.get_running_loop().call_later(fault.order.seconds, self.end, fault.id)

    def _earlier(self, order: orders.FaultOrder) -> Fault | None:
        """Return the active fault that `order` replaces, or None."""

        def place(of: orders.FaultOrder) -> tuple[object, ...]:
            return of.kind, of.whose, getattr(of, "method", None)

        return next((fault for fault in self if place(fault.order) == place(order)), None)

    def _participant(self, connection_id: str) -> Participant:
        participant = self._rooms.find_participant(connection_id)
        if participant is None:
            present = [member.id for room in self._rooms for member in room.participants]
            here = f"those who are here: {', '.join(present[:10])}" if present else "nobody has joined"
            raise NoSuchParticipant(f"No participant has the connection id '{connection_id[:60]}'; {here}")
        return participant


def _make(order: orders.FaultOrder, id_: str, participant: Participant | None) -> Fault:
    if isinstance(order, orders.Restart):
        return Crash(order, id_)
    assert participant is not None, "all other faults are a participant's"
    match order:
        case orders.DropOrder():
            return Drop(order, id_, participant)
        case orders.Slow():
            return Slowness(order, id_, participant)
        case orders.LostNotification():
            return Loss(order, id_, participant)
        case orders.RefusedResume():
            return Refusal(order, id_, participant)
        case orders.Eviction():
            return EvictionFault(order, id_, participant)
    raise TypeError(f"Nothing makes a fault of kind '{order.kind}'")
