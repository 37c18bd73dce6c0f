"""A reverse proxy in front: what is open to this machine only, and whose address counts."""

from __future__ import annotations

from typing import Any

import pytest

from pyvidu.server.app import check
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.limits import Limits
from tests.server.live_server import AUTH, LiveServer, Serve

BODY = {"session": "demo-room"}
FORWARDED = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-Proto": "https"},
    {"Forwarded": "for=203.0.113.7"},
    {"X-Real-IP": "203.0.113.7"},
    {"Via": "1.1 proxy"},
]


async def statuses(live: LiveServer, headers: dict[str, str], query: str = "") -> list[int]:
    """Return the status of the demo's token door, of fault orders and of metrics."""
    found = []
    requests: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/demo/token", BODY),
        ("GET", "/faults", None),
        ("GET", "/metrics", None),
    )
    for method, path, body in requests:
        async with live.http.request(method, live.url(path + query), json=body, headers=headers) as response:
            found.append(response.status)
    return found


@pytest.mark.parametrize("headers", FORWARDED)
async def test_forwarded_request_is_not_local(live: LiveServer, headers: dict[str, str]) -> None:
    assert await statuses(live, {}) == [200, 200, 200]
    assert await statuses(live, headers) == [403, 403, 401]
    async with live.http.get(live.url("/metrics"), headers=headers | AUTH) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("headers", "local"),
    [
        ({"X-Forwarded-For": "127.0.0.1"}, True),
        ({"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}, False),
        ({"X-Forwarded-For": "203.0.113.7, 127.0.0.9"}, False),
        ({"Forwarded": 'for="[::1]:4711";proto=https'}, True),
        ({"Forwarded": "for=unknown"}, False),
        ({"X-Real-IP": "203.0.113.7"}, False),
        ({"X-Forwarded-Proto": "https"}, True),
    ],
)
async def test_word_of_a_trusted_proxy_is_taken(serve: Serve, headers: dict[str, str], local: bool) -> None:
    live = await serve(fault_control=True, demo=True, trusted_proxies=("127.0.0.0/8",))
    assert await statuses(live, headers) == ([200, 200, 200] if local else [403, 403, 401])


async def test_trusted_proxy_tells_scheme_and_host_of_a_token(serve: Serve) -> None:
    live = await serve(trusted_proxies=("127.0.0.1",), allowed_hosts=("meet.example",))
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "meet.example"}
    url = live.url("/openvidu/api/sessions/room/connection")
    async with live.http.post(url, json={}, headers=AUTH | told) as response:
        assert (await response.json())["token"].startswith("wss://meet.example?sessionId=room")
    async with live.http.post(url, json={}, headers=AUTH | told | {"X-Forwarded-Host": "evil.example"}) as response:
        assert response.status == 403


async def test_limits_count_the_client_of_a_trusted_proxy(serve: Serve) -> None:
    live = await serve(trusted_proxies=("127.0.0.1",), limits=Limits(sockets=1))
    opened = []
    for client in ("203.0.113.1", "203.0.113.2"):
        url = live.url("/openvidu?sessionId=x")
        opened.append(await live.http.ws_connect(url, headers={"X-Forwarded-For": client}))
    for ws in opened:
        await ws.close()


async def test_local_doors_need_the_key_of_the_server(serve: Serve) -> None:
    live = await serve(fault_control=True, demo=True, key="drawn-at-start")
    assert await statuses(live, {}) == [403, 403, 401]
    assert await statuses(live, {"X-Pyvidu-Key": "guessed"}) == [403, 403, 401]
    assert await statuses(live, {"X-Pyvidu-Key": "drawn-at-start"}) == [200, 200, 200]
    assert await statuses(live, {}, "?key=drawn-at-start") == [200, 200, 200]
    assert await statuses(live, {"X-Pyvidu-Key": "drawn-at-start", "Via": "1.1 proxy"}) == [403, 403, 401]


async def test_page_opened_with_the_key_keeps_it_for_its_requests_and_second_windows(serve: Serve) -> None:
    live = await serve(fault_control=True, demo=True, key="drawn-at-start")
    async with live.http.get(live.url("/?key=guessed")) as response:
        assert not response.cookies
    async with live.http.get(live.url("/?key=drawn-at-start")) as response:
        [cookie] = response.cookies.values()
    assert cookie.value == "drawn-at-start"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert str(live.test_server.port) in cookie.key, "cookies do not know ports"
    assert await statuses(live, {}) == [200, 200, 200]  # the client keeps cookies
    assert await statuses(live, {"Origin": "https://evil.example"}) == [403, 403, 200]


def test_trusted_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--trusted-proxy"):
        check(ServerConfig(trusted_proxies=("proxy.example",)))
