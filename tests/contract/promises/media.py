"""What is counted of media, and what is changed without negotiation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from functools import partial

from pyvidu.platform import PeerConnection
from pyvidu.reconnection.evidence import MediaSample
from tests.contract.connecting import Connection, receiving, sending
from tests.contract.world import DEADLINE, World, until

_RTCP_OF_SOUND = 7.5
"""Seconds between two RTCP packets about sound: 5, at random half as long or half as long again (RFC 3550, 6.2)."""


async def test_counters_of_a_receiver_grow(world: World) -> None:
    async with receiving(world) as connection:
        names = ("received_packets", "inbound_audio_packets", "inbound_video_packets", "frames_decoded")
        first = await _sampled(connection.peer, lambda sample: all(getattr(sample, name) for name in names))
        later = await _sampled(
            connection.peer, lambda sample: all(getattr(sample, name) > getattr(first, name) for name in names)
        )
        await _sampled(connection.peer, lambda sample: sample.stun_responses > 0)
        assert first.ice_state == later.ice_state == connection.peer.ice_connection_state
        assert later.remote_reports == 0, "nothing is sent"
        assert later.ip_families == 1
        assert later.inbound_video_packets >= later.frames_decoded


async def test_counters_of_a_sender_grow(world: World) -> None:
    async with sending(world) as connection:
        first = await _sampled(connection.peer, lambda sample: sample.remote_reports > 0 and sample.stun_responses > 0)
        await _sampled(connection.peer, lambda sample: sample.received_packets > first.received_packets)
        assert first.inbound_audio_packets == first.inbound_video_packets == first.frames_decoded == 0


async def test_counters_never_decrease(world: World) -> None:
    async with receiving(world) as connection:
        await _sampled(connection.peer, lambda sample: sample.frames_decoded > 0)
        before = await connection.peer.sample()
        await connection.peer.restart_receivers()
        for _ in range(10):
            after = await connection.peer.sample()
            for counter in fields(MediaSample)[1:-1]:
                assert getattr(after, counter.name) >= getattr(before, counter.name), (counter.name, before, after)
            before = after
            await asyncio.sleep(0.02)  # between two samples


async def test_receivers_reports_on_what_is_sent_are_counted_where_the_host_knows_them(world: World) -> None:
    async with sending(world) as connection:
        peer = connection.peer
        if (first := await peer.uplink_sample()) is None:
            return
        assert first.audio_lost == 0
        ends = asyncio.get_running_loop().time() + 3 * _RTCP_OF_SOUND  # one of ours, the first answer, and another
        while (
            (sample := await peer.uplink_sample()) is None
            or sample.reports <= first.reports
            or sample.round_trip is None
            or not sample.video_bytes
        ):
            assert asyncio.get_running_loop().time() < ends, sample
            await asyncio.sleep(0.1)  # between two looks
        assert sample.reported_at > 0
        assert 0 <= sample.round_trip < 1
        assert sample.audio_sent > first.audio_sent


async def test_each_of_the_receivers_reports_changes_when_the_last_one_came(world: World) -> None:
    async with sending(world) as connection:
        seen: set[float | None] = set()
        ends = asyncio.get_running_loop().time() + DEADLINE
        while len(seen) < 3:
            assert asyncio.get_running_loop().time() < ends, seen
            seen.add(await connection.peer.reported_at())
            await asyncio.sleep(0.1)  # between two looks
        assert all(at is None or at > 0 for at in seen)


async def test_video_ceases_to_be_sent_and_is_sent_again_while_sound_goes_on(world: World) -> None:
    async with sending(world) as connection:
        peer, remote, states = connection.peer, connection.remote, list(connection.log.states)
        for _ in range(2):
            await _receives(connection, "video")
            assert await peer.send_video(False)
            await asyncio.sleep(0.5)  # what is on the way
            video = await remote.received("video")
            await _receives(connection, "audio", more=20)
            assert await remote.received("video") <= video + 1
            peer.send_key_frame()
            await asyncio.sleep(0.2)  # in which a key frame would be sent
            assert await remote.received("video") <= video + 1
            assert await peer.send_video(True)
        await _receives(connection, "video")
        assert connection.log.states == states


async def test_video_is_not_switched_on_a_closed_connection(world: World) -> None:
    async with sending(world) as connection:
        connection.peer.close()
        assert not await connection.peer.send_video(False)


async def test_packet_marker_changes_with_packets(world: World) -> None:
    async with receiving(world) as connection:
        peer = connection.peer
        await until(lambda: peer.packet_marker() is not None, "there is a marker")
        seen = {peer.packet_marker()}

        def changed() -> bool:
            seen.add(peer.packet_marker())
            return len(seen) > 3

        await until(changed, "the marker changes")
        assert None not in seen


async def test_sender_has_no_packet_marker_and_plays_no_sound(world: World) -> None:
    async with sending(world) as connection:
        await _sampled(connection.peer, lambda sample: sample.received_packets > 0)
        assert connection.peer.packet_marker() is None
        assert connection.peer.sound_played() is None


async def test_restarted_receivers_go_on_with_the_same_tracks_and_counters(world: World) -> None:
    async with receiving(world) as connection:
        peer = connection.peer
        before = await _sampled(peer, lambda sample: sample.frames_decoded > 0)
        tracks = world.tracks(peer.remote_stream)
        await peer.restart_receivers()
        await _sampled(
            peer,
            lambda sample: (
                sample.frames_decoded > before.frames_decoded
                and sample.inbound_audio_packets > before.inbound_audio_packets
            ),
        )
        assert world.tracks(peer.remote_stream) == tracks


async def test_requested_key_frames_do_not_interrupt_a_receiver(world: World) -> None:
    async with receiving(world) as connection:
        await _sampled(connection.peer, lambda sample: sample.frames_decoded > 0)
        for _ in range(3):
            decoded = (await connection.peer.sample()).frames_decoded
            connection.peer.ask_for_key_frame()
            await _sampled(connection.peer, partial(_has_decoded_more, decoded))


async def test_key_frames_do_not_interrupt_a_sender(world: World) -> None:
    async with sending(world) as connection:
        before = await _sampled(connection.peer, lambda sample: sample.received_packets > 0)
        connection.peer.send_key_frame()
        await _sampled(connection.peer, lambda sample: sample.received_packets > before.received_packets)


async def test_received_tracks_are_disabled_by_kind(world: World) -> None:
    async with receiving(world) as connection:
        peer = connection.peer
        for enabled in (False, True):
            peer.enable_received("audio", enabled)
            assert {track.kind: track.enabled for track in world.tracks(peer.remote_stream)} == {
                "audio": enabled,
                "video": True,
            }


async def test_replaced_track_is_sent_on_the_same_connection(world: World) -> None:
    async with sending(world) as connection:
        peer, states = connection.peer, list(connection.log.states)
        before = await _sampled(peer, lambda sample: sample.received_packets > 0)
        await peer.replace_track(world.new_track("video"))
        await _sampled(peer, lambda sample: sample.received_packets > before.received_packets)
        assert connection.log.states == states


async def test_replacing_a_track_of_a_kind_that_is_not_sent_raises(world: World) -> None:
    media = await world.host.devices.get_user_media(audio={"source": None}, video=False)
    async with sending(world, media) as connection:
        try:
            await connection.peer.replace_track(world.new_track("video"))
        except OSError:
            return
        raise AssertionError("a track is sent that was not negotiated")


async def _receives(connection: Connection, kind: str, *, more: int = 2) -> None:
    """Wait until the other end has received more packets of a kind. Raises AssertionError when that takes too long."""
    loop = asyncio.get_running_loop()
    before, ends = await connection.remote.received(kind), loop.time() + DEADLINE
    while await connection.remote.received(kind) < before + more:
        assert loop.time() < ends, f"within {DEADLINE:g} s no {kind} arrives"
        await asyncio.sleep(0.02)  # between two looks


def _has_decoded_more(frames: int, sample: MediaSample) -> bool:
    return sample.frames_decoded > frames


async def _sampled(peer: PeerConnection, condition: Callable[[MediaSample], object]) -> MediaSample:
    """Return the first sample for which `condition` holds. Raises AssertionError when that takes too long."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + DEADLINE
    while not condition(sample := await peer.sample()):
        assert loop.time() < ends, f"within {DEADLINE:g} s not: {sample}"
        await asyncio.sleep(0.02)  # between two looks
    return sample
