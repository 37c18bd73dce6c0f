"""What a membership sends and hands on, and what its calls leave behind when they fail or are cancelled."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from pyvidu.errors import ConnectionFailedError, InvalidTokenError, NotConnectedError, OpenViduError, RequestError
from pyvidu.membership import LocalStream, StreamState
from pyvidu.protocol.messages import StreamInfo, UnpublishVideo, VideoData
from tests.unit.membership.rig import BOB, BOBS, TOKEN, Rig, a_local_stream, admission, impatient, participant, refusal
from tests.virtual_time import virtual_time

# --- joining ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_join_room_contains_the_token_and_what_is_known_of_the_participant() -> None:
    rig = Rig()
    token = "wss://server:4443?sessionId=a%20room&token=tok_1&secret=s&recorder=true&stt=true"
    await rig.participation.join(f" {token} ", '{"name":"Ada"}')
    assert rig.server.urls == ["wss://server:4443/openvidu?sessionId=a+room"]
    assert rig.server.sent("joinRoom") == [
        {
            "token": token,
            "session": "a room",
            "platform": "a test",
            "secret": "s",
            "metadata": '{"name":"Ada"}',
            "sdkVersion": "2.32.2",
            "recorder": True,
            "stt": True,
        }
    ]


@virtual_time
async def test_text_that_is_no_token_raises_before_a_socket_is_opened() -> None:
    rig = Rig()
    with pytest.raises(InvalidTokenError, match="sessionId"):
        await rig.participation.join("wss://server:4443", "")
    assert rig.server.urls == []


@virtual_time
async def test_malformed_answer_to_join_room_leaves_the_room_that_the_server_thinks_was_joined() -> None:
    rig = Rig()
    rig.server.answers["joinRoom"] = {"id": "con_own"}
    with pytest.raises(ConnectionFailedError, match="joinRoom is malformed"):
        await rig.participation.join(TOKEN, "")
    assert rig.server.sent("leaveRoom") == [{}]
    assert rig.server.alive == []


@pytest.mark.parametrize(
    ("more", "url", "probe"),
    [
        ({}, "wss://server:4443/openvidu?sessionId=room&reconnect=true", "https://server:4443/openvidu"),
        (
            {"probeId": "p1"},
            "wss://server:4443/openvidu?sessionId=room&reconnect=true&probe=p1",
            "https://server:4443/openvidu?probe=p1",
        ),
    ],
)
@virtual_time
async def test_new_sockets_and_probes_of_an_outage_use_the_urls_of_the_token_with_the_servers_mark(
    more: dict[str, Any], url: str, probe: str
) -> None:
    rig = Rig()
    await rig.join(**more)
    rig.server.accepts = False
    rig.server.socket.drop()
    await asyncio.sleep(2)
    assert set(rig.server.urls[1:]) == {url}
    assert set(rig.server.probes) == {probe}
    rig.participation.leave()


@pytest.mark.parametrize(("life", "reason"), [(7, "networkDisconnect"), (8, "nodeCrashed")])
@virtual_time
async def test_life_of_the_node_is_compared_with_that_of_the_joining_when_a_resume_is_refused(
    life: int, reason: str
) -> None:
    rig = Rig()
    await rig.join(life=7)
    rig.server.answers["sessionStatus"] = {"life": life}
    await rig.evicted()
    assert rig.reports.of("ended") == [(reason,)]


TURN = {"coturnIp": "10.0.0.1", "turnUsername": "u", "turnCredential": "c"}
CUSTOM = {"customIceServers": [{"url": "stun:a"}, {"url": "turn:b", "username": "u", "credential": "c"}]}
OPEN = {"customIceServers": [{"url": "turn:b", "username": "u"}]}


@pytest.mark.parametrize(
    ("more", "servers"),
    [
        ({}, []),
        (TURN, [{"urls": "turn:10.0.0.1:3478", "username": "u", "credential": "c"}]),
        ({**TURN, "coturnPort": 443}, [{"urls": "turn:10.0.0.1:443", "username": "u", "credential": "c"}]),
        ({"coturnIp": "10.0.0.1"}, [{"urls": "turn:10.0.0.1:3478", "username": "", "credential": ""}]),
        ({**TURN, **CUSTOM}, [{"urls": "stun:a"}, {"urls": "turn:b", "username": "u", "credential": "c"}]),
        (OPEN, [{"urls": "turn:b", "username": "u", "credential": ""}]),
        ({**TURN, "customIceServers": []}, [{"urls": "turn:10.0.0.1:3478", "username": "u", "credential": "c"}]),
    ],
)
@virtual_time
async def test_peer_connections_use_the_ice_servers_that_the_server_names(
    more: dict[str, Any], servers: list[dict[str, str]]
) -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS), **more)
    await rig.publish()
    await rig.subscribe()
    assert [list(peer.settings.ice_servers) for peer in rig.peers.made] == [servers, servers]


@pytest.mark.parametrize("own", [[], [{"urls": "turn:mine"}]])
@virtual_time
async def test_ice_servers_and_rtc_configuration_of_the_application_take_precedence(own: list[dict[str, str]]) -> None:
    configuration = {"iceTransportPolicy": "relay"}
    rig = Rig(ice_servers=own, rtc_configuration=configuration)
    await rig.join(**TURN)
    await rig.publish()
    (peer,) = rig.peers.made
    assert (peer.settings.ice_servers, peer.settings.rtc_configuration) == (own, configuration)


# --- streams ---------------------------------------------------------------------------------------------------------


@virtual_time
async def test_published_stream_has_the_sources_tracks_and_the_servers_id_and_time() -> None:
    rig = Rig()
    await rig.join()
    local = await rig.publish()
    (peer,) = rig.peers.made
    assert (peer.settings.local_stream, peer.settings.receive_audio, peer.settings.receive_video) == (
        local.source.stream,
        False,
        False,
    )
    assert (local.state.id, local.state.created_at) == ("str_CAM_con_own", 5)


@pytest.mark.parametrize(("answer", "undone"), [(refusal(401), 0), (None, 1), ({"id": "str_x"}, 1)])
@virtual_time
async def test_publish_that_fails_closes_its_media_and_is_undone_if_the_server_may_have_carried_it_out(
    answer: dict[str, Any] | None, undone: int
) -> None:
    rig = Rig(reconnection=impatient(2.0))
    await rig.join()
    rig.server.answers["publishVideo"] = answer
    local = a_local_stream()
    with pytest.raises(OpenViduError):
        await rig.participation.member.publish(local)
    await asyncio.sleep(0.1)
    assert (rig.participation.local_stream, local.media, rig.peers.alive) == (None, None, [])
    assert len(rig.server.sent("unpublishVideo")) == undone
    rig.server.answers["publishVideo"] = {"id": "str_y", "sdpAnswer": "an answer"}
    await rig.participation.member.publish(local)
    assert local.state.id == "str_y"


@virtual_time
async def test_publish_that_is_cancelled_closes_its_media_connection() -> None:
    rig = Rig()
    await rig.join()
    rig.server.answers["publishVideo"] = None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await rig.publish()
    assert (rig.participation.local_stream, rig.peers.alive) == (None, [])
    rig.participation.leave()
    assert rig.reports.names[2:] == ["ended"]


@virtual_time
async def test_host_that_cannot_make_an_offer_fails_publish_with_its_exception_and_nothing_is_sent() -> None:
    rig = Rig()
    await rig.join()
    rig.peers.errors["create_offer"] = ValueError("no codec")
    with pytest.raises(ValueError, match="no codec"):
        await rig.publish()
    assert (rig.server.sent("publishVideo"), rig.participation.local_stream, rig.peers.alive) == ([], None, [])


@virtual_time
async def test_what_is_muted_while_publish_video_is_under_way_is_notified_after_it() -> None:
    rig = Rig()
    await rig.join()
    rig.server.answers["publishVideo"] = None
    local = a_local_stream()
    publishing = asyncio.ensure_future(rig.participation.member.publish(local))
    await asyncio.sleep(0.1)
    local.state.audio_active = False
    number, *_ = rig.server.socket.requests[-1]
    rig.server.socket.push({"jsonrpc": "2.0", "id": number, "result": {"id": "str_x", "sdpAnswer": "an answer"}})
    await publishing
    await asyncio.sleep(0.1)
    assert rig.server.sent("streamPropertyChanged") == [
        {"streamId": "str_x", "property": "audioActive", "newValue": False, "reason": "publishAudio"}
    ]


@pytest.mark.parametrize("unpublished", [True, False])
@virtual_time
async def test_publish_whose_outcome_is_unknown_is_undone_and_repeated_unless_it_was_unpublished_meanwhile(
    unpublished: bool,
) -> None:
    rig = Rig()
    await rig.join()
    answer, rig.server.answers["publishVideo"] = rig.server.answers["publishVideo"], None
    local = a_local_stream()
    publishing = asyncio.ensure_future(rig.participation.member.publish(local))
    await asyncio.sleep(0.1)
    rig.server.answers["publishVideo"] = answer
    rig.server.accepts = False
    rig.server.socket.drop()
    await asyncio.sleep(1)
    unpublishing = asyncio.ensure_future(rig.participation.unpublish(local)) if unpublished else None
    await asyncio.sleep(0)
    rig.server.accepts = True
    rig.participation.reconnect_now()
    if unpublishing is None:
        await publishing
    else:
        await unpublishing
        with pytest.raises(OpenViduError):
            await publishing
    await asyncio.sleep(1)
    assert len(rig.server.sent("unpublishVideo")) == 1
    assert len(rig.server.sent("publishVideo")) == (1 if unpublished else 2)
    assert (local.is_published, len(rig.peers.alive)) == (not unpublished, 0 if unpublished else 1)


@pytest.mark.parametrize("kind", ["audio", "video"])
@virtual_time
async def test_only_the_kinds_that_the_stream_has_are_received(kind: str) -> None:
    rig = Rig()
    stream = {"id": BOBS, "hasAudio": kind == "audio", "hasVideo": kind == "video"}
    await rig.join({**participant(), "streams": [stream]})
    await rig.subscribe()
    (peer,) = rig.peers.made
    assert (peer.settings.receive_audio, peer.settings.receive_video) == (kind == "audio", kind == "video")
    assert (peer.settings.local_stream, peer.settings.answers) == (None, False)
    assert rig.server.sent("receiveVideoFrom") == [{"sender": BOBS, "sdpOffer": "offer 1"}]


@virtual_time
async def test_stream_that_its_publisher_wants_back_is_received_on_the_same_connection_after_a_renegotiation_too() -> (
    None
):
    rig = Rig()
    await rig.join()
    local = a_local_stream()
    local.loopback, shown = True, []
    local.changed = lambda: shown.append(local.media_stream)
    await rig.participation.member.publish(local)
    assert [told["doLoopback"] for told in rig.server.sent("publishVideo")] == [True]
    assert local.media is not None
    await local.media.renegotiate()
    state = local.state
    for peer in rig.peers.made:
        assert peer.settings.local_stream is not None
        assert (peer.settings.receive_audio, peer.settings.receive_video) == (state.has_audio, state.has_video)
    assert shown == ["stream 1", "stream 2"]


@virtual_time
async def test_subscription_whose_outcome_is_unknown_is_made_by_reconnect_stream_after_the_outage() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    rig.server.answers["receiveVideoFrom"] = None
    subscribing = asyncio.ensure_future(rig.subscribe())
    await asyncio.sleep(0.1)
    rig.server.socket.drop()
    await subscribing
    assert len(rig.server.sent("receiveVideoFrom")) == 1
    assert [call["stream"] for call in rig.server.sent("reconnectStream")] == [BOBS]
    assert len(rig.peers.alive) == 1


# --- requests --------------------------------------------------------------------------------------------------------


@virtual_time
async def test_refusal_with_an_ignored_code_counts_as_success_and_any_other_raises() -> None:
    rig = Rig()
    await rig.join()
    rig.server.answers["unpublishVideo"] = refusal(-1, "not streaming. Code: 105")
    member = rig.participation.member
    await member.request(UnpublishVideo(), ignore=(105,))
    with pytest.raises(RequestError) as refused:
        await member.request(UnpublishVideo(), ignore=(106,))
    assert (refused.value.code, refused.value.method) == (105, "unpublishVideo")


@virtual_time
async def test_failure_in_the_background_is_logged_in_one_line_though_nobody_awaits_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    await rig.join()
    rig.server.answers["unpublishVideo"] = refusal(999, "the reason")
    member = rig.participation.member
    with caplog.at_level(logging.WARNING):
        member.in_background(member.request(UnpublishVideo()))
        await asyncio.sleep(0.1)
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert "the reason" in record.getMessage()


@virtual_time
async def test_membership_check_describes_the_own_video_and_without_one_nothing() -> None:
    rig = Rig()
    await rig.join()
    member = rig.participation.member
    assert member.membership_check() == VideoData(0, 0, video_active=False, audio_active=False)
    told = StreamInfo("", has_video=True, video_active=True, video_dimensions='{"width":640,"height":480}')
    await member.publish(LocalStream(StreamState.of(told, ""), a_local_stream().source))
    assert member.membership_check() == VideoData(480, 640, video_active=True, audio_active=False)


# --- outages and the end ---------------------------------------------------------------------------------------------


@virtual_time
async def test_force_option_is_read_when_the_outage_ends_so_that_a_connected_session_can_change_it() -> None:
    rig = Rig()
    await rig.join(participant(BOB, BOBS))
    await rig.subscribe()
    for forced in (False, True):
        rig.configuration = Rig(force_media_reconnection_after_network_drop=forced).configuration
        rig.server.socket.drop()
        await asyncio.sleep(5)
    assert rig.reports.names.count("reconnected") == 2
    assert len(rig.server.sent("reconnectStream")) == 1


@virtual_time
async def test_stream_is_being_checked_when_reconnected_is_reported() -> None:
    rig = Rig(force_media_reconnection_after_network_drop=True)
    await rig.join(participant(BOB, BOBS))
    await rig.subscribe()
    seen: list[dict[str, Any]] = []
    rig.reports.reactions["reconnected"] = lambda outage: seen.append(dict(outage.streams))
    rig.server.socket.drop()
    await asyncio.sleep(5)
    ((stream, _),) = seen[0].items()
    assert stream == BOBS


@virtual_time
async def test_closing_cancels_what_runs_in_the_background_and_leaves_neither_socket_nor_timer() -> None:
    rig, before = Rig(), asyncio.all_tasks()
    await rig.join(participant(BOB, BOBS))
    await rig.subscribe()
    member, ended = rig.participation.member, []

    async def background() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(asyncio.get_running_loop().time())

    member.in_background(background())
    await asyncio.sleep(1)
    for _ in range(2):
        member.close()
    assert (member.joined, rig.server.alive, rig.clock.alive) == (False, [], [])
    for _ in range(2):  # tasks whose request has failed run first
        await asyncio.sleep(0)
    assert ended == [1.0]
    with pytest.raises(NotConnectedError):
        await member.request(UnpublishVideo())
    (peer,) = rig.peers.made
    told, polls = len(rig.reports.calls), peer.polls
    await asyncio.sleep(60)
    assert (len(rig.reports.calls), peer.polls) == (told, polls)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("steps", range(1, 6))
@virtual_time
async def test_answer_to_join_room_that_comes_in_the_moment_of_leaving_is_not_taken_for_a_membership(
    steps: int,
) -> None:
    rig = Rig()
    rig.server.answers["joinRoom"] = None
    joining = asyncio.ensure_future(rig.participation.join(TOKEN, ""))
    await asyncio.sleep(0.1)
    number, *_ = rig.server.socket.requests[-1]
    rig.server.socket.push({"jsonrpc": "2.0", "id": number, "result": admission(participant(BOB, BOBS))})
    for _ in range(steps):
        await asyncio.sleep(0)
    rig.participation.leave()
    if joining.done() and not joining.exception():
        assert rig.reports.names == ["joined", "others_present", "stream_published", "ended"]
    else:
        with pytest.raises(NotConnectedError):
            await joining
        assert rig.reports.calls == []
    assert (rig.server.alive, rig.server.sent("leaveRoom")) == ([], [{}])
    assert (rig.clock.alive, rig.participation.is_member, rig.participation.joining) == ([], False, None)
