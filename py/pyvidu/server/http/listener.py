"""The listening sockets of the server: how many connections there are, and what happens when there can be no more.

asyncio's own accept loop writes a traceback for each connection that it cannot accept, a hundred a second, and lets nobody in
until descriptors are free. Here some are kept free, and connections that have sent no request make way for new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket as sockets
import ssl
import sys
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from pyvidu.server import logs
from pyvidu.server.http.metering import metered, worked
from pyvidu.server.limits import Limits, TokenBucket
from pyvidu.tasks import Tasks

_AT_ONCE = 64  # connections accepted in one turn of the loop
_BACKLOG = 1024  # connections that the kernel holds until they are accepted
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE = 0.1  # seconds without accepting, when there are no descriptors
_TELL_EVERY = 60.0  # seconds
# Bytes of one connection in one turn of the loop; asyncio reads 256 KiB, which many connections would make a stall of.
_READ = 16 * 1024
_LONGEST_WAIT = 5.0  # seconds without reading: a participant is evicted after 12 s without a byte


class TcpConnection(asyncio.BufferedProtocol):
    """One TCP connection. Everything that arrives is passed on to aiohttp's `inner` protocol.

    It is *silent* until its first request is complete, and *idle* between two requests. It is read later when it has used its
    budget of bytes and work.
    """

    def __init__(self, inner: asyncio.Protocol, address: str, listener: TcpListener) -> None:
        self.address = address
        self.requests = 0  # in progress
        self.transport: asyncio.Transport | None = None
        self._inner = inner
        self._listener = listener
        self._deadline: asyncio.TimerHandle | None = None
        self._buffer = listener.buffer
        self._loop = asyncio.get_running_loop()
        self._used, self._size = (
            0.0,
            0,
        )  # seconds of work and bytes, of a connection without budgets yet: most end before
        self._budgets: tuple[TokenBucket, TokenBucket] | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._stopped = False  # reading, by this budget and not by aiohttp
        self._held = b""  # what was read although the budget was used: aiohttp had read on
        self.check: Callable[[bytes], bytes] | None = None
        """Returns what is passed on of what has arrived."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request in time."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._deadline = self._loop.call_later(self._listener.limits.head_within, self.cut)
        self._listener.opened(self)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._waiting is not None:
            self._waiting.cancel()
        self.heard()
        self._listener.closed(self)
        self._inner.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what is read next. A view: for TLS asyncio writes into slices of it, record by record."""
        if sys.platform == "win32":  # its loop reads of several connections at once
            self._buffer = memoryview(bytearray(_READ))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass it on, unless its budget is used."""
        data = bytes(self._buffer[:nbytes])
        if self._waiting is None:
            self._pass_on(data)
        else:
            self._held += data
            self._stop_reading()

    def _pass_on(self, data: bytes) -> None:
        began = time.perf_counter()
        self._inner.data_received(data if self.check is None else self.check(data))
        self.spend(worked(began), len(data))

    def spend(self, work: float, size: int = 0) -> None:
        """Count seconds of work, and bytes; read later if that is more than the connection may use."""
        limits = self._listener.limits
        if self._budgets is None:
            self._used += work
            self._size += size
            if self._used <= limits.tcp_work_burst and self._size <= limits.tcp_burst:
                return
            work, size, now = self._used, self._size, self._loop.time()
            self._budgets = (
                TokenBucket(limits.tcp_work, limits.tcp_work_burst, now),
                TokenBucket(limits.tcp_rate, limits.tcp_burst, now),
            )
        now = self._loop.time()
        wait = max(self._budgets[0].wait(now, work), self._budgets[1].wait(now, size))
        if wait > 0 and self._waiting is None and self.transport is not None and not self.transport.is_closing():
            self._waiting = self._loop.call_later(min(wait, _LONGEST_WAIT), self._read_on)
            self._stop_reading()

    def _stop_reading(self) -> None:
        """Stop, unless aiohttp has: then it reads on when it likes, and that is held."""
        if self.transport is not None and self.transport.is_reading():
            self._stopped = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        self._waiting = None
        held, self._held = self._held, b""
        if self._stopped and self.transport is not None:
            self._stopped = False
            self.transport.resume_reading()
        if held:
            self._pass_on(held)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def heard(self) -> None:
        """Note that a request is complete."""
        self._listener.heard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def cut(self) -> None:
        """Abort the connection."""
        if self.transport is not None:
            self.transport.abort()


class TcpListener:
    """Accepts connections for aiohttp's `http`, on `host` and `port`, with TLS if there is a context for it.

    At most `capacity` are open: `limits.connections`, or what the process's limit of descriptors leaves.
    """

    def __init__(self, limits: Limits, tls: ssl.SSLContext | None = None, capacity: int | None = None) -> None:
        self.limits = limits
        self.buffer = memoryview(bytearray(_READ))
        """What one connection after the other reads into; it is passed on as a copy."""
        self.capacity = _capacity(limits) if capacity is None else capacity
        self._tls = tls
        self._http: web.Server | None = None
        self._sockets: list[sockets.socket] = []
        self._open: dict[asyncio.BaseTransport, TcpConnection] = {}  # in the order in which they were opened
        self._silent: dict[
            str, dict[object, Callable[[], object]]
        ] = {}  # by address, oldest first: how to cut each off
        self._handshakes = Tasks(failed=lambda _: None)
        self._turned_away = 0
        self._told = -_TELL_EVERY

    def __len__(self) -> int:
        return len(self._open) + len(self._handshakes)

    @property
    def port(self) -> int:
        """Return the port that it listens on; 0 if it does not."""
        port: int = self._sockets[0].getsockname()[1] if self._sockets else 0
        return port

    async def start(self, http: web.Server, host: str, port: int) -> None:
        """Listen; with `::` at all addresses, of both families.

        Raises:
            OSError: the address cannot be used.
        """
        self._http = http
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            None if host == "::" else host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )
        problem: OSError | None = None
        for family, kind, protocol, _, (name, _, *rest) in dict.fromkeys(found):
            try:
                self._listen(sockets.socket(family, kind, protocol), (name, port or self.port, *rest))
            except OSError as error:
                if error.errno not in _NOT_HERE:  # a name may have addresses of a family that this machine has not
                    await self.close()
                    raise
                problem = error
        if problem is not None and not self._sockets:
            raise problem

    def _listen(self, listening: sockets.socket, address: tuple[object, ...]) -> None:
        try:
            listening.setblocking(False)
            listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, True)
            if listening.family == sockets.AF_INET6:
                listening.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, True)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        self._sockets.append(listening)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def close(self) -> None:
        """Stop listening. Open connections stay: aiohttp's runner closes them."""
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()
        await self._handshakes.close()

    def opened(self, connection: TcpConnection) -> None:
        """Count a connection."""
        assert connection.transport is not None
        self._open[connection.transport] = connection
        self._silent.setdefault(connection.address, {})[connection] = connection.cut

    def heard(self, connection: TcpConnection) -> None:
        """Count a connection no longer as silent."""
        self._spoke(connection.address, connection)

    def closed(self, connection: TcpConnection) -> None:
        """Count a connection no longer."""
        self.heard(connection)
        if connection.transport is not None:
            self._open.pop(connection.transport, None)

    def _spoke(self, address: str, key: object) -> None:
        silent = self._silent.get(address, {})
        silent.pop(key, None)
        if not silent:
            self._silent.pop(address, None)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note which connections have a request."""
        connection = self._open.get(request.transport) if request.transport is not None else None
        if connection is None:
            return await handler(request)
        connection.heard()
        connection.requests += 1
        try:
            return await metered(handler(request), connection.spend)
        finally:
            connection.requests -= 1

    def _accept(self, listening: sockets.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                socket, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._exhausted(listening)
                return
            socket.setblocking(False)
            if len(self) >= self.capacity and not self._make_room():
                self._turn_away()
                socket.close()
            else:
                self._admit(socket, str(address[0]))

    def _admit(self, socket: sockets.socket, address: str) -> None:
        """Hand a connection over to aiohttp; until the TLS handshake is over its task counts as the connection."""
        task = self._handshakes.spawn(self._hand_over(socket, address), "a new connection")
        self._silent.setdefault(address, {})[task] = task.cancel
        task.add_done_callback(lambda _: self._spoke(address, task))

    async def _hand_over(self, socket: sockets.socket, address: str) -> None:
        assert self._http is not None
        http = self._http
        within = self.limits.head_within if self._tls is not None else None
        with contextlib.suppress(OSError):  # it is lost already, or no TLS; errors and timeouts of ssl are OSErrors too
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: TcpConnection(http(), address, self), socket, ssl=self._tls, ssl_handshake_timeout=within
            )

    def _make_room(self) -> bool:
        """Cut a connection off that has sent no request, or has none in progress; return whether there is one.

        The address that has most of the silent ones loses its oldest.
        """
        if self._silent:
            most = max(self._silent, key=lambda address: len(self._silent[address]))
            key, cut = next(iter(self._silent[most].items()))
            self._spoke(most, key)
            if isinstance(key, TcpConnection):
                self.closed(key)
        elif (idle := next((one for one in self._open.values() if not one.requests), None)) is not None:
            self.closed(idle)
            cut = idle.cut
        else:
            return False
        self._turn_away()
        cut()
        return True

    def _exhausted(self, listening: sockets.socket) -> None:
        """Make room and accept later: other parts of the process have taken the descriptors."""
        for _ in range(_AT_ONCE):
            if not self._make_room():
                break
        self._turn_away()
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE, self._accept_again, listening)

    def _accept_again(self, listening: sockets.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _turn_away(self) -> None:
        """Log once a minute how many connections there was no room for."""
        self._turned_away += 1
        now = asyncio.get_running_loop().time()
        if now >= self._told + _TELL_EVERY:
            logs.event("too many connections", capacity=self.capacity, turned_away=self._turned_away)
            self._told, self._turned_away = now, 0


def cut(request: web.Request) -> None:
    """Abort the connection that a request came on."""
    if request.transport is not None:
        request.transport.abort()


def _capacity(limits: Limits) -> int:
    """Return how many connections may be open; raise the process's soft limit of descriptors for them, if it may be."""
    if sys.platform == "win32":
        return limits.connections
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + limits.descriptors
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        limits.connections
        if soft == resource.RLIM_INFINITY
        else max(1, min(limits.connections, soft - limits.descriptors))
    )
