"""The life cycle of a signaling plane: its opening, the hints that it gets, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pyvidu.errors import ConnectionFailedError, NotConnectedError
from pyvidu.platform import SocketListener
from pyvidu.protocol.messages import Echo, LeaveRoom
from pyvidu.reconnection.evidence import RtpOverdue, RtpReturned, RtpSilent, RtpSteady
from pyvidu.signaling import SignalingPlane
from tests.unit.signaling.scripted_server import ScriptedServer
from tests.virtual_time import virtual_time


@virtual_time
async def test_a_first_socket_that_is_refused_raises_with_the_cause() -> None:
    server = ScriptedServer()
    server.accepts = False
    joining = asyncio.ensure_future(server.joined())
    await asyncio.sleep(0.1)
    server.sockets[0].drop()
    with pytest.raises(ConnectionFailedError, match=r"openvidu: the WebSocket was closed \(code 1006\)"):
        await joining


@virtual_time
async def test_socket_closed_while_joining_fails_pending_requests() -> None:
    server = ScriptedServer()
    server.answers["echo"] = None
    await server.plane.open("ws://server/openvidu")
    joining = asyncio.ensure_future(server.plane.request(Echo()))
    await asyncio.sleep(0.1)
    server.sockets[0].drop()
    with pytest.raises(ConnectionFailedError, match="code 1006"):
        await joining
    assert server.told == []


@virtual_time
async def test_closing_a_plane_while_it_opens_raises_not_connected() -> None:
    server = ScriptedServer()
    server.accepts = False
    joining = asyncio.ensure_future(server.joined())
    await asyncio.sleep(0.1)
    assert not server.plane.is_closed
    server.plane.close()
    assert server.plane.is_closed
    server.plane.close()  # a second time does nothing
    with pytest.raises(NotConnectedError):
        await joining


@virtual_time
async def test_no_reconnection_happens_before_the_room_is_joined() -> None:
    server = ScriptedServer()
    server.plane.stop_reconnecting()
    server.plane.reconnect_now()
    await server.plane.open("ws://server/openvidu")
    server.plane.stop_reconnecting()
    server.plane.reconnect_now()
    server.plane.rtp(RtpSilent())
    assert server.outages.outages == []
    await asyncio.sleep(20)
    assert (server.told, set(server.sockets[0].methods())) == ([], {"ping"})
    server.plane.close()


@pytest.mark.parametrize(
    "hint",
    [
        SignalingPlane.network_offline,
        SignalingPlane.network_changed,
        SignalingPlane.page_woke_up,
        SignalingPlane.unheard,
        lambda plane: plane.rtp(RtpSilent()),
        lambda plane: plane.rtp(RtpOverdue()),
    ],
)
@virtual_time
async def test_every_witness_sends_a_ping_at_once_and_a_pong_prevents_the_verdict(
    hint: Callable[[SignalingPlane], None],
) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    await asyncio.sleep(0.5)
    before = server.sockets[0].methods().count("ping")
    hint(plane)
    assert server.sockets[0].methods().count("ping") == before + 1
    await asyncio.sleep(10)
    assert server.told == []
    plane.close()


@virtual_time
async def test_answer_while_no_rtp_arrives_is_reported_once() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    await asyncio.sleep(3)
    assert server.silences_refuted == 0
    plane.rtp(RtpSilent())
    await asyncio.sleep(3)
    assert server.silences_refuted == 1
    plane.close()


@pytest.mark.parametrize(("steady", "seen_after"), [(False, 2.5), (True, 4.5)])
@virtual_time
async def test_steady_rtp_reported_during_an_outage_delays_the_next_verdict(steady: bool, seen_after: float) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.sockets[0].drop()
    if steady:
        plane.rtp(RtpSteady())  # reported during an outage, and not again after it
    await asyncio.sleep(0.5)
    assert server.told == ["reconnecting", "reconnected"]
    server.answers["ping"] = None
    began = asyncio.get_running_loop().time()  # half a second before the next ping
    while len(server.told) == 2:
        await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - began == pytest.approx(seen_after, abs=0.02)
    plane.close()


@pytest.mark.parametrize(
    "sign",
    [SignalingPlane.network_online, lambda plane: plane.rtp(RtpReturned()), SignalingPlane.reconnect_now],
)
@virtual_time
async def test_online_rtp_and_reconnect_now_end_the_delay_between_attempts(
    sign: Callable[[SignalingPlane], None],
) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    server.sockets[0].drop()
    server.sockets[1].drop()
    sign(plane)
    assert len(server.sockets) == 3
    plane.close()


@virtual_time
async def test_page_unload_is_reported_to_the_listener() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    plane.page_unloading()
    assert server.told == ["unloading"]
    plane.close()


@virtual_time
async def test_unanswered_sends_are_dropped_during_an_outage() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    plane.send(Echo())
    assert server.sockets[0].methods()[-1] == "echo"
    server.accepts = False
    server.sockets[0].drop()
    plane.send(Echo())
    assert "echo" not in server.sockets[1].methods()
    plane.close()


@virtual_time
async def test_refusal_of_what_was_sent_is_reported_unless_the_plane_is_closed() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    plane.send(Echo())
    await asyncio.sleep(1)
    assert server.told == []
    server.answers["echo"] = {"code": 306, "message": "no"}
    plane.send(Echo())
    await asyncio.sleep(1)
    assert server.told == ["refused echo"]
    plane.send(Echo())
    plane.close()
    await asyncio.sleep(1)
    assert server.told == ["refused echo"]


@virtual_time
async def test_leave_is_sent_synchronously_on_an_open_socket_even_if_it_is_silent() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(5)
    assert server.told == ["reconnecting"]
    plane.leave()
    assert server.sockets[0].methods()[-1] == "leaveRoom"
    server.sockets[0].drop()
    plane.leave()
    assert all(LeaveRoom.method not in socket.methods() for socket in server.sockets[1:])
    plane.close()


@virtual_time
async def test_late_callbacks_of_a_dropped_socket_are_ignored() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    first = server.sockets[0].listener
    server.sockets[0].drop()
    await asyncio.sleep(3.1)  # the first attempt is dropped
    hung = server.sockets[1]
    assert hung.listener is None
    assert first is not None
    listeners: list[SocketListener] = [first]
    for listener in listeners:
        listener.socket_opened(hung)
        listener.socket_closed(hung, 1006, "")
    assert server.told == ["reconnecting"]
    assert "connect" not in [method for socket in server.sockets for method in socket.methods()]
    plane.close()
