"""`POST /faults` and `POST /demo/token`: open to pages of this machine, closed to other origins."""

from __future__ import annotations

from typing import Any

import pytest
from live_server import LiveServer, Serve
from server_world import join_params

TOKEN = {"session": "demo-room"}


@pytest.fixture(params=["/demo/token", "/faults"])
def door(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    return path


async def status(live: LiveServer, path: str, **request: Any) -> int:
    async with live.http.post(live.url(path), **({"json": TOKEN} | request)) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        return response.status


async def test_a_demo_token_opens_a_room_that_need_not_exist(live: LiveServer) -> None:
    async with live.http.post(live.url("/demo/token"), json={**TOKEN, "role": "SUBSCRIBER"}) as response:
        answer = await response.json()
    token = answer["token"]
    assert answer["faultControl"] is True
    assert token.startswith(f"ws://localhost:{live.test_server.port}?sessionId=demo-room&token=tok_")
    result = await (await live.page()).result("joinRoom", **join_params(token, "demo-room"))
    assert result["role"] == "SUBSCRIBER"


async def test_neither_door_exists_unless_asked_for(serve: Serve, door: str) -> None:
    assert await status(await serve(), door) in (404, 405)


async def test_a_page_of_another_origin_is_refused(live: LiveServer, door: str) -> None:
    assert await status(live, door, headers={"Origin": "https://evil.example"}) == 403
    assert await status(live, door, headers={"Origin": "null"}) == 403
    assert await status(live, door, headers={"Origin": live.url("")}) != 403


async def test_a_host_name_that_may_point_here_by_trick_is_refused(live: LiveServer, door: str) -> None:
    for host in ("rebound.example", "localhost.evil.example", "10.0.0.1", ""):
        assert await status(live, door, headers={"Host": host} if host else {"Host": "[::2]"}) == 403
    assert await status(live, door, headers={"Host": "127.0.0.1"}) != 403
    assert await status(live, door, headers={"Host": "[::1]:4443"}) != 403


async def test_what_a_form_could_send_is_refused(live: LiveServer, door: str) -> None:
    assert await status(live, door, json=None, data=b"{}", headers={"Content-Type": "text/plain"}) == 415
    assert await status(live, door, json=None, data={"session": "x"}) == 415


async def test_bad_bodies_name_the_field(live: LiveServer) -> None:
    bad: list[tuple[str, Any, str]] = [
        ("/demo/token", {}, "session"),
        ("/demo/token", {"session": "../x"}, "session"),
        ("/demo/token", {"session": "x", "role": "KING"}, "role"),
        ("/faults", {"participant": "con_x"}, "seconds"),
        ("/faults", {"participant": "con_x", "seconds": -1}, "seconds"),
        ("/faults", {"participant": "con_x", "seconds": 1e9}, "seconds"),
        ("/faults", {"participant": "con_x", "seconds": 1, "kind": "earthquake"}, "kind"),
    ]
    for path, body, field in bad:
        async with live.http.post(live.url(path), json=body) as response:
            assert response.status == 400
            assert f"'{field}'" in (await response.json(content_type=None))["message"]


async def test_a_fault_of_nobody_is_not_found(live: LiveServer) -> None:
    assert await status(live, "/faults", json={"participant": "con_nobody", "seconds": 1}) == 404


async def test_probe_ids_are_given_only_where_faults_exist(live: LiveServer, serve: Serve) -> None:
    assert (await live.member()).probe_id.startswith("prb_")
    assert (await (await serve()).member()).probe_id == ""
