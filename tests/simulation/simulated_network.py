"""A network between client cores and the server's rooms, in virtual time: latency, TCP retransmission, all kinds of drop.

TCP's behaviour matters here: a segment lost in a silent drop is sent again after 0.2, 0.4, 0.8 ... s, so an open socket
recovers by itself, but late; a lost SYN is sent again after 1, 2, 4 ... s. Nothing polls: a change that lets blocked packets
pass schedules them for their next retransmission.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

from pyvidu.platform import NetworkListener, SocketListener
from pyvidu.server.signaling.rpc_session import ServerSocket
from pyvidu.server.traffic import DirectPath
from tests.server.server_world import World

LATENCY = 0.001
SYN_RETRY = 1.0
SEGMENT_RETRY = 0.2
SLOWEST_RETRY = 1.6  # seconds, on a lossy path: later segments that arrive reveal that one is missing
LONGEST_RETRY = 30.0
HELD_UP = 1.9  # seconds: a client that receives no RTP takes a pong that comes 2 s late for a drop
ORPHANED = (
    102.0  # seconds until the kernel stops sending for a closed socket: `tcp_orphan_retries` 8, from 0.2 s on, doubling
)
TCP_GIVES_UP = 60.0  # seconds until the kernel closes a connection to a peer that is gone; real ones take longer

_DROPS = {
    "silent": ("up", "down"),
    "link": ("up", "down", "offline"),
    "up": ("up",),
    "down": ("down",),
    "media": ("udp",),
    "signaling": ("tcp",),
    "portal": ("up", "down", "portal"),
}


class Link:
    """One client's path to the server. Faults may overlap: each holds what it blocks.

    That is `up`, `down`, `offline`, `udp` or `tcp`. `portal`: something else answers in the server's place.
    """

    def __init__(self, world: World, noise: Random | None = None) -> None:
        self.world = world
        self.noise = noise or Random(0)
        self.latency = LATENCY
        self.jitter = 0.0
        self.ip_families = 1  # in which media connections have found a way; all die together
        self._loss = 0.0
        self._late_until = 0.0
        self._held_up_until = 0.0
        self.refused = False  # nothing listens at the server's port
        self.frozen = False  # the page does not run: what arrives for it waits
        self.restored_at = 0.0
        self.moves = 0  # how often its address has changed, as the server sees it
        self.media_up_epoch = 0  # what those of an older one send never arrives; they receive
        self.media_epoch = 0  # media connections of an older epoch are dead whatever the network does
        self.listeners: list[NetworkListener] = []
        self.sockets: list[SimulatedSocket] = []
        self.orphans: dict[SimulatedSocket, None] = {}  # closed here, with data that is still being sent
        self.opened = 0
        self.changed: list[Callable[[], None]] = []
        self._blocks: Counter[str] = Counter()
        self._inbox: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._pipes: dict[Pipe, None] = {}
        self._travellers: dict[_Traveller, None] = {}

    @property
    def loss(self) -> float:
        """Return the share of packets that are lost."""
        return self._loss

    @loss.setter
    def loss(self, share: float) -> None:
        if self._loss and not share:
            self._late_until = now() + SLOWEST_RETRY
        self._loss = share

    @property
    def repairs(self) -> bool:
        """Return whether packets are lost, or may be that were sent before."""
        return self._loss > 0 or now() < self._late_until

    @property
    def holds_up(self) -> bool:
        """Return whether something is on its way whose packet was lost so often that it comes `HELD_UP` seconds late."""
        return now() < self._held_up_until

    def held_up(self, until: float) -> None:
        """Note that something will arrive then, so late."""
        self._held_up_until = max(self._held_up_until, until)

    def blocks(self, what: str) -> bool:
        return self._blocks[what] > 0

    def passes(self, direction: str) -> bool:
        return not (self._blocks[direction] or self._blocks["offline"])

    def carries(self, direction: str) -> bool:
        """Return whether it lets TCP pass."""
        return self.passes(direction) and not self.blocks("tcp")

    @property
    def reaches(self) -> bool:
        """Return whether TCP passes both ways."""
        return self.works and not self.blocks("tcp")

    @property
    def works(self) -> bool:
        return not (self._blocks["up"] or self._blocks["down"] or self._blocks["offline"])

    def hold(self, *what: str) -> None:
        """Block `what`; every `hold` needs its `release`."""
        offline = self.blocks("offline")
        self._blocks.update(what)
        if self.blocks("offline") and not offline:
            self._tell("network_offline")
        self._change()

    def release(self, *what: str) -> None:
        offline = self.blocks("offline")
        self._blocks.subtract(what)
        self._blocks += Counter()  # drops the zeros
        self.restored_at = now()
        self._change()
        if offline and not self.blocks("offline"):
            self._tell("network_online")

    def drop(self, kind: str) -> None:
        """Begin a drop: `silent` without an event, `link` reported to the host, `up` and `down` one way.

        `media` is one of UDP, `signaling` of TCP. A `portal` resets what is open, and refuses new WebSockets.
        """
        self.hold(*_DROPS[kind])
        if kind == "portal":
            for socket in list(self.sockets):
                socket.lose(TCP_GIVES_UP, LATENCY)

    def restore(self, kind: str = "", *, dead_media: bool = False) -> None:
        """End a drop, or all of them."""
        if dead_media:
            self.lose_media()
        self.release(*(_DROPS[kind] if kind else self._blocks.elements()))

    def lose_media(self) -> None:
        """Remove the NAT mappings of all media connections: they never recover by themselves."""
        self.media_epoch += 1
        self.world.media.reassess()  # type: ignore[attr-defined]

    def lose_media_up(self) -> None:
        """Let nothing that the media connections send arrive again, as when a VPN takes the route: they still receive."""
        self.media_up_epoch += 1
        self.world.media.reassess()  # type: ignore[attr-defined]

    def lose_sockets(self) -> None:
        """Remove the NAT mappings of all TCP connections: neither end receives from the other again, nor an event."""
        for socket in [*self.sockets, *self.orphans]:
            socket.lose()

    def reset_sockets(self) -> None:
        """Close all TCP connections at both ends, as soon as the reset gets through."""
        for socket in list(self.sockets):
            socket.reset()

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False
        while self._inbox and not self.frozen:
            deliver, args = self._inbox.popleft()
            deliver(*args)

    def at_client(self, deliver: Callable[..., None], *args: Any) -> None:
        """Deliver something at the client's host, after the thaw if the page is frozen."""
        if self.frozen:
            self._inbox.append((deliver, args))
        else:
            deliver(*args)

    def delay(self) -> float:
        """Return how many seconds the next packet takes."""
        return self.latency + self.noise.random() * self.jitter if self.jitter else self.latency

    async def passed(self, first_retry: float = SYN_RETRY) -> None:
        """Return when a packet sent now, and its answer, have got through, retransmitted with doubling delays."""
        await self.travel(first_retry)

    def travel(self, first_retry: float = SYN_RETRY) -> asyncio.Future[None]:
        """Return a future of what `passed` waits for; the caller may cancel it."""
        traveller = _Traveller(self, first_retry)
        self._travellers[traveller] = None
        traveller.try_now()
        return traveller.future

    @property
    def live_sockets(self) -> int:
        return len(self.sockets)

    def _tell(self, what: str) -> None:
        for listener in list(self.listeners):
            self.at_client(getattr(listener, what))

    def _change(self) -> None:
        for pipe in list(self._pipes):
            pipe.wake()
        for traveller in list(self._travellers):
            traveller.wake()
        self.world.media.reassess()  # type: ignore[attr-defined]
        for callback in self.changed:
            callback()


class _Retransmission:
    """The times at which a lost packet is sent again, in seconds."""

    __slots__ = ("_at", "_timeout")

    def __init__(self, at: float, timeout: float) -> None:
        self._at, self._timeout = at, timeout

    def next(self, after: float) -> float:
        while self._at + self._timeout < after:
            self._at += self._timeout
            self._timeout = min(2 * self._timeout, LONGEST_RETRY)
        return self._at + self._timeout


class _Traveller:
    """A single packet outside a TCP connection, and its answer."""

    def __init__(self, link: Link, first_retry: float) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._link = link
        self._schedule = _Retransmission(now(), first_retry)
        self._timer: asyncio.TimerHandle | None = None
        self.future.add_done_callback(self._stop)

    def try_now(self) -> None:
        self._timer = None
        if self._link.reaches and not (self._link.loss and self._link.noise.random() < self._link.loss):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._link.delay() + self._link.delay(), self._arrived)
            self._link._travellers.pop(self, None)
        elif self._link.reaches:
            self.wake()

    def wake(self) -> None:
        if self._timer is None and self._link.reaches:
            self._timer = asyncio.get_running_loop().call_at(self._schedule.next(now() + 1e-6), self.try_now)

    def _arrived(self) -> None:
        self._link.at_client(self._settle)

    def _settle(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def _stop(self, _: object) -> None:
        self._link._travellers.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()


class Pipe:
    """One direction of a TCP connection: in order, never lost, sometimes late."""

    def __init__(self, link: Link, direction: str, retry: float) -> None:
        self.retry = retry
        self.lost = False
        self._link = link
        self._direction = direction
        self._arrives = 0.0
        self._waiting: deque[tuple[float, Callable[..., None], tuple[Any, ...]]] = deque()
        self._schedule: _Retransmission | None = None
        self._timer: asyncio.TimerHandle | None = None

    def send(self, deliver: Callable[..., None], *args: Any, trips: int = 1) -> None:
        """Call `deliver(*args)` at the other end. `trips` is the number of one-way trips before that."""
        if self.lost:
            return
        if self._waiting or not self._link.carries(self._direction):
            self._waiting.append((trips, deliver, args))
            if self._schedule is None:
                self._schedule = _Retransmission(now(), self.retry)
                self._link._pipes[self] = None
        else:
            self._transmit(trips, deliver, args)

    def wake(self) -> None:
        """Schedule the next retransmission after a change of the link."""
        if self._schedule is not None and self._timer is None and self._link.carries(self._direction):
            self._timer = asyncio.get_running_loop().call_at(self._schedule.next(now() + 1e-6), self._try)

    def lose(self) -> None:
        """Let nothing pass any more, for ever."""
        self.lost = True
        self.stop()

    def stop(self) -> None:
        self._waiting.clear()
        self._schedule = None
        self._link._pipes.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _try(self) -> None:
        self._timer = None
        if not self._link.carries(self._direction):
            return
        self._schedule = None
        self._link._pipes.pop(self, None)
        while self._waiting:
            trips, deliver, args = self._waiting.popleft()
            self._transmit(trips, deliver, args)

    def _transmit(self, trips: float, deliver: Callable[..., None], args: tuple[Any, ...]) -> None:
        link = self._link
        at = now() + link.delay() * trips
        if link.loss:
            timeout, without = self.retry, at
            while link.noise.random() < link.loss:
                at += timeout
                timeout = max(timeout, min(2 * timeout, SLOWEST_RETRY))
            if at - without >= HELD_UP:
                link.held_up(at)
        self._arrives = max(at, math.nextafter(self._arrives, math.inf))  # an event loop may swap timers of one time
        asyncio.get_running_loop().call_at(self._arrives, self._arrive, deliver, args)

    def _arrive(self, deliver: Callable[..., None], args: tuple[Any, ...]) -> None:
        if not self.lost:
            deliver(*args)


class SimulatedSocket:
    """The client's end of a WebSocket, and with `_Transport` the server's."""

    def __init__(self, link: Link, url: str, listener: SocketListener) -> None:
        self.url = url
        self.link = link
        self._listener: SocketListener | None = listener
        self.state = "connecting"
        self.opened_at = 0.0
        self._server: ServerSocket | None = None
        self._world = link.world
        self._up = Pipe(link, "up", SYN_RETRY)
        self._down = Pipe(link, "down", SYN_RETRY)
        link.sockets.append(self)
        link.opened += 1
        if link.blocks("offline") or link.blocks("portal"):
            asyncio.get_running_loop().call_later(LATENCY, link.at_client, self._closed_at_client, 1006, "")
        else:
            self._up.send(self._asked_for, trips=3)  # SYN, SYN-ACK, and the request to upgrade

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def is_lost(self) -> bool:
        """Return whether its NAT mapping is gone, see `Link.lose_sockets`."""
        return self._up.lost

    def send(self, text: str) -> None:
        if self.state == "open":
            self._up.send(self._receive_at_server, text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it. The close frame is a segment like any other, in order after what was sent."""
        self._listener = None
        if self._server is not None and self.state != "closed":
            self._up.send(self._closed_at_server, code, reason)
            self.link.orphans[self] = None
            asyncio.get_running_loop().call_later(ORPHANED, self._orphan_ends)
        self._gone()

    def _orphan_ends(self) -> None:
        if self in self.link.orphans:
            self.lose()

    def lose(self, server_waits: float = TCP_GIVES_UP, client_waits: float = TCP_GIVES_UP) -> None:
        """Remove its NAT mapping, see `Link.lose_sockets`; each end is told after so many seconds."""
        loop = asyncio.get_running_loop()
        if not self._up.lost:
            self._up.lose()
            self._down.lose()
            loop.call_later(server_waits, self._closed_at_server, 1006, "")
        elif client_waits == TCP_GIVES_UP:
            return
        loop.call_later(client_waits, self.link.at_client, self._closed_at_client, 1006, "")

    def reset(self) -> None:
        """Close it at both ends, see `Link.reset_sockets`."""
        self._down.send(self.link.at_client, self._closed_at_client, 1006, "")
        self._up.send(self._closed_at_server, 1006, "")

    # --- the server's end --------------------------------------------------------------------------------------------

    def push(self, text: str) -> None:
        self._down.send(self.link.at_client, self._receive_at_client, text)

    def ping(self) -> None:
        """Send the server's ping, which the browser itself answers, even if the page is frozen."""
        self._down.send(self._pong)

    def shut(self, code: int, reason: str) -> None:
        self._down.send(self.link.at_client, self._closed_at_client, code, reason)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _asked_for(self) -> None:
        if self.state != "connecting":
            return
        self._up.retry = self._down.retry = SEGMENT_RETRY
        self._world = self.link.world
        if self.link.refused:
            self._down.send(self.link.at_client, self._closed_at_client, 1006, "")
            return
        self._server = self._world.signaling.opened(_Transport(self), host="localhost", ip=f"10.0.0.{self.link.moves}")
        self._down.send(self.link.at_client, self._opened)

    def _opened(self) -> None:
        if self.state == "connecting":
            self.state, self.opened_at = "open", now()
            if self._listener is not None:
                self._listener.socket_opened(self)

    def _pong(self) -> None:
        if self.state == "open":
            self._up.send(self._heard_at_server)

    def _heard_at_server(self) -> None:
        if self._server is not None and self._server.open:
            self._world.signaling.heard(self._server)

    def _receive_at_server(self, text: str) -> None:
        self._heard_at_server()
        if self._server is not None and self._server.open:
            self._world.signaling.received(self._server, text)

    def _closed_at_server(self, code: int, reason: str) -> None:
        self.link.orphans.pop(self, None)
        if self._server is not None:
            self._world.signaling.closed(self._server, code, reason)
        self._up.stop()
        self._down.stop()

    def _receive_at_client(self, text: str) -> None:
        if self._listener is not None and self.state == "open":
            self._listener.socket_received(self, text)

    def _closed_at_client(self, code: int, reason: str) -> None:
        listener, self._listener = self._listener, None
        self._gone()
        if listener is not None:
            listener.socket_closed(self, code, reason)

    def _gone(self) -> None:
        if self.state == "connecting" and self._server is None:
            self._up.stop()
        self.state = "closed"
        if self in self.link.sockets:
            self.link.sockets.remove(self)


class _Transport:
    """The server's transport of a socket. Its path is direct: no fault is imitated here, the link really drops."""

    path = DirectPath()
    full = False

    def __init__(self, socket: SimulatedSocket) -> None:
        self._socket = socket

    def send(self, text: str) -> None:
        self._socket.push(text)

    def ping(self) -> None:
        self._socket.ping()

    def close(self, code: int, reason: str) -> None:
        self._socket.shut(code, reason)

    def abort(self) -> None:
        self._socket.shut(1006, "")


def now() -> float:
    return asyncio.get_running_loop().time()
