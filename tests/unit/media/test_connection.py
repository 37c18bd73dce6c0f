"""A media connection: what it asks of the server, candidates in both directions, and failed or repeated negotiations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pyvidu.errors import RequestError
from pyvidu.media.connection import MediaClosedError, MediaConnection
from pyvidu.platform import Candidate, PeerSettings
from pyvidu.protocol.messages import (
    OnIceCandidate,
    PrepareReceiveVideoFrom,
    PublishVideo,
    ReceiveVideoFrom,
    ReconnectStream,
)
from pyvidu.reconnection.evidence import MediaSample
from tests.unit.media.rig import BOB, BOBS, OWN, Rig, description
from tests.virtual_time import virtual_time

FOUND = Candidate("candidate:1", "audio", 1)
THEIRS = Candidate("candidate:2", "0", 0)


# --- requests --------------------------------------------------------------------------------------------------------


@virtual_time
async def test_publishing_sends_the_offer_once_and_sets_the_answer() -> None:
    rig = Rig()
    media = rig.outbound()
    result = await media.publish(description())
    assert rig.requests.sent == [PublishVideo("offer 1", do_loopback=False, has_audio=True, has_video=True)]
    assert rig.requests.repeatable == [False]
    assert rig.peer.calls == [("create_offer",), ("set_answer", "an answer")]
    assert (media.stream_id, result.id, result.sdp_answer) == ("str_CAM_con_own", "str_CAM_con_own", "an answer")
    assert rig.reports.calls == [("media_stream_changed", media)]


@virtual_time
async def test_subscribing_offers_with_kurento_and_answers_with_mediasoup() -> None:
    kurento, mediasoup = Rig(), Rig()
    await kurento.inbound().subscribe()
    await mediasoup.inbound(server_offers=True).subscribe()
    assert kurento.requests.sent == [ReceiveVideoFrom(BOBS, sdp_offer="offer 1")]
    assert mediasoup.requests.sent == [
        PrepareReceiveVideoFrom(BOBS, reconnect=False),
        ReceiveVideoFrom(BOBS, sdp_answer="answer 1"),
    ]
    assert mediasoup.peer.calls == [("create_answer", "the server's offer")]
    assert [rig.peer.settings.answers for rig in (kurento, mediasoup)] == [False, True]
    assert {*kurento.requests.repeatable, *mediasoup.requests.repeatable} == {False}


@virtual_time
async def test_renegotiation_sends_reconnect_stream_in_the_form_of_its_direction_and_media_server() -> None:
    rig = Rig()
    sent, received, by_offer = rig.outbound(), rig.inbound(), rig.inbound(server_offers=True)
    await sent.publish(description())
    rig.requests.sent.clear()
    await sent.renegotiate()
    await received.renegotiate()
    await by_offer.renegotiate()
    await by_offer.answer_forced("a forced offer")
    assert rig.requests.sent == [
        ReconnectStream("str_CAM_con_own", sdp_string="offer 2"),
        ReconnectStream(BOBS, sdp_offer="offer 3", forcibly_reconnect=False),
        PrepareReceiveVideoFrom(BOBS, reconnect=True),
        ReconnectStream(BOBS, sdp_string="answer 4", forcibly_reconnect=False),
        ReconnectStream(BOBS, sdp_string="answer 5", forcibly_reconnect=True),
    ]
    assert rig.peer.calls[0] == ("create_answer", "a forced offer")
    assert not any(rig.requests.repeatable)


@pytest.mark.parametrize("server_offers", [True, False])
@virtual_time
async def test_fresh_network_is_asked_of_the_host_for_that_renegotiation_only(server_offers: bool) -> None:
    rig = Rig()
    for media in (rig.inbound(server_offers=server_offers), rig.outbound()):
        for fresh in (True, False):
            await media.renegotiate(fresh_network=fresh)
            assert rig.peer.settings.fresh_network is fresh
            assert rig.peer.settings.answers is (server_offers and media.owner == BOB)


@virtual_time
async def test_negotiation_that_is_pending_when_the_media_is_closed_fails_as_the_stream_that_has_ended() -> None:
    rig = Rig()
    rig.peers.hanging.add("set_answer")
    media = rig.inbound()
    subscribing = asyncio.ensure_future(media.subscribe())
    await asyncio.sleep(0.1)
    media.close()
    with pytest.raises(MediaClosedError, match="while it was being negotiated"):
        await subscribing
    assert rig.peers.alive == []


@virtual_time
async def test_failed_negotiation_of_a_stream_that_has_not_ended_raises_what_failed() -> None:
    rig = Rig()
    rig.peers.errors["set_answer"] = OSError("Refused")
    with pytest.raises(OSError, match="Refused"):
        await rig.inbound().subscribe()
    assert rig.peers.alive == []


@virtual_time
async def test_base_class_cannot_renegotiate() -> None:
    rig = Rig()
    media = MediaConnection(rig.host, rig.requests, OWN, PeerSettings(), rig.reports)
    with pytest.raises(NotImplementedError):
        await media.renegotiate()


# --- candidates ------------------------------------------------------------------------------------------------------


@virtual_time
async def test_local_candidates_are_sent_in_order_after_the_request_and_then_at_once() -> None:
    rig = Rig()
    rig.requests.answers["receiveVideoFrom"] = None
    rig.peers.hanging.add("create_offer")
    media = rig.inbound()
    subscribing = asyncio.ensure_future(media.subscribe())
    await asyncio.sleep(0)
    for number in (1, 2):
        rig.peer.listener.peer_candidate(Candidate(f"early {number}"))
    assert rig.requests.sent == []
    subscribing.cancel()
    rig.peers.hanging.clear()
    subscribing = asyncio.ensure_future(media.subscribe())
    await asyncio.sleep(0)
    rig.peer.listener.peer_candidate(FOUND)
    await asyncio.sleep(0)
    rig.peer.listener.peer_candidate(Candidate(""))
    assert rig.requests.sent == [
        ReceiveVideoFrom(BOBS, sdp_offer="offer 2"),
        OnIceCandidate(BOB, "candidate:1", "audio", 1),
        OnIceCandidate(BOB, ""),
    ]
    media.close()
    subscribing.cancel()


@virtual_time
async def test_candidates_found_while_the_offer_is_made_follow_the_request() -> None:
    rig = Rig()
    media = rig.outbound()
    publishing = asyncio.ensure_future(media.publish(description()))
    asyncio.get_running_loop().call_soon(lambda: rig.peer.listener.peer_candidate(FOUND))
    create = rig.peers.create

    def create_and_find(*arguments: object) -> object:
        peer = create(*arguments)  # type: ignore[arg-type]
        for number in (1, 2):
            peer.listener.peer_candidate(Candidate(f"early {number}"))
        return peer

    rig.peers.create = create_and_find  # type: ignore[assignment,method-assign]
    await publishing
    assert [type(call) for call in rig.requests.sent] == [PublishVideo, OnIceCandidate, OnIceCandidate, OnIceCandidate]
    assert [call.candidate for call in rig.requests.sent[1:]] == ["early 1", "early 2", "candidate:1"]


@virtual_time
async def test_candidates_of_the_server_wait_for_the_answer_and_go_to_the_connection_being_negotiated() -> None:
    rig = Rig()
    media = rig.inbound()
    media.add_remote_candidate(THEIRS)  # for no connection at all
    rig.requests.answers["receiveVideoFrom"] = None
    subscribing = asyncio.ensure_future(media.subscribe())
    await asyncio.sleep(0.1)
    media.add_remote_candidate(Candidate("waits"))
    await asyncio.sleep(0.1)
    assert rig.peer.candidates == []
    rig.requests.waiting[0].set_result({"sdpAnswer": "an answer"})
    await subscribing
    media.add_remote_candidate(Candidate("later"))
    await asyncio.sleep(0)
    assert rig.peer.candidates == [Candidate("waits"), Candidate("later")]
    rig.requests.answers["reconnectStream"] = None
    renegotiating = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    media.add_remote_candidate(Candidate("for the new one"))
    rig.requests.waiting[1].set_result({"sdpAnswer": "an answer"})
    await renegotiating
    await asyncio.sleep(0)
    assert [peer.candidates[-1].candidate for peer in rig.peers.made] == ["later", "for the new one"]


@virtual_time
async def test_candidate_that_the_host_refuses_is_logged_and_the_connection_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    rig.peers.errors["add_candidate"] = ValueError("no such line")
    media.add_remote_candidate(THEIRS)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "'a candidate of the server' failed" in caplog.text
    assert media.peer is not None


@virtual_time
async def test_closing_cancels_the_adding_of_a_candidate() -> None:
    rig, before = Rig(), asyncio.all_tasks()
    media = rig.inbound()
    await media.subscribe()
    rig.peers.hanging.add("add_candidate")
    media.add_remote_candidate(THEIRS)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() != before
    media.close()
    media.add_remote_candidate(THEIRS)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


# --- replacing -------------------------------------------------------------------------------------------------------


@virtual_time
async def test_old_peer_connection_is_closed_after_the_new_one_is_current_and_reported() -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    old = rig.peer
    seen: list[tuple[bool, bool]] = []
    rig.reports.reactions["media_stream_changed"] = lambda _: seen.append((media.peer is rig.peer, old.closed))
    await media.renegotiate()
    assert seen == [(True, False)]
    assert rig.peers.alive == [rig.peer]
    assert (media.remote_stream, media.ice_state) == ("stream 2", "connected")


def refuse(rig: Rig) -> None:
    rig.requests.answers["reconnectStream"] = RequestError("reconnectStream", 999, "no")


def no_offer(rig: Rig) -> None:
    rig.peers.errors["create_offer"] = ValueError("no codec")


def no_answer(rig: Rig) -> None:
    rig.peers.errors["set_answer"] = ValueError("not understood")


def never_answered(rig: Rig) -> None:
    rig.requests.answers["reconnectStream"] = None


@pytest.mark.parametrize("fault", [refuse, no_offer, no_answer, never_answered])
@virtual_time
async def test_failed_or_cancelled_renegotiation_closes_its_own_peer_connection_and_keeps_the_old_one(
    fault: Callable[[Rig], None],
) -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    old = rig.peer
    fault(rig)
    with pytest.raises((RequestError, ValueError, TimeoutError)):
        async with asyncio.timeout(1):
            await media.renegotiate()
    assert (media.peer, rig.peers.alive) == (old, [old])
    assert rig.reports.names == ["media_stream_changed"]
    media.add_remote_candidate(THEIRS)
    await asyncio.sleep(0)
    assert old.candidates == [THEIRS]
    rig.requests.answers.pop("reconnectStream", None)
    rig.peers.errors.clear()
    await media.renegotiate()
    assert rig.peers.alive == [rig.peer]


async def publish(rig: Rig) -> None:
    media = rig.outbound()
    asyncio.get_running_loop().call_later(1, media.close)
    await media.publish(description())


async def subscribe(rig: Rig) -> None:
    media = rig.inbound()
    asyncio.get_running_loop().call_later(1, media.close)
    await media.subscribe()


@pytest.mark.parametrize("negotiate", [publish, subscribe])
@virtual_time
async def test_stream_that_ends_while_it_is_negotiated_raises_and_leaves_no_peer_connection(
    negotiate: Callable[[Rig], Awaitable[None]],
) -> None:
    rig = Rig()
    rig.requests.answers |= {"publishVideo": None, "receiveVideoFrom": None}
    negotiating = asyncio.ensure_future(negotiate(rig))
    await asyncio.sleep(2)
    assert rig.peers.alive == []
    rig.requests.waiting[0].set_result({"sdpAnswer": "an answer", "id": "str_x"})
    with pytest.raises(MediaClosedError, match="while it was being negotiated"):
        await negotiating
    assert (rig.peers.alive, rig.reports.calls) == ([], [])


@virtual_time
async def test_closed_media_connection_has_no_peer_connection_and_makes_none() -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    for _ in range(2):
        media.close()
    assert (media.is_closed, media.peer, media.ice_state, media.remote_stream) == (True, None, "new", None)
    with pytest.raises(MediaClosedError, match="has ended"):
        await media.renegotiate()
    assert (len(rig.peers.made), rig.peers.alive) == (1, [])


@virtual_time
async def test_later_of_two_renegotiations_wins_and_the_earlier_one_raises() -> None:
    rig = Rig()
    media = rig.inbound()
    rig.requests.answers["reconnectStream"] = None
    first = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    second = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    assert [peer.number for peer in rig.peers.alive] == [2]
    for future in reversed(rig.requests.waiting):
        future.set_result({"sdpAnswer": "an answer"})
    with pytest.raises(MediaClosedError):
        await first
    await second
    assert (media.peer, rig.peers.alive) == (rig.peer, [rig.peer])
    assert rig.reports.names == ["media_stream_changed"]


@virtual_time
async def test_abandoned_negotiation_closes_its_peer_connection_only() -> None:
    rig = Rig()
    media = rig.inbound()
    media.abandon_negotiation()
    await media.subscribe()
    old = rig.peer
    rig.requests.answers["reconnectStream"] = None
    renegotiating = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    media.abandon_negotiation()
    assert (media.peer, rig.peers.alive) == (old, [old])
    rig.requests.waiting[0].set_result({"sdpAnswer": "an answer"})
    with pytest.raises(MediaClosedError):
        await renegotiating


# --- the current peer connection -------------------------------------------------------------------------------------


@virtual_time
async def test_only_the_ice_state_of_the_current_peer_connection_is_reported() -> None:
    rig = Rig()
    media = rig.inbound()
    assert (media.ice_state, media.remote_stream, (await media.sample()).ice_state) == ("new", None, "new")
    await media.subscribe()
    old = rig.peer
    rig.requests.answers["reconnectStream"] = None
    renegotiating = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    rig.reports.calls.clear()
    rig.peer.listener.peer_ice_state("checking")
    old.listener.peer_ice_state("disconnected")
    assert rig.reports.calls == [("media_ice_state", media, "disconnected")]
    rig.requests.waiting[0].set_result({"sdpAnswer": "an answer"})
    await renegotiating
    rig.reports.calls.clear()
    old.listener.peer_ice_state("closed")
    rig.peer.listener.peer_ice_state("connected")
    assert rig.reports.calls == [("media_ice_state", media, "connected")]


@virtual_time
async def test_track_is_replaced_on_the_current_peer_connection_and_on_the_one_being_negotiated() -> None:
    rig = Rig()
    media = rig.outbound()
    await media.replace_track("on none")
    await media.publish(description())
    rig.requests.answers["reconnectStream"] = None
    renegotiating = asyncio.ensure_future(media.renegotiate())
    await asyncio.sleep(0.1)
    await media.replace_track("a track")
    assert [peer.calls[-1] for peer in rig.peers.made] == [("replace_track", "a track")] * 2
    media.close()
    renegotiating.cancel()


@virtual_time
async def test_track_that_cannot_be_replaced_on_a_connection_that_is_closed_meanwhile_is_no_error() -> None:
    rig = Rig()
    media = rig.outbound()
    await media.publish(description())
    closed, old = asyncio.Event(), rig.peer

    async def fail_when_closed(_track: object) -> None:
        await closed.wait()
        raise OSError("closed meanwhile")

    old.replace_track = fail_when_closed
    replacing = asyncio.ensure_future(media.replace_track("a track"))
    await media.renegotiate()
    closed.set()
    await replacing
    rig.peer.replace_track = fail_when_closed
    with pytest.raises(OSError, match="closed meanwhile"):
        await media.replace_track("another")


@virtual_time
async def test_sample_is_that_of_the_current_peer_connection() -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    assert [(await media.sample()).inbound_audio_packets for _ in range(2)] == [1, 2]
    await media.renegotiate()
    assert (await media.sample()).inbound_audio_packets == 1


@virtual_time
async def test_padding_in_place_of_a_video_that_is_not_forwarded_counts_as_no_video() -> None:
    rig = Rig()
    media = rig.inbound()
    await media.subscribe()
    forwarded, packets = True, 0
    media.forwards_video = lambda: forwarded

    async def sample() -> MediaSample:
        return MediaSample("connected", inbound_video_packets=packets)

    rig.peer.sample = sample
    counted = []
    for forwarded, packets in ((True, 10), (False, 10), (False, 50), (True, 60)):  # noqa: B007
        counted.append((await media.sample()).inbound_video_packets)
    assert counted == [10, 10, 10, 60]
