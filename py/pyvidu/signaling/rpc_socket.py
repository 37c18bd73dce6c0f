"""JSON-RPC 2.0 over one WebSocket: ids, correlation, nothing else. It never outlives its socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pyvidu.platform import Socket, Sockets
from pyvidu.protocol import jsonrpc
from pyvidu.protocol.jsonrpc import MalformedMessage, Notification, Request, Response
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import to_wire

logger = logging.getLogger(__name__)


class RpcError(Exception):
    """The answer to a request was an error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class SocketGone(Exception):
    """The socket closed before a request was answered. What became of the request is unknown."""

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(reason or f"the WebSocket was closed (code {code})")
        self.code = code


class RpcSocketListener(Protocol):
    """Told what happens on an `RpcSocket`, with the socket as first argument."""

    def rpc_opened(self, socket: RpcSocket) -> None:
        """Requests can be sent."""

    def rpc_notified(self, socket: RpcSocket, method: str, params: Mapping[str, Any]) -> None:
        """The server pushed a notification."""

    def rpc_closed(self, socket: RpcSocket, code: int, reason: str) -> None:
        """It is closed by somebody else, or could not be opened."""


class RpcSocket:
    """One WebSocket that speaks JSON-RPC. `ids` is shared by all sockets of a session: an id is never used twice."""

    def __init__(self, sockets: Sockets, url: str, ids: Iterator[int], listener: RpcSocketListener) -> None:
        self._ids = ids
        self._listener = listener
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._socket: Socket = sockets.open(url, self)

    @property
    def is_open(self) -> bool:
        """Whether requests reach the network."""
        return self._socket.is_open

    def request(self, call: Call, request_id: int | None = None) -> asyncio.Future[Any]:
        """Sends a request, under a fresh id or one that it was sent under before. The future holds its result.

        It fails with `RpcError` or `SocketGone`; it is cancelled by whoever loses interest.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = next(self._ids) if request_id is None else request_id
        self._pending[number] = future
        future.add_done_callback(lambda _: self._pending.pop(number, None))
        self._socket.send(Request(number, call.method, to_wire(call)).encode())
        return future

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Lets go of the socket; unanswered requests fail with `SocketGone`. The listener hears nothing more."""
        self._socket.close(code, reason)
        self._fail(SocketGone(code, reason))

    # --- SocketListener ----------------------------------------------------------------------------------------------

    def socket_opened(self, socket: Socket) -> None:
        """The handshake is done."""
        self._listener.rpc_opened(self)

    def socket_received(self, socket: Socket, text: str) -> None:
        """A message: an answer finds its request, a notification goes to the listener, the rest is logged."""
        try:
            message = jsonrpc.decode(text)
        except MalformedMessage as error:
            logger.warning("the server sent something that is no JSON-RPC message: %s", error)
            return
        match message:
            case Response():
                self._settle(message)
            case Notification(method, params):
                self._listener.rpc_notified(self, method, params)
            case _:  # a request
                logger.warning("the server sent a request, which OpenVidu never does: %s", message.method)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """Everything unanswered fails, then the listener is told."""
        self._fail(SocketGone(code, reason))
        self._listener.rpc_closed(self, code, reason)

    def _settle(self, response: Response) -> None:
        future = self._pending.get(response.id) if isinstance(response.id, int) else None
        if future is None or future.done():
            logger.debug("an answer to no request of ours: %s", response.id)
        elif response.error is not None:
            future.set_exception(RpcError(response.error.code, response.error.message))
        else:
            future.set_result(response.result)

    def _fail(self, error: SocketGone) -> None:
        for future in list(self._pending.values()):
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever waits sees it; nobody waiting is no reason for a warning
