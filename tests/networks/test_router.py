"""A lab with a router, without a browser: what arrives at either end, and as whom."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pyvidu.testing import LabError, LabFault, NetworkLab, lab_unavailable_reason
from pyvidu.testing.inside import call_inside

WITHIN = 2.0  # seconds in which a packet arrives that is not dropped
IN_VAIN = 0.3  # seconds in which one that is dropped does not


@pytest.fixture(scope="module")
def lab() -> Iterator[NetworkLab]:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab(router=True) as lab:
        yield lab


class Pair:
    """A datagram socket at either end, and a TCP connection from the guest to this machine."""

    def __init__(self, lab: NetworkLab, opened: ExitStack) -> None:
        def enter(made: socket.socket) -> socket.socket:
            made.settimeout(WITHIN)
            return opened.enter_context(made)

        self.server = enter(socket.socket(type=socket.SOCK_DGRAM))
        self.server.bind((lab.host_address, 0))
        self.guest = enter(call_inside(lab.namespace, lambda: socket.socket(type=socket.SOCK_DGRAM)))
        self.listener = enter(socket.create_server((lab.host_address, 0)))
        self.calling = enter(call_inside(lab.namespace, lambda: socket.create_connection(self.listener.getsockname())))
        accepted, self.tcp_seen_as = self.listener.accept()
        self.accepted = enter(accepted)

    def datagram(self) -> tuple[str, int]:
        """Return whom the server takes a datagram of the guest to be from. Raises TimeoutError if it does not arrive."""
        self.guest.sendto(b"up", self.server.getsockname())
        _, seen_as = self.server.recvfrom(100)
        return str(seen_as[0]), int(seen_as[1])

    def datagram_arrives(self) -> bool:
        """Return whether a datagram of the guest arrives at the server."""
        self.server.settimeout(IN_VAIN)
        try:
            return bool(self.datagram())
        except TimeoutError:
            return False
        finally:
            self.server.settimeout(WITHIN)

    def answers(self, seen_as: tuple[str, int]) -> bool:
        """Return whether a datagram to that address arrives at the guest."""
        self.server.sendto(b"down", seen_as)
        self.guest.settimeout(IN_VAIN)
        try:
            return self.guest.recv(100) == b"down"
        except TimeoutError:
            return False

    def over_tcp(self) -> bytes:
        """Return what the server gets of what the guest sends over TCP."""
        self.calling.sendall(b"up")
        return self.accepted.recv(100)


@pytest.fixture
def pair(lab: NetworkLab) -> Iterator[Pair]:
    lab.restore()
    with ExitStack() as opened:
        yield Pair(lab, opened)


def test_guest_is_behind_the_address_of_the_router(lab: NetworkLab, pair: Pair) -> None:
    seen_as = pair.datagram()
    assert seen_as[0] == pair.tcp_seen_as[0] == lab.router.address != lab.guest_address
    assert pair.answers(seen_as)
    assert pair.over_tcp() == b"up"


def test_forgotten_udp_mapping_is_replaced_by_one_with_another_port(lab: NetworkLab, pair: Pair) -> None:
    before = pair.datagram()
    assert lab.router.forget_udp() >= 1
    assert not pair.answers(before), "nothing arrives for a mapping that is gone"
    after = pair.datagram()
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert pair.answers(after)
    assert pair.over_tcp() == b"up", "the mappings of TCP are kept"


def test_after_everything_is_forgotten_an_old_tcp_connection_is_reset_and_a_new_one_works(
    lab: NetworkLab, pair: Pair
) -> None:
    before = pair.datagram()
    assert lab.router.forget_all() >= 2
    pair.calling.sendall(b"up")
    with pytest.raises(ConnectionResetError):
        pair.calling.recv(100)
    assert pair.datagram() != before
    again = call_inside(lab.namespace, lambda: socket.create_connection(pair.listener.getsockname(), WITHIN))
    again.close()


def test_killed_media_stays_dead_behind_a_router(lab: NetworkLab, pair: Pair) -> None:
    seen_as = pair.datagram()
    assert pair.answers(seen_as)
    try:
        assert lab.kill_media() >= 1
        assert not pair.answers(seen_as)
        pair.server.settimeout(IN_VAIN)
        with pytest.raises(TimeoutError):
            pair.datagram()
    finally:
        lab.revive()


def test_lab_without_a_router_says_how_to_get_one() -> None:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab() as plain, pytest.raises(LabError, match=r"NetworkLab\(router=True\)"):
        _ = plain.router


@pytest.mark.parametrize(("fault", "up", "down"), [("uplink", False, True), ("downlink", True, False)])
def test_one_direction_is_dead_and_the_other_is_not(
    lab: NetworkLab, pair: Pair, fault: LabFault, up: bool, down: bool
) -> None:
    seen_as = pair.datagram()
    with lab.dropped(fault):
        assert pair.answers(seen_as) == down
        assert pair.datagram_arrives() == up
    assert pair.answers(seen_as)
    assert pair.datagram_arrives()


def test_policing_lets_the_rate_pass_and_drops_the_rest_of_one_direction(lab: NetworkLab, pair: Pair) -> None:
    seen_as = pair.datagram()
    lab.policing(10_000, "up")
    for _ in range(40):
        pair.guest.sendto(bytes(972), pair.server.getsockname())  # 1,000 bytes of IP
        pair.server.sendto(bytes(972), seen_as)
    pair.server.settimeout(IN_VAIN)
    assert 3 <= received(pair.server) <= 20, "a burst, and what the time allows"
    assert received(pair.guest) == 40


def test_queue_delays_by_its_rate_and_loses_nothing_that_fits(lab: NetworkLab, pair: Pair) -> None:
    seen_as = pair.datagram()
    lab.router.queue(160, 3, "down")  # 20,000 bytes a second
    began = time.monotonic()
    for _ in range(20):
        pair.server.sendto(bytes(972), seen_as)
    assert pair.datagram() == seen_as
    assert time.monotonic() - began < 0.5, "the other direction is not delayed"
    pair.guest.settimeout(IN_VAIN)
    assert received(pair.guest) == 20
    assert time.monotonic() - began - IN_VAIN > 0.7
    lab.restore()
    began = time.monotonic()
    assert pair.answers(seen_as)


def test_queue_drops_what_would_wait_for_too_long(lab: NetworkLab, pair: Pair) -> None:
    seen_as = pair.datagram()
    lab.router.queue(160, 0.2, "down")  # room for 4,000 bytes
    for _ in range(20):
        pair.server.sendto(bytes(972), seen_as)
    pair.guest.settimeout(IN_VAIN)
    assert 3 <= received(pair.guest) <= 10


def test_captive_portal_resets_tcp_answers_with_a_page_drops_udp_and_is_gone_afterwards(
    lab: NetworkLab, pair: Pair
) -> None:
    lab.router.captive_portal()
    assert lab.router.portal_visits == 0
    pair.calling.sendall(b"up")
    with pytest.raises(ConnectionResetError):
        pair.calling.recv(100)
    assert not pair.datagram_arrives()
    asking = call_inside(lab.namespace, lambda: socket.create_connection(pair.listener.getsockname(), WITHIN))
    idle = call_inside(lab.namespace, lambda: socket.create_connection(pair.listener.getsockname(), WITHIN))
    with asking, idle:
        asking.sendall(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
        assert b"terms of use" in b"".join(iter(lambda: asking.recv(1000), b""))
        assert lab.router.portal_visits == 1
        lab.restore()
        idle.sendall(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            idle.recv(1000)
    assert pair.datagram_arrives()


def test_vpn_has_an_address_of_its_own_and_drops_what_the_old_one_sends(lab: NetworkLab, pair: Pair) -> None:
    pair.guest.bind((lab.guest_address, 0))
    seen_as = pair.datagram()
    lab.router.vpn_on()
    assert not pair.datagram_arrives()
    fresh = call_inside(lab.namespace, lambda: socket.create_connection(pair.listener.getsockname(), WITHIN))
    assert fresh.getsockname()[0] not in (lab.guest_address, pair.calling.getsockname()[0])
    fresh.close()
    lab.router.vpn_off()
    assert pair.datagram() == seen_as
    lab.router.vpn_on()
    lab.restore()
    assert pair.datagram() == seen_as


def test_stopped_processes_stand_still_until_they_are_continued() -> None:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab() as lab:
        ticking = subprocess.Popen(
            ["ip", "netns", "exec", lab.namespace, "sh", "-c", "while echo tick; do sleep 0.02; done"],
            stdout=subprocess.PIPE,
        )
        assert ticking.stdout is not None
        assert ticking.stdout.readline() == b"tick\n", "it runs inside"
        os.set_blocking(ticking.stdout.fileno(), False)
        try:
            lab.stop_processes()
            ticking.stdout.read()
            time.sleep(IN_VAIN)
            assert not ticking.stdout.read()
            lab.restore()
            time.sleep(IN_VAIN)
            assert ticking.stdout.read()
        finally:
            ticking.kill()
            ticking.communicate()


def received(where: socket.socket) -> int:
    """Return how many datagrams come until none has come for the socket's timeout."""
    count = 0
    while True:
        try:
            where.recv(2000)
        except TimeoutError:
            return count
        count += 1
