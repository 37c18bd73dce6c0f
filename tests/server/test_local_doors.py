"""`POST /faults` and `POST /demo/token`: open to pages of this machine, closed to other origins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.live_server import LiveServer, Serve
from tests.server.server_world import join_params

TOKEN = {"session": "demo-room"}


@pytest.fixture(params=["/demo/token", "/faults"])
def door(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    return path


async def status(live: LiveServer, path: str, **request: Any) -> int:
    async with live.http.post(live.url(path), **({"json": TOKEN} | request)) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        return response.status


async def test_demo_token_creates_the_session_if_needed(live: LiveServer) -> None:
    async with live.http.post(live.url("/demo/token"), json={**TOKEN, "role": "SUBSCRIBER"}) as response:
        answer = await response.json()
    token = answer["token"]
    assert answer["faultControl"] is True
    assert token.startswith(f"ws://localhost:{live.test_server.port}?sessionId=demo-room&token=tok_")
    result = await (await live.page()).result("joinRoom", **join_params(token, "demo-room"))
    assert result["role"] == "SUBSCRIBER"


async def test_demo_and_fault_endpoints_do_not_exist_by_default(serve: Serve, door: str) -> None:
    assert await status(await serve(), door) in (404, 405)


async def test_a_page_of_another_origin_is_refused(live: LiveServer, door: str) -> None:
    assert await status(live, door, headers={"Origin": "https://evil.example"}) == 403
    assert await status(live, door, headers={"Origin": "null"}) == 403
    assert await status(live, door, headers={"Origin": live.url("")}) != 403


async def test_request_with_a_foreign_host_name_is_refused(live: LiveServer, door: str) -> None:
    for host in ("rebound.example", "localhost.evil.example", "10.0.0.1", ""):
        assert await status(live, door, headers={"Host": host} if host else {"Host": "[::2]"}) == 403
    assert await status(live, door, headers={"Host": "127.0.0.1"}) != 403
    assert await status(live, door, headers={"Host": "[::1]:4443"}) != 403


async def test_content_types_that_a_html_form_can_send_are_refused(live: LiveServer, door: str) -> None:
    assert await status(live, door, json=None, data=b"{}", headers={"Content-Type": "text/plain"}) == 415
    assert await status(live, door, json=None, data={"session": "x"}) == 415


async def test_invalid_body_is_refused_with_the_name_of_the_field(live: LiveServer) -> None:
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


async def test_fault_for_an_unknown_participant_is_answered_with_404(live: LiveServer) -> None:
    assert await status(live, "/faults", json={"participant": "con_nobody", "seconds": 1}) == 404


async def test_probe_ids_are_returned_by_the_profile_that_answers_probes_and_with_fault_control(
    live: LiveServer, serve: Serve
) -> None:
    assert (await live.member()).probe_id.startswith("prb_")
    assert (await (await serve()).member()).probe_id.startswith("prb_")
    assert (await (await serve(profile="kurento")).member()).probe_id == ""
