"""`/faults` over real sockets, and the faults that only real sockets can show."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.server.live_server import LiveServer, Page, Serve


async def order(live: LiveServer, kind: str, whose: Page | None = None, **options: Any) -> dict[str, Any]:
    """Begin a fault, which must be accepted."""
    body = {"kind": kind, "seconds": 30, **({"participant": whose.id} if whose else {}), **options}
    async with live.http.post(live.url("/faults"), json=body) as response:
        assert response.status == 200, await response.text()
        fault: dict[str, Any] = await response.json()
        return fault


async def faults(live: LiveServer) -> list[dict[str, Any]]:
    """Return the faults in progress."""
    async with live.http.get(live.url("/faults")) as response:
        listed: list[dict[str, Any]] = (await response.json())["faults"]
        return listed


async def refusal(live: LiveServer, body: Any) -> str:
    """Return the reason why an order is rejected with status 400."""
    async with live.http.post(live.url("/faults"), json=body) as response:
        assert response.status == 400
        message: str = (await response.json(content_type=None))["message"]
        return message


async def test_fault_can_be_started_listed_and_ended(live: LiveServer) -> None:
    ada = await live.member()
    fault = await order(live, "slow", ada, delay=200, jitter=10, plane="media")
    assert fault.pop("remaining") == pytest.approx(30, abs=1)
    expected = {"kind": "slow", "participant": ada.id, "seconds": 30, "delay": 200, "jitter": 10, "plane": "media"}
    assert fault == {"id": "fault-1", **expected}
    assert [entry["id"] for entry in await faults(live)] == ["fault-1"]
    async with live.http.delete(live.url("/faults/fault-1")) as response:
        assert response.status == 204
    assert await faults(live) == []
    async with live.http.delete(live.url("/faults/fault-1")) as response:
        assert response.status == 404
        assert "GET /faults" in (await response.json())["message"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_get_and_delete_from_other_hosts_and_origins_are_refused(live: LiveServer, method: str) -> None:
    url = live.url("/faults" if method == "GET" else "/faults/fault-1")
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://evil.example"}):
        async with live.http.request(method, url, headers=headers) as response:
            assert response.status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "slow", "participant": "con_x", "seconds": 1}, "delay"),
        ({"kind": "slow", "participant": "con_x", "seconds": 1, "delay": 60_000}, "delay"),
        ({"kind": "slow", "participant": "con_x", "seconds": 1, "delay": 1, "plane": "third"}, "plane"),
        ({"kind": "lost-notification", "participant": "con_x", "seconds": 1, "count": 0}, "count"),
        ({"kind": "refused-resume", "participant": "con_x", "seconds": 1, "count": 10**6}, "count"),
        ({"kind": "silent", "participant": "con_x", "seconds": 1, "delay": 1}, "delay"),
        ({"kind": "silent", "seconds": 1}, "participant"),
        ({"kind": "restart", "seconds": 1, "participant": "con_x"}, "participant"),
        ({"kind": 7, "seconds": 1}, "kind"),
    ],
)
async def test_invalid_or_unsupported_parameter_is_named_in_the_refusal(
    live: LiveServer, body: Any, field: str
) -> None:
    assert f"'{field}'" in await refusal(live, body)


async def test_body_that_is_not_an_object_is_refused(live: LiveServer) -> None:
    for body in ([], "silent", 7):
        assert await refusal(live, body)


async def test_slow_participant_messages_are_delayed_in_both_directions_and_all_are_delivered(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    loop = asyncio.get_running_loop()
    await order(live, "slow", ada, delay=150)
    before = loop.time()
    answers = await asyncio.gather(*(ada.result("echo") for _ in range(20)))
    assert len(answers) == 20
    assert loop.time() - before >= 0.3
    await ada.ws.send_json({"jsonrpc": "2.0", "id": 99, "method": "leaveRoom", "params": {}})
    await ada.ws.close()
    assert (await bob.told("participantLeft"))["reason"] == "disconnect", "what was on its way when it closed arrives"


async def test_an_eviction_reaches_a_slow_participant_in_order(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    await order(live, "slow", ada, delay=100)
    await bob.result("sendMessage", message=json.dumps({"to": [ada.id], "data": "last words", "type": "signal"}))
    await order(live, "eviction", ada)
    code, _ = await asyncio.wait_for(ada.closed, 5)
    assert code == 1001
    assert (await ada.told("sendMessage"))["data"] == "last words"


async def test_signaling_only_fault_with_close_aborts_sockets_without_a_close_frame(live: LiveServer) -> None:
    ada = await live.member()
    await order(live, "signaling-only", ada, close=True)
    code, _ = await asyncio.wait_for(ada.closed, 5)
    assert code in (None, 1006)
    with pytest.raises(aiohttp.ClientError):
        await live.http.ws_connect(live.url(f"/openvidu?probe={ada.probe_id}"))


async def test_restarting_server_answers_only_fault_requests(serve: Serve) -> None:
    live = await serve(fault_control=True, demo=True)
    ada = await live.member()
    fault = await order(live, "restart")
    code, _ = await asyncio.wait_for(ada.closed, 5)
    assert code in (None, 1006)
    for path in ("/openvidu?sessionId=room", "/openvidu/api/sessions", "/healthz", "/"):
        with pytest.raises(aiohttp.ClientError):
            await live.http.get(live.url(path))
    assert [entry["kind"] for entry in await faults(live)] == ["restart"]
    async with live.http.delete(live.url(f"/faults/{fault['id']}")):
        pass
    page = await live.page()
    assert (await page.call("connect", sessionId=ada.rpc_id, reconnect=True))["error"]["code"] == 40007
    assert await live.status("GET", "sessions/room") == 404
    again = await live.member()
    assert again.id != ada.id


async def test_server_shutdown_during_faults_closes_every_socket(serve: Serve) -> None:
    live = await serve(fault_control=True)
    ada, bob, cem = await live.member(), await live.member(), await live.member()
    await order(live, "silent", ada)
    await order(live, "slow", bob, delay=10_000)
    await order(live, "lost-notification", cem, method="participantEvicted")
    await bob.ws.send_json({"jsonrpc": "2.0", "id": 98, "method": "echo", "params": {}})
    await live.test_server.close()
    for page in (ada, bob, cem):
        code, _ = await asyncio.wait_for(page.closed, 5)
        assert code == 1001
        assert (await page.told("participantEvicted"))["reason"] == "openviduServerStopped"
