"""One request and its one answer."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import ErrorObject, Request, Response
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import MissingKey, WireError, from_wire, to_wire
from pyvidu.server.errors import MissingParameter, OpenViduException
from pyvidu.server.rooms.participant import Participant
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket

C = TypeVar("C", bound=Call)


class ReceivedRequest:
    """A request of an RPC session, which came on `socket`: there the answer goes, and nowhere if it is closed."""

    def __init__(self, request: Request, session: RpcSession, socket: ServerSocket) -> None:
        self.request = request
        self.session = session
        self.socket = socket
        self.response: Response | None = None

    @property
    def answered(self) -> bool:
        """Whether it has its answer."""
        return self.response is not None

    @property
    def participant(self) -> Participant:
        """Who asks.

        Raises:
            NotAMember: it has left its room or was evicted; the real server never answers then.
        """
        member = self.session.member
        if member is None:
            raise NotAMember(self.session)
        return member

    def read(self, call: type[C]) -> C:
        """The parameters.

        Raises:
            OpenViduException: -1, one is missing or has another type.
        """
        try:
            return from_wire(call, self.request.params)
        except MissingKey as error:
            raise MissingParameter(error.key, self.request.method) from None
        except WireError as error:
            raise OpenViduException(
                Code.INTERNAL, f"Request element {error} in RPC method '{self.request.method}'"
            ) from None

    def answer(self, result: Any = None, **extra: Any) -> None:
        """Sends the result; `extra` are members that no message of the protocol has."""
        members = to_wire(result) if result is not None else {}
        self._send(Response(self.request.id, {**members, **extra, "sessionId": self.session.id}))

    def fail(self, error: ErrorObject) -> None:
        """Sends an error."""
        self._send(Response(self.request.id, error=error))

    def _send(self, response: Response) -> None:
        if self.answered:
            raise RuntimeError(f"'{self.request.method}' is answered twice")
        self.response = response
        # Answers are kept for a while, to be repeated; a megabyte of what was asked is not.
        self.request = dataclasses.replace(self.request, params={})
        if self.socket.open:
            self.socket.transport.send(response.encode())

    def repeat_on(self, socket: ServerSocket) -> None:
        """The request came again, on `socket`: it gets the one answer there, now or when there is one."""
        self.socket = socket
        if self.response is not None and socket.open:
            socket.transport.send(self.response.encode())


class NotAMember(OpenViduException):
    """A request that needs membership, from one who is no member any more."""

    def __init__(self, session: RpcSession) -> None:
        who = session.participant.id if session.participant else "unknown"
        super().__init__(Code.USER_NOT_FOUND, f"Participant '{who}' is not in the session any more")


class NeverAnswered(OpenViduException):
    """A request that the real server leaves without an answer; profile `default` answers it with this."""
