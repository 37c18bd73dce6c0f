"""JSON-RPC 2.0 over one WebSocket: ids and correlation only. It does not reconnect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from pyvidu.platform import Socket, Sockets
from pyvidu.protocol import jsonrpc
from pyvidu.protocol.jsonrpc import (
    ErrorObject,
    MalformedMessage,
    MessageTooLong,
    NoResult,
    Notification,
    Request,
    Response,
)
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import to_wire

logger = logging.getLogger(__name__)


class RpcError(Exception):
    """The answer to a request was an error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class TooLong(RpcError):
    """A request was not sent, because no server of OpenVidu would read it."""

    def __init__(self, problem: MessageTooLong) -> None:
        super().__init__(jsonrpc.INVALID_REQUEST, str(problem))


class SocketGone(Exception):
    """The socket closed before a request was answered; whether the server carried it out is unknown."""

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(reason or f"the WebSocket was closed (code {code})")
        self.code = code


class RpcSocketListener(Protocol):
    """The callbacks of an `RpcSocket`, which passes itself as first argument."""

    def rpc_opened(self, socket: RpcSocket) -> None:
        """Handle the opening: requests can be sent from now on."""

    def rpc_notified(self, socket: RpcSocket, method: str, params: object) -> None:
        """Handle a notification from the server."""

    def rpc_closed(self, socket: RpcSocket, code: int, reason: str) -> None:
        """Handle a close by the server or the network, or a failure to open."""


class RpcSocket:
    """One WebSocket that carries JSON-RPC. `ids` is shared by all sockets of a session: an id is never used twice."""

    def __init__(self, sockets: Sockets, url: str, ids: Iterator[int], listener: RpcSocketListener) -> None:
        self._ids = ids
        self._listener = listener
        self._pending: dict[int, asyncio.Future[object]] = {}
        self._socket: Socket = sockets.open(url, self)

    @property
    def is_open(self) -> bool:
        """Return whether the WebSocket is open."""
        return self._socket.is_open

    @property
    def socket(self) -> Socket:
        """Return the WebSocket itself, for diagnostics."""
        return self._socket

    def request(self, call: Call, request_id: int | None = None) -> asyncio.Future[object]:
        """Send a request, with a fresh id or the one it was sent with before, and return a future of its result.

        The future fails with `RpcError` (`TooLong`: not sent) or `SocketGone`. The caller cancels it to ignore the answer.

        Raises:
            TypeError, ValueError: the call has a value that JSON does not have; nothing is sent.
        """
        number = next(self._ids) if request_id is None else request_id
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        try:
            text = Request(number, call.method, to_wire(call)).encode()
        except MessageTooLong as problem:
            future.set_exception(TooLong(problem))
            return future
        self._pending[number] = future
        future.add_done_callback(lambda _: self._pending.pop(number, None))
        self._socket.send(text)
        return future

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket and fail unanswered requests with `SocketGone`, without calling the listener any more."""
        self._socket.close(code, reason)
        self._fail(SocketGone(code, reason))

    # --- SocketListener ----------------------------------------------------------------------------------------------

    def socket_opened(self, socket: Socket) -> None:
        """Report the opening to the listener."""
        self._listener.rpc_opened(self)

    def socket_received(self, socket: Socket, text: str) -> None:
        """Dispatch a message: answers settle their request, notifications go to the listener, the rest is logged."""
        try:
            message = jsonrpc.decode(text)
        except NoResult as error:
            message = Response(error.id, error=ErrorObject(error.code, str(error)))
        except MalformedMessage as error:
            logger.warning("the server sent a malformed JSON-RPC message: %s", error)
            return
        match message:
            case Response():
                self._settle(message)
            case Notification(method, params):
                self._listener.rpc_notified(self, method, params)
            case _:  # a request
                logger.warning("the server sent a request, which is ignored: %.100s", message.method)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """Fail unanswered requests with `SocketGone`, then report the close to the listener."""
        self._fail(SocketGone(code, reason))
        self._listener.rpc_closed(self, code, reason)

    def _settle(self, response: Response) -> None:
        future = self._pending.get(response.id) if isinstance(response.id, int) else None
        if future is None or future.done():
            logger.debug("a response with an unknown or settled id is ignored: %s", response.id)
        elif response.error is not None:
            future.set_exception(RpcError(response.error.code, response.error.message))
        else:
            future.set_result(response.result)

    def _fail(self, error: SocketGone) -> None:
        for future in list(self._pending.values()):
            if not future.done():
                future.set_exception(error)
                future.exception()  # marks it as retrieved: no asyncio warning if nothing awaits it
