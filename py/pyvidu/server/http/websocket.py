"""The endpoint of the signaling plane: aiohttp WebSockets at `/openvidu`, and the answer to a plain GET there."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket as sockets
import sys
from collections import Counter
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from pyvidu.protocol.codes import PROBE_ANSWER, PROBE_ANSWER_UNHEARD
from pyvidu.protocol.jsonrpc import utf8_size
from pyvidu.server import logs
from pyvidu.server.http.doors import is_own_page
from pyvidu.server.http.hosts import asked_host
from pyvidu.server.http.listener import cut
from pyvidu.server.http.masks import require_masks
from pyvidu.server.http.websocket_transport import CLOSE_TIMEOUT, WebSocketTransport
from pyvidu.server.limits import Limits, MessageLimits, TokenBucket
from pyvidu.server.signaling.dispatcher import SignalingServer
from pyvidu.server.signaling.rpc_session import ServerSocket
from pyvidu.server.traffic import Traffic

_log = logging.getLogger(__name__)

_MESSAGE = MessageLimits()
_TCP_RTO_MAX_MS = 44  # include/uapi/linux/tcp.h, since Linux 6.15; the socket module has no constant for it yet
_NO_CODE = 1005  # of a close frame that has none: RFC 6455, 7.1.5
_LAST_CODE = 4999
# What aiohttp quotes when it refuses a handshake; bytes that are not UTF-8 it would answer with 500.
_QUOTED = ("Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key")
_RTO_MAX = 1000  # milliseconds, the least that the kernel accepts


class _Intake:
    """How fast one WebSocket is read: messages and bytes a second, fewer bytes before the join."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._messages = TokenBucket(limits.rate, limits.burst, now)
        self._unjoined = TokenBucket(limits.unjoined_rate, limits.unjoined_burst, now)
        self._joined = TokenBucket(limits.byte_rate, limits.byte_burst, now)

    def wait(self, now: float, size: int, *, joined: bool) -> float:
        """Count a message of `size` bytes that came at `now`; return the seconds to wait before the next is read."""
        bytes_ = self._joined if joined else self._unjoined
        return max(self._messages.wait(now), bytes_.wait(now, size))


class SignalingEndpoint:
    """The handler of `GET /openvidu`. `is_unheard` tells by a probe id whether nothing arrives of that participant."""

    def __init__(
        self,
        signaling: SignalingServer,
        traffic: Traffic,
        allowed_origins: tuple[str, ...] = (),
        limits: Limits | None = None,
        is_unheard: Callable[[str], bool] | None = None,
    ) -> None:
        self._signaling = signaling
        self._is_unheard = is_unheard
        self._traffic = traffic
        self._allowed_origins = frozenset(allowed_origins)
        self._limits = limits or Limits()
        self._open: Counter[str] = Counter()  # open sockets by IP address

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a WebSocket, or answer a reachability probe as cheaply as possible.

        A request that traffic does not admit gets no answer: it breaks. `probe` names the participant that sends it.
        """
        if not await self._traffic.admits(request.query.get("probe")):
            cut(request)
            return web.Response(status=503)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            unheard = self._is_unheard is not None and self._is_unheard(request.query.get("probe", ""))
            text = PROBE_ANSWER_UNHEARD if unheard else PROBE_ANSWER
            answer = web.Response(text=text, headers={"Cache-Control": "no-store"})
            # A page of any origin may read it, to tell it from a captive portal's; probes are sent with cookies, too.
            answer.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
            answer.headers["Access-Control-Allow-Credentials"] = "true"
            # With keep-alive the next probe would hang on a dead network, where a new connection is refused at once.
            answer.force_close()
            return answer
        for name in _QUOTED:
            if not request.headers.get(name, "").isascii():
                return web.Response(status=400, text=f"{name} is not ASCII\n")
        if self._allowed_origins and request.headers.get("Origin") not in self._allowed_origins:
            return web.Response(status=403, text="This Origin may not connect (--allowed-origins)\n")
        ws = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT, autoping=False, autoclose=False, compress=False, max_msg_size=_MESSAGE.longest + 1
        )
        address = request.remote or ""
        if self._open[address] >= self._limits.sockets:
            logs.event("too many sockets", ip=address)
            return web.Response(status=429, text="Too many WebSockets of this address (--max-sockets)\n")
        if self._signaling.unjoined(request.remote) >= self._limits.unjoined:
            logs.event("too many sockets that have not joined", ip=address)
            return web.Response(status=429, text="Too many WebSockets of this address have not joined\n")
        self._open[address] += 1
        try:
            if isinstance(request.transport, asyncio.Transport):
                require_masks(request.transport)
            await ws.prepare(request)
            if isinstance(request.transport, asyncio.Transport):
                retransmit_soon(request.transport)
                transport = WebSocketTransport(
                    ws, request.transport, self._traffic, request.query.get("probe"), self._limits
                )
                await self._serve(ws, transport, request)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
        return ws

    async def _serve(self, ws: web.WebSocketResponse, transport: WebSocketTransport, request: web.Request) -> None:
        own_page = is_own_page(request, self._allowed_origins)
        socket = self._signaling.opened(transport, host=asked_host(request), ip=request.remote, own_page=own_page)
        writer = asyncio.create_task(transport.write(), name="writer of a WebSocket")
        writer.add_done_callback(_writer_done)
        code, reason = None, ""
        try:
            code, reason = await self._read(ws, transport, socket)
        finally:
            self._signaling.closed(socket, code, reason)
            if transport.ending:
                await asyncio.wait([writer], timeout=2 * CLOSE_TIMEOUT)
            elif code is not None and not ws.closed:  # the client's close frame needs an answer
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(ws.close(code=_answerable(code), drain=False), CLOSE_TIMEOUT)
            transport.finished()
            writer.cancel()
            await asyncio.wait([writer])

    async def _read(
        self, ws: web.WebSocketResponse, transport: WebSocketTransport, socket: ServerSocket
    ) -> tuple[int | None, str]:
        """Deliver what arrives until the end; return the client's close code and reason, if it sent any."""
        loop = asyncio.get_running_loop()
        intake = _Intake(self._limits, loop.time())
        while True:
            message = await ws.receive()
            await transport.flowing()
            if message.type is WSMsgType.CLOSE:
                await transport.arrived()
                return message.data or _NO_CODE, message.extra or ""
            if message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return None, ""
            transport.path.incoming(functools.partial(self._take, transport, socket, message))
            # At least one turn of the loop for the others: a burst is delivered by aiohttp without one.
            await asyncio.sleep(intake.wait(loop.time(), _size(message.data), joined=socket.joined))

    def _take(self, transport: WebSocketTransport, socket: ServerSocket, message: WSMessage) -> None:
        self._signaling.heard(socket)
        if message.type is WSMsgType.PING:
            transport.pong(message.data)
        elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            if (size := _size(message.data)) > _MESSAGE.message:
                self._signaling.refuse_long(socket, message.data, size, _MESSAGE.message)
            else:
                self._signaling.received(socket, message.data)


def retransmit_soon(tcp: asyncio.Transport) -> None:
    """Limit the TCP retransmission timeout to 1 s; by default the kernel doubles it: 1, 2, 4, 8 s...

    A socket that was only silent works again less than a second after the network is back. Linux before 6.15 and other
    systems keep their own timeouts.
    """
    socket = tcp.get_extra_info("socket")
    if socket is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):
            socket.setsockopt(sockets.IPPROTO_TCP, _TCP_RTO_MAX_MS, _RTO_MAX)


def _size(data: object) -> int:
    """Return the bytes of a message, as UTF-8."""
    if isinstance(data, str):
        return utf8_size(data)
    return len(data) if isinstance(data, bytes) else 0


def _answerable(code: int) -> int:
    if code == _NO_CODE:
        return WSCloseCode.OK
    # Those may not be sent (RFC 6455, 7.4); aiohttp has refused the others.
    return WSCloseCode.PROTOCOL_ERROR if code == WSCloseCode.ABNORMAL_CLOSURE or code > _LAST_CODE else code


def _writer_done(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        # The connection is lost; the reader detects that too and reports the close.
        _log.debug("A WebSocket could not be written to: %s", error)
