"""Which ICE servers peer connections get; what the server names is tested with the membership that uses it."""

from __future__ import annotations

from pyvidu.membership.ice_servers import public_servers


def test_public_servers_are_two_different_ones_by_chance() -> None:
    chances = iter([0.0, 0.99, 0.99, 0.5])
    for _ in range(2):
        urls = [server["urls"] for server in public_servers(lambda: next(chances))]
        assert len(set(urls)) == 2
        assert all(url.startswith("stun:stun") for url in urls)
