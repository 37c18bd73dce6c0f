"""Edge cases of requests: answers at the last moment, cancelled requests, the end of the session."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.errors import (
    MalformedAnswerError,
    MessageTooLongError,
    NotConnectedError,
    RequestError,
    RequestTimeoutError,
    SessionLostError,
)
from pyvidu.protocol.codes import NOT_A_MEMBER, Code
from pyvidu.protocol.messages import (
    LeaveRoom,
    PrepareReceiveVideoFrom,
    PublishVideo,
    ReceiveVideoFrom,
    ReconnectStream,
    SendMessage,
)
from tests.unit.signaling.scripted_server import ScriptedServer, ScriptedSocket
from tests.virtual_time import VirtualClockLoop, virtual_time


def answer_all(socket: ScriptedSocket, method: str) -> None:
    for number, sent, _ in socket.requests:
        if sent == method:
            socket.push({"jsonrpc": "2.0", "id": number, "result": {}})


def refuse_all(socket: ScriptedSocket, method: str, code: int) -> None:
    for number, sent, _ in socket.requests:
        if sent == method:
            socket.push({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": "refused"}})


def answer_in_this_call(socket: ScriptedSocket, method: str) -> None:
    (number,) = (number for number, sent, _ in socket.requests if sent == method)
    assert socket.listener is not None
    socket.listener.socket_received(socket, f'{{"jsonrpc": "2.0", "id": {number}, "result": {{}}}}')


@virtual_time
async def test_response_received_right_after_a_stall_is_accepted_although_the_deadline_passed() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom(), timeout=2))
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.advance(1.5)  # the page stood still; then answer and deadline are due together
    answer_in_this_call(server.sockets[0], "leaveRoom")
    assert await leaving == {}
    plane.close()


@virtual_time
async def test_deadline_that_passed_during_a_sleep_is_extended() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom(), timeout=2))
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.advance(3600)
    await asyncio.sleep(1)
    answer_all(server.sockets[0], "leaveRoom")
    assert await leaving == {}
    plane.close()


@virtual_time
async def test_deadline_right_after_a_sleep_is_extended_until_a_ping_is_answered() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    await asyncio.sleep(0.5)
    server.answers["ping"] = None
    leaving = asyncio.ensure_future(plane.request(LeaveRoom(), timeout=10))
    await asyncio.sleep(0.1)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.advance(9.85)  # the page sleeps and wakes 0.05 s before the deadline
    await asyncio.sleep(0.3)
    assert not leaving.done()
    answer_all(server.sockets[0], "leaveRoom")
    assert await leaving == {}
    plane.close()


@virtual_time
async def test_request_refused_on_the_old_socket_with_803_is_repeated_after_the_resume() -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = None
    plane = await server.joined()
    sending = asyncio.ensure_future(plane.request(SendMessage("x"), repeatable=False))
    await asyncio.sleep(0.5)
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(3)
    (number,) = (number for number, method, _ in server.sockets[0].requests if method == "sendMessage")
    server.sockets[0].push({"jsonrpc": "2.0", "id": number, "error": {"code": 803, "message": "nobody's"}})
    server.answers |= {"ping": {"value": "pong"}, "sendMessage": {"sent": "again"}}
    server.accepts = True
    assert await sending == {"sent": "again"}
    assert server.told == ["reconnecting", "reconnected"]
    plane.close()


async def refused_in_an_outage(
    server: ScriptedServer, code: int = Code.USER_NOT_FOUND, **particulars: object
) -> asyncio.Future[object]:
    """Return a request that was sent on the first socket and refused on it after the verdict that it is down."""
    server.answers["sendMessage"] = None
    plane = await server.joined(**particulars)
    sending = asyncio.ensure_future(plane.request(SendMessage("x")))
    await asyncio.sleep(0.5)
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(3)
    assert server.told == ["reconnecting"]
    refuse_all(server.sockets[0], "sendMessage", code)
    await asyncio.sleep(0.1)
    return sending


def sent_times(server: ScriptedServer, method: str) -> int:
    return sum(socket.methods().count(method) for socket in server.sockets)


@pytest.mark.parametrize("code", NOT_A_MEMBER)
@virtual_time
async def test_request_refused_as_not_a_member_in_an_outage_fails_when_the_old_socket_answers_again(code: Code) -> None:
    server = ScriptedServer()
    sending = await refused_in_an_outage(server, code)
    await asyncio.sleep(60)
    assert not sending.done(), "neither the refusal nor a deadline counts during an outage"
    server.answers["ping"] = {"value": "pong"}
    answer_all(server.sockets[0], "ping")
    with pytest.raises(RequestError) as refused:
        await sending
    assert (refused.value.code, server.told) == (code, ["reconnecting", "reconnected"])
    assert sent_times(server, "sendMessage") == 1
    server.plane.close()


@pytest.mark.parametrize("replays", [False, True])
@virtual_time
async def test_request_refused_as_not_a_member_in_an_outage_fails_after_a_resume_and_is_not_repeated(
    replays: bool,
) -> None:
    server = ScriptedServer()
    sending = await refused_in_an_outage(server, replays=replays)
    assert not sending.done()
    server.answers["ping"], server.accepts = {"value": "pong"}, True
    with pytest.raises(RequestError) as refused:
        await sending
    assert (refused.value.code, server.told) == (Code.USER_NOT_FOUND, ["reconnecting", "reconnected"])
    assert sent_times(server, "sendMessage") == 1
    server.plane.close()


@virtual_time
async def test_request_refused_as_not_a_member_in_an_outage_that_ends_in_an_eviction_fails_with_session_lost() -> None:
    server = ScriptedServer()
    sending = await refused_in_an_outage(server)
    server.answers |= {"ping": {"value": "pong"}, "connect": {"code": Code.RECONNECTION, "message": "gone"}}
    server.accepts = True
    with pytest.raises(SessionLostError):
        await sending
    assert server.told == ["reconnecting", "lost: networkDisconnect"]


@pytest.mark.parametrize("code", [Code.INTERNAL, Code.SIGNAL_TO, Code.GENERIC])
@virtual_time
async def test_request_refused_with_another_code_in_an_outage_fails_at_once(code: Code) -> None:
    server = ScriptedServer()
    sending = await refused_in_an_outage(server, code)
    with pytest.raises(RequestError) as refused:
        await sending
    assert (refused.value.code, server.told) == (code, ["reconnecting"])
    server.plane.close()


@virtual_time
async def test_request_refused_as_not_a_member_without_an_outage_fails_at_once() -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = {"code": Code.USER_NOT_FOUND, "message": "no such participant"}
    plane = await server.joined()
    with pytest.raises(RequestError) as refused:
        await plane.request(SendMessage("x"))
    assert (refused.value.code, server.told) == (Code.USER_NOT_FOUND, [])
    plane.close()


@virtual_time
async def test_request_cancelled_while_its_refusal_waits_is_forgotten() -> None:
    server = ScriptedServer()
    sending = await refused_in_an_outage(server)
    sending.cancel()
    server.answers["ping"], server.accepts = {"value": "pong"}, True
    await asyncio.sleep(10)
    assert (sending.cancelled(), server.told) == (True, ["reconnecting", "reconnected"])
    assert sent_times(server, "sendMessage") == 1
    server.plane.close()


@virtual_time
async def test_response_after_the_deadline_is_ignored() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom(), timeout=2))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(2, answer_all, server.sockets[0], "leaveRoom")
    with pytest.raises(RequestTimeoutError):
        await leaving
    plane.close()


@virtual_time
async def test_response_on_the_old_socket_during_an_outage_is_accepted() -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = None
    plane = await server.joined()
    sending = asyncio.ensure_future(plane.request(SendMessage("x"), repeatable=False))
    await asyncio.sleep(0.5)
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(3)
    assert server.told == ["reconnecting"]
    answer_all(server.sockets[0], "sendMessage")
    assert await sending == {}
    plane.close()


@virtual_time
async def test_deadline_of_a_pending_request_restarts_after_an_outage_on_the_same_socket() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom(), timeout=10))
    await asyncio.sleep(0.5)
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(3)
    server.answers["ping"] = {"value": "pong"}
    answer_all(server.sockets[0], "ping")
    await asyncio.sleep(9)
    assert server.told == ["reconnecting", "reconnected"]
    answer_all(server.sockets[0], "leaveRoom")
    assert await leaving == {}
    assert server.sockets[0].methods().count("leaveRoom") == 1
    plane.close()


@virtual_time
async def test_request_cancelled_during_an_outage_is_not_sent() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    server.sockets[0].drop()
    sending = asyncio.ensure_future(plane.request(SendMessage("x")))
    await asyncio.sleep(1)
    sending.cancel()
    server.accepts = True
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"]
    assert "sendMessage" not in server.sockets[-1].methods()
    plane.close()


@virtual_time
async def test_request_cancelled_in_the_reconnected_callback_is_not_sent() -> None:
    sending: asyncio.Future[object]

    class CancelsWhenReconnected(ScriptedServer):
        def signaling_reconnected(self) -> None:
            super().signaling_reconnected()
            sending.cancel()

    server = CancelsWhenReconnected()
    plane = await server.joined()
    server.sockets[0].drop()
    sending = asyncio.ensure_future(plane.request(SendMessage("x")))
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"]
    assert "sendMessage" not in server.sockets[-1].methods()
    plane.close()


@pytest.mark.parametrize("answered", [True, False])
@virtual_time
async def test_closing_the_plane_fails_pending_requests_and_keeps_received_results(answered: bool) -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom()))
    await asyncio.sleep(0.1)
    if answered:
        answer_in_this_call(server.sockets[0], "leaveRoom")
        asyncio.get_running_loop().call_soon(plane.close)  # before the task that awaits the answer has run
        assert await leaving == {}
    else:
        plane.close()
        with pytest.raises(NotConnectedError):
            await leaving


@virtual_time
async def test_malformed_answer_fails_the_request_and_says_what_is_wrong() -> None:
    server = ScriptedServer()
    server.answers |= {"publishVideo": {"id": "str_x"}, "prepareReceiveVideoFrom": {}}
    plane = await server.joined()
    with pytest.raises(
        MalformedAnswerError, match="answer to publishVideo is malformed: 'sdpAnswer' is missing"
    ) as failed:
        await plane.request(PublishVideo("an offer", do_loopback=False, has_audio=True, has_video=True))
    assert (failed.value.method, failed.value.code) == ("publishVideo", -1)
    for call in (
        ReceiveVideoFrom("str_x", sdp_offer="an offer"),
        ReconnectStream("str_x", sdp_string="an offer"),
        ReconnectStream("str_x", sdp_offer="an offer", forcibly_reconnect=False),
        PrepareReceiveVideoFrom("str_x", reconnect=False),
    ):
        with pytest.raises(MalformedAnswerError):
            await plane.request(call)
    for call in (
        ReceiveVideoFrom("str_x", sdp_answer="an answer"),
        ReconnectStream("str_x", sdp_string="an answer", forcibly_reconnect=True),
    ):
        assert await plane.request(call) == {}
    plane.close()


@virtual_time
async def test_response_without_result_and_error_fails_the_request_at_once() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    leaving = asyncio.ensure_future(plane.request(LeaveRoom()))
    await asyncio.sleep(0.1)
    (number,) = (number for number, sent, _ in server.sockets[0].requests if sent == "leaveRoom")
    server.sockets[0].push({"jsonrpc": "2.0", "id": number})
    with pytest.raises(RequestError, match="leaveRoom was refused: Neither 'method' nor 'result' nor 'error'"):
        await leaving
    plane.close()


@virtual_time
async def test_request_that_is_too_long_fails_with_a_typed_error_and_no_resume_sends_it() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    with pytest.raises(MessageTooLongError, match=r"sendMessage cannot be sent: it has 60\d\d\d bytes"):
        await plane.request(SendMessage("é" * 30_000), repeatable=False)
    assert await plane.request(SendMessage("x" * 50_000), repeatable=False) == {}
    server.answers["ping"], server.accepts = None, False
    server.sockets[0].drop()
    long, short = (
        asyncio.ensure_future(plane.request(SendMessage(text), repeatable=False)) for text in ("x" * 51_200, "short")
    )
    await asyncio.sleep(3)
    server.answers["ping"], server.accepts = {"value": "pong"}, True
    assert await short == {}
    with pytest.raises(MessageTooLongError):
        await long
    sent = [params for socket in server.sockets for _, method, params in socket.requests if method == "sendMessage"]
    assert [len(params["message"]) for params in sent] == [50_000, 5]
    plane.close()
