"""An RPC session: one client from its first request on, over one socket after another, and its participant.

It outlives its sockets (that is what a resume is) and, in profile `kurento`, its participant.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyvidu.protocol.jsonrpc import Notification
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import to_wire
from pyvidu.server import ids
from pyvidu.server.signaling.delivery_log import DeliveryLog
from pyvidu.server.signaling.transport import Transport
from pyvidu.tasks import Tasks

if TYPE_CHECKING:
    from pyvidu.server.rooms.participant import Participant
    from pyvidu.server.signaling.profiles import Profile

_log = logging.getLogger(__name__)

MAX_WAITING_REQUESTS = 500  # of one participant; a browser page has a handful


@dataclass(eq=False, slots=True)
class ServerSocket:
    """One WebSocket of a client. `host` is the name that the client reached the server at."""

    transport: Transport
    host: str = "localhost"
    ip: str | None = None
    session: RpcSession | None = None
    open: bool = True
    last_heard: float = 0.0  # event loop seconds


class RpcSession:
    """One client and its participant. `socket` is the one last connected; it may be closed by now."""

    def __init__(self, profile: Profile, tasks: Tasks) -> None:
        self.id = ids.rpc_session_id()
        self.socket: ServerSocket | None = None
        self.participant: Participant | None = None
        self.tried_to_join = False
        self.joined_once = False
        self.ended = False  # it cannot be resumed any more
        self.last_heard = 0.0  # event loop seconds
        self.delivery_log = DeliveryLog() if profile.replays else None
        self.losing: list[Callable[[Call], bool]] = []  # fault control: a call is lost if one returns True
        self._profile = profile
        self._tasks = tasks
        self._waiting: deque[Callable[[], Awaitable[None]]] = deque()
        self._working = False

    @property
    def member(self) -> Participant | None:
        """Return the participant, if it is still in its room."""
        return self.participant if self.participant is not None and self.participant.present else None

    def notify(self, call: Call) -> None:
        """Push a notification to the socket last connected; call the profile's `undeliverable` if that is closed."""
        text = Notification(call.method, to_wire(call)).encode()
        if self.delivery_log is not None:
            self.delivery_log.notified(text)
        if self.socket is not None and self.socket.open:
            if not any(loses(call) for loses in list(self.losing)):
                self.socket.transport.send(text)
        else:
            self._profile.undeliverable(self, call)

    def departed(self) -> None:
        """Report to the profile that the participant has left its room."""
        self._profile.departed(self)

    def submit(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Run `work` after all that was submitted before; return False if `MAX_WAITING_REQUESTS` wait already."""
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            return False
        self._waiting.append(work)
        if not self._working:
            self._working = True
            self._tasks.spawn(self._work(), "requests of one participant")
        return True

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._waiting.popleft()()
        finally:
            self._working = False
