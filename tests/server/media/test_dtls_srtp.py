"""Every aiortc name that the server relies on, one test each: an upgrade that moves a name fails the test for it."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable

import aiortc
import pylibsrtp
import pytest
from aiortc import RTCDtlsTransport

from pyvidu.server.media.dtls_srtp import LARGEST_PACKET, Certificate, DtlsSrtp
from tests.stopwatch import stopwatch
from tests.waiting import until

HANDSHAKE, CLIENT_HELLO = 22, 1  # RFC 6347, section 4.3.2


def test_largest_packet_is_the_limit_of_pylibsrtp() -> None:
    session = pylibsrtp.Session(pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    header = bytes([0x80, 96, *bytes(10)])
    session.protect(header + bytes(LARGEST_PACKET - len(header)))
    with pytest.raises(ValueError, match="too long"):
        session.protect_rtcp(header + bytes(LARGEST_PACKET + 1 - len(header)))


async def test_datagrams_of_any_length_raise_nothing_and_only_a_bounded_number_is_kept() -> None:
    ends = Ends()
    datagrams = [bytes([first]) + bytes(2999) for first in (22, 128) for _ in range(500)]
    for datagram in datagrams:
        ends.server.receive(datagram)
    unsent = bytes(3000)
    *references, unkept = [sys.getrefcount(item) for item in [*datagrams, unsent]]
    assert 0 < sum(count > unkept for count in references) < 400
    await ends.close()
    again = Ends()
    await again.connect()
    again.server.receive(bytes([128]) + bytes(2999))
    assert again.packets["server"] == []
    await again.close()


class Ends:
    """Two ends of a connection, joined by a link that can lose and delay datagrams."""

    def __init__(self, lose: Callable[[int], bool] = lambda _: False, expected: Certificate | None = None) -> None:
        """Lose the datagrams whose number `lose` picks. The client expects the server's certificate or `expected`."""
        self.records: list[tuple[str, bytes]] = []
        self.packets: dict[str, list[bytes]] = {"client": [], "server": []}
        self.events: list[str] = []
        self.sent = 0
        self._lose = lose
        certificates = {"client": Certificate(), "server": Certificate()}
        self.client = self._end("client", certificates["client"], expected or certificates["server"])
        self.server = self._end("server", certificates["server"], certificates["client"])

    def _end(self, name: str, own: Certificate, other: Certificate) -> DtlsSrtp:
        def send(data: bytes) -> None:
            self.sent += 1
            self.records.append((name, data))
            if not self._lose(self.sent):
                asyncio.get_running_loop().call_soon(self._other(name).receive, data)

        return DtlsSrtp(
            own,
            other.fingerprints,
            client=name == "client",
            send=send,
            on_connected=lambda: self.events.append(f"{name} connected"),
            on_packet=self.packets[name].append,
            on_closed=lambda reason: self.events.append(f"{name}: {reason}"),
        )

    def _other(self, name: str) -> DtlsSrtp:
        return self.server if name == "client" else self.client

    async def connect(self, patience: float = 5) -> None:
        self.server.start()
        self.client.start()
        await until(lambda: self.client.connected and self.server.connected, patience, "the connection", every=0.001)

    async def close(self) -> None:
        await self.client.close()
        await self.server.close()


def test_aiortc_version_is_1_16() -> None:
    assert aiortc.__version__.startswith("1.16.")


def test_certificates_give_a_sha_256_fingerprint() -> None:
    ((algorithm, value),) = Certificate().fingerprints
    assert algorithm == "sha-256"
    assert len(value.split(":")) == 32


def test_the_transport_takes_any_ice_transport_and_starts_with_the_peers_fingerprints() -> None:
    assert list(inspect.signature(RTCDtlsTransport.__init__).parameters) == ["self", "transport", "certificates"]
    assert list(inspect.signature(RTCDtlsTransport.start).parameters) == ["self", "remoteParameters"]


async def test_the_handshake_runs_over_recv_and_send_and_the_roles_follow_the_ice_role() -> None:
    ends = Ends()
    await ends.connect()
    assert sorted(ends.events) == ["client connected", "server connected"]
    name, record = next(iter(ends.records))
    assert (name, record[0], record[13]) == ("client", HANDSHAKE, CLIENT_HELLO)
    assert {name for name, record in ends.records if record[0] == HANDSHAKE and record[13] == CLIENT_HELLO} == {
        "client"
    }
    await ends.close()


async def test_srtp_sessions_of_both_ends_have_matching_keys() -> None:
    ends = Ends()
    await ends.connect()
    rtp = bytes.fromhex("80600001000000020000000361626364")
    report = bytes.fromhex("80c9000100000001")
    ends.server.receive(ends.client.protect_rtp(rtp))
    ends.server.receive(ends.client.protect_rtcp(report))
    ends.client.receive(ends.server.protect_rtp(rtp))
    assert ends.packets == {"server": [rtp, report], "client": [rtp]}
    ends.server.receive(bytes([0x80, 0x60]) + bytes(30))  # forged
    ends.server.receive(bytes([0x80]))
    assert len(ends.packets["server"]) == 2
    await ends.close()


async def test_media_received_before_the_end_of_the_handshake_is_kept() -> None:
    ends = Ends()
    held: list[bytes] = []
    receive = ends.server.receive

    ends.server.receive = held.append  # type: ignore[method-assign]
    ends.server.start()
    ends.client.start()

    def client_is_connected() -> bool:
        if not (ends.client.connected or ends.server.connected):
            waiting, held[:] = held[:], []
            for data in waiting:
                receive(data)
        return ends.client.connected

    await until(client_is_connected, 3, every=0.001)
    # The server end may not have finished its handshake: packets that arrive earlier must not be lost.
    rtp = bytes.fromhex("80600001000000020000000361626364")
    receive(ends.client.protect_rtp(rtp))
    for data in held:
        receive(data)
    await until(lambda: ends.packets["server"], 3)
    assert ends.packets["server"] == [rtp]
    await ends.close()


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
async def test_lost_flight_is_retransmitted_within_600_ms(lost: int) -> None:
    ends = Ends(lose=lambda count: count == lost)
    async with stopwatch() as watch:
        await ends.connect()
        assert watch.seconds < 0.6  # OpenSSL's own retransmission timer is 1 s
    await ends.close()


async def test_a_peer_with_another_certificate_is_refused() -> None:
    ends = Ends(expected=Certificate())
    ends.server.start()
    ends.client.start()
    await until(lambda: "client: the DTLS handshake failed" in ends.events, 3)
    assert not ends.client.connected
    await ends.close()


async def test_close_notifies_the_peer_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    ends = Ends()
    await ends.connect()
    await ends.client.close()
    await until(lambda: "server: the peer closed the connection" in ends.events, 3)
    await ends.server.close()
    assert asyncio.all_tasks() == before


async def test_close_during_a_handshake_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    ends = Ends(lose=lambda _: True)
    ends.server.start()
    ends.client.start()
    await until(lambda: ends.sent, what="the first flight")
    await ends.close()
    assert asyncio.all_tasks() == before
