"""One request and its one response."""

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
    """A request of an RPC session, received on `socket`. The response is sent there, or not at all if it is closed."""

    def __init__(self, request: Request, session: RpcSession, socket: ServerSocket) -> None:
        self.request = request
        self.session = session
        self.socket = socket
        self.response: Response | None = None

    @property
    def answered(self) -> bool:
        """Return whether the request has its response."""
        return self.response is not None

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

    def read(self, call: type[C]) -> C:
        """Return the parameters.

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
        self.response = response
        # Responses are kept for a while, to be repeated; the parameters, up to a megabyte, are not.
        self.request = dataclasses.replace(self.request, params={})
        if self.socket.open:
            self.socket.transport.send(response.encode())

    def repeat_on(self, socket: ServerSocket) -> None:
        """Send the one response on `socket`, where the request came again, now or once there is one."""
        self.socket = socket
        if self.response is not None and socket.open:
            socket.transport.send(self.response.encode())


class NotAMember(OpenViduException):
    """A request that needs membership, from a client that is not a member any more."""

    def __init__(self, session: RpcSession) -> None:
        who = session.participant.id if session.participant else "unknown"
        super().__init__(Code.USER_NOT_FOUND, f"Participant '{who}' is not in the session any more")


class NeverAnswered(OpenViduException):
    """A request that the real server does not answer; profile `default` answers it with this."""
