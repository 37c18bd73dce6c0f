"""`SignalingPlane`, the shell around the supervisor, against a scripted server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.errors import (
    ConnectionFailedError,
    NotConnectedError,
    QueueFullError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
    SessionLostError,
)
from pyvidu.protocol.messages import Echo, LeaveRoom, SendMessage
from pyvidu.reconnection.policy import ReconnectionPolicy, RequestPolicy
from pyvidu.signaling import SignalingPlane
from tests.unit.signaling.scripted_server import ScriptedServer
from tests.virtual_time import virtual_time

REFUSED = {"code": 40007, "message": "reconnection error"}


@virtual_time
async def test_only_the_first_ping_declares_the_interval() -> None:
    server = ScriptedServer()
    await server.joined()
    await asyncio.sleep(3.5)
    pings = [params for _, method, params in server.sockets[0].requests if method == "ping"]
    assert pings == [{"interval": 5000}, {}, {}, {}]
    server.plane.close()


@virtual_time
async def test_socket_and_round_trip_of_the_plane_are_those_of_the_socket_that_carries_the_session() -> None:
    server = ScriptedServer()
    server.handshake = 0.2
    assert (server.plane.socket, server.plane.round_trip) == (None, None)
    plane = await server.joined()
    assert plane.round_trip is not None
    assert plane.round_trip.smoothed == pytest.approx(0.1)
    assert plane.socket is server.sockets[0]
    server.sockets[0].drop()
    assert plane.socket is None
    await asyncio.sleep(1)
    assert plane.socket is server.sockets[1]
    plane.close()
    assert plane.socket is None


@virtual_time
async def test_request_ids_increase_over_all_sockets() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    await plane.request(Echo())
    server.sockets[0].drop()
    await asyncio.sleep(1)
    await plane.request(Echo())
    ids = [number for socket in server.sockets for number, _, _ in socket.requests]
    assert ids == sorted(set(ids))
    plane.close()


@virtual_time
async def test_leave_during_a_resume_is_sent_on_the_new_socket() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.answers["connect"] = None
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    plane.leave()
    plane.close()
    assert server.sockets[1].methods() == ["connect", "echo", "ping", "leaveRoom"]


@virtual_time
async def test_connect_with_the_rpc_session_id_is_the_first_request_on_a_new_socket() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(0.5)
    assert server.told == ["reconnecting", "reconnected"]
    assert server.sockets[1].methods()[:3] == ["connect", "echo", "ping"]
    assert server.sockets[1].requests[0][2] == {"sessionId": "rpc", "reconnect": True}
    plane.close()


@virtual_time
async def test_a_first_socket_that_does_not_open_raises_with_the_cause() -> None:
    server = ScriptedServer()
    server.accepts = False
    with pytest.raises(ConnectionFailedError, match="ws://server/openvidu: no answer within 10 s"):
        await server.joined()
    assert not server.sockets[0].is_open


@virtual_time
async def test_policy_determines_the_timeout_of_the_first_socket_and_of_requests() -> None:
    server = ScriptedServer()
    policy = ReconnectionPolicy(requests=RequestPolicy(timeout=2.5))
    server.plane = SignalingPlane(server.host(), policy, server.outages, server)
    server.accepts = False
    with pytest.raises(ConnectionFailedError, match=r"no answer within 2\.5 s"):
        await server.joined()
    server.accepts = True
    server.plane = SignalingPlane(server.host(), policy, server.outages, server)
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    with pytest.raises(RequestTimeoutError, match=r"leaveRoom within 2\.5 s"):
        await plane.request(LeaveRoom())
    plane.close()


@pytest.mark.parametrize(
    ("life", "status", "reason"),
    [
        (None, {"life": 2}, "networkDisconnect"),
        (1, {"life": 1}, "networkDisconnect"),
        (1, {"life": 2}, "nodeCrashed"),
        (1, {"life": -1}, "networkDisconnect"),
        (1, {}, "networkDisconnect"),
        (1, {"life": "?"}, "networkDisconnect"),
        (1, {"code": -1, "message": "unknown method"}, "networkDisconnect"),
        (1, None, "networkDisconnect"),
    ],
)
@virtual_time
async def test_refused_resume_on_a_cluster_requests_the_life_of_the_node(
    life: int | None, status: Any, reason: str
) -> None:
    server = ScriptedServer()
    server.answers |= {"connect": REFUSED, "sessionStatus": status}
    plane = await server.joined(life=life)
    server.sockets[0].drop()
    await asyncio.sleep(5)
    assert server.told == ["reconnecting", f"lost: {reason}"]
    with pytest.raises(SessionLostError, match=reason):
        await plane.request(Echo())


@virtual_time
async def test_unanswered_request_fails_after_its_deadline() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = None
    plane = await server.joined()
    with pytest.raises(RequestTimeoutError, match="leaveRoom within 10 s"):
        await plane.request(LeaveRoom())
    plane.close()


@virtual_time
async def test_request_error_has_openvidus_code() -> None:
    server = ScriptedServer()
    server.answers["leaveRoom"] = {"code": -1, "message": "No such user. Code: 102"}
    plane = await server.joined()
    with pytest.raises(RequestError) as refused:
        await plane.request(LeaveRoom())
    assert (refused.value.code, refused.value.method) == (102, "leaveRoom")
    plane.close()


@pytest.mark.parametrize(("repeatable", "replays"), [(True, False), (False, True)])
@virtual_time
async def test_pending_request_is_repeated_after_an_outage_if_it_is_repeatable(repeatable: bool, replays: bool) -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = None
    plane = await server.joined(replays=replays)
    sending = asyncio.ensure_future(plane.request(SendMessage("x"), repeatable=repeatable))
    await asyncio.sleep(1)
    server.answers["sendMessage"] = {}
    server.sockets[0].drop()
    await sending
    first, second = [
        number for socket in server.sockets for number, method, _ in socket.requests if method == "sendMessage"
    ]
    assert (first == second) == replays, "under its id only where the server knows it again"
    plane.close()


@virtual_time
async def test_pending_request_that_is_not_repeatable_fails_with_outcome_unknown() -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = None
    plane = await server.joined()
    sending = asyncio.ensure_future(plane.request(SendMessage("x"), repeatable=False))
    await asyncio.sleep(1)
    server.sockets[0].drop()
    with pytest.raises(RequestOutcomeUnknown):
        await sending
    sent = [method for socket in server.sockets for method in socket.methods()]
    assert sent.count("sendMessage") == 1, "what nobody knows of is not sent again behind the application's back"
    plane.close()


@virtual_time
async def test_request_refused_because_another_socket_has_the_session_is_repeated_after_a_resume() -> None:
    server = ScriptedServer()
    server.answers["sendMessage"] = {"code": 803, "message": "No connection found. Code: 803"}
    plane = await server.joined()
    sending = asyncio.ensure_future(plane.request(SendMessage("x"), repeatable=False))
    await asyncio.sleep(0)
    server.answers["sendMessage"] = {}
    await sending
    assert server.told == ["reconnecting", "reconnected"]
    plane.close()


@virtual_time
async def test_first_socket_that_closes_right_after_opening_raises_with_the_cause() -> None:
    server = ScriptedServer()
    opening = asyncio.ensure_future(server.plane.open("ws://server/openvidu?sessionId=x"))
    while not server.sockets or not server.sockets[0].is_open:
        await asyncio.sleep(0)
    server.sockets[0].drop()
    with pytest.raises(ConnectionFailedError, match="closed"):
        await opening


@virtual_time
async def test_notification_on_the_old_socket_after_connect_was_sent_is_not_counted() -> None:
    server = ScriptedServer()
    server.answers |= {"connect": None, "echo": None}
    plane = await server.joined(replays=True)
    server.answers["ping"] = None
    await asyncio.sleep(4)  # silence: `connect` is sent on a second socket, where it is not answered
    old, new = server.sockets[:2]
    assert new.requests[0][1:] == ("connect", {"sessionId": "rpc", "reconnect": True, "received": 0})
    for socket in (new, old):
        socket.push({"jsonrpc": "2.0", "method": "participantJoined", "params": {}})
    server.sockets[1].drop()
    old.push({"jsonrpc": "2.0", "method": "participantJoined", "params": {}})
    await asyncio.sleep(6)
    counted = {
        params["received"] for socket in server.sockets for _, method, params in socket.requests if method == "connect"
    }
    assert counted <= {0, 1}
    plane.close()


@virtual_time
async def test_notifications_during_an_outage_are_reported_once_after_it() -> None:
    server = ScriptedServer()
    server.answers |= {"connect": None, "echo": None}
    plane = await server.joined(replays=True)
    server.sockets[0].push({"jsonrpc": "2.0", "method": "participantLeft", "params": {}})
    await asyncio.sleep(0.1)
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    new = server.sockets[1]
    assert new.requests[0][2]["received"] == 1
    new.push({"jsonrpc": "2.0", "id": new.requests[0][0], "result": {"value": "reconnection successful"}})
    new.push({"jsonrpc": "2.0", "method": "participantJoined", "params": {}})
    await asyncio.sleep(0.1)
    assert server.told == ["participantLeft", "reconnecting"]
    new.push({"jsonrpc": "2.0", "id": new.requests[1][0], "result": {}})
    await asyncio.sleep(0.1)
    assert server.told == ["participantLeft", "reconnecting", "reconnected", "participantJoined"]
    plane.close()


@virtual_time
async def test_closed_plane_sends_nothing_and_leaves_no_tasks_or_sockets() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.sockets[0].drop()
    plane.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.sleep(30)
    assert all(task.done() for task in tasks)
    assert server.told == ["reconnecting"]
    assert len(server.sockets) == 2
    assert not any(socket.is_open for socket in server.sockets)
    with pytest.raises(NotConnectedError):
        await plane.request(Echo())


@virtual_time
async def test_request_above_the_queue_limit_during_an_outage_raises_queue_full() -> None:
    server = ScriptedServer()
    server.plane = SignalingPlane(
        server.host(), ReconnectionPolicy(requests=RequestPolicy(queue_limit=3)), server.outages, server
    )
    plane = await server.joined()
    server.accepts = False
    server.sockets[0].drop()
    waiting = [asyncio.ensure_future(plane.request(SendMessage(f"{n}"), repeatable=False)) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError, match="3 sendMessage requests wait for the end of the outage already"):
        await plane.request(SendMessage("3"), repeatable=False)
    waiting.append(asyncio.ensure_future(plane.request(Echo())))  # another kind has a queue of its own
    server.accepts = True
    await asyncio.gather(*waiting)
    sent = [params["message"] for _, method, params in server.sockets[-1].requests if method == "sendMessage"]
    assert sent == ["0", "1", "2"]
    await plane.request(SendMessage("4"), repeatable=False)
    plane.close()


@virtual_time
async def test_drop_while_joining_fails_the_join_within_3_s() -> None:
    server = ScriptedServer()
    server.answers |= {"ping": None, "echo": None}
    await server.plane.open("ws://server/openvidu")
    joining = asyncio.ensure_future(server.plane.request(Echo()))
    began = asyncio.get_running_loop().time()
    with pytest.raises(ConnectionFailedError, match="dropped while the session was being joined"):
        await joining
    assert asyncio.get_running_loop().time() - began < 3
    assert (server.told, len(server.sockets), server.sockets[0].closed) == ([], 1, 4102)


@virtual_time
async def test_slow_opening_of_the_first_socket_extends_the_answer_timeout() -> None:
    server = ScriptedServer()
    server.handshake = 3.0
    server.answers |= {"ping": None, "echo": None}
    await server.plane.open("ws://server/openvidu")
    joining = asyncio.ensure_future(server.plane.request(Echo()))
    await asyncio.sleep(4.9)
    assert not joining.done()
    server.plane.close()
    with pytest.raises(NotConnectedError):
        await joining
