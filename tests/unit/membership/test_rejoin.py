"""Joining again: how often, when not, what is reported in which order, and what a rejoin leaves behind that is given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.platform import SocketListener
from tests.unit.membership.rig import BOB, BOBS, TOKEN, Rig, admission, participant, refusal
from tests.unit.signaling.scripted_server import ScriptedSocket
from tests.virtual_time import virtual_time


class Tokens:
    """A rejoin callback that records when it is called. `wait` and `text` are what a test makes of it."""

    def __init__(self, text: Any = TOKEN) -> None:
        self.text = text
        self.asked: list[float] = []
        self.cancelled = 0
        self.wait = 0.0
        self.fails = 0

    async def __call__(self) -> Any:
        self.asked.append(asyncio.get_running_loop().time())
        try:
            await asyncio.sleep(self.wait)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if len(self.asked) <= self.fails:
            raise OSError("the backend does not answer")
        return self.text


def unreachable(rig: Rig) -> None:
    """Let every new socket be refused as soon as it is opened."""
    rig.server.accepts = False
    opened = rig.server.open

    def open_and_drop(url: str, listener: SocketListener) -> ScriptedSocket:
        socket = opened(url, listener)
        asyncio.get_running_loop().call_soon(socket.drop)
        return socket

    rig.server.open = open_and_drop  # type: ignore[method-assign]


async def lost(rig: Rig) -> None:
    """Lose the membership and let the rejoin begin."""
    await rig.evicted()
    rig.reports.calls.clear()


@virtual_time
async def test_rejoin_that_cannot_connect_is_tried_twenty_times_with_a_fresh_token_and_growing_pauses() -> None:
    tokens = Tokens()
    rig = Rig(rejoin=tokens)
    await rig.join()
    await rig.publish()
    tokens.wait = 10.0
    await lost(rig)
    unreachable(rig)
    await asyncio.sleep(600)
    first = tokens.asked[0]
    assert [round(at - first, 1) for at in tokens.asked] == [0, 11, 23, *range(37, 37 + 17 * 15, 15)]
    assert rig.reports.names == ["local_stream_ended", "ended"]
    assert rig.reports.of("ended") == [("networkDisconnect",)]
    assert (rig.peers.alive, rig.server.alive, rig.participation.memberships) == ([], [], [])
    assert rig.clock.alive == []


@virtual_time
async def test_callback_that_raises_because_its_own_request_fails_is_called_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = Tokens()
    rig = Rig(rejoin=tokens)
    await rig.join()
    tokens.fails = 3
    await lost(rig)
    await asyncio.sleep(8)
    first = tokens.asked[0]
    assert [round(at - first, 1) for at in tokens.asked] == [0, 1, 3, 7]
    assert rig.participation.is_member
    assert [outage.end for outage in rig.participation.outages] == ["rejoined"]
    assert "next attempt in 4 s: the rejoin callback raised OSError('the backend does not answer')" in caplog.text


@virtual_time
async def test_session_ends_if_the_callback_raises_whenever_it_is_called() -> None:
    tokens = Tokens()
    rig = Rig(rejoin=tokens)
    await rig.join()
    tokens.fails = 100
    await lost(rig)
    await asyncio.sleep(100)
    assert len(tokens.asked) == 20
    assert rig.reports.of("ended") == [("networkDisconnect",)]


@pytest.mark.parametrize(
    ("tokens", "answer"),
    [(Tokens(None), {}), (Tokens(""), {}), (Tokens("no token"), {}), (Tokens(), refusal(401))],
    ids=["None", "empty", "no token", "refused"],
)
@virtual_time
async def test_rejoin_without_a_valid_token_ends_the_participation_at_the_first_attempt(
    tokens: Tokens, answer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(rejoin=tokens)
    await rig.join()
    rig.server.answers["joinRoom"] = answer
    await rig.evicted()
    await asyncio.sleep(60)
    assert len(tokens.asked) == 1
    assert rig.reports.of("ended") == [("networkDisconnect",)]
    assert "rejoining failed" in caplog.text
    assert [outage.end for outage in rig.participation.outages] == ["sessionDisconnected"]


@virtual_time
async def test_leaving_while_a_token_is_awaited_cancels_the_callback_and_opens_no_socket() -> None:
    tokens, before = Tokens(), asyncio.all_tasks()
    rig = Rig(rejoin=tokens)
    await rig.join()
    tokens.wait = 3600.0
    await lost(rig)
    sockets = len(rig.server.sockets)
    assert (rig.participation.is_member, rig.participation.memberships) == (False, [])
    rig.participation.leave()
    assert rig.reports.calls == [("ended", "disconnect")]
    await asyncio.sleep(0)
    assert (tokens.cancelled, rig.clock.alive) == (1, [])
    await asyncio.sleep(60)
    assert len(rig.server.sockets) == sockets
    assert asyncio.all_tasks() == before
    await rig.join()
    assert rig.participation.is_member


@virtual_time
async def test_giving_up_while_the_room_is_joined_again_leaves_it_and_ends_with_the_network_as_reason() -> None:
    rig = Rig(rejoin=Tokens())
    await rig.join()
    rig.server.answers["joinRoom"] = None
    await lost(rig)
    assert len(rig.participation.memberships) == 1
    rig.participation.stop_reconnecting()
    assert rig.reports.calls == [("ended", "networkDisconnect")]
    assert rig.server.socket.methods()[-1] == "leaveRoom"
    await asyncio.sleep(60)
    assert (rig.server.alive, rig.clock.alive, rig.reports.names) == ([], [], ["ended"])


@virtual_time
async def test_rejoin_reports_the_new_participant_then_the_room_then_rejoined_and_then_moves_the_streams() -> None:
    rig = Rig(rejoin=Tokens())
    await rig.join(participant(BOB, BOBS))
    local, remote = await rig.publish(), await rig.subscribe()
    member, old = rig.participation.member, [peer.number for peer in rig.peers.alive]
    lasting = member.in_background(asyncio.sleep(3600))
    seen: list[tuple[str, int]] = []
    rig.reports.reactions["rejoined"] = lambda _: seen.append((local.state.id, len(rig.server.sent("publishVideo"))))
    rig.server.answers["joinRoom"] = admission(participant(BOB, BOBS), participant("con_carl"), id="con_again")
    rig.server.answers["publishVideo"] = {"id": "str_again", "sdpAnswer": "an answer"}
    await rig.evicted()
    names = [name for name in rig.reports.names if name not in ("reconnecting", "reconnection_attempt")]
    assert names[3:] == ["joined", "participant_joined", "rejoined", "outage_settled"], (
        "nothing of the streams: they go on"
    )
    assert seen == [("str_CAM_con_own", 1)]
    assert local.state.id == "str_again"
    assert [peer.number in old for peer in rig.peers.alive] == [False, False]
    assert remote.media is not None
    assert (rig.participation.member is member, member.joined, lasting.cancelled()) == (False, False, True)
    (outage,) = rig.participation.outages
    assert outage.end == "rejoined"
    assert {name: [item.step for item in record.steps][:2] for name, record in outage.streams.items()} == {
        BOBS: ["renegotiating", "connected"],
        "str_again": ["renegotiating", "connected"],
    }


@virtual_time
async def test_stream_that_cannot_be_received_again_is_recorded_and_the_others_are_moved() -> None:
    rig = Rig(rejoin=Tokens())
    await rig.join(participant(BOB, BOBS))
    local, remote = await rig.publish(), await rig.subscribe()
    rig.server.answers["receiveVideoFrom"] = refusal(999, "no such endpoint")
    await rig.evicted()
    (outage,) = rig.participation.outages
    failed = outage.streams[BOBS].steps[0]
    assert (failed.step, failed.because) == ("failed", "receiveVideoFrom was refused: no such endpoint")
    assert local.media is not None
    assert rig.participation.receives(remote), "the application still has its subscription"
    assert rig.reports.of("ended") == []


@virtual_time
async def test_local_stream_that_cannot_be_published_again_ends_with_the_reason_of_the_loss() -> None:
    rig = Rig(rejoin=Tokens())
    await rig.join(participant(BOB, BOBS))
    local, remote = await rig.publish(), await rig.subscribe()
    rig.server.answers["publishVideo"] = refusal(999, "no more publishers")
    await rig.evicted()
    assert rig.reports.of("local_stream_ended") == [(local.state, "networkDisconnect")]
    assert (local.is_published, rig.participation.local_stream) == (False, None)
    assert rig.participation.is_member
    assert remote.media is not None
    assert len(rig.peers.alive) == 1


@virtual_time
async def test_without_a_callback_or_if_the_application_stops_reconnecting_there_is_no_rejoin() -> None:
    tokens = Tokens()
    for configuration, stop in (({}, False), ({"rejoin": tokens}, True)):
        rig = Rig(**configuration)
        await rig.join()
        if stop:
            rig.server.accepts = False
            rig.server.socket.drop()
            await asyncio.sleep(1)
            rig.participation.stop_reconnecting()
        else:
            await rig.evicted()
        assert rig.reports.of("ended") == [("networkDisconnect",)]
    assert tokens.asked == []
