"""Pages of other origins, and names of other hosts (DNS rebinding): what they may not reach."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.server.live_server import AUTH, LiveServer, Page, Serve
from tests.server.server_world import SECRET, join_params

FOREIGN = "https://evil.example"


async def joined_with_the_secret(live: LiveServer, origin: str | None) -> dict[str, Any]:
    """Return the answer to a join with the secret from a page of `origin`."""
    if live.server.rooms.get("room") is None:
        await live.rest("POST", "sessions", {"customSessionId": "room"})
    headers = {} if origin is None else {"Origin": origin}
    ws = await live.http.ws_connect(live.url("/openvidu?sessionId=room"), headers=headers)
    page = Page(live, ws)
    live.pages.append(page)
    return await page.call("joinRoom", **(join_params("", "room", secret=SECRET) | {"recorder": True}))


async def test_page_of_another_origin_does_not_join_with_the_secret(live: LiveServer) -> None:
    answer = await joined_with_the_secret(live, FOREIGN)
    assert answer["error"]["code"] == 401
    assert "--allowed-origins" in answer["error"]["message"]
    assert live.server.rooms.get("room").participants == []  # type: ignore[union-attr]


@pytest.mark.parametrize("origin", [None, "own", "https://app.example"])
async def test_own_page_a_program_and_an_allowed_origin_join_with_the_secret(serve: Serve, origin: str | None) -> None:
    live = await serve(allowed_origins=("https://app.example",) if origin == "https://app.example" else ())
    answer = await joined_with_the_secret(live, live.url("") if origin == "own" else origin)
    assert "result" in answer


async def test_page_of_another_origin_joins_with_a_token(live: LiveServer) -> None:
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    token = (await live.rest("POST", "sessions/room/connection", {}))["token"]
    ws = await live.http.ws_connect(live.url("/openvidu?sessionId=room"), headers={"Origin": FOREIGN})
    page = Page(live, ws)
    live.pages.append(page)
    assert await page.result("joinRoom", **join_params(token, "room"))


PATHS = ("/openvidu/api/sessions", "/metrics", "/healthz", "/openvidu", "/")


async def refusals(live: LiveServer, host: str) -> list[bool]:
    """Return for each path whether it is refused to those who ask for `host`; last for a WebSocket."""
    found = []
    for path in PATHS:
        async with live.http.get(live.url(path), headers={"Host": host, **AUTH}) as response:
            found.append(response.status == 403)
    try:
        ws = await live.http.ws_connect(live.url("/openvidu?sessionId=x"), headers={"Host": host})
    except aiohttp.WSServerHandshakeError as error:
        found.append(error.status == 403)
    else:
        await ws.close()
        found.append(False)
    return found


@pytest.mark.parametrize("host", ["rebound.example", "localhost.evil.example", "10.0.0.1:4443", "[::2]"])
async def test_bound_to_loopback_another_host_name_is_refused(live: LiveServer, host: str) -> None:
    assert all(await refusals(live, host))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4443", "[::1]:1", "x.localhost"])
async def test_bound_to_loopback_its_names_are_served(live: LiveServer, host: str) -> None:
    assert not any(await refusals(live, host))


async def test_allowed_host_is_served(serve: Serve) -> None:
    live = await serve(allowed_hosts=("Meet.example",))
    assert not any(await refusals(live, "meet.example:443"))
    assert all(await refusals(live, "other.example"))


async def test_bound_elsewhere_every_host_is_served_unless_some_are_allowed(serve: Serve) -> None:
    assert not any(await refusals(await serve(host="0.0.0.0"), "meet.example"))
    limited = await serve(host="0.0.0.0", allowed_hosts=("meet.example",))
    assert not any(await refusals(limited, "meet.example"))
    assert not any(await refusals(limited, "localhost")), "this machine's own name stays"
    assert all(await refusals(limited, "other.example"))


async def test_answers_do_not_tell_versions(live: LiveServer) -> None:
    async with live.http.get(live.url("/healthz")) as response:
        assert response.headers["Server"] == "pyvidu"
