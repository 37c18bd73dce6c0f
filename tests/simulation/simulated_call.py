"""A call between real client cores through the server's real rooms, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pyvidu import OpenVidu, Publisher, Session
from pyvidu.server.rooms.tokens import ConnectionProperties, Role
from pyvidu.server.signaling.profiles import ProfileFactory
from tests.server.server_world import World, settle
from tests.simulation.simulated_host import SimulatedPeers, SimulatedWorld, simulated_host
from tests.simulation.simulated_network import Link, now

EVENTS = (
    "connectionCreated", "connectionDestroyed", "streamCreated", "streamDestroyed", "streamPropertyChanged", "signal",
    "reconnecting", "reconnected", "rejoined", "sessionDisconnected", "exception",
)  # fmt: skip


class Participant:
    """One client and all events that it received, with their times."""

    def __init__(self, world: World, name: str, **configuration: Any) -> None:
        self.name = name
        self.world = world
        self.link = Link(world)
        self.host, self.peers = simulated_host(self.link)
        self.openvidu = OpenVidu(self.host)
        self.openvidu.set_advanced_configuration(**configuration)
        self.session: Session = self.openvidu.init_session()
        self.publisher: Publisher | None = None
        self.log: list[tuple[float, str, str]] = []
        self.tasks: set[asyncio.Task[Any]] = set()
        for event in EVENTS:
            self.session.on(event, self._keep)
        self.session.on("streamCreated", self._subscribe)

    @property
    def id(self) -> str:
        """Return the connection id."""
        assert self.session.connection is not None
        return self.session.connection.connection_id

    async def join(self, role: Role = Role.PUBLISHER, *, publish: bool = True) -> None:
        await self.session.connect(await self.fresh_token(role), {"name": self.name})
        if publish:
            self.publisher = await self.openvidu.init_publisher("me")
            await self.session.publish(self.publisher)

    async def fresh_token(self, role: Role = Role.PUBLISHER) -> str:
        """Return a token, as an application's backend would."""
        return self.world.rooms.issue_token(self.world.room, ConnectionProperties(role=role), "ws://localhost:4443").url

    def events(self, *names: str) -> list[str]:
        """Return the events received, in order, as `name` or `name(reason)`; without names all of them."""
        told = [(name, reason) for _, name, reason in self.log if not names or name in names]
        return [f"{name}({reason})" if reason else name for name, reason in told]

    def when(self, name: str) -> float:
        return next(at for at, told, _ in reversed(self.log) if told == name)

    def _keep(self, event: Any) -> None:
        self.log.append((now(), event.type, str(getattr(event, "reason", ""))))

    async def _subscribe(self, event: Any) -> None:
        await self.session.subscribe(event.stream, "others")


class Call:
    """A server's room and the participants that a test adds to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.participants: list[Participant] = []

    async def participant(self, name: str, *, publish: bool = True, **configuration: Any) -> Participant:
        person = Participant(self.world, name, **configuration)
        self.participants.append(person)
        await person.join(publish=publish)
        await asyncio.sleep(0.5)
        return person

    def requests(self, method: str) -> list[tuple[str, ...]]:
        """Return the calls of `method` that reached the server's media server."""
        return self.world.media.named(method)

    @property
    def renegotiations(self) -> int:
        """Return how many `reconnectStream` got through: a publisher's is a republish, a subscriber's a second subscribe."""
        subscriptions = [call[1:3] for call in self.world.media.named("subscribe")]
        return len(self.world.media.named("republish")) + len(subscriptions) - len(set(subscriptions))


@asynccontextmanager
async def a_call(make_profile: ProfileFactory | None = None) -> AsyncIterator[Call]:
    """Run a server; afterwards all tasks, sockets, peer connections and listeners must be gone."""
    async with SimulatedWorld(make_profile) as world:
        call = Call(world)
        yield call
        for person in call.participants:
            person.session.disconnect()
            person.link.restore()
        await settle()
        await asyncio.sleep(30)  # what is in transit arrives or times out
        for person in call.participants:
            assert not person.peers.alive, f"{person.name} left peer connections open"
            assert not person.link.listeners, f"{person.name} still listens to the network"
            assert not person.link.sockets, f"{person.name} left sockets open"


async def until(condition: Callable[[], bool], timeout: float = 60.0) -> float:
    """Let virtual time pass until `condition` holds; return the seconds that took. Fails after `timeout` s."""
    began = now()
    while not condition():
        assert now() - began < timeout, "it did not happen"
        await asyncio.sleep(0.01)
    return now() - began


__all__ = ["Call", "Participant", "SimulatedPeers", "a_call", "until"]
