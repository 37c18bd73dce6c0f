"""Outages of a signaling plane: which socket carries on, which events are fired, and applications that act meanwhile."""

from __future__ import annotations

import asyncio
import math

import pytest

from pyvidu.errors import PropertiesError, SessionLostError
from pyvidu.platform import SocketListener
from pyvidu.protocol.messages import Echo, SendMessage, StreamPropertyChanged
from pyvidu.protocol.reasons import Reason
from tests.unit.signaling.scripted_server import ScriptedServer, ScriptedSocket
from tests.virtual_time import virtual_time

JOINED = {"jsonrpc": "2.0", "method": "participantJoined", "params": {}}


@virtual_time
async def test_session_continues_on_the_old_socket_and_the_attempt_is_closed_if_the_old_socket_answers_first() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.answers["ping"], server.accepts = None, False
    await asyncio.sleep(3)
    assert server.told == ["reconnecting"]
    server.answers["ping"] = {"value": "pong"}
    old = server.sockets[0]
    for number, method, _ in list(old.requests):
        if method == "ping":
            old.push({"jsonrpc": "2.0", "id": number, "result": {"value": "pong"}})
    await asyncio.sleep(1)
    assert server.told == ["reconnecting", "reconnected"]
    assert old.is_open
    assert "connect" not in [method for socket in server.sockets for method in socket.methods()]
    assert not any(socket.is_open for socket in server.sockets[1:])
    plane.close()


@virtual_time
async def test_notification_on_both_sockets_during_a_resume_is_reported_once() -> None:
    server = ScriptedServer()
    server.answers |= {"connect": None, "echo": None}
    plane = await server.joined(replays=True)
    server.answers["ping"] = None
    await asyncio.sleep(3.5)
    old, new = server.sockets
    assert new.methods()[0] == "connect"
    old.push(JOINED)
    await asyncio.sleep(0.01)
    new.push(JOINED)
    for number, method, _ in list(new.requests):
        if method in ("connect", "echo"):
            new.push({"jsonrpc": "2.0", "id": number, "result": {}})
    await asyncio.sleep(0.1)
    assert server.told == ["reconnecting", "reconnected", "participantJoined"]
    assert old.closed == 4104
    plane.close()


@virtual_time
async def test_os_error_when_opening_a_socket_is_a_failed_attempt() -> None:
    class RefusesOnce(ScriptedServer):
        refusals = 1

        def open(self, url: str, listener: SocketListener) -> ScriptedSocket:
            if self.sockets and self.refusals:
                self.refusals -= 1
                raise OSError("this address is forbidden")
            return super().open(url, listener)

    server = RefusesOnce()
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"]
    assert server.outages.outages[0].attempts == 2
    plane.close()


@virtual_time
async def test_unreachable_server_is_probed_until_it_is_reachable() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.accepts = False
    server.sockets[0].drop()
    await asyncio.sleep(2)
    server.accepts = True
    await asyncio.sleep(1)
    assert server.told == ["reconnecting", "reconnected"], "the answered probe replaced the hanging attempt"
    plane.close()


@pytest.mark.parametrize(
    ("replays", "page", "readable"),
    [(True, "OpenVidu\n", True), (True, "not readable here", False), (False, "OpenVidu\n", False)],
)
@virtual_time
async def test_portal_gets_few_attempts_and_its_end_is_found_by_a_probe_that_can_be_read(
    replays: bool, page: str, readable: bool
) -> None:
    server = ScriptedServer()
    server.page = page
    plane = await server.joined(replays=replays)
    await asyncio.sleep(1)
    server.portal = True
    server.sockets[0].drop()
    await asyncio.sleep(60)
    assert 12 <= len(server.sockets) - 1 <= 22
    before = len(server.sockets)
    server.portal = False
    server.answers |= {"connect": {}, "echo": {}}
    await asyncio.sleep(0.35)
    if readable:  # what could be a server that runs again is tried after a random delay
        await asyncio.sleep(1.5)
        assert server.told == ["reconnecting", "reconnected"]
    await asyncio.sleep(5)
    assert (server.told, len(server.sockets)) == (["reconnecting", "reconnected"], before + 1)
    plane.close()


class _Leaves(ScriptedServer):
    """An application that closes the plane when it receives `cue`."""

    cue = ""

    def signaling_reconnecting(self) -> None:
        super().signaling_reconnecting()
        self._on("reconnecting")

    def signaling_reconnected(self) -> None:
        super().signaling_reconnected()
        self._on("reconnected")

    def signaling_notified(self, method: str, params: object) -> None:
        super().signaling_notified(method, params)
        self._on(method)

    def _on(self, told: str) -> None:
        if told == self.cue:
            self.plane.close()


@pytest.mark.parametrize(
    ("cue", "told"),
    [
        ("reconnecting", ["reconnecting"]),
        ("reconnected", ["reconnecting", "reconnected"]),
        ("participantJoined", ["reconnecting", "reconnected", "participantJoined"]),
    ],
)
@virtual_time
async def test_plane_closed_in_a_callback_reports_nothing_more(cue: str, told: list[str]) -> None:
    server = _Leaves()
    server.cue = cue
    server.answers |= {"connect": None, "echo": None}
    await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    if cue != "reconnecting":
        new = server.sockets[1]
        new.push(JOINED)
        new.push(JOINED)
        for number, _, _ in list(new.requests):
            new.push({"jsonrpc": "2.0", "id": number, "result": {}})
    await asyncio.sleep(10)
    assert server.told == told
    assert not any(socket.is_open for socket in server.sockets)


@virtual_time
async def test_stop_reconnecting_ends_the_outage_in_a_lost_session() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    plane.stop_reconnecting()
    server.accepts = False
    server.sockets[0].drop()
    waiting = asyncio.ensure_future(plane.request(Echo()))
    await asyncio.sleep(1)
    plane.stop_reconnecting()
    assert server.told == ["reconnecting", "lost: networkDisconnect"]
    with pytest.raises(SessionLostError):
        await waiting


@virtual_time
async def test_notifications_of_the_old_socket_precede_those_of_the_new_one_however_late_they_arrive() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.answers |= {"ping": None, "echo": None}
    while len(server.sockets) < 2:
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    old, new = server.sockets
    new.push({"jsonrpc": "2.0", "method": "second", "params": {}})
    await asyncio.sleep(0.1)
    old.push({"jsonrpc": "2.0", "method": "first", "params": {}})
    await asyncio.sleep(0.1)
    (check,) = (number for number, method, _ in new.requests if method == "echo")
    new.push({"jsonrpc": "2.0", "id": check, "result": {}})
    await asyncio.sleep(0.1)
    assert server.told == ["reconnecting", "reconnected", "first", "second"]
    plane.close()


@virtual_time
async def test_listen_after_close_reports_nothing() -> None:
    server = ScriptedServer()
    await server.plane.open("ws://server/openvidu?sessionId=x")
    server.sockets[0].push(JOINED)
    await asyncio.sleep(0.1)
    server.plane.close()
    server.plane.listen()
    assert server.told == []


@virtual_time
async def test_notifications_of_an_attempt_that_fails_are_kept_until_the_outage_ends() -> None:
    server = ScriptedServer()
    server.answers |= {"echo": None}
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    server.sockets[1].push(JOINED)
    await asyncio.sleep(0.1)
    server.sockets[1].drop()
    server.answers["echo"] = {}
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected", "participantJoined"]
    plane.close()


class _Fails(ScriptedServer):
    """A listener that raises whatever it is told."""

    def signaling_reconnecting(self) -> None:
        super().signaling_reconnecting()
        raise ZeroDivisionError

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        raise ZeroDivisionError

    def signaling_reconnected(self) -> None:
        super().signaling_reconnected()
        raise ZeroDivisionError

    def signaling_notified(self, method: str, params: object) -> None:
        super().signaling_notified(method, params)
        raise ZeroDivisionError

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        super().signaling_lost(reason, gave_up=gave_up)
        raise ZeroDivisionError


@virtual_time
async def test_listener_that_raises_stops_neither_the_return_nor_the_requests_that_wait() -> None:
    server = _Fails()
    server.answers |= {"connect": None, "echo": None}
    plane = await server.joined()
    server.sockets[0].drop()
    waiting = asyncio.ensure_future(plane.request(SendMessage("x")))
    await asyncio.sleep(0.1)
    new = server.sockets[1]
    new.push(JOINED)
    for number, method, _ in list(new.requests):
        if method in ("connect", "echo"):
            new.push({"jsonrpc": "2.0", "id": number, "result": {}})
    await waiting
    new.push(JOINED)
    await asyncio.sleep(0.01)
    new.drop()
    plane.stop_reconnecting()
    joined = "participantJoined"
    assert server.told == ["reconnecting", "reconnected", joined, joined, "reconnecting", "lost: networkDisconnect"]


@pytest.mark.parametrize("value", [object(), math.nan, [1, {"x": -math.inf}]], ids=["object", "nan", "nested"])
@virtual_time
async def test_request_with_a_value_that_json_lacks_fails_alone(value: object) -> None:
    server = ScriptedServer()
    plane = await server.joined()
    unsendable = StreamPropertyChanged("", "audioActive", value, "")
    with pytest.raises(PropertiesError, match="streamPropertyChanged cannot be sent"):
        await plane.request(unsendable)
    assert "streamPropertyChanged" not in [method for _, method, _ in server.sockets[0].requests]
    server.sockets[0].drop()
    waiting = [asyncio.ensure_future(plane.request(call)) for call in (unsendable, Echo())]
    await asyncio.sleep(10)
    with pytest.raises(PropertiesError, match="streamPropertyChanged cannot be sent"):
        await waiting[0]
    assert await waiting[1] == {}
    assert server.told == ["reconnecting", "reconnected"]
    plane.close()
