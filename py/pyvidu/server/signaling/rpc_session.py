"""An RPC session: one client from its first request on, over one socket after another, its requests and its participant.

It outlives its sockets (that is what a resume is) and, in profile `kurento`, its participant.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import ErrorObject, Notification, Request, RequestId, Response
from pyvidu.protocol.messages import Call
from pyvidu.protocol.notifications import PublishedMediaMissing
from pyvidu.protocol.wire import MissingKey, WireError, from_wire, to_wire
from pyvidu.server import ids
from pyvidu.server.errors import MissingParameter, OpenViduException
from pyvidu.server.limits import Limits, TokenBucket
from pyvidu.server.rooms.peer import SignalingGap
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.call_sizes import check_sizes
from pyvidu.server.signaling.delivery_log import DeliveryLog
from pyvidu.server.signaling.transport import Transport
from pyvidu.server.traffic import Traffic
from pyvidu.tasks import Tasks

_log = logging.getLogger(__name__)

C = TypeVar("C", bound=Call)

# What is replayed in place of one that did not arrive.
_NOTHING_MISSING = Notification(PublishedMediaMissing.method, to_wire(PublishedMediaMissing(""))).encode()


class SessionListener(Protocol):
    """Receives the events of an RPC session that the profile of the server decides about."""

    def joined(self, session: RpcSession) -> None:
        """Handle a join: `session` has become a participant."""

    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """Handle a notification for which `session` has no open socket."""

    def departed(self, session: RpcSession) -> None:
        """Handle the departure of the participant of `session` from its room, whatever the reason."""


@dataclass(eq=False, slots=True)
class ServerSocket:
    """One WebSocket of a client.

    `host` is the name that the client reached the server at. `own_page`: no page of another origin has opened it.
    """

    transport: Transport
    host: str = "localhost"
    ip: str | None = None
    own_page: bool = True
    session: RpcSession | None = None
    open: bool = True
    last_heard: float = 0.0  # event loop seconds
    join_deadline: asyncio.TimerHandle | None = None
    counted: bool = True  # as one that has not joined

    @property
    def joined(self) -> bool:
        """Return whether it carries the messages of a participant that is in its room."""
        return self.session is not None and self.session.member is not None


class RpcSession:
    """One client and its participant. `socket` is the one last connected; it may be closed by now.

    With `replays`, notifications are kept for the resume and each request id runs once.
    """

    def __init__(
        self, listener: SessionListener, tasks: Tasks, traffic: Traffic, limits: Limits, *, replays: bool
    ) -> None:
        self.id = ids.rpc_session_id()
        self.socket: ServerSocket | None = None
        self.participant: Participant | None = None
        self.tried_to_join = False
        self.joined_once = False
        self.ended = False  # it cannot be resumed any more
        self.last_heard = 0.0  # event loop seconds
        self.gap = SignalingGap()
        self.silent = False  # the others of its room were told so
        self.delivery_log = DeliveryLog(limits) if replays else None
        self.request_log = RequestLog(limits.answers, limits.answer_size) if replays else None
        self._listener = listener
        self._tasks = tasks
        self._traffic = traffic
        self._limits = limits
        self._waiting: deque[tuple[Callable[[], Awaitable[None]], int]] = deque()
        self._waiting_size = 0
        self._working = False
        self._fan_out = TokenBucket(limits.fan_out, limits.fan_out_burst, 0.0)
        self._negotiations = TokenBucket(limits.negotiations, limits.negotiations_burst, 0.0)
        self._missed = 0  # characters of notifications since its socket closed

    @property
    def member(self) -> Participant | None:
        """Return the participant, if it is still in its room."""
        return self.participant if self.participant is not None and self.participant.present else None

    def notify(self, call: Call, text: str) -> None:
        """Push a notification (`text`) to the socket last connected; report it as undeliverable if that is closed."""
        if self.delivery_log is not None:
            self.delivery_log.notified(_NOTHING_MISSING if isinstance(call, PublishedMediaMissing) else text)
        if self.socket is not None and self.socket.open:
            self._missed = 0
            if self._traffic.delivers(self.id, call.method):
                self.socket.transport.send(text)
        else:
            self._missed += len(text)
            self._listener.undeliverable(self, call)

    @property
    def full(self) -> bool:
        """Return whether so much waits for the client, on its socket or for a resume, that it gets no more signals."""
        if self.socket is not None and self.socket.open:
            return self.socket.transport.full
        return self._missed > self._limits.queue

    def joined(self, participant: Participant) -> None:
        """Keep the participant that the client has become, and report it."""
        self.participant = participant
        self.joined_once = True
        self._listener.joined(self)

    def departed(self) -> None:
        """Report that the participant has left its room."""
        self._listener.departed(self)

    def submit(self, work: Callable[[], Awaitable[None]], size: int) -> bool:
        """Run `work` after all that was submitted before; return False if too much waits.

        `size` is the number of characters of the request that it is for.
        """
        limits = self._limits
        if len(self._waiting) >= limits.waiting or self._waiting_size + size > limits.waiting_size:
            return False
        self._waiting.append((work, size))
        self._waiting_size += size
        if not self._working:
            self._working = True
            self._tasks.spawn(self._work(), "requests of one participant")
        return True

    async def pace(self, *, notifications: int = 0, negotiations: int = 0) -> None:
        """Wait until the client may cause so many notifications to others, and media negotiations."""
        now = asyncio.get_running_loop().time()
        wait = max(self._fan_out.wait(now, notifications), self._negotiations.wait(now, negotiations))
        if wait > 0:
            await asyncio.sleep(wait)

    async def _work(self) -> None:
        try:
            while self._waiting:
                work, size = self._waiting.popleft()
                self._waiting_size -= size
                await work()
        finally:
            self._working = False


class ReceivedRequest:
    """A request of an RPC session, received on `socket`. The response is sent there, or not at all if it is closed."""

    __slots__ = "answered", "request", "session", "socket"  # there may be thousands that wait

    def __init__(self, request: Request, session: RpcSession, socket: ServerSocket) -> None:
        self.request = request
        self.session = session
        self.socket = socket
        self.answered = False
        """Whether the request has its response."""

    @property
    def participant(self) -> Participant:
        """Return the participant that sent the request.

        Raises:
            NotAMember: it has left its room or was evicted; the real server never answers then.
        """
        member = self.session.member
        if member is None:
            raise NotAMember(self.session)
        return member

    async def pace(self, *, negotiations: int = 0) -> Participant:
        """Wait until the participant may notify all others of its room, and negotiate; return it.

        Raises:
            NotAMember: it is not in its room, or was evicted meanwhile.
        """
        notifications = len(self.participant.room.participants)
        await self.session.pace(notifications=notifications, negotiations=negotiations)
        return self.participant

    def read(self, call: type[C]) -> C:
        """Return the parameters.

        Raises:
            OpenViduException: -1, one is missing, has another type or is too long.
        """
        try:
            parameters = from_wire(call, self.request.params)
            check_sizes(parameters)
        except MissingKey as error:
            raise MissingParameter(error.key, self.request.method) from None
        except WireError as error:
            raise OpenViduException(
                Code.INTERNAL, f"Request element {error} in RPC method '{self.request.method}'"
            ) from None
        return parameters

    def answer(self, result: Any = None, **extra: Any) -> None:
        """Send the result; `extra` are members that no message of the protocol has.

        Raises:
            RuntimeError: the request has its response already.
        """
        members = to_wire(result) if result is not None else {}
        self._send(Response(self.request.id, {**members, **extra, "sessionId": self.session.id}))

    def fail(self, error: ErrorObject) -> None:
        """Send an error.

        Raises:
            RuntimeError: the request has its response already.
        """
        self._send(Response(self.request.id, error=error))

    def _send(self, response: Response) -> None:
        if self.answered:
            raise RuntimeError(f"'{self.request.method}' is answered twice")
        text = response.encode()
        self.answered = True
        if self.session.request_log is not None:
            self.session.request_log.answered(self, text)
        if self.socket.open:
            self.socket.transport.send(text)


class NotAMember(OpenViduException):
    """A request that needs membership, from a client that is not a member any more."""

    def __init__(self, session: RpcSession) -> None:
        who = session.participant.id if session.participant else "unknown"
        super().__init__(Code.USER_NOT_FOUND, f"Participant '{who}' is not in the session any more")


class NeverAnswered(OpenViduException):
    """A request that the real server does not answer; profile `default` answers it with this."""


class RequestLog:
    """The latest requests of one RPC session by id, with their responses: a repeated request does not run again.

    It keeps at most `count` requests, and `size` characters of responses; the oldest are dropped.
    """

    def __init__(self, count: int, size: int) -> None:
        self._count = count
        self._size = size
        self._requests: OrderedDict[RequestId, ReceivedRequest | str] = OrderedDict()  # or its response
        self._kept = 0

    def repeat(self, request_id: RequestId, socket: ServerSocket) -> bool:
        """Send the response to the earlier request with the same id on `socket`, now or once there is one.

        Return False if there was none.
        """
        earlier = self._requests.get(request_id)
        if isinstance(earlier, ReceivedRequest):
            earlier.socket = socket
        elif earlier is not None and socket.open:
            socket.transport.send(earlier)
        return earlier is not None

    def responses(self) -> dict[RequestId, str]:
        """Return the responses that are kept, the oldest first."""
        return {request_id: kept for request_id, kept in self._requests.items() if isinstance(kept, str)}

    def begun(self, incoming: ReceivedRequest) -> None:
        """Record a request that came for the first time. It is not answered yet."""
        self._requests[incoming.request.id] = incoming
        self._shrink()

    def answered(self, incoming: ReceivedRequest, text: str) -> None:
        """Record the response of a request, if that is still kept."""
        if self._requests.get(incoming.request.id) is incoming:
            self._requests[incoming.request.id] = text
            self._kept += len(text)
            self._shrink()

    def _shrink(self) -> None:
        while len(self._requests) > self._count or self._kept > self._size:
            _, dropped = self._requests.popitem(last=False)
            if isinstance(dropped, str):
                self._kept -= len(dropped)
