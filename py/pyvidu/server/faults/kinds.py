"""What each fault does from its beginning to its end. When it ends, and which are active, is in `control.py`.

A drop imitates a network that drops packets while TCP retransmits. So on a socket that is open when it begins nothing is
lost, only late: the server neither reads nor writes until the end, then both sides receive what was queued, as after
retransmission. New connections that name the participant hang until the end and are dropped then, as their SYNs would
have been. Media is lost for good. The eviction timeout runs on meanwhile: nothing counts as received.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from pyvidu.protocol.messages import Call
from pyvidu.server import logs
from pyvidu.server.faults import orders
from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket
from pyvidu.server.signaling.transport import Transport


class FaultHost(Protocol):
    """The operations of the signaling plane that faults use."""

    def cut(self, socket: ServerSocket) -> None:
        """Abort a socket without a close frame, and treat it as closed."""

    def give_up(self, session: RpcSession) -> None:
        """Evict the participant of `session`, as after the eviction timeout."""

    def crash(self) -> None:
        """Abort every socket and discard every session and every room, without notifying any client."""


class ActiveFaults(Protocol):
    """The operations of their owner that faults use."""

    host: FaultHost
    media: MediaServer

    def end(self, fault_id: str) -> bool:
        """End a fault now."""

    def end_others(self, fault_id: str) -> None:
        """End every fault but one."""

    def update_media_drop(self, participant_id: str) -> None:
        """Update a participant's media after a drop has begun or ended."""


class Fault(ABC):
    """One active fault. `id` and `timer` come from its owner, `Faults`."""

    def __init__(self, order: orders.FaultOrder, id_: str) -> None:
        self.order = order
        self.id = id_
        self.timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def begin(self, faults: ActiveFaults) -> None:
        """Put the fault into effect. `faults` lists it as active already."""

    @abstractmethod
    def end(self, faults: ActiveFaults) -> None:
        """Undo the effect. `faults` no longer lists the fault."""

    def takes_over(self, faults: ActiveFaults, order: orders.FaultOrder) -> bool:
        """Continue as `order`, the next one of its kind. Return False if this fault has to end and another to begin."""
        return False

    def describe(self) -> dict[str, Any]:
        """Return the order with `id` and `remaining` (seconds), for a list of active faults."""
        left = self.timer.when() - asyncio.get_running_loop().time() if self.timer is not None else 0.0
        return {"id": self.id, **self.order.model_dump(exclude_none=True), "remaining": round(max(0.0, left), 3)}


class ParticipantFault(Fault):
    """A fault of one participant, with all ids by which its client may name it."""

    def __init__(self, order: orders.FaultOrder, id_: str, participant: Participant) -> None:
        super().__init__(order, id_)
        session = participant.peer
        assert isinstance(session, RpcSession)
        self.participant_id = participant.id
        self.probe_id = participant.probe_id
        self.session = session

    @property
    def socket(self) -> ServerSocket | None:
        """Return the participant's open socket, or None."""
        socket = self.session.socket
        return socket if socket is not None and socket.open else None


class Drop(ParticipantFault):
    """See the module. Media is dropped if any drop of the participant covers it: see `Faults.update_media_drop`."""

    def __init__(self, order: orders.DropOrder, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self.signaling, self.media, self.dead = order.signaling, order.media, order.dead
        self.refuses = isinstance(order, orders.SignalingOnly) and order.close
        self._over = asyncio.Event()
        self._held: list[Transport] = []
        self._afterwards: list[Callable[[], None]] = []

    def begin(self, faults: ActiveFaults) -> None:
        """Hold or abort the socket; drop the media, and with `dead` kill its connections."""
        if self.signaling and self.socket is not None:
            if self.refuses:
                faults.host.cut(self.socket)
            else:
                self.hold(self.socket.transport)
        faults.update_media_drop(self.participant_id)
        if self.dead:
            faults.media.kill(self.participant_id)

    def takes_over(self, faults: ActiveFaults, order: orders.FaultOrder) -> bool:
        """Continue without a gap in which packets would get through. Return False if `close` differs."""
        if isinstance(order, orders.SignalingOnly) and order.close != self.refuses:
            return False
        if self.dead:
            faults.media.kill(self.participant_id)
        return True

    def hold(self, transport: Transport) -> None:
        """Stop reading and writing on `transport`, one of the participant's, until the end."""
        transport.hold()
        self._held.append(transport)

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call `callback` at the end."""
        self._afterwards.append(callback)

    async def over(self) -> None:
        """Wait for the end."""
        await self._over.wait()

    def end(self, faults: ActiveFaults) -> None:
        """Release all that was held, then call the callbacks of `when_over`."""
        faults.update_media_drop(self.participant_id)
        self._over.set()
        for transport in self._held:
            transport.release()
        afterwards, self._afterwards = self._afterwards, []
        self._held.clear()
        for callback in afterwards:
            callback()


class Slowness(ParticipantFault):
    """A delay of the participant's sockets and media, future connections included."""

    def __init__(self, order: orders.Slow, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self.delay = Delay(order.delay / 1000, order.jitter / 1000)
        self.signaling, self.media = order.plane != "media", order.plane != "signaling"
        self._slowed: list[Transport] = []

    def begin(self, faults: ActiveFaults) -> None:
        """Delay the open socket and the media."""
        if self.socket is not None:
            self.slow(self.socket.transport)
        if self.media:
            faults.media.set_delay(self.participant_id, self.delay)

    def slow(self, transport: Transport) -> None:
        """Delay `transport`, one of the participant's, if signaling is slow."""
        if self.signaling and transport not in self._slowed:
            transport.slow(self.delay)
            self._slowed.append(transport)

    async def handshake(self) -> None:
        """Wait for one round trip, as a request and its answer take."""
        if self.signaling:
            await asyncio.sleep(2 * self.delay.seconds)

    def end(self, faults: ActiveFaults) -> None:
        """Remove the delay; what is under way arrives at once."""
        if self.media:
            faults.media.set_delay(self.participant_id, None)
        for transport in self._slowed:
            transport.slow(None)


class Loss(ParticipantFault):
    """Notifications are lost between the server, which counts them as sent, and the participant."""

    def __init__(self, order: orders.LostNotification, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self._method, self._left = order.method, order.count

    def begin(self, faults: ActiveFaults) -> None:
        """Start to drop notifications."""
        self._faults = faults
        self.session.losing.append(self._loses)

    def end(self, faults: ActiveFaults) -> None:
        """Stop dropping notifications."""
        self.session.losing.remove(self._loses)

    def _loses(self, call: Call) -> bool:
        if self._method not in (None, call.method):
            return False
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._faults.end(self.id)
        logs.event("notification lost", participant=self.participant_id, method=call.method)
        return True


class Refusal(ParticipantFault):
    """Resumes of a participant are refused though it is still a member."""

    def __init__(self, order: orders.RefusedResume, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self._left = order.count

    def begin(self, faults: ActiveFaults) -> None:
        """Do nothing: `Faults.refuses` looks the fault up at each resume."""

    def refuse(self, faults: ActiveFaults) -> None:
        """Count a refused attempt; the last one ends the fault."""
        self._left -= 1
        if self._left == 0:
            faults.end(self.id)

    def end(self, faults: ActiveFaults) -> None:
        """Do nothing: the next resume succeeds."""


class EvictionFault(ParticipantFault):
    """An eviction without the timeout before it."""

    def begin(self, faults: ActiveFaults) -> None:
        """Evict the participant, and end the fault at once."""
        faults.host.give_up(self.session)
        faults.end(self.id)

    def end(self, faults: ActiveFaults) -> None:
        """Do nothing: an eviction cannot be undone."""


class Crash(Fault):
    """A server that is unreachable and has lost all state, the other active faults included."""

    def begin(self, faults: ActiveFaults) -> None:
        """Crash the server, and end all other faults."""
        faults.host.crash()
        faults.end_others(self.id)

    def takes_over(self, faults: ActiveFaults, order: orders.FaultOrder) -> bool:
        """Continue as `order`: the server is unreachable already and stays so for its time."""
        return True

    def end(self, faults: ActiveFaults) -> None:
        """Do nothing: the server accepts connections again."""
