"""Events of the network and the page, and probes of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.contract.world import DEADLINE, REPORTS, NetworkLog, World, quiet


async def test_every_event_is_told_once_in_order(world: World) -> None:
    log = NetworkLog()
    monitor = world.host.watch_network(log)
    for event in REPORTS:
        world.network_event(event)
    assert log.told == list(REPORTS.values())
    monitor.close()


async def test_nothing_is_told_before_an_event_nor_after_close(world: World) -> None:
    log, other = NetworkLog(), NetworkLog()
    monitor, kept = world.host.watch_network(log), world.host.watch_network(other)
    await quiet(0.02)
    assert log.told == []
    monitor.close()
    for event in REPORTS:
        world.network_event(event)
    assert log.told == []
    assert other.told == list(REPORTS.values()), "the other subscription goes on"
    kept.close()


async def test_subscription_is_closed_twice_without_harm(world: World) -> None:
    log, other = NetworkLog(), NetworkLog()
    monitor, kept = world.host.watch_network(log), world.host.watch_network(other)
    monitor.close()
    monitor.close()
    world.network_event("changed")
    assert (log.told, other.told) == ([], ["network_changed"])
    kept.close()


async def test_answering_server_is_reached_by_both_probes(world: World) -> None:
    server = world.server("answering")
    assert await world.host.reachability.probe(server.resource, 10) == ""
    assert await world.host.reachability.probe_web_socket(server.web_socket, 10) is True


async def test_error_status_counts_as_an_answer(world: World) -> None:
    assert await world.host.reachability.probe(world.server("answering").missing, 10) == ""


async def test_probe_for_one_of_two_answers_takes_no_other(world: World) -> None:
    server, probe = world.server("answering"), world.host.reachability.probe
    assert await probe(server.resource, 10, ("another", "it exists")) == "it exists"
    assert await probe(server.resource, 10, ("another", "it exists not")) is None
    assert await probe(server.missing, 10, ("it exists",)) is None


async def test_refusing_server_is_not_reached_and_the_timeout_is_not_waited_for(world: World) -> None:
    server = world.server("refusing")
    for probe, url in _probes(world, server.resource, server.web_socket):
        async with asyncio.timeout(DEADLINE):
            assert not await probe(url, 10 * DEADLINE)


async def test_silent_server_is_not_reached_when_the_timeout_is_over_and_not_before(world: World) -> None:
    server, clock = world.server("silent"), world.host.clock
    for probe, url in _probes(world, server.resource, server.web_socket):
        began = clock.now()
        assert not await probe(url, 0.3)
        assert clock.now() - began >= 0.29  # the browser's timer and its clock are not the same


async def test_cancelled_probe_raises_and_leaves_nothing(world: World) -> None:
    server = world.server("silent")
    for probe, url in _probes(world, server.resource, server.web_socket):
        probing = asyncio.ensure_future(probe(url, 0.5))
        await quiet(0.05)
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        assert probing.cancelled()


async def test_probes_run_side_by_side(world: World) -> None:
    server, reachability = world.server("answering"), world.host.reachability
    fetches = [reachability.probe(server.resource, 10) for _ in range(3)]
    sockets = [reachability.probe_web_socket(server.web_socket, 10) for _ in range(3)]
    assert await asyncio.gather(*fetches, *sockets) == [""] * 3 + [True] * 3


Probe = Callable[[str, float], Awaitable[bool]]


def _probes(world: World, resource: str, web_socket: str) -> list[tuple[Probe, str]]:
    reachability = world.host.reachability

    async def is_answered(url: str, timeout: float) -> bool:
        return await reachability.probe(url, timeout) is not None

    return [(is_answered, resource), (reachability.probe_web_socket, web_socket)]
