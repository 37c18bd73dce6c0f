"""The dispatcher of JSON-RPC messages to RPC sessions and handlers: text in, text out. No I/O of its own.

`ping`, `connect` and `closeSession` are handled at once, everything else one at a time per participant (`protocol.md` 1).
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections import Counter
from typing import Any

from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    ErrorObject,
    MalformedMessage,
    Notification,
    Request,
    Response,
    decode,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.server import logs
from pyvidu.server.errors import OpenViduException
from pyvidu.server.limits import MessageLimits
from pyvidu.server.rooms.peer import SignalingGap
from pyvidu.server.secret_map import SecretMap
from pyvidu.server.signaling.filter_handlers import FILTER_HANDLERS
from pyvidu.server.signaling.handlers import HANDLERS, Context, unknown
from pyvidu.server.signaling.profiles import ProfileFactory
from pyvidu.server.signaling.rpc_session import NeverAnswered, NotAMember, ReceivedRequest, RpcSession, ServerSocket
from pyvidu.server.signaling.stream_handlers import STREAM_HANDLERS
from pyvidu.server.signaling.transport import Transport
from pyvidu.server.traffic import Traffic
from pyvidu.tasks import Tasks

_log = logging.getLogger(__name__)
_HANDLERS = HANDLERS | STREAM_HANDLERS | FILTER_HANDLERS
# The id of a message that is not parsed, if it is the last member, the first, or follows `jsonrpc`: clients write it there.
_LAST_ID = re.compile(r'"id"\s*:\s*(\d{1,15})\s*\}\s*$')
_FIRST_ID = re.compile(r'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,')
_ELEMENTS = MessageLimits().elements
NOT_JOINED = 1008  # close code: policy violation, RFC 6455
_ENDS = 80  # characters in which such an id is looked for


class SignalingServer:
    """All sockets and RPC sessions of a server."""

    def __init__(self, context: Context, make_profile: ProfileFactory, tasks: Tasks, traffic: Traffic) -> None:
        self.profile = make_profile(self)
        self._context = context
        self._tasks = tasks
        self._traffic = traffic
        self._sockets: dict[ServerSocket, None] = {}  # in the order in which they were opened
        self._sessions: SecretMap[RpcSession] = SecretMap()
        self._unjoined: Counter[str | None] = Counter()  # open sockets that have not joined, by IP address
        self._limits = context.rooms.limits

    @property
    def sockets(self) -> int:
        """Return how many sockets are open."""
        return len(self._sockets)

    @property
    def sessions(self) -> int:
        """Return how many RPC sessions can be resumed."""
        return len(self._sessions)

    # --- called by the WebSocket endpoint -----------------------------------------------------------------------------

    def opened(
        self, transport: Transport, host: str = "localhost", ip: str | None = None, *, own_page: bool = True
    ) -> ServerSocket:
        """Register a newly opened socket and return it; `own_page` and the others are those of `ServerSocket`."""
        socket = ServerSocket(transport, host=host, ip=ip, own_page=own_page, last_heard=_now())
        self._sockets[socket] = None
        self._unjoined[ip] += 1
        self._expect_join(socket)
        return socket

    def unjoined(self, ip: str | None) -> int:
        """Return how many sockets of an address have not joined."""
        return self._unjoined[ip]

    def heard(self, socket: ServerSocket) -> None:
        """Record the time at which anything arrived on `socket`, for the socket and its RPC session."""
        socket.last_heard = _now()
        if socket.session is not None:
            socket.session.last_heard = socket.last_heard
            if socket.session.silent:
                self.profile.heard(socket.session)

    def received(self, socket: ServerSocket, text: str | bytes) -> None:
        """Handle a message that arrived on `socket`. Never raises."""
        if not socket.open:
            return
        try:
            message = decode(text, most=_ELEMENTS)
        except MalformedMessage as error:
            self._refuse(socket, error.id, ErrorObject(error.code, str(error)))
            return
        if isinstance(message, Request):
            self._request(socket, message, len(text))
        elif isinstance(message, Notification):
            logs.message("notification", method=message.method, participant=_name(socket))

    def refuse_long(self, socket: ServerSocket, text: str | bytes, size: int, largest: int) -> None:
        """Answer a message of more than `largest` bytes (it has `size`) with an error, and its id if that is at an end."""
        begin, end = (
            part.decode("utf-8", "replace") if isinstance(part, bytes) else part
            for part in (text[:_ENDS], text[-_ENDS:])
        )
        found = _LAST_ID.search(end) or _FIRST_ID.match(begin)
        error = ErrorObject(INVALID_REQUEST, f"The message has {size} bytes, {largest} are allowed")
        logs.message("refused", participant=_name(socket), code=error.code)
        if socket.open:
            socket.transport.send(Response(int(found[1]) if found else None, error=error).encode())

    def closed(self, socket: ServerSocket, code: int | None = None, reason: str = "") -> None:
        """Handle the close of `socket` by either side. A second call is ignored."""
        if not socket.open:
            return
        socket.open = False
        self._sockets.pop(socket, None)
        self._settle(socket)
        session = socket.session if socket.session and socket.session.socket is socket else None
        logs.event("socket closed", participant=_name(socket), code=code, reason=reason or None)
        self.profile.socket_closed(socket, session, reason)

    # --- called by profiles (ProfileHost) -----------------------------------------------------------------------------

    def close_socket(self, socket: ServerSocket, code: int, reason: str) -> None:
        """Close a socket and handle its close at once, whatever the peer does."""
        if socket.open:
            socket.transport.close(code, reason)
            self.closed(socket, code, reason)

    def remember(self, session: RpcSession) -> None:
        """Make it possible to resume `session`."""
        session.ended = False
        self._sessions[session.id] = session

    def forget(self, session: RpcSession) -> None:
        """Make it impossible to resume `session`."""
        session.ended = True
        self._sessions.pop(session.id)

    def evict(self, session: RpcSession, reason: str) -> None:
        """Evict the participant of `session` from its room, if it is still there."""
        if (member := session.member) is not None:
            logs.event("evicted", session=member.room.id, participant=member.id, reason=reason)
            member.room.evict(member, reason)

    def tell_silence(self, session: RpcSession, silent: bool) -> None:
        """Tell the others of its room that the participant of `session` is not heard any more, or is again."""
        if (member := session.member) is not None:
            logs.event("silent" if silent else "heard again", session=member.room.id, participant=member.id)
            member.room.tell_silence(member, silent=silent)

    def media_heard(self, session: RpcSession) -> float:
        """Return when RTP last arrived of the participant of `session`, 0 if it sends none."""
        member = session.member
        return 0.0 if member is None else self._context.rooms.media.heard().get(member.key, 0.0)

    # --- ends without notice -------------------------------------------------------------------------------------------

    def cut(self, socket: ServerSocket) -> None:
        """Abort a socket without a close frame and handle its close."""
        socket.transport.abort()
        self.closed(socket)

    def give_up(self, session: RpcSession) -> None:
        """Evict the participant of `session`, as after too long a silence."""
        self.profile.give_up(session)

    def abandon(self) -> None:
        """Abort every socket and drop every session and room without sending anything."""
        for socket in self._sockets:
            socket.open = False
            _stop_deadline(socket)
            socket.transport.abort()
        self._sockets.clear()
        self._unjoined.clear()
        self._sessions.clear()
        self.profile.close()
        self._context.rooms.forget()

    # --- pings and shutdown -------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Ping every socket, for ever, if the profile has a ping interval."""
        while (interval := self.profile.ping_interval) is not None:
            await asyncio.sleep(interval)
            for socket in list(self._sockets):
                socket.transport.ping()
            self.profile.pinged_all(interval)

    def _expect_join(self, socket: ServerSocket) -> None:
        """Close `socket` unless a participant has it in time."""
        _stop_deadline(socket)
        within = self._limits.join_within
        socket.join_deadline = asyncio.get_running_loop().call_later(within, self._not_joined, socket)

    def _settle(self, socket: ServerSocket) -> None:
        """Count `socket` no longer as one that has not joined: it has, or it is closed."""
        _stop_deadline(socket)
        if socket.counted:
            socket.counted = False
            self._unjoined[socket.ip] -= 1
            if self._unjoined[socket.ip] <= 0:
                del self._unjoined[socket.ip]

    def _not_joined(self, socket: ServerSocket) -> None:
        if not socket.joined:
            self.close_socket(socket, NOT_JOINED, f"Not joined within {self._limits.join_within:g} s")

    def close(self) -> None:
        """Evict every participant because the server stops, then close every socket."""
        self._context.rooms.close(Reason.OPENVIDU_SERVER_STOPPED)
        for socket in list(self._sockets):
            self.close_socket(socket, 1001, "Server stopped")
        self.profile.close()

    # --- requests -----------------------------------------------------------------------------------------------------

    def _request(self, socket: ServerSocket, request: Request, size: int) -> None:
        params = request.params
        logs.message(
            "request",
            participant=_name(socket),
            session=_room(socket),
            method=request.method,
            id=request.id,
            stream=params.get("stream") or params.get("streamId") or _stream(params.get("sender")),
        )
        if request.method == "ping":
            self._ping(socket, request)
        elif request.method == "connect":
            self._connect(socket, request)
        elif request.method == "closeSession":
            self._close_session(socket, request)
        elif request.method == "sessionStatus" and self._context.rooms.life is not None:
            # *pro*: sent after a refused resume, by a client that has not joined during this `life` of the server
            self._reply(socket, request, {"life": self._context.rooms.life})
        else:
            session = self._session_of(socket, params.get("sessionId"))
            if session.request_log is not None and session.request_log.repeat(request.id, socket):
                return
            incoming = ReceivedRequest(request, session, socket)
            if session.submit(functools.partial(self._handle, incoming), size):
                if session.request_log is not None:
                    session.request_log.begun(incoming)
            else:
                self._reply(socket, request, error=ErrorObject(int(Code.GENERIC), "Too many requests wait. Code: 999"))

    def _ping(self, socket: ServerSocket, request: Request) -> None:
        interval = request.params.get("interval")
        if not isinstance(interval, int) or isinstance(interval, bool) or not 0 < interval <= 3_600_000:
            interval = None
        self.profile.pinged(socket, interval)
        session, received = socket.session, request.params.get("received")
        if session is not None and session.delivery_log is not None and (member := session.member) is not None:
            session.delivery_log.received(received)
            if received is not None:  # only pyvidu's clients say that
                member.room.send_notices(member)
        self._reply(socket, request, {"value": "pong"})

    def _connect(self, socket: ServerSocket, request: Request) -> None:
        session_id = request.params.get("sessionId")
        if session_id is None:
            session = self._session_of(socket, None)
            self._reply(socket, request, {"value": "OK", "sessionId": session.id})
            return
        path, resumed = socket.transport.path, None
        if isinstance(session_id, str):
            if not self._traffic.reaches(session_id, path, functools.partial(self._connect, socket, request)):
                return
            resumed = self._sessions.get(session_id)
        taken = socket.session is not None and socket.session is not resumed and socket.session.member is not None
        if resumed is None or taken or not socket.open or not self._traffic.readmits(resumed.id, path):
            logs.event("resume refused", participant=_name(socket))
            self._context.rooms.observers.resumed(refused=True)
            self._reply(socket, request, error=ErrorObject(int(Code.RECONNECTION), "reconnection error"))
            return
        self._resume(resumed, socket)
        result = {"value": "reconnection successful", "sessionId": resumed.id}
        missed = (
            resumed.delivery_log.missed(request.params.get("received")) if resumed.delivery_log is not None else None
        )
        if missed is None:
            self._reply(socket, request, result)
        else:
            self._reply(socket, request, {**result, "replayed": len(missed)})
            for text in missed:
                socket.transport.send(text)
        self._refresh_pictures(resumed)

    def _resume(self, session: RpcSession, socket: ServerSocket) -> None:
        anonymous, old = socket.session, session.socket
        if anonymous is not None and anonymous is not session:
            self.forget(anonymous)
        if old is not None and old is not socket:
            old.session = None
            if old.open:  # the profile may leave it open, and it carries no participant any more
                self._expect_join(old)
        socket.session, session.socket = session, socket
        self._settle(socket)
        moved = old is not None and old.ip != socket.ip
        session.gap = SignalingGap(session.last_heard, _now(), moved)
        session.last_heard = _now()
        if session.silent:
            self.profile.heard(session)
        self.profile.resumed(session, old, socket)
        logs.event("resumed", participant=_name(socket), session=_room(socket))
        self._context.rooms.observers.resumed(refused=False)

    def _refresh_pictures(self, session: RpcSession) -> None:
        """Request key frames of the streams that a resumed participant publishes and receives.

        Without the request a decoder waits seconds for one after a gap.
        """
        member = session.member
        if member is None or not self.profile.key_frames_on_resume:
            return
        streams = [subscription.stream_id for subscription in member.subscriptions.values()]
        for stream_id in [*([member.stream.id] if member.stream else []), *streams]:
            self._context.rooms.media.request_key_frame(stream_id)

    def _close_session(self, socket: ServerSocket, request: Request) -> None:
        session = socket.session
        if socket.open:
            socket.transport.send(Response(request.id, "bye").encode())
        if session is not None and session.socket is socket:
            self.profile.closed_by_client(session)

    async def _handle(self, incoming: ReceivedRequest) -> None:
        try:
            await self._dispatch(incoming)
        except (NeverAnswered, NotAMember) as error:
            if self.profile.answers_everything:
                self._fail(incoming, error.to_object(incoming.session.id))
        except OpenViduException as error:
            self._fail(incoming, error.to_object(incoming.session.id))
        except Exception as error:  # noqa: BLE001 - a crash of one request ends no socket
            _log.exception("Request '%s' of %s failed", incoming.request.method, _name(incoming.socket))
            self._fail(incoming, ErrorObject(int(Code.INTERNAL), Code.INTERNAL.text(f"{type(error).__name__}")))

    async def _dispatch(self, incoming: ReceivedRequest) -> None:
        method = incoming.request.method
        if method == "joinRoom":
            incoming.session.tried_to_join = True
        elif not incoming.session.joined_once:
            what = "session information" if incoming.session.tried_to_join else "connection"
            raise OpenViduException(
                Code.TRANSPORT,
                f"No {what} found for participant with privateId {incoming.session.id}. "
                "Method 'Session.connect()' must be the first operation called in any session",
            )
        handler = _HANDLERS.get(method)
        if handler is None and self.profile.answers_everything:
            incoming.fail(ErrorObject(METHOD_NOT_FOUND, f"Unknown method '{method[:100]}'"))
            return
        await (handler or unknown)(self._context, incoming)
        if method == "joinRoom":
            self._settle(incoming.socket)

    def _fail(self, incoming: ReceivedRequest, error: ErrorObject) -> None:
        logs.message(
            "error",
            participant=_name(incoming.socket),
            method=incoming.request.method,
            id=incoming.request.id,
            code=error.code,
        )
        if not incoming.answered:
            incoming.fail(error)

    def _session_of(self, socket: ServerSocket, session_id: Any) -> RpcSession:
        """Return the RPC session that a request on `socket` belongs to: the one it names, the socket's, or a new one."""
        if isinstance(session_id, str) and (named := self._sessions.get(session_id)) is not None:
            return named
        if socket.session is None:
            session = RpcSession(self.profile, self._tasks, self._traffic, self._limits, replays=self.profile.replays)
            session.socket, socket.session = socket, session
            session.last_heard = _now()
            self.remember(session)
        return socket.session

    def _refuse(self, socket: ServerSocket, request_id: Any, error: ErrorObject) -> None:
        logs.message("refused", participant=_name(socket), code=error.code)
        if self.profile.answers_everything and socket.open:
            socket.transport.send(Response(request_id, error=error).encode())

    @staticmethod
    def _reply(socket: ServerSocket, request: Request, result: Any = None, error: ErrorObject | None = None) -> None:
        if socket.open:
            socket.transport.send(Response(request.id, result, error).encode())


def _stop_deadline(socket: ServerSocket) -> None:
    if socket.join_deadline is not None:
        socket.join_deadline.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _name(socket: ServerSocket) -> str | None:
    return socket.session.participant.id if socket.session and socket.session.participant else None


def _room(socket: ServerSocket) -> str | None:
    return socket.session.participant.room.id if socket.session and socket.session.participant else None


def _stream(sender: Any) -> str | None:
    return sender if isinstance(sender, str) and sender.startswith("str_") else None
