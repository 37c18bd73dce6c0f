"""The WebSocket endpoint over real sockets: the whole path, and the effect of hostile or dead peers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import Any, cast

import aiohttp
import pytest

from pyvidu.protocol.codes import PROBE_ANSWER, PROBE_ANSWER_UNHEARD
from pyvidu.server.http import websocket
from pyvidu.server.limits import Limits
from tests.server.live_server import LiveServer, Serve
from tests.server.server_world import FakeMedia
from tests.stopwatch import stopwatch
from tests.waiting import until

KIB = 1024
TCP_RTO_MAX_MS = 44
FAST = Limits(byte_burst=2**30)  # a sender that is not slowed down


async def test_join_publish_subscribe_and_resume_over_real_sockets(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    stream = await ada.publish()
    assert (await bob.told("participantPublished"))["streams"][0]["id"] == stream
    answer = await bob.result("receiveVideoFrom", sender=stream, sdpOffer="an offer")
    assert answer["sdpAnswer"] == "answer to an offer"
    again = await live.page()
    resumed = await again.call("connect", sessionId=ada.rpc_id, reconnect=True)
    assert resumed["result"]["value"] == "reconnection successful"
    code, reason = await asyncio.wait_for(ada.closed, 5)
    assert code == 4105
    assert reason
    await bob.result("sendMessage", message=json.dumps({"to": [], "data": "welcome back", "type": "signal"}))
    assert (await again.told("sendMessage"))["data"] == "welcome back"


async def test_a_probe_is_answered_at_once(live: LiveServer) -> None:
    async with live.http.get(live.url("/openvidu?probe=prb_whoever")) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.text() == PROBE_ANSWER
        assert len(PROBE_ANSWER) < 32


async def test_probe_of_who_is_not_heard_any_more_is_told_so(serve: Serve) -> None:
    live = await serve()
    ada = await live.member()

    async def answer(probe_id: str) -> str:
        async with live.http.get(live.url(f"/openvidu?probe={probe_id}")) as response:
            return await response.text()

    assert await answer(ada.probe_id) == PROBE_ANSWER
    cast(FakeMedia, live.server.media).last_rtp[ada.id] = asyncio.get_running_loop().time()
    async with asyncio.timeout(5):
        while await answer(ada.probe_id) != PROBE_ANSWER_UNHEARD:
            assert await answer("prb_whoever") == PROBE_ANSWER
    await ada.call("ping")
    assert await answer(ada.probe_id) == PROBE_ANSWER


async def test_answer_to_a_probe_may_be_read_by_a_page_of_any_origin_that_sends_its_cookies(live: LiveServer) -> None:
    async with live.http.get(live.url("/openvidu"), headers={"Origin": "https://app.example"}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert response.headers["Access-Control-Allow-Credentials"] == "true"


async def test_healthz_is_answered_with_ok(live: LiveServer) -> None:
    async with live.http.get(live.url("/healthz")) as response:
        assert await response.text() == "ok\n"


@pytest.mark.parametrize("profile", ["default", "kurento"])
@pytest.mark.parametrize("joined", [True, False])
async def test_message_above_50_kib_is_answered_with_an_error_and_the_socket_stays_open(
    serve: Serve, profile: str, joined: bool
) -> None:
    live = await serve(profile=profile)
    ada = await live.member() if joined else await live.page()
    answer = await ada.call("ping", x="x" * (51 * KIB))  # the id is the second member
    assert answer["error"]["code"] == -32600
    assert "51200 are allowed" in answer["error"]["message"]
    await ada.ws.send_str(
        json.dumps({"method": "echo", "params": {"x": "x" * 50 * KIB}, "id": "none that is looked for"})
    )
    assert (await ada.refused())["code"] == -32600
    assert "error" not in await ada.call("ping", x="x" * (49 * KIB))


async def test_message_that_is_too_long_is_answered_with_the_id_that_it_ends_with(live: LiveServer) -> None:
    ada = await live.page()
    answer = ada.expect(77)
    await ada.ws.send_str(json.dumps({"method": "echo", "params": {"id": 3, "x": "x" * 100 * KIB}, "id": 77}))
    assert (await answer)["error"]["code"] == -32600


async def test_message_that_is_too_long_to_be_read_closes_only_its_own_socket(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        await ada.ws.send_str("x" * 300 * KIB)
    code, _ = await asyncio.wait_for(ada.closed, 5)
    assert code in (1009, 1006)
    assert await bob.result("echo")


async def test_malformed_messages_are_answered_with_a_parse_error(live: LiveServer) -> None:
    ada = await live.page()
    await ada.ws.send_str("{")
    assert (await ada.refused())["code"] == -32700
    await ada.ws.send_bytes(b"\xff\xfe\x00")
    assert (await ada.refused())["code"] == -32700
    assert (await ada.call("echo"))["error"]["code"] == 803
    await ada.ws.send_bytes(json.dumps({"id": 99, "method": "ping"}).encode())


async def test_lone_surrogate_in_a_signal_is_delivered_as_a_replacement_character(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    await ada.ws.send_str(
        '{"jsonrpc":"2.0","id":50,"method":"sendMessage","params":{"message":"{\\"to\\":[],\\"data\\":\\"\\\\ud800\\"}"}}'
    )
    assert (await bob.told("sendMessage"))["data"] == "?"
    assert await ada.result("echo")


async def test_page_that_stops_reading_is_evicted_on_time_although_messages_are_queued_for_it(serve: Serve) -> None:
    live = await serve(eviction_timeout=2.5, limits=FAST)
    ada, bob = await live.member(), await live.member()
    ada.stop_reading()
    silent_since = time.monotonic()
    signal = json.dumps({"to": [ada.id], "data": "x" * 45_000, "type": "signal"})
    async with stopwatch() as watch:
        for _ in range(180):
            await bob.call("sendMessage", message=signal)
        assert (await bob.told("participantLeft"))["reason"] == "networkDisconnect"
        assert watch.seconds < 3.6
    assert time.monotonic() - silent_since > 2
    assert (await bob.told("participantEvicted"))["connectionId"] == ada.id


async def test_only_allowed_origins_may_open_the_socket(serve: Serve) -> None:
    live = await serve(allowed_origins=("https://app.example",))
    url = live.url("/openvidu?sessionId=x")
    ws = await live.http.ws_connect(url, headers={"Origin": "https://app.example"})
    await ws.close()
    for headers in (
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://app.example.evil.example"},
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await live.http.ws_connect(url, headers=headers)
        assert refused.value.status == 403


async def test_close_of_a_client_is_answered_and_its_session_is_removed(live: LiveServer) -> None:
    page = await live.page()
    assert await page.call("connect")
    await page.ws.close(code=4102, message=b"bye")
    assert page.ws.close_code == 4102
    await until(lambda: not (live.server.signaling.sockets or live.server.signaling.sessions), 5)


async def test_server_shutdown_closes_sockets_with_code_1001(serve: Serve) -> None:
    live = await serve()
    ada = await live.member()
    async with stopwatch() as watch:
        await live.test_server.close()
        assert (await asyncio.wait_for(ada.closed, 5))[0] == 1001
        assert watch.seconds < 1
    assert live.server.media.closed  # type: ignore[attr-defined]


async def test_silent_fault_holds_messages_probes_and_new_sockets_of_one_page(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    begin = time.monotonic()
    async with stopwatch() as watch:
        body = {"participant": ada.id, "kind": "silent", "seconds": 1.5}
        async with live.http.post(live.url("/faults"), json=body) as response:
            assert response.status == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", live.test_server.port)
        writer.write(f"GET /openvidu?probe={ada.probe_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        probe = asyncio.create_task(reader.read())
        resume = asyncio.create_task(live.page(f"&probe={ada.probe_id}"))
        echo = asyncio.create_task(ada.call("echo"))
        await bob.publish()
        await asyncio.sleep(1)  # within the fault's 1.5 s nothing may pass
        assert not probe.done()
        assert not resume.done()
        assert not echo.done()
        assert not ada.notifications[1:]
        with contextlib.suppress(ConnectionError):
            assert await probe == b""
        writer.close()
        await resume  # closed too; aiohttp's client repeats a GET by itself
        assert watch.seconds < 1.8
    assert time.monotonic() - begin > 1.4
    await echo  # what TCP kept is delivered after the fault, both ways
    await ada.told("participantPublished")
    async with live.http.get(live.url(f"/openvidu?probe={ada.probe_id}")) as response:
        assert response.status == 200


async def test_eviction_during_a_silent_fault_reaches_the_page_after_it(serve: Serve) -> None:
    live = await serve(fault_control=True, eviction_timeout=2.1)
    ada, bob = await live.member(), await live.member()
    begin = time.monotonic()
    async with stopwatch() as watch:
        async with live.http.post(live.url("/faults"), json={"participant": ada.id, "seconds": 3.5}) as response:
            assert response.status == 200
        assert await bob.told("participantEvicted")
        assert watch.seconds < 3.1
        assert time.monotonic() - begin > 1.1
        assert not ada.closed.done()
        assert (await asyncio.wait_for(ada.closed, 5))[0] == 1001
        assert watch.seconds < 3.8
    assert time.monotonic() - begin > 3.4
    again = await live.page(f"&probe={ada.probe_id}")
    assert (await again.call("connect", sessionId=ada.rpc_id))["error"]["code"] == 40007


async def test_sockets_retransmit_every_second_where_the_kernel_supports_it(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    retransmit_soon = websocket.retransmit_soon

    def watched(tcp: asyncio.Transport) -> None:
        retransmit_soon(tcp)
        opened.append(tcp.get_extra_info("socket"))

    monkeypatch.setattr(websocket, "retransmit_soon", watched)
    ada = await live.member()
    [tcp] = opened
    with contextlib.suppress(OSError):  # Linux before 6.15
        assert tcp.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS) == 1000
    assert await ada.result("echo")


@pytest.mark.parametrize("kernel", ["has it", "has it not"])
def test_kernel_without_the_retransmission_option_is_tolerated(monkeypatch: pytest.MonkeyPatch, kernel: str) -> None:
    asked: list[tuple[int, int, int]] = []

    class Tcp(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__(extra={"socket": self})

        def setsockopt(self, *option: int) -> None:
            asked.append(option)  # type: ignore[arg-type]
            if kernel == "has it not":
                raise OSError(92, "Protocol not available")

    monkeypatch.setattr(websocket.sys, "platform", "linux")
    tcp = Tcp()
    websocket.retransmit_soon(tcp)
    websocket.retransmit_soon(asyncio.Transport())  # a transport without a socket, such as a pipe
    assert asked == [(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, 1000)]
