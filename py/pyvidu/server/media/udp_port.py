"""One UDP socket of the media plane. What the kernel does not take is dropped, as a full queue of a network card does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable

from pyvidu.server.limits import MediaLimits

from .peer_addresses import Address

logger = logging.getLogger(__name__)

# Bytes. Key frames arrive in bursts and the loop may be busy: the kernel's default is too small for many streams.
_SOCKET_BUFFER = 4 * 1024 * 1024
_TELL_EVERY = 60.0  # seconds
_AT_ONCE = 64  # datagrams received in one turn of the loop; asyncio takes one, however long the turn was
_LARGEST = 65_536  # bytes


class UdpPort(asyncio.DatagramProtocol):
    """A socket that passes every datagram to `receive(port, data, address)`."""

    def __init__(self, receive: Callable[[UdpPort, bytes, Address], None]) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unsent = 0
        """Packets that were dropped because the kernel took none."""
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self._socket: socket.socket | None = None
        self._full = False
        self._told, self._told_of = -_TELL_EVERY, 0
        self._last_error = ""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Take the socket over."""
        self._transport = transport
        found = transport.get_extra_info("socket")
        if found is not None and sys.platform != "win32":  # its loop has a read under way
            self._socket = found.dup()
        transport.set_write_buffer_limits(high=MediaLimits().unsent)  # type: ignore[attr-defined] # typeshed has it for streams only

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait for `closed`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if exc is not None:
            logger.warning("a media socket was lost: %s", exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """Drop what is sent, until the kernel has taken what waits."""
        self._full = True

    def resume_writing(self) -> None:
        """Send again; log once a minute how much was dropped."""
        self._full = False
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            logger.warning(
                "%d media packets were dropped: the network takes less than is sent", self.unsent - self._told_of
            )
            self._told, self._told_of = now, self.unsent

    def error_received(self, exc: Exception) -> None:
        """Log an error once: it comes with every packet. It concerns one peer, which may come back: ICE decides."""
        if str(exc) != self._last_error:
            self._last_error = str(exc)
            logger.debug("error of a media socket: %s", exc)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Pass it on, and what has arrived besides: where others keep the loop busy, media would come one by one."""
        self._receive(self, data, addr)
        for _ in range(_AT_ONCE - 1):
            if self._socket is None or self._transport is None or self._transport.is_closing():
                return
            try:
                data, addr = self._socket.recvfrom(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.error_received(error)
                return
            self._receive(self, data, addr)

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; drop it while too much waits to be sent, and after `close`."""
        if self._full:
            self.unsent += 1
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def enlarge_buffers(self) -> None:
        """Let the kernel keep as much as it allows."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)

    @property
    def number(self) -> int:
        """Return its port number; 0 before it is bound."""
        port: int = self._transport.get_extra_info("sockname")[1] if self._transport is not None else 0
        return port
