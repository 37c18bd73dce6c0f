"""What each fault does from its beginning to its end. When it ends, and which there are, is the business of `faults.py`.

A drop imitates a network that swallows packets while TCP keeps trying. So on a socket that is open when it begins nothing
is lost, only late: the server neither reads nor writes until the end, then both sides get what waited, as retransmission
would bring it. New connections that name the participant hang until the end and are dropped then, as their SYNs would
have been. Media is lost for good. The eviction clock goes on meanwhile: nothing counts as heard.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyvidu.protocol.messages import Call
from pyvidu.server import logs
from pyvidu.server.faults import orders
from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.rooms.participant import Participant
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket
from pyvidu.server.signaling.transport import Transport

if TYPE_CHECKING:
    from pyvidu.server.faults.control import Faults


class Fault(ABC):
    """One fault that goes on. `id` and `timer` are of its owner's making."""

    def __init__(self, order: orders.FaultOrder, id_: str) -> None:
        self.order = order
        self.id = id_
        self.timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def begin(self, faults: Faults) -> None:
        """Takes effect. `faults` has it among those that go on already."""

    @abstractmethod
    def end(self, faults: Faults) -> None:
        """Everything is as before. `faults` has it no more."""

    def takes_over(self, faults: Faults, order: orders.FaultOrder) -> bool:
        """Goes on as `order`, the next one of its kind. False: it has to end, and another to begin."""
        return False

    def describe(self) -> dict[str, Any]:
        """For whoever lists what goes on; `remaining` is in seconds."""
        left = self.timer.when() - asyncio.get_running_loop().time() if self.timer is not None else 0.0
        return {"id": self.id, **self.order.model_dump(exclude_none=True), "remaining": round(max(0.0, left), 3)}


class ParticipantFault(Fault):
    """A fault of one participant, known by all that its client may name it with."""

    def __init__(self, order: orders.FaultOrder, id_: str, participant: Participant) -> None:
        super().__init__(order, id_)
        session = participant.peer
        assert isinstance(session, RpcSession)
        self.participant_id = participant.id
        self.probe_id = participant.probe_id
        self.session = session

    @property
    def socket(self) -> ServerSocket | None:
        """The participant's open socket."""
        socket = self.session.socket
        return socket if socket is not None and socket.open else None


class Drop(ParticipantFault):
    """See the module. Which media is dropping follows from all drops together: see `Faults`."""

    def __init__(self, order: orders.DropOrder, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self.signaling, self.media, self.dead = order.signaling, order.media, order.dead
        self.refuses = isinstance(order, orders.SignalingOnly) and order.close
        self._over = asyncio.Event()
        self._held: list[Transport] = []
        self._afterwards: list[Callable[[], None]] = []

    def begin(self, faults: Faults) -> None:
        """The socket falls silent, or is cut off; media falls silent, or dies."""
        if self.signaling and self.socket is not None:
            if self.refuses:
                faults.host.cut(self.socket)
            else:
                self.hold(self.socket.transport)
        faults.update_media_drop(self.participant_id)
        if self.dead:
            faults.media.kill(self.participant_id)

    def takes_over(self, faults: Faults, order: orders.FaultOrder) -> bool:
        """One drop as long as both: nothing gets through in between."""
        if isinstance(order, orders.SignalingOnly) and order.close != self.refuses:
            return False
        if self.dead:
            faults.media.kill(self.participant_id)
        return True

    def hold(self, transport: Transport) -> None:
        """`transport` is one of the participant's: it is dead until the end."""
        transport.hold()
        self._held.append(transport)

    def when_over(self, callback: Callable[[], None]) -> None:
        """Calls `callback` at the end."""
        self._afterwards.append(callback)

    async def over(self) -> None:
        """Waits for the end."""
        await self._over.wait()

    def end(self, faults: Faults) -> None:
        """Everything that was held goes on."""
        faults.update_media_drop(self.participant_id)
        self._over.set()
        for transport in self._held:
            transport.release()
        afterwards, self._afterwards = self._afterwards, []
        self._held.clear()
        for callback in afterwards:
            callback()


class Slowness(ParticipantFault):
    """Sockets of the participant are slow, and so is its media, future connections included."""

    def __init__(self, order: orders.Slow, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self.delay = Delay(order.delay / 1000, order.jitter / 1000)
        self.signaling, self.media = order.plane != "media", order.plane != "signaling"
        self._slowed: list[Transport] = []

    def begin(self, faults: Faults) -> None:
        """What there is becomes slow."""
        if self.socket is not None:
            self.slow(self.socket.transport)
        if self.media:
            faults.media.set_delay(self.participant_id, self.delay)

    def slow(self, transport: Transport) -> None:
        """`transport` is one of the participant's."""
        if self.signaling and transport not in self._slowed:
            transport.slow(self.delay)
            self._slowed.append(transport)

    async def handshake(self) -> None:
        """Takes as long as a request and its answer on their way."""
        if self.signaling:
            await asyncio.sleep(2 * self.delay.seconds)

    def end(self, faults: Faults) -> None:
        """What is on its way arrives at once."""
        if self.media:
            faults.media.set_delay(self.participant_id, None)
        for transport in self._slowed:
            transport.slow(None)


class Loss(ParticipantFault):
    """Notifications vanish between the server, which believes that they were sent, and the participant."""

    def __init__(self, order: orders.LostNotification, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self._method, self._left = order.method, order.count

    def begin(self, faults: Faults) -> None:
        """From now on."""
        self._faults = faults
        self.session.losing.append(self._loses)

    def end(self, faults: Faults) -> None:
        """The next one arrives."""
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
    """A member that is not let back in."""

    def __init__(self, order: orders.RefusedResume, id_: str, participant: Participant) -> None:
        super().__init__(order, id_, participant)
        self._left = order.count

    def begin(self, faults: Faults) -> None:
        """Nothing happens until somebody resumes."""

    def refuse(self, faults: Faults) -> None:
        """One attempt is refused."""
        self._left -= 1
        if self._left == 0:
            faults.end(self.id)

    def end(self, faults: Faults) -> None:
        """The next one is let in."""


class EvictionFault(ParticipantFault):
    """An eviction without the silence before it."""

    def begin(self, faults: Faults) -> None:
        """It is over when it has happened."""
        faults.host.give_up(self.session)
        faults.end(self.id)

    def end(self, faults: Faults) -> None:
        """There is no way back."""


class Crash(Fault):
    """A server that is away and has forgotten everything. The faults that went on are forgotten too."""

    def begin(self, faults: Faults) -> None:
        """All of it at once."""
        faults.host.crash()
        faults.end_others(self.id)

    def takes_over(self, faults: Faults, order: orders.FaultOrder) -> bool:
        """It is away already: for longer, then."""
        return True

    def end(self, faults: Faults) -> None:
        """It takes connections again."""
