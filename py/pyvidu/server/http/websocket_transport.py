"""One WebSocket of the signaling plane over aiohttp: its queue, its pace, and its close."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import deque

from aiohttp import web

from pyvidu.server.limits import Limits
from pyvidu.server.traffic import Traffic

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0  # seconds for sending the queue and for the closing handshake
_PING = object()
_PONG = object()


class WebSocketTransport:
    """A `Transport` over aiohttp. A dead TCP peer costs a bounded queue and, at the close, `CLOSE_TIMEOUT`.

    What is queued is sent at the pace at which the client reads. A client is cut off if its queue was not empty for
    `limits.drain_within` seconds, or holds more than `limits.queue_end`.

    `traffic` gives it its path; `probe_id` names a participant, if the client has.
    """

    def __init__(
        self,
        ws: web.WebSocketResponse,
        tcp: asyncio.Transport,
        traffic: Traffic,
        probe_id: str | None,
        limits: Limits | None = None,
    ) -> None:
        self._ws = ws
        self._tcp = tcp
        self._limits = limits or Limits()
        self._queue: deque[str | object] = deque()
        self._queued = 0
        self._pong = b""
        self._full = False
        self._empty_at = _now()
        self._arrived = asyncio.Event()
        self._closing = False
        self._over = False
        self._ending: tuple[int, str] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._work = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.path = traffic.socket_path(probe_id, self._flow)

    def send(self, text: str) -> None:
        """Queue one text message, unless the client is cut off because it does not read."""
        if self._closing:
            return
        if not self._queued:
            self._empty_at = _now()
        self._queued += len(text)
        self._full = self._full or self._queued > self._limits.queue
        self.path.outgoing(functools.partial(self._enqueue, text))
        self._judge()

    @property
    def full(self) -> bool:
        """Return whether more than `limits.queue` characters were queued and not all of them are sent yet."""
        return self._full

    def ping(self) -> None:
        """Send an RFC 6455 ping, unless one is queued already or nothing may be sent."""
        self._judge()
        if not self._closing and self._flowing.is_set() and _PING not in self._queue:
            self.path.outgoing(functools.partial(self._enqueue, _PING))

    def pong(self, payload: bytes) -> None:
        """Answer a ping of the client; of several that wait for an answer only the last (RFC 6455, 5.5.3)."""
        self._pong = payload
        if not self._closing and _PONG not in self._queue:
            self.path.outgoing(functools.partial(self._enqueue, _PONG))

    def close(self, code: int, reason: str) -> None:
        """Begin to close, after what is queued."""
        if not self._closing:
            self._closing = True
            self.path.outgoing(functools.partial(self._begin_close, code, reason))

    async def arrived(self) -> None:
        """Wait until everything received from the client so far has come along the path."""
        self.path.incoming(self._arrived.set)
        await self._arrived.wait()

    @property
    def ending(self) -> bool:
        """Return whether this side has begun to close."""
        return self._ending is not None

    def abort(self) -> None:
        """Abort the connection without a close frame."""
        self._closing = self._over = True
        self._queue.clear()
        self._queued = 0
        self._tcp.abort()

    async def flowing(self) -> None:
        """Wait while nothing may be read or written."""
        await self._flowing.wait()

    async def write(self) -> None:
        """Send what is queued, in order, until the close. Runs in a task of its own."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue:
                await self._flowing.wait()
                await self._send(self._queue.popleft())
            if self._ending is not None:
                await self._flowing.wait()
                code, reason = self._ending
                await self._ws.close(code=code, message=reason.encode()[:123])
                return

    def finished(self) -> None:
        """Drop what is on its way and cancel the closing deadline, after the end of the connection."""
        self._over = True
        self.path.close()
        if self._deadline is not None:
            self._deadline.cancel()

    def _judge(self) -> None:
        """Cut a client off that does not read."""
        if self._closing or not self._queued or not self._flowing.is_set():
            return
        seconds = _now() - self._empty_at
        if seconds > self._limits.drain_within or self._queued > self._limits.queue_end:
            _log.warning(
                "A client does not read: its WebSocket is cut after %.0f s with %d queued characters",
                seconds,
                self._queued,
            )
            self.abort()

    def _enqueue(self, item: str | object) -> None:
        if not self._over:
            self._queue.append(item)
            self._work.set()

    def _begin_close(self, code: int, reason: str) -> None:
        if not self._over:
            self._ending = (code, reason)
            self._work.set()
            self._limit_close()

    def _flow(self, flowing: bool) -> None:
        """Read and write, or stop: the kernel's buffers fill meanwhile."""
        if not flowing:
            self._flowing.clear()
            with contextlib.suppress(RuntimeError):
                self._tcp.pause_reading()
            return
        self._empty_at = _now()
        with contextlib.suppress(RuntimeError):
            self._tcp.resume_reading()
        self._flowing.set()
        if self._ending is not None:
            self._limit_close()

    async def _send(self, item: str | object) -> None:
        if isinstance(item, str):
            await self._ws.send_str(_encodable(item))
            self._queued = max(0, self._queued - len(item))
            self._full = self._full and self._queued > 0
        elif item is _PONG:
            await self._ws.pong(self._pong)
        else:
            await self._ws.ping()

    def _limit_close(self) -> None:
        if self._flowing.is_set() and self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self.abort)


def _encodable(text: str) -> str:
    """Return `text` without lone surrogates, which JSON can encode and UTF-8 cannot."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _now() -> float:
    return asyncio.get_running_loop().time()
