"""Requests whose answers are evidence."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.protocol.messages import VideoData
from pyvidu.reconnection.evidence import MembershipConfirmed, SignalingEvidence
from pyvidu.signaling.evidence_requests import EvidenceRequests
from tests.unit.signaling.scripted_server import ScriptedServer
from tests.virtual_time import virtual_time

REFUSED = {"code": -1, "message": "no"}


@virtual_time
async def test_error_response_to_a_ping_counts_as_a_pong() -> None:
    server = ScriptedServer()
    plane = await server.joined()
    server.answers["ping"] = REFUSED
    await asyncio.sleep(30)
    assert server.told == []
    plane.close()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (-1, ["reconnecting", "reconnected"]),
        (102, ["reconnecting", "lost: networkDisconnect"]),
        (202, ["reconnecting", "lost: networkDisconnect"]),
        (803, ["reconnecting", "lost: networkDisconnect"]),
    ],
)
@virtual_time
async def test_error_code_of_the_membership_check_determines_the_outcome(code: int, told: list[str]) -> None:
    server = ScriptedServer()
    server.answers["echo"] = {"code": code, "message": f"no. Code: {code}"}
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(1)
    assert server.told == told
    plane.close()


@virtual_time
async def test_socket_closed_before_connect_is_answered_is_a_failed_attempt() -> None:
    server = ScriptedServer()
    server.answers |= {"connect": None, "echo": None}
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    server.answers |= {"connect": {}, "echo": {}}
    server.sockets[1].drop()
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"]
    assert len(server.sockets) == 3
    plane.close()


@virtual_time
async def test_socket_closed_before_session_status_is_answered_is_a_failed_attempt() -> None:
    server = ScriptedServer()
    server.answers |= {"connect": {"code": 40007, "message": "reconnection error"}, "sessionStatus": None}
    await server.joined(life=1)
    server.sockets[0].drop()
    await asyncio.sleep(0.1)
    assert server.sockets[1].methods()[-1] == "sessionStatus"
    server.sockets[1].drop()
    server.accepts = False
    await asyncio.sleep(0.1)
    assert server.told == ["reconnecting"], "nobody has answered for certain: it is tried again"
    server.plane.close()


@virtual_time
async def test_session_moved_to_another_socket_by_a_late_connect_is_resumed_again() -> None:
    class AnswersEchoInOutages(ScriptedServer):
        def signaling_reconnecting(self) -> None:
            super().signaling_reconnecting()
            self.answers["echo"] = {}

    server = AnswersEchoInOutages()
    server.answers["connect"] = None
    plane = await server.joined()
    server.sockets[0].drop()
    await asyncio.sleep(3.5)  # `connect` was sent, was not answered, and may still arrive
    server.answers["connect"] = {}
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"]
    carrying = server.sockets[-1]
    server.answers["echo"] = {"code": 803, "message": "a transport of nobody"}
    await asyncio.sleep(10)
    assert server.told == ["reconnecting", "reconnected"] * 2
    assert server.outages.outages[1].witness == "another socket has the session"
    assert server.sockets[-1] is not carrying
    plane.close()


class Socket:
    """A socket that answers when it is told to."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[object]] = []

    def request(self, _call: object) -> asyncio.Future[object]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


@virtual_time
async def test_membership_that_a_former_socket_confirms_late_says_nothing() -> None:
    told: list[SignalingEvidence] = []
    requests = EvidenceRequests(told.append)
    former, present = Socket(), Socket()
    for socket in (former, present):
        requests.membership(socket, VideoData(0, 0, video_active=False, audio_active=False))  # type: ignore[arg-type]
    former.answers[0].set_result({})
    await asyncio.sleep(0)
    assert told == []
    present.answers[0].set_result({})
    await asyncio.sleep(0)
    assert told == [MembershipConfirmed()]
