"""How fast one TCP connection is read: bytes, and the work that it causes, by whatever protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web

from pyvidu.server.http import metering
from pyvidu.server.http.listener import TcpListener
from pyvidu.server.http.metering import metered
from pyvidu.server.limits import KIB, Limits
from tests.server.test_connections import Listen, connect, is_served, listen
from tests.waiting import until

__all__ = ["listen"]  # a fixture


class Reader(asyncio.Protocol):
    """What aiohttp is to a connection: works for each piece, and may stop reading for a turn after it, as it does."""

    def __init__(self, work: float = 0.0, *, stops: bool = False) -> None:
        self.received = bytearray()
        self.turns: list[float] = []
        self._work, self._stops = work, stops

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        began = time.perf_counter()
        self.received += data
        self.turns.append(began)
        while time.perf_counter() - began < self._work:
            pass
        if self._stops:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._transport.resume_reading)


@pytest.fixture
async def served() -> AsyncIterator[Any]:
    listeners: list[TcpListener] = []

    async def serve(reader: Reader, limits: Limits) -> asyncio.StreamWriter:
        listeners.append(TcpListener(limits, None, 100))
        await listeners[-1].start(cast(web.Server, lambda: reader), "127.0.0.1", 0)
        return (await connect(listeners[-1]))[1]

    yield serve
    for listener in listeners:
        await listener.close()


@pytest.mark.parametrize("stops", [False, True])
async def test_connection_is_read_at_its_rate_after_a_burst_and_nothing_is_lost(served: Any, stops: bool) -> None:
    reader = Reader(stops=stops)
    writer = await served(reader, Limits(tcp_rate=200 * KIB, tcp_burst=100 * KIB))
    sent, began = bytes(range(256)) * 4 * 300, time.monotonic()  # 300 KiB
    writer.write(sent)
    await until(lambda: len(reader.received) == len(sent))
    assert bytes(reader.received) == sent
    assert 0.9 < time.monotonic() - began < 5.0
    writer.close()


async def test_connection_that_causes_much_work_is_read_later(served: Any) -> None:
    reader = Reader(work=0.01)
    writer = await served(reader, Limits(tcp_work=0.05, tcp_work_burst=0.02))
    writer.write(bytes(6 * 16 * KIB))
    await until(lambda: len(reader.received) == 6 * 16 * KIB)
    assert reader.turns[-1] - reader.turns[0] > 0.5  # 50 ms of work, 20 at once, a twentieth of the time
    writer.close()


async def test_connection_that_ends_while_it_is_not_read_leaves_no_timer(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, timers = asyncio.get_running_loop(), dict[str, asyncio.TimerHandle]()
    call_later = loop.call_later

    def noted(delay: float, callback: Any, *arguments: Any) -> asyncio.TimerHandle:
        return timers.setdefault(callback.__qualname__, call_later(delay, callback, *arguments))

    monkeypatch.setattr(loop, "call_later", noted)
    reader = Reader()
    writer = await served(reader, Limits(tcp_rate=1, tcp_burst=1))
    writer.write(bytes(100))
    await until(lambda: len(reader.received) == 100)
    reader._transport.abort()
    await asyncio.sleep(0)
    assert [timers[f"TcpConnection.{name}"].cancelled() for name in ("cut", "_read_on")] == [True, True]
    writer.close()


async def test_requests_of_one_connection_are_slowed_by_their_work_and_others_are_not(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "worked", lambda _: 0.01)  # for each step of a request
    listener = await listen(Limits(tcp_work=0.1, tcp_work_burst=0.01))
    reader, writer = await connect(listener)
    began = time.monotonic()
    for _ in range(10):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(3)
    # Nine requests before the last are 90 ms of work: 10 until the connection gets budgets, a burst of 10, 70 at a tenth.
    assert time.monotonic() - began > 0.6
    assert await is_served(listener)
    writer.close()


async def test_work_is_that_of_the_steps_and_results_errors_and_cancellations_pass() -> None:
    spent: list[float] = []

    async def work(error: Exception | None = None) -> str:
        await asyncio.sleep(0.05)  # not work
        until_ = time.perf_counter() + 0.01
        while time.perf_counter() < until_:
            pass
        if error is not None:
            raise error
        return "done"

    assert await metered(work(), spent.append) == "done"
    assert 0.01 <= sum(spent) <= 0.02
    with pytest.raises(LookupError, match="planted"):
        await metered(work(LookupError("planted")), spent.append)
    ended = asyncio.Event()

    async def cancelled() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise

    task = asyncio.create_task(_await(metered(cancelled(), spent.append)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_step_during_which_the_process_had_no_core_counts_little() -> None:
    spent: list[float] = []

    async def suspended() -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - without a core

    await metered(suspended(), spent.append)
    assert sum(spent) == 0.01


async def _await(awaitable: Any) -> Any:
    return await awaitable
