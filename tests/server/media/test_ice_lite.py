"""Connectivity checks, shared ports, and no response to a sender that has not authenticated as the peer."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aioice import stun as independent

from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.faults.paths import MediaPath
from pyvidu.server.limits import MediaLimits
from pyvidu.server.media import ice_lite, stun
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.ice_lite import IceSession, SharedPorts
from pyvidu.server.traffic import DirectPath

REMOTE = "peer"


class Peer(asyncio.DatagramProtocol):
    """A socket that keeps the datagrams it received."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.received.get(), 2)


class UnusedPort:
    """A port whose datagrams reach nobody."""

    def send(self, data: bytes, address: object) -> None:
        pass


class Bench:
    """Ports on loopback, one session, and peers."""

    def __init__(self) -> None:
        self.ports = SharedPorts(["127.0.0.1"])
        self.data: asyncio.Queue[bytes] = asyncio.Queue()
        self.path = MediaPath(lambda _: None)
        self.reachable = 0
        self.peers: list[Peer] = []
        self.server = ("", 0)

    async def start(self) -> None:
        (self.server,) = await self.ports.open()

        def reachable() -> None:
            self.reachable += 1

        self.new_session = lambda: IceSession(
            self.ports, self.path, REMOTE, on_datagram=self.data.put_nowait, on_reachable=reachable
        )
        self.session = self.new_session()

    async def peer(self) -> Peer:
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(Peer, remote_addr=self.server)
        self.peers.append(peer)
        return peer

    def check(self, *, nominates: bool = False, password: str = "", username: str = "") -> bytes:
        name = username or f"{self.session.ufrag}:{REMOTE}"
        return stun.binding_request(name, password or self.session.password, os.urandom(12), nominates=nominates)

    async def close(self) -> None:
        for peer in self.peers:
            peer.transport.close()
        self.session.close()
        await self.ports.close()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.start()
    yield bench
    await bench.close()


async def settled(bench: Bench, peer: Peer) -> None:
    """Return once everything that the peer sent before has been handled."""
    witness = IceSession(
        bench.ports, DirectPath(), REMOTE, on_datagram=bench.data.put_nowait, on_reachable=lambda: None
    )
    name = f"{witness.ufrag}:{REMOTE}"
    before = peer.received.qsize()
    peer.transport.sendto(stun.binding_request(name, witness.password, b"w" * 12, nominates=False))
    async with asyncio.timeout(2):
        while peer.received.qsize() == before:
            await asyncio.sleep(0)
    witness.close()


async def test_response_to_a_check_is_authenticated_by_another_implementation(bench: Bench) -> None:
    peer = await bench.peer()
    request = independent.Message(independent.Method.BINDING, independent.Class.REQUEST)
    request.attributes["USERNAME"] = f"{bench.session.ufrag}:{REMOTE}"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 5
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(bench.session.password.encode())
    peer.transport.sendto(bytes(request))
    response = independent.parse_message(await peer.next())
    assert response.message_class == independent.Class.RESPONSE
    assert response.transaction_id == request.transaction_id
    assert response.check_message_integrity(bench.session.password.encode())
    assert response.attributes["XOR-MAPPED-ADDRESS"] == peer.transport.get_extra_info("sockname")
    assert "FINGERPRINT" in response.attributes
    assert bench.reachable == 1


async def test_check_with_the_controlled_role_is_answered_with_a_role_conflict(bench: Bench) -> None:
    peer = await bench.peer()
    request = independent.Message(independent.Method.BINDING, independent.Class.REQUEST)
    request.attributes["USERNAME"] = f"{bench.session.ufrag}:{REMOTE}"
    request.attributes["ICE-CONTROLLED"] = 5
    request.add_message_integrity(bench.session.password.encode())
    peer.transport.sendto(bytes(request))
    assert independent.parse_message(await peer.next()).error_code == 487
    assert bench.reachable == 0


async def test_unauthenticated_datagrams_are_not_answered(bench: Bench) -> None:
    stranger = await bench.peer()
    for datagram in (
        bench.check(password="x" * 32),
        bench.check(username=f"{bench.session.ufrag}:somebody"),
        bench.check(username="nobody:peer"),
        b"\x80" + bytes(20),
        b"\x16" + bytes(20),
        bytes(20),
        b"",
        os.urandom(100),
    ):
        stranger.transport.sendto(datagram)
    await settled(bench, await bench.peer())
    assert stranger.received.empty()
    assert bench.reachable == 0
    assert bench.data.empty()


async def test_data_is_sent_to_the_address_that_the_peer_nominated_last(bench: Bench) -> None:
    first, second = await bench.peer(), await bench.peer()
    bench.session.send(b"into the void")
    first.transport.sendto(bench.check())
    await first.next()
    bench.session.send(b"one")
    assert await first.next() == b"one"
    second.transport.sendto(bench.check())
    await second.next()
    bench.session.send(b"two")  # a check without nomination moves nothing
    assert await first.next() == b"two"
    second.transport.sendto(bench.check(nominates=True))
    await second.next()
    bench.session.send(b"three")
    assert await second.next() == b"three"
    second.transport.sendto(b"\x80 from there")
    assert await asyncio.wait_for(bench.data.get(), 2) == b"\x80 from there"


async def test_data_is_sent_to_the_address_of_a_check_when_the_nominated_one_is_silent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await bench.peer(), await bench.peer()
    first.transport.sendto(bench.check(nominates=True))
    await first.next()
    monkeypatch.setattr(ice_lite, "LOST_ADDRESS_SECONDS", -1.0)  # from now on any silence is too long
    second.transport.sendto(bench.check())
    await second.next()
    bench.session.send(b"found you")
    assert await second.next() == b"found you"


async def test_dropping_session_neither_receives_nor_sends_until_dropping_ends(bench: Bench) -> None:
    peer = await bench.peer()
    peer.transport.sendto(bench.check())
    await peer.next()
    bench.path.drop(True)
    peer.transport.sendto(bench.check())
    peer.transport.sendto(b"\x80 data")
    bench.session.send(b"gone")
    await settled(bench, await bench.peer())
    assert peer.received.empty()
    assert bench.data.empty()
    bench.path.drop(False)
    peer.transport.sendto(bench.check())
    assert stun.is_stun(await peer.next())


async def test_closed_session_is_released_and_its_datagrams_are_not_answered(bench: Bench) -> None:
    peer = await bench.peer()
    peer.transport.sendto(bench.check())
    await peer.next()
    bench.session.close()
    peer.transport.sendto(bench.check())
    peer.transport.sendto(b"\x80 data")
    await settled(bench, await bench.peer())
    assert peer.received.empty()
    closed = weakref.ref(bench.session)
    bench.session = bench.new_session()
    gc.collect()
    assert closed() is None


async def test_nothing_is_sent_to_a_peer_without_recent_consent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = await bench.peer()
    monkeypatch.setattr(ice_lite, "CONSENT_SECONDS", 0.0)
    peer.transport.sendto(bench.check())
    await peer.next()
    bench.session.send(b"too late")
    await settled(bench, await bench.peer())
    assert peer.received.empty()


def other_session(bench: Bench) -> tuple[IceSession, list[bytes]]:
    """Return a second session on the same ports, and what it receives."""
    received: list[bytes] = []
    session = IceSession(bench.ports, DirectPath(), REMOTE, on_datagram=received.append, on_reachable=lambda: None)
    return session, received


def check_of(session: IceSession, *, nominates: bool = True) -> bytes:
    return stun.binding_request(f"{session.ufrag}:{REMOTE}", session.password, os.urandom(12), nominates=nominates)


class SpoofedPort(UnusedPort):
    """A port that keeps what is sent, for datagrams whose sender's address is not where they come from."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, object]] = []

    def send(self, data: bytes, address: object) -> None:
        self.sent.append((data, address))

    def to(self, address: object) -> list[bytes]:
        """Return what was sent to an address, besides responses to checks."""
        return [data for data, where in self.sent if where == address and not stun.is_stun(data)]


VICTIM, THIRD = ("127.0.0.1", 1001), ("127.0.0.1", 1002)


async def test_address_in_use_is_not_given_to_another_session(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    port: Any = SpoofedPort()
    attacker, stolen = other_session(bench)
    bench.ports.receive(port, bench.check(nominates=True), VICTIM)
    bench.ports.receive(port, b"\x80 media", VICTIM)
    bench.session.authenticated()
    answers = len(port.sent)
    bench.ports.receive(port, check_of(attacker), VICTIM)
    bench.ports.receive(port, b"\x80 more media", VICTIM)
    assert stolen == []
    assert len(port.sent) == answers, "such a check is not answered"
    later = asyncio.get_running_loop().time() + 3.1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    bench.ports.receive(port, check_of(attacker), VICTIM)
    bench.ports.receive(port, b"\x80 of whom has the address now", VICTIM)
    assert stolen == [b"\x80 of whom has the address now"]
    attacker.close()


async def test_address_without_anything_authentic_is_given_to_another_session(bench: Bench) -> None:
    port: Any = SpoofedPort()
    attacker, _ = other_session(bench)
    bench.ports.receive(port, check_of(attacker), VICTIM)
    bench.ports.receive(port, bench.check(nominates=True), VICTIM)
    bench.ports.receive(port, b"\x80 media", VICTIM)
    assert bench.data.get_nowait() == b"\x80 media"
    attacker.close()


async def test_replayed_check_moves_nothing_and_is_not_answered(bench: Bench) -> None:
    port: Any = SpoofedPort()
    captured = bench.check(nominates=True)
    bench.ports.receive(port, captured, VICTIM)
    for _ in range(200):
        bench.ports.receive(port, bench.check(), VICTIM)
    bench.ports.receive(port, captured, THIRD)
    bench.session.send(b"\x80 media")
    assert port.to(VICTIM) == [b"\x80 media"]
    assert all(where == VICTIM for _, where in port.sent)


async def test_check_repeated_from_its_own_address_is_answered_again(bench: Bench) -> None:
    port: Any = SpoofedPort()
    request = bench.check(nominates=True)
    bench.ports.receive(port, request, VICTIM)
    bench.ports.receive(port, request, VICTIM)
    assert [stun.is_stun(data) for data, _ in port.sent] == [True, True]


async def test_address_that_has_proved_nothing_gets_128_kb(bench: Bench) -> None:
    port: Any = SpoofedPort()
    bench.ports.receive(port, bench.check(nominates=True), VICTIM)
    bench.ports.receive(port, b"\x80 media", VICTIM)
    bench.session.authenticated()
    for _ in range(500):
        bench.session.send(b"\x80" + bytes(999))
    assert len(port.to(VICTIM)) == 500
    for _ in range(40):  # whatever else it does meanwhile
        for address in (THIRD, VICTIM, *[("127.0.0.1", 2000 + number) for number in range(40)]):
            bench.ports.receive(port, bench.check(nominates=True), address)
            for _ in range(10):
                bench.session.send(b"\x80" + bytes(999))
    assert len(port.to(THIRD)) <= 128
    unproved = [address for address in {where for _, where in port.sent} if address != VICTIM]
    assert all(len(port.to(address)) <= 128 for address in unproved)


async def test_move_to_a_new_address_is_not_delayed_and_unlimited_after_a_packet_from_there(bench: Bench) -> None:
    port: Any = SpoofedPort()
    bench.ports.receive(port, bench.check(nominates=True), VICTIM)
    bench.ports.receive(port, b"\x80 media", VICTIM)
    bench.session.authenticated()
    bench.ports.receive(port, bench.check(nominates=True), THIRD)
    bench.session.send(b"\x80 at once")
    assert port.to(THIRD) == [b"\x80 at once"]
    bench.ports.receive(port, b"\x80 media", THIRD)
    bench.session.authenticated()
    for _ in range(500):
        bench.session.send(b"\x80" + bytes(999))
    assert len(port.to(THIRD)) == 501


async def test_error_names_an_address_that_cannot_be_bound() -> None:
    ports = SharedPorts(["192.0.2.222"])
    with pytest.raises(MediaServerError, match=r"192\.0\.2\.222"):
        await ports.open()
    await ports.close()


async def test_addresses_are_bound_once_and_unavailable_ones_are_skipped() -> None:
    ports = SharedPorts(["192.0.2.222", "127.0.0.1"])
    first, second = await asyncio.gather(ports.open(), ports.open())
    assert first == second
    assert [host for host, _ in first] == ["127.0.0.1"]
    await ports.close()
    with pytest.raises(MediaServerError, match="closed"):
        await ports.open()


def test_interface_addresses_end_with_loopback_and_omit_link_local_ones() -> None:
    found = ice_lite.interface_addresses()
    assert "127.0.0.1" in found
    assert not any("%" in address or address.startswith("fe80") for address in found)
    loopback = [address in ("127.0.0.1", "::1") for address in found]
    assert loopback == sorted(loopback)


async def test_delay_applies_in_both_directions_and_its_end_delivers_pending_datagrams(bench: Bench) -> None:
    peer = await bench.peer()
    loop = asyncio.get_running_loop()
    bench.path.slow(Delay(0.1))
    began = loop.time()
    peer.transport.sendto(bench.check())
    await peer.next()
    assert loop.time() - began >= 0.2, "there and back"
    assert bench.session.last_heard is not None
    bench.path.slow(Delay(60))
    peer.transport.sendto(b"\x80 media")
    await settled(bench, peer)
    await peer.next()  # the response to the check that `settled` sent
    bench.session.send(b"on its way")
    assert bench.data.empty()
    bench.path.slow(None)
    assert bench.data.get_nowait() == b"\x80 media"
    assert await peer.next() == b"on its way"


async def test_only_the_latest_addresses_of_a_peer_are_kept(bench: Bench) -> None:
    port: Any = UnusedPort()
    addresses = [("127.0.0.1", 1 + number) for number in range(1000)]
    for address in addresses:
        bench.ports.receive(port, bench.check(), address)
    for address in addresses:
        bench.ports.receive(port, b"\x80 from %d" % address[1], address)
    received = [bench.data.get_nowait() for _ in range(bench.data.qsize())]
    assert received == [b"\x80 from %d" % port for _, port in addresses[-MediaLimits().addresses :]]


async def test_on_loopback_one_more_address_is_offered_for_firefox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_lite, "interface_addresses", lambda: ["127.0.0.3", "127.0.0.1"])
    monkeypatch.setattr(ice_lite, "is_loopback_address", lambda host: host == "127.0.0.1")
    ports = SharedPorts(None, only_this_machine=True)
    try:
        assert [host for host, _ in await ports.open()] == ["127.0.0.1", "127.0.0.3"]
    finally:
        await ports.close()


async def test_checks_from_another_machine_are_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_lite, "interface_addresses", lambda: ["127.0.0.1"])
    ports = SharedPorts(None, only_this_machine=True)
    await ports.open()
    session = IceSession(ports, DirectPath(), REMOTE, on_datagram=lambda _: None, on_reachable=lambda: None)
    check = stun.binding_request(f"{session.ufrag}:{REMOTE}", session.password, os.urandom(12), nominates=True)
    answered: list[object] = []

    class Port:
        def send(self, data: bytes, address: object) -> None:
            answered.append(address)

    for host in ("192.0.2.7", "127.0.0.1"):
        ports.receive(Port(), check, (host, 5000))  # type: ignore[arg-type]
    assert answered == [("127.0.0.1", 5000)]
    session.close()
    await ports.close()


# --- a peer whose NAT has forgotten its mapping ----------------------------------------------------------------------

HOME, MOVED, ELSEWHERE = ("192.0.2.1", 1001), ("192.0.2.1", 1002), ("192.0.2.2", 1001)


class Peers:
    """Sessions on the ports of a bench, each of which decrypts what contains its name."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.port: Any = SpoofedPort()
        self.got: dict[str, list[bytes]] = {}
        self.tried = 0
        self.now = asyncio.get_running_loop().time()
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)

    def join(self, name: str, address: object) -> IceSession:
        """Return a session whose peer has proved its address."""
        got = self.got[name] = []

        def decrypt(data: bytes) -> None:
            self.tried += 1
            if name.encode() in data:
                session.authenticated()
                got.append(data)

        session = IceSession(self.bench.ports, DirectPath(), REMOTE, on_datagram=decrypt, on_reachable=lambda: None)
        self.bench.ports.receive(self.port, check_of(session), address)
        self.arrive(f"{name} 1", address)
        return session

    def arrive(self, text: str, address: object) -> None:
        """Let an RTP packet arrive."""
        self.bench.ports.receive(self.port, b"\x80" + text.encode(), address)


@pytest_asyncio.fixture
async def peers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peers]:
    yield Peers(bench, monkeypatch)


async def test_peer_is_followed_to_the_port_from_which_its_packets_come(peers: Peers) -> None:
    ada, _ = peers.join("ada", HOME), peers.join("bob", ("192.0.2.1", 2000))
    peers.now += 0.2
    peers.arrive("ada 2", MOVED)
    assert len(peers.got["ada"]) == 2
    ada.send(b"\x80 to her")
    assert peers.port.to(MOVED) == [b"\x80 to her"]
    tried = peers.tried
    peers.arrive("ada 3", MOVED)
    assert (len(peers.got["ada"]), peers.tried - tried) == (3, 1), "she has that port now"
    peers.bench.ports.receive(peers.port, check_of(ada), HOME)
    ada.send(b"\x80 back")
    assert peers.port.to(HOME) == [b"\x80 back"], "a check counts more"


async def test_packet_that_nobody_has_encrypted_moves_nobody(peers: Peers) -> None:
    ada = peers.join("ada", HOME)
    peers.now += 0.2
    peers.arrive("mallory 1", MOVED)
    ada.send(b"\x80 to her")
    assert (len(peers.got["ada"]), peers.port.to(MOVED), peers.port.to(HOME)) == (1, [], [b"\x80 to her"])


async def test_peer_is_followed_to_no_other_host_and_not_while_it_is_heard_or_has_proved_nothing(peers: Peers) -> None:
    peers.join("ada", HOME)
    peers.arrive("ada 2", MOVED)
    peers.now += 0.2
    peers.arrive("ada 2", ELSEWHERE)
    peers.bench.ports.receive(peers.port, b"\x16 ada", MOVED)
    new = IceSession(peers.bench.ports, DirectPath(), REMOTE, on_datagram=lambda _: None, on_reachable=lambda: None)
    peers.bench.ports.receive(peers.port, check_of(new), ELSEWHERE)
    peers.now += 0.2
    tried = peers.tried
    peers.arrive("new", ("192.0.2.2", 1))
    assert (len(peers.got["ada"]), peers.tried) == (1, tried)


async def test_packets_from_unknown_ports_are_tried_so_often_only(peers: Peers) -> None:
    for number in range(30):
        peers.join(f"peer {number}.", ("192.0.2.1", 3000 + number))
    peers.now += 0.2
    tried = peers.tried
    for number in range(200):
        peers.arrive("mallory", ("192.0.2.1", 5000 + number))
    assert peers.tried - tried == MediaLimits().moves


async def test_peer_that_moves_again_and_again_has_so_many_addresses_at_most(peers: Peers) -> None:
    peers.join("ada", HOME)
    for number in range(100):
        peers.now += 0.2
        peers.arrive(f"ada {number}", ("192.0.2.1", 4000 + number))
    assert len(peers.got["ada"]) == 101
    peers.arrive("ada again", ("192.0.2.1", 4000))
    assert len(peers.got["ada"]) == 101, "an address of long ago is forgotten"
    peers.arrive("ada again", ("192.0.2.1", 4098))
    assert len(peers.got["ada"]) == 102
