"""The life cycle of a signaling plane: its opening, the hints that it gets, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from scripted_server import ScriptedServer

from pyvidu.errors import ConnectionFailedError, NotConnectedError
from pyvidu.platform import SocketListener
from pyvidu.protocol.messages import Echo, LeaveRoom
from pyvidu.signaling import SignalingPlane
from virtual_time import virtual_time


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
async def test_a_socket_that_dies_while_the_room_is_being_joined_fails_what_waits() -> None:
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
async def test_a_plane_that_is_closed_while_it_opens_says_so_to_whoever_opens_it() -> None:
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
async def test_before_the_room_is_joined_there_is_nothing_to_reconnect() -> None:
    server = ScriptedServer()
    server.plane.stop_reconnecting()
    server.plane.reconnect_now()
    await server.plane.open("ws://server/openvidu")
    server.plane.stop_reconnecting()
    server.plane.reconnect_now()
    server.plane.rtp_silent()
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
        SignalingPlane.rtp_silent,
        SignalingPlane.rtp_overdue,
    ],
)
@virtual_time
async def test_every_hint_is_asked_about_at_once_and_an_answer_refutes_it(
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


@pytest.mark.parametrize(("steady", "seen_after"), [(False, 2.5), (True, 4.5)])
@virtual_time
async def test_streams_that_flow_earn_a_late_answer_patience_on_the_next_socket_too(
    steady: bool, seen_after: float
) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.sockets[0].drop()
    if steady:
        plane.rtp_steady()  # reported during an outage, and not again after it
    await asyncio.sleep(0.5)
    assert server.told == ["reconnecting", "reconnected"]
    server.answers["ping"] = None
    began = asyncio.get_running_loop().time()  # half a second before the next ping
    while len(server.told) == 2:
        await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - began == pytest.approx(seen_after, abs=0.02)
    plane.close()


@pytest.mark.parametrize(
    "sign", [SignalingPlane.network_online, SignalingPlane.rtp_returned, SignalingPlane.reconnect_now]
)
@virtual_time
async def test_every_sign_of_life_ends_the_wait_between_two_attempts(sign: Callable[[SignalingPlane], None]) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    server.sockets[0].drop()
    server.sockets[1].drop()
    sign(plane)
    assert len(server.sockets) == 3
    plane.close()


@virtual_time
async def test_a_page_that_goes_away_is_told_on() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    plane.page_unloading()
    assert server.told == ["unloading"]
    plane.close()


@virtual_time
async def test_what_needs_no_answer_is_sent_while_the_plane_is_up_and_dropped_while_it_is_not() -> None:
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
async def test_a_leave_goes_out_in_the_very_call_even_on_a_silent_socket_and_nowhere_without_one() -> None:
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
async def test_a_socket_that_was_let_go_of_and_speaks_all_the_same_changes_nothing() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    first = server.sockets[0].listener
    server.sockets[0].drop()
    await asyncio.sleep(3.1)  # the first attempt is dropped
    hung = server.sockets[1]
    assert hung.listener is None
    assert first is not None
    speak: list[SocketListener] = [first]
    for listener in speak:
        listener.socket_opened(hung)
        listener.socket_closed(hung, 1006, "")
    assert server.told == ["reconnecting"]
    assert "connect" not in [method for socket in server.sockets for method in socket.methods()]
    plane.close()
