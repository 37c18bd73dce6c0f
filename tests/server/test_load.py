"""Who is admitted when the server is busy: those who are there, and those who come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from pyvidu.server.limits import Limits
from pyvidu.server.load import Load, busy_time
from pyvidu.server.rooms.tokens import ConnectionProperties, Token
from tests.server.server_world import Client, World, evicting_after, join_params, settle
from tests.virtual_time import virtual_time


def make_busy(load: Load) -> None:
    for second in range(12):
        load.measured(second, float(second), 0.0)


def make_idle(load: Load) -> None:
    for second in range(12, 24):
        load.measured(second, 12.0, 0.0)


def measured(shares: Iterable[float], late: float = 0.0) -> Load:
    load, cpu = Load(Limits()), 0.0
    for second, share in enumerate(shares):
        cpu += share
        load.measured(second, cpu, late)
    return load


@pytest.mark.parametrize(
    ("load", "is_high"),
    [
        (measured([1.0] * 10), False),  # not measured for long enough
        (measured([1.0] * 11), True),
        (measured([0.9] * 30), False),
        (measured([1.0] * 5 + [0.5] * 10), False),
        (measured([0.1] * 11, late=0.6), True),
        (measured([0.1] * 10 + [1.0] * 5), False),
    ],
)
def test_load_is_high_above_its_limits_over_the_window(load: Load, is_high: bool) -> None:
    assert load.is_high is is_high


def test_a_suspended_process_is_not_busy_when_it_runs_again() -> None:
    load = measured([0.1] * 11)
    load.measured(3_600, 1.2, 3_590.0)
    assert not load.is_high


def token(world: World) -> Token:
    return world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")


@virtual_time
async def test_busy_server_refuses_a_join_with_a_reason_and_its_token_stays_valid() -> None:
    async with World() as world:
        ada = await world.member()
        make_busy(world.load)
        late, ticket = Client(world), token(world)
        error = await late.error("joinRoom", **join_params(ticket.url, "room"))
        assert error["code"] == 999
        assert "limit of load" in error["message"]
        assert await ada.publish()
        make_idle(world.load)
        assert await late.result("joinRoom", **join_params(ticket.url, "room"))


@virtual_time
async def test_busy_server_accepts_resumes() -> None:
    async with World() as world:
        ada = await world.member()
        make_busy(world.load)
        world.signaling.closed(ada.socket, 1006)
        assert "result" in await ada.resume()


@virtual_time
async def test_busy_server_admits_one_for_each_evicted_from_a_session_in_progress_within_a_minute() -> None:
    async with World(evicting_after(12)) as world:
        await world.member()
        lost = await world.member()
        lost.transport.alive = False
        await asyncio.sleep(14)
        assert len(world.room.participants) == 1
        make_busy(world.load)
        other = world.rooms.create()
        elsewhere = world.rooms.issue_token(other, ConnectionProperties(), "ws://localhost:4443")
        assert (await Client(world).error("joinRoom", **join_params(elsewhere.url, other.id)))["code"] == 999
        again, third = Client(world), Client(world)
        assert await again.result("joinRoom", **join_params(token(world).url, "room"))
        assert (await third.error("joinRoom", **join_params(token(world).url, "room")))["code"] == 999
        await settle()


@virtual_time
async def test_eviction_of_more_than_a_minute_ago_admits_nobody() -> None:
    async with World(evicting_after(12)) as world:
        await world.member()
        lost = await world.member()
        lost.transport.alive = False
        await asyncio.sleep(80)
        make_busy(world.load)
        assert (await Client(world).error("joinRoom", **join_params(token(world).url, "room")))["code"] == 999


def test_time_without_a_core_counts_as_busy(tmp_path: Path) -> None:
    told = tmp_path / "schedstat"
    told.write_text("5000000000 2500000000 17\n")
    assert busy_time(told) == pytest.approx(time.thread_time() + 2.5, abs=0.1)


def test_cpu_time_alone_counts_where_waiting_is_not_told(tmp_path: Path) -> None:
    assert busy_time(tmp_path / "none") == pytest.approx(time.thread_time(), abs=0.1)
