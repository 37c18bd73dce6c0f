"""Media of a client whose NAT forgets its mapping: the server follows its packets, before the next check says where it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from pyvidu.server.media.router import MediaRouter
from tests.server.media.media_client import Client
from tests.waiting import until

_STUN = 4  # the first byte of a STUN message is less than that (RFC 7983)


class Nat(asyncio.DatagramProtocol):
    """A NAT on loopback: what the client sends to its inside port goes to the server from its outside port, and back."""

    def __init__(self) -> None:
        self.inside: Any = None
        self.returned = 0  # datagrams of media from the server since the mapping was made
        self._passes_checks = True
        self._outside: Any = None
        self._client: Any = None
        self._server: Any = None

    @classmethod
    async def of(cls, answer: str) -> tuple[Nat, str]:
        """Return a NAT before the server of an answer, and the answer with the NAT's address instead."""
        found = re.search(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host", answer)
        assert found is not None
        loop = asyncio.get_running_loop()
        inside, nat = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        nat.inside, nat._server = inside, ("127.0.0.1", int(found[1]))
        await nat._map()
        port = inside.get_extra_info("sockname")[1]
        return nat, answer.replace(f"127.0.0.1 {found[1]} typ host", f"127.0.0.1 {port} typ host")

    async def forget(self) -> None:
        """Forget the mapping: what is sent to the old outside port is lost, and the client has another one.

        The client's checks, which would tell the server of its new address, are lost from now on.
        """
        self._passes_checks = False
        self._outside.close()
        await self._map()

    async def _map(self) -> None:
        nat, self.returned = self, 0

        class Outside(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                nat.returned += data[0] >= _STUN
                if nat._client is not None:
                    nat.inside.sendto(data, nat._client)

        self._outside, _ = await asyncio.get_running_loop().create_datagram_endpoint(Outside, remote_addr=self._server)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Pass on what the client has sent."""
        self._client = addr
        if self._passes_checks or data[0] >= _STUN:
            self._outside.sendto(data)

    def close(self) -> None:
        """Close both ends."""
        self.inside.close()
        self._outside.close()


class NatCall:
    """A publisher and a subscriber, each behind a NAT of its own."""

    publisher_nat: Nat
    subscriber_nat: Nat
    subscriber: Client

    async def begin(self, router: MediaRouter, client: Callable[[], Client]) -> NatCall:
        publisher = client().sends(audio=False)
        answer = await router.publish("con_a", "str_a", await publisher.offer())
        self.publisher_nat, answer = await Nat.of(answer)
        await publisher.accept(answer)
        self.subscriber = client().receives()
        answer = await router.subscribe("con_b", "str_a", await self.subscriber.offer())
        self.subscriber_nat, answer = await Nat.of(answer)
        await self.subscriber.accept(answer)
        await self.subscriber.frames(30)
        return self


@pytest_asyncio.fixture
async def call(router: MediaRouter, client: Callable[[], Client]) -> AsyncIterator[NatCall]:
    call = await NatCall().begin(router, client)
    yield call
    call.publisher_nat.close()
    call.subscriber_nat.close()


async def test_publisher_is_followed_with_its_next_packet(call: NatCall) -> None:
    await call.publisher_nat.forget()
    await call.subscriber.frames(15)


async def test_subscriber_is_followed_with_its_next_report(call: NatCall) -> None:
    await call.subscriber_nat.forget()
    await until(lambda: call.subscriber_nat.returned > 30)
