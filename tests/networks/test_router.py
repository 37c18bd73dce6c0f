"""A lab with a router, without a browser: what arrives at either end, and as whom."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pyvidu.testing import LabError, NetworkLab, lab_unavailable_reason
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
