"""A `Host` for the client core on CPython: sockets and probes by aiohttp, and no media unless a peer factory is given."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from pyvidu.platform import Host, LoopClock, NetworkListener, SocketListener

_ABNORMAL = 1006


@dataclass
class Counts:
    """How many sockets and probes the clients of one host opened."""

    sockets: int = 0
    probes: int = 0


@dataclass
class Try:
    """One socket that a client has opened: when it began to, and when the handshake was over, on the loop's clock."""

    began: float
    opened: float | None = None


class LightSocket:
    """A `Socket` with the semantics of a browser's."""

    def __init__(
        self, http: aiohttp.ClientSession, trust: ssl.SSLContext, url: str, listener: SocketListener, made: Try
    ) -> None:
        self._http = http
        self._try = made
        self._trust = trust
        self._listener: SocketListener | None = listener
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._task = asyncio.create_task(self._live(url))

    @property
    def is_open(self) -> bool:
        return self._ws is not None and not self._ws.closed and self._listener is not None

    def send(self, text: str) -> None:
        if self.is_open:
            self._queue.put_nowait(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        # What was sent before (`leaveRoom`) still goes out, as in a browser.
        self._listener = None
        self._task.cancel()

    async def _live(self, url: str) -> None:
        sender: asyncio.Task[None] | None = None
        code, reason = _ABNORMAL, ""
        try:
            async with self._http.ws_connect(url, ssl=self._trust, heartbeat=None) as self._ws:
                self._try.opened = asyncio.get_running_loop().time()
                sender = asyncio.create_task(self._send())
                if self._listener is not None:
                    self._listener.socket_opened(self)
                async for message in self._ws:
                    if message.type is aiohttp.WSMsgType.TEXT and self._listener is not None:
                        self._listener.socket_received(self, message.data)
                code = self._ws.close_code or _ABNORMAL
        except (aiohttp.ClientError, OSError):
            pass
        finally:
            if sender is not None:
                sender.cancel()
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.socket_closed(self, code, reason)

    async def _send(self) -> None:
        assert self._ws is not None
        while True:
            text = await self._queue.get()
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._ws.send_str(text)


@dataclass
class LightSockets:
    """Opens `LightSocket`s, and records each in `tries`."""

    http: aiohttp.ClientSession
    trust: ssl.SSLContext
    counts: Counts
    tries: list[Try]

    def open(self, url: str, listener: SocketListener) -> LightSocket:
        self.counts.sockets += 1
        self.tries.append(Try(asyncio.get_running_loop().time()))
        return LightSocket(self.http, self.trust, url, listener, self.tries[-1])


@dataclass
class LightReachability:
    """Probes by a GET on a connection of its own, as a browser's connection pool does after a silent drop."""

    http: aiohttp.ClientSession
    trust: ssl.SSLContext
    counts: Counts

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        self.counts.probes += 1
        try:
            async with asyncio.timeout(timeout), self.http.get(url, ssl=self.trust) as response:
                text = await response.text() if answers else ""
        except (aiohttp.ClientError, OSError):
            return None
        return text if text in answers or not answers else None

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        """Open a WebSocket briefly. Used after the event loop stalled, which the client takes for a machine's sleep."""
        try:
            async with asyncio.timeout(timeout), self.http.ws_connect(url, ssl=self.trust):
                return True
        except (aiohttp.ClientError, OSError):
            return False


class _NoNetworkMonitor:
    """A network monitor without events: CPython has no `offline`."""

    def __init__(self, listener: NetworkListener) -> None:
        pass

    def close(self) -> None:
        pass


class _Elements:
    """Elements for a participant that shows nothing."""

    def create(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("a light participant shows nothing")

    adopt = create


@dataclass
class LightHosts:
    """Hosts that share one HTTP client."""

    http: aiohttp.ClientSession
    counts: Counts = field(default_factory=Counts)
    trust: ssl.SSLContext = field(default_factory=lambda: accept_any_certificate())

    def host(self, peers: Any = None, devices: Any = None, tries: list[Try] | None = None) -> Host:
        """Return a host for one participant, whose sockets are recorded in `tries`."""
        return Host(
            clock=LoopClock(),
            sockets=LightSockets(self.http, self.trust, self.counts, [] if tries is None else tries),
            peers=peers,
            watch_network=_NoNetworkMonitor,
            reachability=LightReachability(self.http, self.trust, self.counts),
            devices=devices,
            elements=_Elements(),
            description="pyvidu bench on CPython",
        )


def http_client() -> aiohttp.ClientSession:
    """Return an HTTP client without connection limits."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=False))


def accept_any_certificate() -> ssl.SSLContext:
    """Return a TLS context that accepts any certificate. For the bench's own certificate only."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the bench's own certificate, on the bench's own network
    return context
