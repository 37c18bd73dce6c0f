"""Peer connections: negotiation, candidates and ICE states, and that nothing is told after `close()`.

Not here yet: what a refused description raises. The fake accepts every text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pyvidu.platform import Candidate, NetworkDownError, PeerConnection, PeerSettings
from pyvidu.reconnection.evidence import MediaSample
from tests.contract.connecting import (
    CONNECTED,
    RECEIVER,
    camera,
    created,
    exchange_candidates,
    negotiate,
    receiving,
    sending,
)
from tests.contract.world import DEADLINE, World, quiet, until


async def test_new_peer_connection_is_in_state_new_and_has_counted_nothing(world: World) -> None:
    peer, log = created(world)
    assert peer.ice_connection_state == "new"
    assert await peer.sample() == MediaSample("new")
    assert peer.packet_marker() is None
    assert peer.sound_played() is None
    await quiet(0.05)
    assert (log.candidates, log.states) == ([], [])
    peer.close()


async def test_peer_connection_that_an_offline_host_refuses_is_made_once_it_has_a_network(world: World) -> None:
    await world.host.peers.network_up()
    world.offline(True)
    with suppress(NetworkDownError):
        created(world)
        raise AssertionError("it was made")
    up = asyncio.ensure_future(world.host.peers.network_up())
    await quiet(0.05)
    assert not up.done()
    world.offline(False)
    await up
    peer, _ = created(world)
    assert peer.ice_connection_state == "new"
    peer.close()


async def test_receiver_has_a_remote_stream_from_the_start_and_a_sender_none(world: World) -> None:
    media = await camera(world)
    receiver, _ = created(world)
    sender, _ = created(world, PeerSettings(local_stream=media.stream))
    assert receiver.remote_stream is not None
    assert sender.remote_stream is None
    assert sender.native is not None
    receiver.close()
    sender.close()
    media.stop()


async def test_candidates_are_told_after_the_offer_and_not_before(world: World) -> None:
    peer, log = created(world)
    await quiet(0.02)
    assert log.candidates == []
    assert await peer.create_offer()
    await until(lambda: log.candidates, "a candidate is told")
    for candidate in log.candidates:
        assert candidate.candidate
        assert isinstance(candidate.sdp_mid, str)
        assert isinstance(candidate.sdp_m_line_index, int)
    peer.close()


async def test_offer_answer_and_candidates_connect_a_receiver(world: World) -> None:
    async with receiving(world) as connection:
        _check_states(connection.log.states, connection.log.states_read)


async def test_offer_answer_and_candidates_connect_a_sender(world: World) -> None:
    async with sending(world) as connection:
        _check_states(connection.log.states, connection.log.states_read)


async def test_offer_of_the_other_end_connects_a_receiver(world: World) -> None:
    peer, log = created(world, PeerSettings(receive_audio=True, receive_video=True, answers=True))
    remote = world.remote()
    await remote.accept(await peer.create_answer(await remote.offer()))
    await exchange_candidates(peer, log, remote)
    await until(lambda: peer.ice_connection_state in CONNECTED, "ICE connects")
    _check_states(log.states, log.states_read)
    while not ((sample := await peer.sample()).inbound_audio_packets and sample.inbound_video_packets):
        await asyncio.sleep(0.02)  # between two looks
    assert {track.kind for track in world.tracks(peer.remote_stream)} == {"audio", "video"}
    peer.close()


async def test_last_candidate_is_accepted(world: World) -> None:
    peer, log = created(world)
    remote = world.remote()
    await peer.set_answer(await remote.answer(await peer.create_offer()))
    await exchange_candidates(peer, log, remote)
    await peer.add_candidate(Candidate("", "0", 0))
    await until(lambda: peer.ice_connection_state in CONNECTED, "ICE connects")
    peer.close()


async def test_connection_on_a_fresh_network_connects_like_any_other(world: World) -> None:
    peer, log = created(world, PeerSettings(receive_audio=True, receive_video=True, fresh_network=True))
    await negotiate(world, peer, log)
    _check_states(log.states, log.states_read)
    peer.close()


async def test_what_is_pending_when_a_connection_is_closed_comes_to_an_end(world: World) -> None:
    for fresh in (False, True):
        peer, log = created(world, PeerSettings(receive_audio=True, receive_video=True, fresh_network=fresh))
        await negotiate(world, peer, log)
        counted = [world.host.statistics(peer.native)] if world.host.statistics else []
        read = [peer.sample(), peer.uplink_sample(), peer.reported_at(), *counted]
        pending = asyncio.gather(*read, peer.restart_receivers(), peer.send_video(True))
        await asyncio.sleep(0)  # until they have begun
        peer.close()
        await asyncio.wait_for(pending, DEADLINE)


async def test_ice_disconnects_when_the_other_end_falls_silent(world: World) -> None:
    async with receiving(world) as connection:
        connection.remote.fall_silent()
        await until(lambda: connection.peer.ice_connection_state == "disconnected", "ICE is disconnected")
        assert connection.log.states[-1] == "disconnected"
        _check_states(connection.log.states, connection.log.states_read)
        marker = connection.peer.packet_marker()
        await quiet()
        assert connection.peer.packet_marker() == marker


async def test_nothing_is_told_after_close(world: World) -> None:
    async with receiving(world) as connection:
        told = (list(connection.log.candidates), list(connection.log.states))
        connection.peer.close()
        assert connection.peer.ice_connection_state == "closed"
        await quiet()
        assert (connection.log.candidates, connection.log.states) == told


async def test_nothing_is_told_after_close_during_the_negotiation(world: World) -> None:
    for answered in (False, True):
        peer, log = created(world)
        offer = await peer.create_offer()
        if answered:
            await peer.set_answer(await world.remote().answer(offer))
        peer.close()
        told = (list(log.candidates), list(log.states))
        await quiet()
        assert (log.candidates, log.states) == told
        assert peer.ice_connection_state == "closed"


async def test_peer_connection_is_closed_twice_without_harm(world: World) -> None:
    peer, _ = created(world)
    peer.close()
    peer.close()
    async with receiving(world) as connection:
        connection.peer.close()
        connection.peer.close()
        assert connection.peer.ice_connection_state == "closed"


async def test_offer_that_is_pending_at_close_settles(world: World) -> None:
    peer, _ = created(world)
    await _settles_when_closed(peer, peer.create_offer())


async def test_answer_that_is_pending_at_close_settles(world: World) -> None:
    for answers in (False, True):
        peer, _ = created(world, replace(RECEIVER, answers=answers))
        remote = world.remote()
        if answers:
            await _settles_when_closed(peer, peer.create_answer(await remote.offer()))
        else:
            await _settles_when_closed(peer, peer.set_answer(await remote.answer(await peer.create_offer())))


async def test_sample_that_is_pending_at_close_settles(world: World) -> None:
    async with receiving(world) as connection:
        await _settles_when_closed(connection.peer, connection.peer.sample())
    async with sending(world) as connection:
        await _settles_when_closed(connection.peer, connection.peer.uplink_sample())
    async with sending(world) as connection:
        await _settles_when_closed(connection.peer, connection.peer.reported_at())
    async with sending(world) as connection:
        await _settles_when_closed(connection.peer, connection.peer.send_video(False))


async def test_calls_after_close_settle_and_queries_raise_nothing(world: World) -> None:
    peer, _ = created(world)
    offer = await peer.create_offer()
    answer = await world.remote().answer(offer)
    peer.close()
    calls: list[Callable[[], Awaitable[object]]] = [
        peer.create_offer,
        lambda: peer.create_answer(offer),
        lambda: peer.set_answer(answer),
        lambda: peer.add_candidate(Candidate("", "0", 0)),
        peer.sample,
        peer.uplink_sample,
        peer.reported_at,
        lambda: peer.send_video(True),
        peer.restart_receivers,
    ]
    for call in calls:
        await _settles(asyncio.ensure_future(call()))
    _query(peer)


async def test_queries_and_requests_raise_nothing_before_the_negotiation(world: World) -> None:
    peer, _ = created(world)
    _query(peer)
    await peer.restart_receivers()
    peer.close()


async def test_connections_are_independent(world: World) -> None:
    async with receiving(world) as connection:
        other, log = created(world, RECEIVER)
        await negotiate(world, other, log)
        connection.peer.close()
        before = (await other.sample()).received_packets
        while (await other.sample()).received_packets <= before:
            await asyncio.sleep(0.02)  # between two looks
        assert other.ice_connection_state in CONNECTED
        other.close()


def _check_states(told: list[str], read: list[str]) -> None:
    """Check that every change was told once, that `checking` was the first, and that the property agreed."""
    assert told[0] == "checking"
    assert told[1] in CONNECTED
    assert all(earlier != later for earlier, later in pairwise(told))
    assert told == read


def _query(peer: PeerConnection) -> None:
    peer.packet_marker()
    peer.sound_played()
    peer.enable_received("audio", False)
    peer.ask_for_key_frame()
    peer.send_key_frame()


async def _settles_when_closed(peer: PeerConnection, pending: Coroutine[Any, Any, object]) -> None:
    """Start a call, close the connection and check that the call ends."""
    call = asyncio.ensure_future(pending)
    await asyncio.sleep(0)
    peer.close()
    await _settles(call)


async def _settles(call: asyncio.Future[object]) -> None:
    """Check that the call ends in some way: the core does not wait for ever for a connection that it has closed."""
    done, _ = await asyncio.wait([call], timeout=DEADLINE)
    if not done:
        call.cancel()
        raise AssertionError("the call stays pending")
    call.exception()
