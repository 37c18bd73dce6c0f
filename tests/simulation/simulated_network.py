"""A network between client cores and the server's rooms, in virtual time: latency, TCP's memory, and every kind of drop.

What TCP does matters here: a segment sent into a silent drop is sent again after 0.2, 0.4, 0.8 ... s, so an open socket
comes back by itself late; a SYN into the void goes again after 1, 2, 4 ... s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from server_world import World

from pyvidu.platform import NetworkListener, SocketListener
from pyvidu.server.rpc_session import Socket as ServerSocket

LATENCY = 0.001


class Link:
    """One client's way to the server. `silent` drops packets without a word, `down` also tells the host (`offline`)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.silent = False
        self.down = False
        self.restored_at = 0.0
        self.dropped_at = float("-inf")
        self.media_epoch = 0  # media connections of an older epoch are dead whatever the network does
        self.listeners: list[NetworkListener] = []
        self.sockets: list[SimulatedSocket] = []
        self.opened = 0
        self._waiting: list[asyncio.Event] = []

    @property
    def works(self) -> bool:
        return not (self.silent or self.down)

    def drop(self, kind: str) -> None:
        self.dropped_at = now()
        if kind == "link":
            self.down = True
            for listener in list(self.listeners):
                listener.network_offline()
        else:
            self.silent = True

    def restore(self, *, dead_media: bool = False) -> None:
        was_down, self.silent, self.down = self.down, False, False
        self.restored_at = now()
        if dead_media:
            self.media_epoch += 1
        for event in self._waiting:
            event.set()
        self._waiting.clear()
        if was_down:
            for listener in list(self.listeners):
                listener.network_online()

    async def passed(self, first_retry: float) -> None:
        """Returns when a packet sent now has got through, retransmitted with doubling delays."""
        retry = first_retry
        while not self.works:
            event = asyncio.Event()
            self._waiting.append(event)
            waited_from, next_try = now(), now() + retry
            await event.wait()
            while next_try < now():
                retry *= 2
                next_try += retry
            assert next_try >= waited_from
            await asyncio.sleep(next_try - now())
        await asyncio.sleep(LATENCY)

    @property
    def live_sockets(self) -> int:
        return len(self.sockets)


class SimulatedSocket:
    """The client's end of a WebSocket, and with `_Transport` the server's."""

    def __init__(self, link: Link, url: str, listener: SocketListener) -> None:
        self.url = url
        self.link = link
        self._listener: SocketListener | None = listener
        self._state = "connecting"
        self._server: ServerSocket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._up: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._down: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        link.sockets.append(self)
        link.opened += 1
        self._spawn(self._connect())

    @property
    def is_open(self) -> bool:
        return self._state == "open"

    def send(self, text: str) -> None:
        if self.is_open:
            self._up.put_nowait(lambda: self._receive_at_server(text))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The close frame goes the way of all segments, in order behind what was sent."""
        self._listener = None
        if self._state == "open":
            self._up.put_nowait(lambda: self._closed_at_server(code, reason))
        self._gone()

    # --- the server's end --------------------------------------------------------------------------------------------

    def push(self, text: str) -> None:
        self._down.put_nowait(lambda: self._receive_at_client(text))

    def pong(self) -> None:
        """A server's ping, answered by the browser itself."""

        def ponged() -> None:
            if self._state == "open":
                self._up.put_nowait(self._heard_at_server)

        self._down.put_nowait(ponged)

    def shut(self, code: int, reason: str) -> None:
        self._down.put_nowait(lambda: self._closed_at_client(code, reason))

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        if self.link.down:
            await asyncio.sleep(LATENCY)
            self._closed_at_client(1006, "")
            return
        await self.link.passed(first_retry=1.0)
        if self._state != "connecting":
            return
        self._state = "open"
        self._server = self.link.world.signaling.opened(_Transport(self), host="localhost", ip="10.0.0.2")
        self._spawn(self._carry(self._up))
        self._spawn(self._carry(self._down))
        if self._listener is not None:
            self._listener.socket_opened(self)

    async def _carry(self, queue: asyncio.Queue[Callable[[], None]]) -> None:
        while True:
            deliver = await queue.get()
            await self.link.passed(first_retry=0.2)
            deliver()

    def _heard_at_server(self) -> None:
        if self._server is not None and self._server.open:
            self.link.world.signaling.heard(self._server)

    def _receive_at_server(self, text: str) -> None:
        self._heard_at_server()
        if self._server is not None and self._server.open:
            self.link.world.signaling.received(self._server, text)

    def _closed_at_server(self, code: int, reason: str) -> None:
        if self._server is not None:
            self.link.world.signaling.closed(self._server, code, reason)
        self._stop()

    def _receive_at_client(self, text: str) -> None:
        if self._listener is not None:
            self._listener.socket_received(self, text)

    def _closed_at_client(self, code: int, reason: str) -> None:
        listener, self._listener = self._listener, None
        self._gone()
        if listener is not None:
            listener.socket_closed(self, code, reason)
        self._stop()

    def _gone(self) -> None:
        if self._state != "open":
            self._stop()
        self._state = "closed"
        if self in self.link.sockets:
            self.link.sockets.remove(self)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()


class _Transport:
    """What the server holds of a socket."""

    def __init__(self, socket: SimulatedSocket) -> None:
        self._socket = socket

    def send(self, text: str) -> None:
        self._socket.push(text)

    def ping(self) -> None:
        self._socket.pong()

    def close(self, code: int, reason: str) -> None:
        self._socket.shut(code, reason)

    def hold(self) -> None:
        raise AssertionError("imitated drops are not simulated: the link really drops")

    def release(self) -> None:
        raise AssertionError("see hold")


def now() -> float:
    return asyncio.get_running_loop().time()
