"""The people of a simulated world: each has a link and a browser, in which one page after another runs the application."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from pyvidu import NotConnectedError, OpenVidu, OpenViduError, Publisher, SessionLostError, Subscriber
from pyvidu.membership.membership import Membership
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.server.http.rest_json import connections_json, listing
from pyvidu.stream import Stream
from tests.simulation import schedule
from tests.simulation.simulated_host import simulated_host
from tests.simulation.simulated_network import Link, now

if TYPE_CHECKING:
    from tests.simulation.simulated_world import SimulatedCall

POLICY = ReconnectionPolicy()

EVENTS = (
    "connectionCreated", "connectionDestroyed", "streamCreated", "streamDestroyed", "streamPropertyChanged", "signal",
    "reconnecting", "reconnected", "rejoined", "sessionDisconnected", "exception", "streamFrozen", "streamRecovered",
    "outageSettled", "connectionInterrupted", "connectionRestored",
)  # fmt: skip
ENDINGS = ("reconnected", "rejoined", "sessionDisconnected")


class Reach:
    """When something could be reached and when not."""

    def __init__(self) -> None:
        self._times: list[tuple[float, bool]] = [(0.0, True)]  # since when, and whether

    def note(self, reaches: bool) -> None:
        if reaches != self._times[-1][1]:
            self._times.append((now(), reaches))

    def interrupt(self) -> None:
        """Record an interruption: whatever was under way on the network has to begin again."""
        if self._times[-1][1]:
            self._times += [(now(), False), (now(), True)]

    @property
    def so_far(self) -> float:
        """Return for how many seconds it can be reached by now, 0 if it cannot."""
        since, reaches = self._times[-1]
        return now() - since if reaches else 0.0

    def lasted(self, seconds: float) -> float:
        """Return the longest uninterrupted time, within the last `seconds`, for which it could be reached."""
        until, longest = now(), 0.0
        for since, reaches in reversed(self._times):
            if reaches:
                longest = max(longest, until - max(since, now() - seconds))
            until = since
            if until <= now() - seconds:
                break
        return longest


class Person:
    """One user with one machine."""

    def __init__(self, world: SimulatedCall, number: int, settings: schedule.Person) -> None:
        self.world = world
        self.number = number
        self.settings = settings
        self.rejoin, self.force = settings.rejoin, settings.force
        self.link = Link(world.server, world.dice(f"link {number}"))
        self.link.latency, self.link.jitter = settings.latency, settings.jitter
        self.link.ip_families = settings.ip_families
        self.link.changed.append(self.note_reach)
        self._signaling, self._media = Reach(), Reach()
        self._latency, self.slower_since = self.link.latency, -math.inf
        self.pages: list[Page] = []
        self.asleep = 0

    @property
    def page(self) -> Page:
        """Return the newest page."""
        return self.pages[-1]

    def open_page(self) -> None:
        """Open a page, whose application joins."""
        self.pages.append(Page(self))
        self.page.do("connect", self.page.connect())

    def note_reach(self) -> None:
        link = self.link
        reaches = link.reaches and not link.refused and not link.frozen and link.loss < 0.1 and link.latency < 0.3
        self._signaling.note(reaches)
        self._media.note(reaches and not link.blocks("udp"))
        if link.latency > self._latency:
            self.slower_since = now()
        self._latency = link.latency
        self.path_changed()

    def path_changed(self) -> None:
        """Report to all pages that the network, the machine or its clock has changed."""
        for page in self.pages:
            self.world.path_changed(page)

    def lose_sockets(self) -> None:
        self.link.lose_sockets()
        self._interrupted()

    def reset_sockets(self) -> None:
        self.link.reset_sockets()
        self._interrupted()

    def lose_media(self) -> None:
        self.link.lose_media()
        self._media.interrupt()

    def lose_media_up(self) -> None:
        self.link.lose_media_up()
        self._media.interrupt()

    def _interrupted(self) -> None:
        self._signaling.interrupt()
        self.path_changed()

    def reached_for(self, seconds: float) -> float:
        """Return the longest uninterrupted time, within the last `seconds`, for which the server could be reached."""
        return self._signaling.lasted(seconds)

    @property
    def reached_so_far(self) -> float:
        """Return for how many seconds the server can be reached by now, 0 if it cannot."""
        return self._signaling.so_far

    @property
    def media_reached_so_far(self) -> float:
        """Return the same of the media server."""
        return self._media.so_far


class Page:
    """One run of the application: it joins, publishes, subscribes to all streams that it sees, and records its events."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.world = person.world
        self.began_at = now()
        self.name = f"{'abcd'[person.number]}{len(person.pages) + 1}"
        self.host, self.peers = simulated_host(person.link)
        self.clock: Any = self.host.clock
        self.host.sockets.opened = self._opening  # type: ignore[attr-defined]
        self.openvidu = OpenVidu(self.host)
        self.force, self.force_changed_at = person.force, -60.0
        replays = self.world.plan.profile == "default"
        self.openvidu.set_advanced_configuration(
            reconnection=POLICY,
            force_media_reconnection_after_network_drop=self.force,
            rejoin=self.token if person.rejoin else None,
            roster=self._roster if self.world.plan.roster and not replays else None,
        )
        self.session = self.openvidu.init_session()
        self.publisher: Publisher | None = None
        self.subscribers: dict[str, Subscriber] = {}
        self.subscribed_at: dict[Subscriber, float] = {}
        self.refused: dict[str, OpenViduError] = {}  # errors of failed subscriptions, by stream id
        self.unwanted: set[str] = set()  # ids of streams that it unsubscribed from
        self.awaited: dict[asyncio.Task[Any], str] = {}
        self.received: dict[str, list[str]] = {}  # data of signals, by the connection id at that time
        self.sent = 0
        self.signalled: dict[str, bool] = {}  # whether `signal` returned, by its data
        self.in_outage = False
        self.published_at = 0.0
        self.settled_at = 0.0  # when the last outage ended
        self.connected = False
        self.over = False
        self.over_at = self.opened_at = 0.0
        for name in EVENTS:
            self.session.on(name, self._told)
        self.session.on("streamCreated", self._subscribe)
        self.hears = person.number != 1  # one of the applications switches received sound off
        self.peers.flow_changed = lambda peer: self.world.flow_changed(self, peer)

    @property
    def id(self) -> str:
        """Return the connection id, "" without a connection."""
        connection = self.session.connection
        return connection.connection_id if connection is not None else ""

    def wanted(self, subscriber: Subscriber) -> dict[str, bool]:
        """Return which kinds of tracks it plays."""
        return {"audio": self.hears, "video": True}

    @property
    def forces(self) -> bool:
        """Return whether it has forced renegotiations by its configuration, or did so lately."""
        return self.force or now() - self.force_changed_at < 30.0

    @property
    def has_outage(self) -> bool:
        """Return whether there is an outage, told or not."""
        return any(outage.end is None for outage in self.session.outages[-1:])

    def undisturbed_for(self, seconds: float) -> bool:
        """Return whether neither its network nor its machine had a fault, and it no outage, for so long."""
        person = self.person
        reached = min(person.reached_so_far, person.media_reached_so_far) >= seconds
        settled = self.connected and not self.in_outage and now() - self.settled_at >= seconds
        return reached and settled and self.clock.on_time_for(seconds)

    @property
    def memberships(self) -> list[Membership]:
        """Return the current membership, and one that is being joined."""
        return self.session.participation.memberships

    @property
    def has_detected_its_end(self) -> bool:
        """Return whether the client has detected that it is no longer a member."""
        return self.over or not self.session.participation.is_member

    @property
    def joins_since(self) -> float | None:
        """Return the time since which the client has been joining on an open socket, None if it is not."""
        joining = self.session.participation.joining
        socket: Any = joining.plane.socket if joining is not None else None
        return socket.opened_at if socket is not None and socket.is_open else None

    @property
    def path_is_dead(self) -> bool:
        """Return whether no answer can arrive on the socket that carries the session or on which it is being joined."""
        socket: Any = next((item.plane.socket for item in self.memberships), None)
        return not self.person.link.reaches or (socket is not None and socket.is_lost)

    # --- actions -----------------------------------------------------------------------------------------------------

    def do(self, what: str, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work`, which the application awaits, as a task named `what`."""
        task = asyncio.get_running_loop().create_task(work)
        self.awaited[task] = what
        task.add_done_callback(self._settled)

    async def connect(self) -> None:
        token = await self.token()
        if self.over:
            return
        await self.session.connect(token, self.name)
        self.connected = not self.over
        if self.person.settings.publishes and not self.over:
            self.do("publish", self.publish())

    async def publish(self) -> None:
        if self.publisher is None:
            self.publisher = publisher = await self.openvidu.init_publisher("me")
            publisher.on("streamDestroyed", self._unpublished)
            try:
                await self.session.publish(publisher)
                self.published_at = now()
            except BaseException:
                if self.publisher is publisher:
                    self.publisher = None
                raise

    async def unpublish(self) -> None:
        if self.publisher is not None and self.publisher.stream.is_published:
            await self.session.unpublish(self.publisher)

    async def signal(self, to_one: bool) -> None:
        self.sent += 1
        data = f"{self.name} {self.sent}"
        others = list(self.session.remote_connections.values())
        to = [others[self.sent % len(others)]] if to_one and others else []
        self.signalled[data] = False
        await self.session.signal(data=data, to=to)
        self.signalled[data] = True

    async def mute(self, kind: str) -> None:
        if self.publisher is not None:
            active = getattr(self.publisher.stream, f"{kind}_active")
            await (self.publisher.publish_audio if kind == "audio" else self.publisher.publish_video)(not active)

    async def subscribe_anew(self, pause: float) -> None:
        for stream_id, subscriber in list(self.subscribers.items())[:1]:
            del self.subscribers[stream_id]
            self.unwanted.add(stream_id)
            await self.session.unsubscribe(subscriber)
            await asyncio.sleep(pause)
            connection = subscriber.stream.connection
            if connection is not None and connection.stream is subscriber.stream and not self.over:
                await self._subscribe_to(subscriber.stream)

    def disconnect(self) -> None:
        self.session.disconnect()
        self._end()

    # --- events ------------------------------------------------------------------------------------------------------

    def _told(self, event: Any) -> None:
        name = event.type
        if name == "signal" or name.startswith("signal:"):
            name = "signal"
            self.received.setdefault(self.id, []).append(event.data)
        self.world.told(self, name, event)
        if name == "reconnecting":
            self.in_outage = True
            self.world.outages += 1
        elif name in ENDINGS:
            self.in_outage, self.settled_at = False, now()
        if name == "rejoined":
            self._subscribe_again()
        if name == "sessionDisconnected":
            self._end()
            if self.person.settings.returns and event.reason != "disconnect":
                self.world.return_later(self.person)

    async def _subscribe(self, event: Any) -> None:
        self.do(f"subscribe to {event.stream.stream_id}", self._subscribe_to(event.stream))

    async def _subscribe_to(self, stream: Stream) -> None:
        self.unwanted.discard(stream.stream_id)
        try:
            subscriber = self.subscribers[stream.stream_id] = await self.session.subscribe(stream, "others")
            subscriber.subscribe_to_audio(self.hears)
            self.subscribed_at[subscriber] = now()
        except OpenViduError as error:
            self.refused[stream.stream_id] = error
            raise

    def _subscribe_again(self) -> None:
        """Repeat, after a rejoin, the subscriptions that failed because the session was lost, or came before it."""
        streams = [item.stream for item in self.session.remote_connections.values() if item.stream is not None]
        for stream in streams:
            if (
                isinstance(self.refused.get(stream.stream_id), (SessionLostError, NotConnectedError))
                and stream.stream_id not in self.unwanted
            ):
                self.do(f"subscribe to {stream.stream_id}", self._subscribe_to(stream))

    def _unpublished(self, event: Any) -> None:
        self.world.told(self, "streamDestroyed of the publisher", event)
        self.publisher = None

    def _end(self) -> None:
        self.over, self.over_at, self.connected, self.in_outage = True, now(), False, False

    def _settled(self, task: asyncio.Task[Any]) -> None:
        what = self.awaited.pop(task)
        if not task.cancelled():
            self.world.settled(self, what, task.exception())

    def _opening(self, url: str, listener: Any) -> None:
        self.opened_at = now()
        self.world.opening(self)

    # --- its backend -------------------------------------------------------------------------------------------------

    async def _ask_backend(self) -> None:
        """Imitate a fetch from the application's backend, repeated after 5 s without an answer."""
        while True:
            try:
                async with asyncio.timeout(5):
                    return await self.person.link.passed()
            except TimeoutError:
                continue

    async def token(self) -> str:
        await self._ask_backend()
        return self.world.token()

    async def _roster(self) -> Any:
        link = self.person.link
        await self._ask_backend()
        room = self.world.room
        content = listing(connections_json(room, pending=True)) if room is not None else {"content": []}
        await asyncio.sleep(link.delay())  # the answer is that old when it arrives
        return content
