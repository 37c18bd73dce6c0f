"""What a participation reports, in which order, and what its calls leave behind when they fail or come at the wrong time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyvidu.errors import InvalidTokenError, NotConnectedError, OpenViduError, RequestError, SessionLostError
from pyvidu.media import OutboundMedia
from pyvidu.membership import RemoteStream
from pyvidu.platform import Candidate
from pyvidu.protocol.notifications import ForciblyReconnectSubscriber, IceCandidate
from pyvidu.protocol.reasons import Reason
from tests.unit.membership.rig import (
    BOB,
    BOBS,
    ENDPOINT,
    OWN,
    TOKEN,
    Rig,
    a_local_stream,
    admission,
    participant,
    refusal,
)
from tests.virtual_time import virtual_time

CANDIDATE = ("candidate:1", "0", 1)


async def a_token() -> str:
    """Return a token for joining again."""
    return TOKEN


# --- joining ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_before_joining_there_is_no_member_and_calls_report_and_open_nothing() -> None:
    rig = Rig()
    participation = rig.participation
    with pytest.raises(NotConnectedError, match=r"await session\.connect"):
        _ = participation.member
    with pytest.raises(NotConnectedError):
        await participation.unpublish(a_local_stream())
    participation.leave()
    participation.stop_reconnecting()
    participation.reconnect_now()
    participation.page_unloading()
    participation.expelled(Reason.NODE_CRASHED)
    participation.unheard()
    participation.local_media_missing("str_own")
    participation.local_stream_expelled(Reason.FORCE_UNPUBLISH_BY_USER)
    participation.notified("participantJoined", {"id": BOB})
    participation.server_candidate(IceCandidate(BOB, ENDPOINT, *CANDIDATE))
    assert (participation.is_member, participation.is_up) == (False, False)
    assert (participation.memberships, participation.outages) == ([], [])
    assert participation.local_stream is None
    assert (rig.reports.calls, rig.server.sockets) == ([], [])


@virtual_time
async def test_joining_reports_the_own_participant_then_the_others_then_streams_then_what_was_notified_meanwhile() -> (
    None
):
    rig = Rig()
    rig.server.answers["joinRoom"] = None
    joining = asyncio.ensure_future(rig.participation.join(TOKEN, ""))
    await asyncio.sleep(0.1)
    rig.server.tell("participantJoined", id="con_carl")
    number, *_ = rig.server.socket.requests[-1]
    rig.server.socket.push({"jsonrpc": "2.0", "id": number, "result": admission(participant(BOB, BOBS))})
    await joining
    assert rig.reports.names == ["joined", "others_present", "stream_published", "participant_joined"]
    ((own, session_id),) = rig.reports.of("joined")
    ((others,),) = rig.reports.of("others_present")
    assert (own.id, own.role, session_id, [item.id for item in others]) == (OWN, "PUBLISHER", "room", [BOB])


@pytest.mark.parametrize("while_joining", [True, False])
@virtual_time
async def test_second_join_is_refused_and_does_not_disturb_the_first(while_joining: bool) -> None:
    rig = Rig()
    first = asyncio.ensure_future(rig.join())
    if not while_joining:
        await first
    await asyncio.sleep(0)
    with pytest.raises(OpenViduError, match="connected already"):
        await rig.participation.join(TOKEN, "")
    await first
    assert rig.participation.is_member
    assert len(rig.server.sockets) == 1


async def refused(rig: Rig) -> None:
    rig.server.answers["joinRoom"] = refusal(401)
    await rig.participation.join(TOKEN, "")


async def without_a_session(rig: Rig) -> None:
    await rig.participation.join("wss://server?token=tok_1", "")


async def left(rig: Rig) -> None:
    rig.server.answers["joinRoom"] = None
    asyncio.get_running_loop().call_later(1, rig.participation.leave)
    await rig.participation.join(TOKEN, "")


async def cancelled(rig: Rig) -> None:
    rig.server.answers["joinRoom"] = None
    async with asyncio.timeout(1):
        await rig.participation.join(TOKEN, "")


async def dropped(rig: Rig) -> None:
    rig.server.answers["joinRoom"] = None
    asyncio.get_running_loop().call_later(1, lambda: rig.server.socket.drop())
    await rig.participation.join(TOKEN, "")


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (refused, RequestError), (without_a_session, InvalidTokenError), (left, NotConnectedError),
        (cancelled, TimeoutError), (dropped, OpenViduError),
    ],
)  # fmt: skip
@virtual_time
async def test_failed_join_reports_nothing_leaves_nothing_running_and_can_be_repeated(
    fail: Callable[[Rig], Awaitable[None]], error: type[Exception]
) -> None:
    rig, before = Rig(), asyncio.all_tasks()
    with pytest.raises(error):
        await fail(rig)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert (rig.server.alive, rig.clock.alive, rig.reports.calls) == ([], [], [])
    assert (rig.participation.joining, rig.participation.memberships, rig.participation.room) == (None, [], None)
    await rig.join()
    assert rig.participation.is_up


@virtual_time
async def test_leaving_while_joining_sends_leave_room_in_case_the_server_admits_the_participant() -> None:
    rig = Rig()
    with pytest.raises(NotConnectedError, match="before the session was connected"):
        await left(rig)
    assert rig.server.sent("leaveRoom") == [{}]


@virtual_time
async def test_joining_again_starts_with_a_new_room_and_without_the_outages_and_subscriptions_before() -> None:
    rig = Rig(rejoin=a_token)
    await rig.join(participant(BOB, BOBS))
    remote = await rig.subscribe()
    await rig.evicted()
    rig.configuration = Rig().configuration  # without the callback
    await rig.evicted()
    assert [outage.end for outage in rig.participation.outages] == ["rejoined", "sessionDisconnected"]
    earlier = rig.room
    await rig.join(participant(BOB, BOBS))
    assert rig.room is not earlier
    assert rig.participation.outages == []
    assert not rig.participation.receives(remote)
    stream = earlier.participants[BOB].stream
    assert stream is not None
    rig.participation.server_offer(ForciblyReconnectSubscriber(BOB, BOBS, "an offer"))
    rig.participation.remote_stream_ended(stream)
    await asyncio.sleep(1)
    assert rig.server.sent("reconnectStream") == []


# --- leaving ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_leaving_reports_the_end_of_the_local_stream_then_the_end_and_closes_remote_media_after_it() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    local, _ = await rig.publish(), await rig.subscribe()
    published = local.state.id
    seen: list[tuple[Any, ...]] = []
    rig.reports.reactions |= {
        "local_stream_ended": lambda state, reason: seen.append((state.id, reason, len(rig.peers.alive))),
        "ended": lambda reason: seen.append((local.state.id, reason, len(rig.peers.alive))),
    }
    rig.participation.leave()
    assert seen == [(published, "disconnect", 1), ("", "disconnect", 1)]
    assert (rig.peers.alive, rig.server.alive, rig.server.sent("leaveRoom")) == ([], [], [{}])
    assert rig.clock.alive == []
    told = len(rig.reports.calls)
    rig.participation.leave()
    rig.participation.expelled(Reason.FORCE_DISCONNECT_BY_USER)
    rig.participation.page_unloading()
    await asyncio.sleep(60)
    assert len(rig.reports.calls) == told
    assert rig.server.sent("leaveRoom") == [{}]


@virtual_time
async def test_stopped_server_ends_the_participation_unless_it_can_be_joined_again() -> None:
    rig = Rig()
    await rig.join()
    rig.participation.expelled(Reason.OPENVIDU_SERVER_STOPPED)
    assert rig.reports.of("ended") == [("openviduServerStopped",)]
    rig = Rig(rejoin=a_token)
    await rig.join()
    rig.participation.expelled(Reason.OPENVIDU_SERVER_STOPPED)
    await rig.evicted()
    await asyncio.sleep(60)
    assert rig.reports.names[-4:].count("rejoined") == 1
    assert rig.reports.of("ended") == []


@virtual_time
async def test_stopped_server_that_does_not_close_the_socket_within_5_s_ends_the_participation_all_the_same() -> None:
    rig = Rig(rejoin=a_token)
    await rig.join()
    rig.participation.expelled(Reason.OPENVIDU_SERVER_STOPPED)
    await asyncio.sleep(4.9)
    assert rig.reports.of("ended") == []
    await asyncio.sleep(0.2)
    assert rig.reports.of("ended") == [("openviduServerStopped",)]


@virtual_time
async def test_application_that_leaves_a_stopped_server_has_left() -> None:
    rig = Rig(rejoin=a_token)
    await rig.join()
    rig.participation.expelled(Reason.OPENVIDU_SERVER_STOPPED)
    rig.participation.leave()
    await asyncio.sleep(60)
    assert rig.reports.of("ended") == [("disconnect",)]
    assert rig.clock.alive == []


@virtual_time
async def test_leaving_in_the_report_of_the_local_streams_end_ends_the_participation_once() -> None:
    rig = Rig()
    await rig.join()
    await rig.publish()
    rig.reports.reactions["local_stream_ended"] = lambda *_: rig.participation.leave()
    rig.participation.expelled(Reason.FORCE_DISCONNECT_BY_USER)
    assert rig.reports.of("ended") == [("forceDisconnectByUser",)]
    assert len(rig.reports.of("local_stream_ended")) == 1


@virtual_time
async def test_stream_that_is_still_being_published_is_closed_at_the_end_without_a_report_of_it() -> None:
    rig = Rig()
    await rig.join()
    rig.server.answers["publishVideo"] = None
    publishing = asyncio.ensure_future(rig.publish())
    await asyncio.sleep(1)
    rig.participation.expelled(Reason.SESSION_CLOSED_BY_SERVER)
    assert rig.peers.alive == []
    with pytest.raises(OpenViduError):
        await publishing
    assert rig.reports.names[2:] == ["ended"]
    assert rig.participation.local_stream is None


@virtual_time
async def test_page_that_is_unloaded_leaves_at_once() -> None:
    rig = Rig()
    await rig.join()
    rig.participation.member.signaling_unloading()
    assert rig.server.sent("leaveRoom") == [{}]
    assert rig.reports.of("ended") == [("disconnect",)]


@virtual_time
async def test_request_that_waits_fails_with_the_reason_when_the_membership_is_lost() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    rig.server.accepts = False
    rig.server.socket.drop()
    await asyncio.sleep(1)
    unpublishing = asyncio.ensure_future(rig.participation.unpublish(local))
    await asyncio.sleep(1)
    rig.participation.stop_reconnecting()
    with pytest.raises(SessionLostError, match="networkDisconnect"):
        await unpublishing
    assert rig.reports.of("ended") == [("networkDisconnect",)]
    assert len(rig.reports.of("local_stream_ended")) == 1, "by unpublish, not once more by the end"


# --- streams ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_unpublish_of_a_stream_that_is_not_published_here_is_refused_and_ends_nothing() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    with pytest.raises(OpenViduError):
        await rig.participation.unpublish(a_local_stream())
    assert rig.participation.local_stream is local
    assert local.is_published
    assert rig.server.sent("unpublishVideo") == []


@virtual_time
async def test_unpublish_reports_the_end_before_the_server_answers_and_takes_not_streaming_for_success() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    rig.server.answers["unpublishVideo"] = refusal(105, "not streaming")
    unpublishing = asyncio.ensure_future(rig.participation.unpublish(local))
    await asyncio.sleep(0)
    assert rig.reports.of("local_stream_ended") == [(local.state, "unpublish")]
    assert rig.peers.alive == []
    await unpublishing
    with pytest.raises(OpenViduError):
        await rig.participation.unpublish(local)


@virtual_time
async def test_refused_unpublish_raises_and_the_local_stream_has_ended_all_the_same() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    rig.server.answers["unpublishVideo"] = refusal(999)
    with pytest.raises(RequestError, match="unpublishVideo"):
        await rig.participation.unpublish(local)
    assert not local.is_published
    assert rig.participation.local_stream is None


@virtual_time
async def test_expelled_local_stream_is_reported_with_its_reason_and_a_second_time_not() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    for _ in range(2):
        rig.server.tell("participantUnpublished", connectionId=OWN, reason="forceUnpublishByUser")
        await asyncio.sleep(0.1)
    assert rig.reports.of("local_stream_ended") == [(local.state, "forceUnpublishByUser")]
    assert rig.server.sent("unpublishVideo") == []


@virtual_time
async def test_second_subscription_to_a_stream_closes_the_first_and_only_it_can_be_stopped() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    first, second = await rig.subscribe(), await rig.subscribe()
    assert [peer.number for peer in rig.peers.alive] == [2]
    assert (rig.participation.receives(first), rig.participation.receives(second)) == (False, True)
    rig.participation.stop_receiving(first)
    assert (second.media is not None, len(rig.peers.alive)) == (True, 1)
    for _ in range(2):
        rig.participation.stop_receiving(second)
    assert (second.media, rig.peers.alive) == (None, [])


@virtual_time
async def test_end_of_a_remote_stream_is_reported_before_its_media_connection_is_closed() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    await rig.subscribe()
    seen: list[int] = []
    rig.reports.reactions["stream_unpublished"] = lambda *_: seen.append(len(rig.peers.alive))
    rig.server.tell("participantUnpublished", connectionId=BOB, reason="unpublish")
    await asyncio.sleep(0.1)
    assert (seen, rig.peers.alive) == ([1], [])


@virtual_time
async def test_servers_candidate_reaches_the_peer_connection_of_its_stream_with_all_its_fields() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS), participant("con_carl", "str_CAM_con_carl"))
    await rig.publish()
    await rig.subscribe()
    await rig.subscribe("con_carl")
    for owner, stream in (
        (BOB, BOBS),
        (OWN, "str_CAM_con_own"),
        ("con_dora", "str_x"),
        (BOB, "str_of_an_earlier_time"),
    ):
        params = {"senderConnectionId": owner, "endpointName": f"{ENDPOINT}{stream}", "candidate": f"for {stream}"}
        rig.server.tell("iceCandidate", **params, sdpMid="1", sdpMLineIndex=2)
    await asyncio.sleep(0.1)
    assert [peer.candidates for peer in rig.peers.made] == [
        [Candidate("for str_CAM_con_own", "1", 2)],
        [Candidate(f"for {BOBS}", "1", 2)],
        [],
    ]


@virtual_time
async def test_offer_of_the_server_is_answered_for_the_stream_that_is_received_and_for_no_other() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    await rig.subscribe()
    for owner, stream in (("con_carl", BOBS), (BOB, "str_of_an_earlier_time"), (BOB, BOBS)):
        rig.server.tell("forciblyReconnectSubscriber", connectionId=owner, streamId=stream, sdpOffer=f"for {stream}")
    await asyncio.sleep(0.1)
    assert rig.peers.made[1].calls[0] == ("create_answer", f"for {BOBS}")
    assert rig.server.sent("reconnectStream") == [
        {"stream": BOBS, "sdpString": "answer 2", "forciblyReconnect": True},
    ]
    assert [peer.number for peer in rig.peers.alive] == [2]


@virtual_time
async def test_health_of_a_stream_is_known_when_it_is_reported_and_that_of_an_unknown_one_is_not_reported() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    remote, local = await rig.subscribe(), await rig.publish()
    seen: list[bool] = []
    for name in ("stream_frozen", "stream_recovered"):
        rig.reports.reactions[name] = lambda state, *_: seen.append(state.frozen)
    told = len(rig.reports.calls)
    for stream in (remote, local):
        media = stream.media
        assert media is not None
        rig.participation.media_frozen(media, "silent")
        rig.participation.media_recovered(media)
        rig.participation.media_exception(media, "ICE_CONNECTION_FAILED", "failed")
        assert rig.reports.calls[told:] == [
            ("stream_frozen", stream.state, "silent"),
            ("stream_recovered", stream.state),
            ("media_exception", stream.state, "ICE_CONNECTION_FAILED", "failed"),
        ]
        stream.detach()
        rig.participation.media_frozen(media, "silent")
        rig.participation.media_recovered(media)
        rig.participation.media_exception(media, "ICE_CONNECTION_FAILED", "failed")
        assert rig.reports.calls[told + 3 :] == [("media_exception", None, "ICE_CONNECTION_FAILED", "failed")]
        told += 4
    assert seen == [True, False] * 2


@virtual_time
async def test_pause_of_the_own_video_is_known_when_it_is_reported_and_forgotten_with_the_stream() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    media, told = local.media, len(rig.reports.calls)
    assert isinstance(media, OutboundMedia)
    for kind in ("audio", "video"):
        assert media.pausable()
        setattr(local.state, f"{kind}_active", False)
        assert not media.pausable()
        setattr(local.state, f"{kind}_active", True)
    for sent in (False, True, False):
        rig.participation.video_sending_changed(media, sent=sent)
        assert local.state.video_sent is sent
    assert rig.reports.calls[told:] == [("video_sending_changed", local.state)] * 3
    await rig.participation.unpublish(local)
    assert local.state.video_sent
    rig.participation.video_sending_changed(media, sent=False)
    assert rig.reports.of("video_sending_changed") == [(local.state,)] * 3


@virtual_time
async def test_stream_that_ended_meanwhile_is_not_received_again_after_a_rejoin() -> None:
    rig = Rig(rejoin=a_token)
    await rig.join(participant(BOB, BOBS), participant("con_carl", "str_CAM_con_carl"))
    bobs: RemoteStream = await rig.subscribe()
    carls = await rig.subscribe("con_carl")
    rig.server.answers["joinRoom"] = admission(participant(BOB, BOBS), id="con_again")
    rig.reports.calls.clear()
    await rig.evicted()
    assert rig.reports.names == [
        "reconnecting", "reconnection_attempt", "joined", "stream_unpublished", "participant_left", "rejoined",
        "outage_settled",
    ]  # fmt: skip
    assert rig.participation.member.own.id == rig.room.own.id == "con_again"
    assert (bobs.media is not None, carls.media) == (True, None)
    assert len(rig.peers.alive) == 1


@pytest.mark.parametrize("leaves", [False, True])
@virtual_time
async def test_rejoin_begins_with_every_video_forwarded_and_reports_those_that_were_not(leaves: bool) -> None:
    rig = Rig(rejoin=a_token)
    others = [participant(name, f"str_CAM_{name}") for name in (BOB, "con_carl", "con_dora")]
    await rig.join(*others)
    states = [await rig.subscribe(name) for name in (BOB, "con_carl", "con_dora")]
    for name in (BOB, "con_carl"):
        about = {"connectionId": name, "streamId": f"str_CAM_{name}"}
        rig.server.tell("videoForwardingChanged", **about, forwarded=False, reason="bandwidth")
    await asyncio.sleep(0.1)
    await rig.subscribe()  # the server would tell if that changed anything
    assert [item.state.video_forwarded for item in states] == [False, False, True]
    rig.server.answers["joinRoom"] = admission(*others, id="con_again")
    rig.reports.calls.clear()
    if leaves:
        rig.reports.reactions["video_forwarding_changed"] = lambda *_: rig.participation.leave()
    await rig.evicted()
    told = [(state, reason) for state, reason in rig.reports.of("video_forwarding_changed")]
    assert told == [(item.state, "") for item in states[: 1 if leaves else 2]]
    assert leaves or all(item.state.video_forwarded for item in states)
    assert ("rejoined" in rig.reports.names, rig.reports.names[-1]) == (
        (False, "ended") if leaves else (True, "outage_settled")
    )


@virtual_time
async def test_silent_publisher_is_reported_while_the_participant_is_a_member() -> None:
    rig = Rig()
    rig.participation.publisher_heard(BOB, heard=False)
    await rig.join(participant(BOB, BOBS))
    state = rig.room.participants[BOB].stream
    assert state is not None
    state.has_audio = state.audio_active = True
    told = len(rig.reports.calls)
    rig.participation.publisher_heard(BOB, heard=False)
    assert rig.reports.calls[told:] == [("participant_interrupted", rig.room.participants[BOB])]
    rig.participation.leave()
    told = len(rig.reports.calls)
    rig.participation.publisher_heard(BOB, heard=True)
    assert rig.reports.calls[told:] == []
