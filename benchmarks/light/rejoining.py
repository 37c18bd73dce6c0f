"""The process of participants whose server is restarted: the real client core, whose `rejoin` asks a backend for a token.

Reads one line with an `Order` and prints a line when all have joined and all media flows. Then `restart` forgets what was
recorded, and `report` prints what each has been told, tried and received. They leave at the end of its input.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.light.host import LightHosts, Try, http_client
from benchmarks.light.media_host import LightDevices, LightPeers
from benchmarks.light.peers import LightSubscriber
from pyvidu import OpenVidu, OpenViduError

_AT_ONCE = 20  # joins at the beginning
_TOLD = ("reconnecting", "reconnected", "rejoined", "sessionDisconnected", "exception", "streamFrozen")
_ASKED_AGAIN = 0.5  # seconds after which a page asks its backend again
_CONFLICT = 409  # the session exists already
_FLOWING_WITHIN = 60.0
_BEAT = 0.05


@dataclass(frozen=True)
class Order:
    """`members` in rooms of `room`; one room in `media_every`, from the first on, has media of all its members."""

    url: str
    secret: str
    members: int
    room: int
    media_every: int

    def has_media(self, member: int) -> bool:
        """Return whether a member publishes and receives."""
        return member // self.room % self.media_every == 0


class Backend:
    """An application's backend, which pages ask for tokens. It asks the server until it gets one."""

    def __init__(self, http: aiohttp.ClientSession, hosts: LightHosts, order: Order) -> None:
        self._http, self._trust, self._api = http, hosts.trust, f"{order.url}openvidu/api"
        credentials = base64.b64encode(f"OPENVIDUAPP:{order.secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    async def token(self, room: str) -> str:
        """Return a fresh token."""
        while True:
            try:
                await self._post("sessions", {"customSessionId": room})
                return str((await self._post(f"sessions/{room}/connection", {}))["token"])
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(_ASKED_AGAIN)  # before the next request

    async def _post(self, path: str, body: Any) -> Any:
        url = f"{self._api}/{path}"
        async with self._http.post(url, json=body, headers=self._headers, ssl=self._trust) as answer:
            if answer.status == _CONFLICT:
                return None
            answer.raise_for_status()
            return await answer.json()


class Member:
    """One participant, as an application makes it: it subscribes to every stream, and rejoins."""

    def __init__(self, hosts: LightHosts, peers: LightPeers, backend: Backend, number: int, order: Order) -> None:
        self.told: list[tuple[float, str, str]] = []
        self.tries: list[Try] = []
        self.has_media = order.has_media(number)
        self._room = f"restarted{number // order.room}"
        self._backend = backend
        self._openvidu = OpenVidu(hosts.host(peers, LightDevices(), self.tries))
        self._openvidu.set_advanced_configuration(rejoin=self._token)
        self.session = self._openvidu.init_session()
        for name in _TOLD:
            self.session.on(name, self._keep)
        self.session.on("streamCreated", self._subscribe)

    @property
    def id(self) -> str:
        """Return its connection id."""
        return self.session.connection.connection_id if self.session.connection is not None else ""

    async def join(self) -> None:
        """Join, and publish if it has media."""
        await self.session.connect(await self._token(), {"name": "restarted"})
        if self.has_media:
            await self.session.publish(await self._openvidu.init_publisher())

    def received(self) -> Iterator[tuple[str, float | None]]:
        """Yield of each received stream the connection id of its owner, and when its first frame came."""
        for manager in self.session.stream_managers:
            peer = manager.media.peer if manager.media is not None else None
            if manager.remote and manager.stream.connection is not None and peer is not None:
                assert isinstance(peer.native, LightSubscriber)
                yield manager.stream.connection.connection_id, peer.native.first_frame_at

    async def _token(self) -> str:
        return await self._backend.token(self._room)

    async def _subscribe(self, event: Any) -> None:
        try:
            await self.session.subscribe(event.stream)
        except OpenViduError as error:  # of a server that ends meanwhile
            self.told.append((asyncio.get_running_loop().time(), "refused", str(error)))

    def _keep(self, event: Any) -> None:
        reason = str(getattr(event, "reason", "") or getattr(event, "name", ""))
        self.told.append((asyncio.get_running_loop().time(), event.type, reason))


class Lag:
    """The longest time for which this process's event loop stood still, in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())

    def close(self) -> None:
        """End the measurement."""
        self._task.cancel()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT
            await asyncio.sleep(_BEAT)  # between two measurements
            self.longest = max(self.longest, loop.time() - due)


def report(members: Sequence[Member], lag: Lag) -> dict[str, Any]:
    """Return what was recorded of each member; owners of streams are numbers of members."""
    numbers = {member.id: number for number, member in enumerate(members)}
    return {
        "lag": lag.longest,
        "members": [
            {
                "told": member.told,
                "tries": [(one.began, one.opened) for one in member.tries],
                "frames": [(numbers[owner], at) for owner, at in member.received() if at and owner in numbers],
            }
            for member in members
        ],
    }


async def _all_flow(members: Sequence[Member], order: Order) -> None:
    """Wait until each member with media receives all others of its room. Raises TimeoutError."""
    async with asyncio.timeout(_FLOWING_WITHIN):
        for number, member in enumerate(members):
            first = number - number % order.room
            expected = min(order.room, order.members - first) - 1 if member.has_media else 0
            while sum(at is not None for _, at in member.received()) < expected:
                await asyncio.sleep(_BEAT)  # before looking again


async def main() -> None:
    """Run the members until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order = Order(**json.loads(await reader.readline()))
    gate = asyncio.Semaphore(_AT_ONCE)
    async with http_client() as http:
        hosts, peers = LightHosts(http), LightPeers()
        backend = Backend(http, hosts, order)
        members = [Member(hosts, peers, backend, number, order) for number in range(order.members)]

        async def join(member: Member) -> None:
            async with gate:
                await member.join()

        await asyncio.gather(*map(join, members))
        await _all_flow(members, order)
        lag = Lag()
        print(json.dumps({"joined": len(members)}), flush=True)
        while (line := (await reader.readline()).strip()) != b"":
            if line == b"restart":
                lag.longest = 0.0
                for member in members:
                    member.tries.clear()
                    member.told.clear()
            print(json.dumps(report(members, lag)), flush=True)
        lag.close()
        for member in members:
            member.session.disconnect()
        await asyncio.sleep(_BEAT)  # for what they send at the end


if __name__ == "__main__":
    asyncio.run(main())
