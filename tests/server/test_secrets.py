"""The secret: which are accepted, and how wrong guesses are slowed."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest

from pyvidu.server.app import check
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.guesses import WrongGuesses
from pyvidu.server.limits import Limits
from tests.server.live_server import AUTH, LiveServer, Serve
from tests.server.server_world import Client, World, join_params
from tests.server.test_run import start
from tests.virtual_time import virtual_time
from tests.waiting import until

WRONG = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", "guessed")}


async def test_without_a_secret_one_is_drawn_and_printed() -> None:
    drawn = []
    for _ in range(2):
        process, url = await start()
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        secret = line.split()[-1]
        assert len(secret) >= 16
        auth = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", secret)}
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{url}openvidu/api/sessions", headers=auth) as response:
                assert response.status == 200
            empty = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", "")}
            async with http.get(f"{url}openvidu/api/sessions", headers=empty) as response:
                assert response.status == 401
        process.terminate()
        await asyncio.wait_for(process.communicate(), 5)
        drawn.append(secret)
    assert drawn[0] != drawn[1]


async def test_server_without_a_secret_accepts_none(serve: Serve) -> None:
    live = await serve(secret="")
    empty = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", "")}
    async with live.http.get(live.url("/openvidu/api/sessions"), headers=empty) as response:
        assert response.status == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "meet.example"])
def test_short_secret_is_refused_where_other_machines_reach_it(host: str) -> None:
    for secret in ("MY_SECRET", "x" * 15):
        with pytest.raises(ConfigurationError, match="16 characters"):
            check(ServerConfig(host=host, secret=secret))
    check(ServerConfig(host=host, secret="x" * 16))
    check(ServerConfig(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_any_secret_is_accepted_on_loopback(host: str) -> None:
    check(ServerConfig(host=host, secret="MY_SECRET"))


def test_guesses_of_an_address_are_slowed_after_a_burst() -> None:
    guesses = WrongGuesses(Limits(guesses=2.0, guesses_burst=10))
    assert [guesses.delay("192.0.2.1", 100.0) for _ in range(10)] == [0.0] * 10
    assert [guesses.delay("192.0.2.1", 100.0) for _ in range(3)] == [0.5, 1.0, 1.5]
    assert guesses.delay("192.0.2.2", 100.0) == 0.0
    assert guesses.delay(None, 100.0) == 0.0


def test_guesses_of_an_address_that_would_wait_for_more_than_10_s_are_refused() -> None:
    guesses = WrongGuesses(Limits(guesses=2.0, guesses_burst=10))
    delays = [guesses.delay("192.0.2.1", 100.0) for _ in range(1000)]
    assert [delay for delay in delays if delay] == [number / 2 for number in range(1, 21)]
    assert delays.count(None) == 970
    assert guesses.delay("192.0.2.1", 101.0) == 9.5, "those that were refused delay no other"


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    guesses = WrongGuesses(Limits(guesses=1.0, guesses_burst=1))
    assert guesses.delay("2001:db8:1:2::1", 1.0) == 0.0
    assert guesses.delay("2001:db8:1:2:ffff::9", 1.0) == 1.0
    assert guesses.delay("2001:db8:1:3::1", 1.0) == 0.0
    assert guesses.delay("::ffff:192.0.2.1", 1.0) == 0.0
    assert guesses.delay("192.0.2.1", 1.0) == 1.0


def test_addresses_that_guess_are_bounded() -> None:
    guesses = WrongGuesses(Limits())
    for number in range(20_000):
        guesses.delay(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1.0)
    assert len(guesses) == 10_000


def test_wrong_guesses_are_told_once_a_minute_with_their_number() -> None:
    guesses = WrongGuesses(Limits())
    assert guesses.to_tell(0.0) == 0
    for _ in range(3):
        guesses.delay("192.0.2.1", 1.0)
    assert [guesses.to_tell(now) for now in (1.0, 2.0)] == [3, 0]
    guesses.delay("192.0.2.1", 3.0)
    assert [guesses.to_tell(now) for now in (4.0, 60.0, 61.0, 62.0, 200.0)] == [0, 0, 1, 0, 0]


async def test_wrong_secrets_of_the_rest_api_are_slowed_and_the_right_one_is_not(serve: Serve) -> None:
    live = await serve(limits=Limits(guesses=1.0, guesses_burst=1))
    loop = asyncio.get_running_loop()

    async def seconds(headers: dict[str, str], status: int, path: str = "/openvidu/api/sessions") -> float:
        began = loop.time()
        assert await live.status_of(path, headers) == status
        return loop.time() - began

    await seconds(WRONG, 401)
    paths = ("/openvidu/api/sessions", "/metrics")
    proxied = {"Via": "1.1 proxy"}
    wrong = [asyncio.create_task(seconds(WRONG | proxied, 401, path)) for path in paths]
    await until(lambda: len(live.server.guesses) == 1 and live.server.guesses.number == 3)
    for path in paths:
        await seconds(AUTH | proxied, 200, path)
        await seconds(proxied, 401, path)  # without credentials it is no guess
    assert not any(task.done() for task in wrong)
    assert sum(await asyncio.gather(*wrong)) > 2.0, "1 s and 2 s, less what passed since the burst"


async def test_wrong_secret_is_refused_at_once_where_too_many_wait(serve: Serve) -> None:
    live = await serve(limits=Limits(guesses=0.1, guesses_burst=1))
    async with live.http.get(live.url("/metrics"), headers=WRONG | {"Via": "1.1 proxy"}) as response:
        assert response.status == 401
    waiting = asyncio.create_task(live.status_of("/openvidu/api/sessions", WRONG))
    await until(lambda: live.server.guesses.number == 2)
    for path in ("/openvidu/api/sessions", "/metrics"):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await live.status_of(path, WRONG | {"Via": "1.1 proxy"})
    assert await live.status_of("/openvidu/api/sessions", AUTH) == 200
    assert not waiting.done()
    await live.test_server.close()
    assert await waiting == 401, "a server that stops answers what waits"


@virtual_time
async def test_joins_with_wrong_secrets_are_refused_at_once_where_too_many_wait() -> None:
    async with World() as world:
        clients = [Client(world) for _ in range(40)]
        for client in clients:
            client.send("joinRoom", **join_params("", world.room.id, secret="guessed"))
        await asyncio.sleep(0)
        refused = [client.transport.sent[-1]["error"] for client in clients if client.transport.sent]
        assert sum("Too many wrong secrets" in error["message"] for error in refused) == 20
        assert {error["code"] for error in refused} == {401}


@virtual_time
async def test_joins_with_a_wrong_secret_are_slowed() -> None:
    async with World() as world:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(15):
            client = Client(world)
            client.send("joinRoom", **join_params("", world.room.id, secret="guessed"))
            while not client.transport.sent:
                await asyncio.sleep(0.1)  # of virtual time
            assert client.transport.sent[-1]["error"]["code"] == 401
        assert loop.time() - began >= 4
        began = loop.time()
        await Client(world).join()
        assert loop.time() - began < 0.1


async def test_wrong_secrets_are_in_the_log(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(3):
        async with live.http.get(live.url("/openvidu/api/sessions"), headers=WRONG) as response:
            assert response.status == 401
    await until(lambda: any('"wrong secrets", "number": 3' in one.getMessage() for one in caplog.records), 5)
