"""What each fault does from its beginning to its end. Which are active, and when they end, is in `control.py`; how those of
participants act on connections and notifications in `traffic.py`.

A drop imitates a network that drops packets while TCP retransmits. So on a socket that is open when it begins nothing is
lost, only late: the server neither reads nor writes until the end, then both sides receive what was queued, as after
retransmission. New connections that name the participant hang until the end and are dropped then, as their SYNs would
have been. Media is lost for good. The eviction timeout runs on meanwhile: nothing counts as received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from pyvidu.server import logs
from pyvidu.server.faults import orders
from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.faults.paths import SocketPath, of_socket
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket


class FaultHost(Protocol):
    """The operations of the signaling plane that faults use."""

    @property
    def sockets(self) -> int:
        """Return how many sockets are open."""

    def cut(self, socket: ServerSocket) -> None:
        """Abort a socket without a close frame, and treat it as closed."""

    def give_up(self, session: RpcSession) -> None:
        """Evict the participant of `session`, as after the eviction timeout."""

    def abandon(self) -> None:
        """Abort every socket and discard every session and every room, without notifying any client."""


class ActiveFaults(Protocol):
    """The operations of their owner that faults use."""

    @property
    def host(self) -> FaultHost:
        """Return the server that they act on."""

    def end(self, fault_id: str) -> bool:
        """End a fault now."""

    def end_others(self, fault_id: str) -> None:
        """End every fault but one."""

    def sever_media(self, media_key: str | None = None) -> None:
        """Sever the present media connections of a participant, or of all."""


class Fault:
    """One active fault of those in `faults`, which begins it, ends it, and sets `timer`."""

    def __init__(self, faults: ActiveFaults, id_: str, order: orders.FaultOrder) -> None:
        self.faults = faults
        self.id = id_
        self.order = order
        self.timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Put the fault into effect, as far as it does more than to take part in traffic."""

    def end(self) -> None:
        """Undo the effect. The fault takes part in traffic no longer."""

    def takes_over(self, order: orders.FaultOrder) -> bool:
        """Continue as `order`, the next one of its kind. Return False if this fault has to end and another to begin."""
        return False

    def describe(self) -> dict[str, Any]:
        """Return the order with `id` and `remaining` (seconds), for a list of active faults."""
        left = self.timer.when() - asyncio.get_running_loop().time() if self.timer is not None else 0.0
        return {"id": self.id, **self.order.model_dump(exclude_none=True), "remaining": round(max(0.0, left), 3)}


class ParticipantFault(Fault):
    """A fault of one participant, with all ids by which its connections are known."""

    def __init__(
        self, faults: ActiveFaults, id_: str, order: orders.ParticipantOrder, participant: Participant
    ) -> None:
        super().__init__(faults, id_, order)
        session = participant.peer
        assert isinstance(session, RpcSession)
        self.participant_id = participant.id
        self.media_key = participant.key
        self.probe_id = participant.probe_id
        self.session = session

    @property
    def socket(self) -> ServerSocket | None:
        """Return the participant's open socket, or None."""
        socket = self.session.socket
        return socket if socket is not None and socket.open else None


class Drop(ParticipantFault):
    """See the module. Media is dropped as long as any drop of the participant covers it."""

    def __init__(self, faults: ActiveFaults, id_: str, order: orders.DropOrder, participant: Participant) -> None:
        super().__init__(faults, id_, order, participant)
        self.signaling, self.media, self.dead = order.signaling, order.media, order.dead
        self.refuses = isinstance(order, orders.SignalingOnly) and order.close
        self._over = asyncio.Event()
        self._held: list[SocketPath] = []
        self._afterwards: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Hold or abort the socket; with `dead` sever the media connections."""
        if self.signaling and self.socket is not None:
            if self.refuses:
                self.faults.host.cut(self.socket)
            else:
                self._hold(of_socket(self.socket.transport.path))
        if self.dead:
            self.faults.sever_media(self.media_key)

    def takes_over(self, order: orders.FaultOrder) -> bool:
        """Continue without a gap in which packets would get through. Return False if `close` differs."""
        if isinstance(order, orders.SignalingOnly) and order.close != self.refuses:
            return False
        if self.dead:
            self.faults.sever_media(self.media_key)
        return True

    def hold(self, path: SocketPath, afterwards: Callable[[], None]) -> None:
        """Stop reading and writing on `path`, one of the participant's, until the end; then call `afterwards`."""
        self._hold(path)
        self._afterwards.append(afterwards)

    async def over(self) -> None:
        """Wait for the end."""
        await self._over.wait()

    def end(self) -> None:
        """Release all that was held, then call what has to be called afterwards."""
        self._over.set()
        for path in self._held:
            path.release()
        afterwards, self._afterwards = self._afterwards, []
        self._held.clear()
        for callback in afterwards:
            callback()

    def _hold(self, path: SocketPath) -> None:
        path.hold()
        self._held.append(path)


class Slowness(ParticipantFault):
    """A delay of the participant's sockets and media, future connections included."""

    def __init__(self, faults: ActiveFaults, id_: str, order: orders.Slow, participant: Participant) -> None:
        super().__init__(faults, id_, order, participant)
        self.delay = Delay(order.delay / 1000, order.jitter / 1000)
        self.signaling, self.media = order.plane != "media", order.plane != "signaling"
        self._slowed: list[SocketPath] = []

    def begin(self) -> None:
        """Delay the open socket."""
        if self.socket is not None:
            self.slow(of_socket(self.socket.transport.path))

    def slow(self, path: SocketPath) -> None:
        """Delay `path`, one of the participant's, if signaling is slow."""
        if self.signaling and path not in self._slowed:
            path.slow(self.delay)
            self._slowed.append(path)

    async def handshake(self) -> None:
        """Wait for one round trip, as a request and its answer take."""
        if self.signaling:
            await asyncio.sleep(2 * self.delay.seconds)

    def end(self) -> None:
        """Remove the delay of the sockets; what is under way arrives at once."""
        for path in self._slowed:
            path.slow(None)


class Loss(ParticipantFault):
    """Notifications are lost between the server, which counts them as sent, and the participant."""

    def __init__(
        self, faults: ActiveFaults, id_: str, order: orders.LostNotification, participant: Participant
    ) -> None:
        super().__init__(faults, id_, order, participant)
        self._method, self._left = order.method, order.count

    def loses(self, method: str) -> bool:
        """Return whether the next notification is lost, and count it; the last one ends the fault."""
        if self._method not in (None, method):
            return False
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.faults.end(self.id)
        logs.event("notification lost", participant=self.participant_id, method=method)
        return True


class Refusal(ParticipantFault):
    """Resumes of a participant are refused though it is still a member."""

    def __init__(self, faults: ActiveFaults, id_: str, order: orders.RefusedResume, participant: Participant) -> None:
        super().__init__(faults, id_, order, participant)
        self._left = order.count

    def refuse(self) -> None:
        """Count a refused attempt; the last one ends the fault."""
        self._left -= 1
        if self._left == 0:
            self.faults.end(self.id)


class EvictionFault(ParticipantFault):
    """An eviction without the timeout before it."""

    def begin(self) -> None:
        """Evict the participant, and end the fault at once."""
        self.faults.host.give_up(self.session)
        self.faults.end(self.id)


class Crash(Fault):
    """A server that is unreachable and has lost all state, the other active faults included."""

    def begin(self) -> None:
        """Crash the server, and end all other faults."""
        logs.event("crashed", sockets=self.faults.host.sockets)
        self.faults.sever_media()
        self.faults.host.abandon()
        self.faults.end_others(self.id)

    def takes_over(self, order: orders.FaultOrder) -> bool:
        """Continue as `order`: the server is unreachable already and stays so for its time."""
        return True
