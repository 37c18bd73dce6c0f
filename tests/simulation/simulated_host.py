"""A host for the client core without a browser: simulated clock, sockets and peer connections, fake devices and elements."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from pyvidu.errors import DeviceError, PropertiesError
from pyvidu.media.recovery import MediaRecovery
from pyvidu.platform import Device, Host, NetworkDownError, NetworkListener, PeerListener, PeerSettings, SocketListener
from tests.server.server_world import World
from tests.simulation.fake_tracks import FakeStream, FakeTrack
from tests.simulation.simulated_media import Router, SimulatedPeer
from tests.simulation.simulated_network import LATENCY, SYN_RETRY, Link, SimulatedSocket, now

INSERT_MODES = ("AFTER", "APPEND", "BEFORE", "PREPEND", "REPLACE")
OWN_ELEMENT = "own"  # the id of every adopted element

_numbers = count(1)


def number_peers_anew() -> None:
    """Restart the numbers of peer connections at 1."""
    global _numbers
    _numbers = count(1)


class SimulatedTimer:
    __slots__ = ("_clock", "callback", "due", "handle")

    def __init__(self, clock: SimulatedClock, callback: Callable[[], None], due: float) -> None:
        self._clock, self.callback, self.due = clock, callback, due
        self.handle = asyncio.get_running_loop().call_at(due, self.fire)
        clock.timers[self] = None

    def cancel(self) -> None:
        self.handle.cancel()
        self._clock.timers.pop(self, None)

    def fire(self) -> None:
        if not self._clock.frozen:
            self._clock.timers.pop(self, None)
            self.callback()


class SimulatedClock:
    """A page's clock. It stops with the page, jumps with its machine's clock, and fires once a second in a throttled tab."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.frozen = False
        self.throttled = False
        self.timers: dict[SimulatedTimer, None] = {}
        self.changes = 0  # of this page's media connections and clock
        self.jumpers: dict[Any, None] = {}  # see `jumping.py`
        self._recoveries: WeakKeyDictionary[MediaRecovery, int] = WeakKeyDictionary()
        self._numbers = count(2)
        self._frozen_at = 0.0
        self._late_until = -math.inf
        self._standstills: list[tuple[float, float]] = []  # (begin, end) on this clock

    def now(self) -> float:
        return (self._frozen_at if self.frozen else now()) + self.offset

    def call_later(self, delay: float, callback: Callable[[], None]) -> SimulatedTimer:
        due = now() + max(0.0, delay) + self.least_step(getattr(callback, "__self__", None))
        return SimulatedTimer(self, callback, math.ceil(due) if self.throttled else due)

    def least_step(self, owner: object) -> float:
        """Return the nanoseconds that a timer of `owner` lasts longer: time must pass however the sums are rounded.

        Each recovery has its own, so that the order of two does not depend on when their timers were set.
        """
        if not isinstance(owner, MediaRecovery):
            return 1e-9
        if owner not in self._recoveries:
            self._recoveries[owner] = next(self._numbers)
        return 1e-9 * self._recoveries[owner]

    def call_at(self, when: float, callback: Callable[[], None]) -> SimulatedTimer:
        """Call `callback` at `when` on the loop's clock."""
        return SimulatedTimer(self, callback, when)

    def about_to_change(self) -> None:
        """Prepare for a change of what polls find."""
        for jumper in list(self.jumpers):
            jumper.land()
        self.changes += 1

    def throttle(self, throttled: bool) -> None:
        self.about_to_change()
        self.throttled = throttled
        self._late_until = math.inf if throttled else now()

    def on_time_for(self, seconds: float) -> bool:
        """Return whether the page ran for the last `seconds` and its timers were not throttled."""
        runs = not self.frozen and not self.stood_still(seconds)
        return runs and now() - self._late_until >= seconds

    def jump(self, seconds: float) -> None:
        self.about_to_change()
        self._standstills.append((self.now(), self.now() + seconds))
        self.offset += seconds

    def stood_still(self, seconds: float) -> float:
        """Return for how many of the last `seconds` on this clock the page did not run."""
        until = self.now()
        since = until - seconds
        return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in self._standstills)

    def freeze(self) -> None:
        self.about_to_change()
        self._frozen_at = now()
        self.frozen = True

    def thaw(self, *, stood_still: bool = False) -> None:
        """Continue. With `stood_still` no time has passed on this clock, and timers are due that much later."""
        self.about_to_change()
        self.frozen = False
        self._late_until = max(self._late_until, now())
        slept = now() - self._frozen_at
        if stood_still:
            self.offset -= slept
        else:
            self._standstills.append((self._frozen_at + self.offset, now() + self.offset))
        for timer in sorted(self.timers, key=lambda timer: timer.due):  # they fire in this order
            timer.handle.cancel()
            due = timer.due + slept if stood_still else timer.due
            timer.due = due
            timer.handle = asyncio.get_running_loop().call_at(max(now(), due), timer.fire)


class SimulatedSockets:
    def __init__(self, link: Link) -> None:
        self._link = link
        self.opened: Callable[[str, SocketListener], None] = lambda _url, _listener: None
        self._made: list[SimulatedSocket] = []

    @property
    def alive(self) -> list[SimulatedSocket]:
        """Return the sockets that are open or being opened."""
        self._made = [socket for socket in self._made if socket.state != "closed"]
        return self._made

    def open(self, url: str, listener: SocketListener) -> SimulatedSocket:
        if not url.startswith(("ws:", "wss:")):
            raise OSError(f"{url} is no address of a WebSocket")
        self.opened(url, listener)
        socket = SimulatedSocket(self._link, url, listener)
        self._made.append(socket)
        return socket


class SimulatedPeers:
    def __init__(self, link: Link, clock: SimulatedClock) -> None:
        self._link = link
        self._clock = clock
        self.made: list[SimulatedPeer] = []
        self.flow_changed: Callable[[SimulatedPeer], None] = lambda _: None
        self._up = asyncio.Event()
        self._up.set()

    def refuse(self, *, refuse: bool) -> None:
        """Create none, or some again, as Firefox does that is offline."""
        (self._up.clear if refuse else self._up.set)()

    async def network_up(self) -> None:
        await self._up.wait()

    def create(self, settings: PeerSettings, listener: PeerListener) -> SimulatedPeer:
        if not self._up.is_set():
            raise NetworkDownError("the network is down (InvalidStateError)")
        router: Router = self._link.world.media  # type: ignore[assignment]
        peer = SimulatedPeer(next(_numbers), self._link, self._clock, settings, listener)
        peer.flow_changed = self.flow_changed
        peer.siblings = self
        router.peers[peer.number] = peer
        self.made.append(peer)
        return peer

    @property
    def alive(self) -> list[SimulatedPeer]:
        return [peer for peer in self.made if not peer.closed]

    def were_known(self) -> bool:
        """Return whether no stream had long gaps when all stopped: then silence is soon noticed, and not learnt as a gap."""
        return all(peer.was_known for peer in self.alive if peer.has_received)


class SimulatedReachability:
    """A fetch: refused at once if the link is down or nothing listens at the port, unanswered in a silent drop.

    A portal answers it.
    """

    def __init__(self, link: Link, clock: SimulatedClock) -> None:
        self._link = link
        self._clock = clock

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        if self._link.blocks("offline") or self._link.blocks("portal"):
            await asyncio.sleep(LATENCY)
            return None if self._link.blocks("offline") or answers else ""
        travel = self._link.travel(SYN_RETRY)

        def give_up() -> None:
            travel.cancel()

        timer = self._clock.call_later(timeout, give_up)
        try:
            await travel
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            return None
        finally:
            timer.cancel()
            travel.cancel()
        text = self._link.world.answer_to_probe(url) if answers else ""
        return None if self._link.refused or (answers and text not in answers) else text

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        return await self.probe(url, timeout) is not None and not self._link.blocks("portal")


class SimulatedNetworkMonitors:
    """The network monitors of one page."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.alive: list[_Monitor] = []

    def __call__(self, listener: NetworkListener) -> _Monitor:
        self.alive.append(_Monitor(self, self._link, listener))
        return self.alive[-1]


class _Monitor:
    def __init__(self, monitors: SimulatedNetworkMonitors, link: Link, listener: NetworkListener) -> None:
        self._monitors, self._link, self._listener = monitors, link, listener
        link.listeners.append(listener)

    def close(self) -> None:
        if self in self._monitors.alive:
            self._monitors.alive.remove(self)
            self._link.listeners.remove(self._listener)


class FakeMedia:
    """A MediaStream of devices, or of the application's own tracks."""

    def __init__(self, *tracks: FakeTrack) -> None:
        self.stream = FakeStream(*(tracks or (FakeTrack(kind, f"the first {kind}") for kind in ("audio", "video"))))
        self.stopped = False
        self.copies: list[FakeTrack] = []  # that filters of the page have got
        self._video_ends: Callable[[], None] = lambda: None

    @property
    def tracks(self) -> dict[str, FakeTrack]:
        return self.stream.tracks

    @property
    def has_audio(self) -> bool:
        return "audio" in self.tracks

    @property
    def has_video(self) -> bool:
        return "video" in self.tracks

    @property
    def enabled(self) -> dict[str, bool]:
        return {kind: track.enabled for kind, track in self.tracks.items()}

    def enable(self, kind: str, enabled: bool) -> None:
        if kind in self.tracks:
            self.tracks[kind].enabled = enabled

    @property
    def video_size(self) -> tuple[int, int]:
        return self.tracks["video"].size if self.has_video else (0, 0)

    def kind_of(self, track: Any) -> str:
        return track.kind if isinstance(track, FakeTrack) else ""

    def label(self, kind: str) -> str:
        return self.tracks[kind].label if kind in self.tracks else ""

    def track(self, kind: str) -> FakeTrack | None:
        return self.tracks.get(kind)

    def has_ended(self, kind: str) -> bool:
        return kind in self.tracks and self.tracks[kind].stopped

    def exchange(self, track: FakeTrack) -> FakeTrack:
        old, self.tracks[track.kind] = self.tracks[track.kind], track
        return old

    def copy(self, track: FakeTrack) -> FakeTrack:
        self.copies.append(replace(track, enabled=True))
        return self.copies[-1]

    def end(self, track: FakeTrack) -> None:
        track.stopped = True

    def when_video_ends(self, tell: Callable[[], None]) -> None:
        self._video_ends = tell

    def video_ends(self) -> None:
        """End the video from outside, as a user does who stops sharing a screen."""
        self.tracks["video"].stopped = True
        self._video_ends()

    @property
    def shows_screen(self) -> bool:
        return False

    def hint(self, content: str) -> None:
        pass

    def when_resized(self, tell: Callable[[], None], *, screen: bool) -> None:
        self.resized = tell

    def discard(self, track: FakeTrack, *, asked: bool = False) -> None:
        track.stopped = True

    def stop(self) -> None:
        self.stopped = True
        self._video_ends = lambda: None
        for track in self.tracks.values():
            track.stopped = True


class FakeLoudness:
    """The same loudness for every stream, in decibels; a test sets it."""

    level = -200.0
    alive = 0

    def __init__(self) -> None:
        FakeLoudness.alive += 1

    def decibels(self) -> float:
        return FakeLoudness.level

    def close(self) -> None:
        FakeLoudness.alive -= 1


class FakeDevices:
    inputs = (Device("videoinput", "1", "a camera"), Device("audioinput", "2", "a microphone"))

    async def list_inputs(self) -> list[Device]:
        return list(self.inputs)

    def measure_loudness(self, stream: Any) -> FakeLoudness | None:
        silent = isinstance(stream, FakeStream) and stream.tracks and "audio" not in stream.tracks
        return None if silent else FakeLoudness()

    async def get_user_media(self, *, audio: Any, video: Any) -> FakeMedia:
        wanted = (("audio", audio), ("video", video))
        return FakeMedia(*(self._track(kind, options) for kind, options in wanted if options is not False))

    async def get_display_media(self, *, audio: Any, source: str = "screen") -> FakeMedia:
        return FakeMedia()

    def _track(self, kind: str, options: Any) -> FakeTrack:
        source = options.get("source") if isinstance(options, dict) else None
        if isinstance(source, FakeTrack):
            return source
        if isinstance(source, str) and (f"{kind}input", source) not in {(i.kind, i.device_id) for i in self.inputs}:
            raise DeviceError(f"INPUT_{kind.upper()}_DEVICE_NOT_FOUND", f"There is no such {kind} device")
        return FakeTrack(kind, f"the first {kind}")


class FakeElement:
    plays = True  # a test may set it to False: then no element begins to play

    def __init__(self, identity: str, on_playing: Callable[[], None], document: dict[str, FakeElement]) -> None:
        self.id = identity
        self.element = self
        self.shown: list[Any] = []
        self.closed = False
        self._on_playing = on_playing
        self._document = document
        document[identity] = self

    def show(self, stream: Any) -> None:
        if self.shown and self.shown[-1] is stream:
            return
        self.shown.append(stream)
        if self.plays and not self.closed:
            self.can_play()

    def can_play(self) -> None:
        self._on_playing()

    def close(self) -> None:
        self.closed = True
        if self.id != OWN_ELEMENT:
            self._document.pop(self.id, None)


class FakeElements:
    """Creates and adopts elements. It does not know which ids the page has: every target is found but `nowhere`."""

    def __init__(self) -> None:
        self.document: dict[str, FakeElement] = {}

    def create(self, target: Any, insert_mode: str, *, identity: str, on_playing: Any, **_: Any) -> FakeElement:
        if target == "nowhere" or insert_mode not in INSERT_MODES:
            raise PropertiesError(f"There is no {insert_mode} of {target!r}")
        return FakeElement(identity, on_playing, self.document)

    def adopt(self, element: Any, *, on_playing: Any, **_: Any) -> FakeElement:
        return FakeElement(OWN_ELEMENT, on_playing, self.document)


def die() -> Callable[[], float]:
    """Return the die of one host. Replaced in worlds in which everything follows from a seed."""
    return random.random


def simulated_host(link: Link) -> tuple[Host, SimulatedPeers]:
    clock = SimulatedClock()
    peers = SimulatedPeers(link, clock)
    host = Host(
        clock=clock,
        sockets=SimulatedSockets(link),
        peers=peers,
        watch_network=SimulatedNetworkMonitors(link),
        reachability=SimulatedReachability(link, clock),
        devices=FakeDevices(),
        elements=FakeElements(),
        description="simulation",
        chance=die(),
    )
    return host, peers


class SimulatedWorld(World):
    """A server whose media server is a `Router` of simulated peer connections."""

    make_media = Router
    media: Router
