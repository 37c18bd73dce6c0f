"""TCP connections that send nothing, too little, or too slowly, and what is left for others."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from pyvidu.server.app import app_runner
from pyvidu.server.config import ServerConfig
from pyvidu.server.http import listener as listeners
from pyvidu.server.http.listener import TcpListener
from pyvidu.server.limits import Limits
from tests.server.live_server import Serve
from tests.server.test_run import self_signed
from tests.waiting import until

Listen = Callable[..., Coroutine[Any, Any, TcpListener]]
HAS_IPV6 = Path("/proc/net/if_inet6").exists()  # the machine


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Yield a function that starts a server behind a `TcpListener` of this capacity."""
    started: list[tuple[TcpListener, web.AppRunner]] = []

    async def start(
        limits: Limits, capacity: int = 100, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> TcpListener:
        listener = TcpListener(limits, tls, capacity)
        runner = app_runner(ServerConfig(port=0, limits=limits), listener)
        await runner.setup()
        assert runner.server is not None
        await listener.start(runner.server, host, 0)
        started.append((listener, runner))
        return listener

    yield start
    for listener, runner in started:
        await listener.close()
        await runner.cleanup()
        await until(lambda listener=listener: len(listener) == 0)


async def connect(listener: TcpListener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port)


async def is_served(listener: TcpListener, scheme: str = "http", host: str = "127.0.0.1") -> bool:
    timeout = aiohttp.ClientTimeout(5)
    url = f"{scheme}://{host}:{listener.port}/healthz"
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url, ssl=False) as response:
        return response.status == 200


async def test_address_of_all_interfaces_listens_in_both_families(listen: Listen) -> None:
    listener = await listen(Limits(), host="::")
    assert await is_served(listener)
    if HAS_IPV6:
        assert await is_served(listener, host="[::1]")


async def test_connections_that_send_nothing_make_way_for_others_oldest_first(listen: Listen) -> None:
    listener = await listen(Limits(), capacity=5)
    silent = [await connect(listener) for _ in range(5)]
    await until(lambda: len(listener) == 5)
    assert await is_served(listener)
    with contextlib.suppress(ConnectionError):
        assert await silent[0][0].read() == b""
    assert len(listener) == 4
    assert not any(reader.at_eof() for reader, _ in silent[1:])
    for _, writer in silent:
        writer.close()


async def test_connections_with_a_request_stay_and_idle_ones_make_way(listen: Listen) -> None:
    listener = await listen(Limits(), capacity=2)
    async with aiohttp.ClientSession() as http:
        ws = await http.ws_connect(f"http://127.0.0.1:{listener.port}/openvidu")
        idle, writer = await connect(listener)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await idle.readuntil(b"ok\n")
        assert await is_served(listener)
        with contextlib.suppress(ConnectionError):
            assert await idle.read() == b""
        second = await http.ws_connect(f"http://127.0.0.1:{listener.port}/openvidu")
        with pytest.raises(aiohttp.ClientError):
            await http.ws_connect(f"http://127.0.0.1:{listener.port}/openvidu")
        for one in (ws, second):
            await one.send_str('{"id":1,"method":"ping"}')
            assert (await one.receive_json())["result"] == {"value": "pong"}
            await one.close()
        writer.close()


async def test_connection_without_a_complete_request_is_closed_in_time(listen: Listen) -> None:
    listener = await listen(Limits(head_within=0.2))
    streams = [await connect(listener) for _ in range(2)]
    streams[1][1].write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    for reader, writer in streams:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    assert len(listener) == 0


async def test_tls_handshake_that_does_not_come_is_ended_in_time_and_makes_way_before(
    listen: Listen, tmp_path: Path
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*self_signed(tmp_path))
    listener = await listen(Limits(), capacity=3, tls=context)
    silent = [await connect(listener) for _ in range(3)]
    await until(lambda: len(listener) == 3)
    assert await is_served(listener, "https")
    prompt = await listen(Limits(head_within=0.2), tls=context)
    reader, writer = await connect(prompt)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await until(lambda: len(prompt) == 0)
    for closing in (writer, *(one for _, one in silent)):
        closing.close()


async def test_exhausted_descriptors_are_logged_once_without_a_traceback_and_accepting_goes_on(
    listen: Listen, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    listener = await listen(Limits())
    silent = await connect(listener)
    await until(lambda: len(listener) == 1)
    accept, failures = socket.socket.accept, [errno.EMFILE] * 5

    def exhausted(self: socket.socket) -> Any:
        if failures:
            raise OSError(failures.pop(), "Too many open files")
        return accept(self)

    monkeypatch.setattr(listeners.sockets.socket, "accept", exhausted)
    assert await is_served(listener)
    assert failures == []
    with contextlib.suppress(ConnectionError):
        assert await silent[0].read() == b""
    silent[1].close()
    told = [record for record in caplog.records if "too many connections" in record.getMessage()]
    assert len(told) == 1
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_body_that_does_not_arrive_in_time_is_answered_with_408(serve: Serve) -> None:
    live = await serve(limits=Limits(body_within=0.2), demo=True)
    for path, authorization in (("/demo/token", ""), ("/openvidu/api/sessions", "Authorization: " + authorized())):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.test_server.port)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        writer.write(f"{head}{authorization}\r\n\r\n{{".replace("\r\n\r\n\r\n", "\r\n\r\n").encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()


async def test_body_that_is_too_long_is_answered_with_413(serve: Serve) -> None:
    live = await serve(limits=Limits(body=1_000))
    assert await live.status("POST", "sessions", {"customSessionId": "x" * 1_001}) == 413


def authorized() -> str:
    from tests.server.server_world import SECRET

    return aiohttp.encode_basic_auth("OPENVIDUAPP", SECRET)


class Pieces(asyncio.Protocol):
    """aiohttp's side of a connection: what it is handed."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.received.append(data)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_connection_is_handed_all_that_was_sent_little_in_a_turn_of_the_loop(
    tmp_path: Path, encrypted: bool
) -> None:
    inner = Pieces()
    sent = [Random(number).randbytes(50 if number < 100 else 100_000) for number in range(110)]
    tls = None
    if encrypted:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self_signed(tmp_path))
    listener, http = TcpListener(Limits(), tls, 100), cast(web.Server, lambda: inner)
    await listener.start(http, "127.0.0.1", 0)
    trust = None
    if encrypted:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trust)
    for part in sent:  # each is a TLS record or more; many arrive at once
        writer.write(part)
    await until(lambda: sum(map(len, inner.received)) == sum(map(len, sent)))
    assert b"".join(inner.received) == b"".join(sent)
    assert max(map(len, inner.received)) <= 16 * 1024
    writer.close()
    await listener.close()


async def test_wrong_secrets_of_clients_that_left_are_not_held(listen: Listen) -> None:
    listener = await listen(Limits(), capacity=1000)
    before = len(asyncio.all_tasks())
    wrong = aiohttp.encode_basic_auth("OPENVIDUAPP", "guessed")
    writers = [(await connect(listener))[1] for _ in range(300)]
    for writer in writers:
        writer.write(f"GET /openvidu/api/config HTTP/1.1\r\nHost: localhost\r\nAuthorization: {wrong}\r\n\r\n".encode())
    await until(lambda: len(asyncio.all_tasks()) < before + 60)
    for writer in writers:
        writer.transport.abort()
