"""Devices, tracks that are replaced while they are sent, and speech detection: real client cores in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu import Device, PropertiesError, TrackInfo, VideoDimensions, VolumeChange
from tests.simulation.simulated_call import a_call
from tests.simulation.simulated_host import FakeLoudness, FakeTrack
from tests.virtual_time import virtual_time


@virtual_time
async def test_devices_and_media_streams_come_from_the_host() -> None:
    async with a_call() as call:
        ada = await call.participant("ada", publish=False)
        assert Device("videoinput", "1", "a camera") in await ada.openvidu.get_devices()
        assert await ada.openvidu.get_user_media({"videoSource": False}) is not None
        with pytest.raises(PropertiesError, match="no nonsense"):
            await ada.openvidu.get_user_media(nonsense=1)


@virtual_time
async def test_replaced_track_is_sent_and_notified_without_renegotiation() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        changes: list[tuple[Any, ...]] = []
        for who, session in (("ada", ada.session), ("bob", bob.session)):
            session.on(
                "streamPropertyChanged",
                lambda event, who=who: changes.append((who, event.changed_property, event.new_value, event.reason)),
            )
        assert ada.publisher is not None
        media = ada.publisher.local_stream.source
        first = media.tracks["video"]
        await ada.publisher.replace_track(FakeTrack("video", "another camera", (320, 240)))
        await asyncio.sleep(0.5)
        assert first.stopped
        assert [track.label for track in ada.peers.made[0].sent] == ["another camera"]
        expected = [
            ("videoTrack", TrackInfo("another camera"), "trackReplaced"),
            ("videoDimensions", VideoDimensions(320, 240), "trackReplaced"),
        ]
        for who in ("ada", "bob"):
            assert [change[1:] for change in changes if change[0] == who] == expected
        assert call.renegotiations == 0
        assert bob.session.stream_managers[-1].stream.video_dimensions == VideoDimensions(320, 240)


@virtual_time
async def test_track_that_cannot_be_sent_does_not_replace_the_current_one() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        assert ada.publisher is not None
        media = ada.publisher.local_stream.source
        first = media.tracks["audio"]
        with pytest.raises(PropertiesError, match="the encoder cannot"):
            await ada.publisher.replace_track(FakeTrack("audio", refused=True))
        assert media.tracks["audio"] is first
        assert not first.stopped
        with pytest.raises(PropertiesError, match="no such track"):
            await ada.publisher.replace_track("a text")


@virtual_time
async def test_track_replaced_during_an_outage_is_sent_at_once_and_notified_after_it() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        told: list[str] = []
        bob.session.on("streamPropertyChanged", lambda event: told.append(event.changed_property))
        assert ada.publisher is not None
        ada.link.drop("silent")
        await asyncio.sleep(3)
        replacing = asyncio.create_task(ada.publisher.replace_track(FakeTrack("audio", "headset")))
        await asyncio.sleep(3)
        assert [track.label for track in ada.peers.made[0].sent] == ["headset"]
        assert not replacing.done()
        ada.link.restore()
        await replacing
        await asyncio.sleep(0.5)
        assert told == ["audioTrack"]


@virtual_time
async def test_ended_screen_share_fires_screen_share_ended() -> None:
    async with a_call() as call:
        ada = await call.participant("ada", publish=False)
        told: list[str] = []
        screen = await ada.openvidu.init_publisher(video_source="screen", audio_source=False)
        camera = await ada.openvidu.init_publisher()
        for publisher in (screen, camera):
            publisher.on("screenShareEnded", lambda event: told.append(event.type))
        screen.local_stream.source.video_ends()
        assert told == ["screenShareEnded"]
        camera.local_stream.source.video_ends()
        assert told == ["screenShareEnded"], "the end of a camera is no such event"


@virtual_time
async def test_volume_events_are_fired_once_enabled() -> None:
    FakeLoudness.level = -200.0
    async with a_call() as call:
        ada = await call.participant("ada")
        levels: list[VolumeChange] = []
        assert ada.publisher is not None
        ada.publisher.on("streamAudioVolumeChange", lambda event: levels.append(event.value))
        ada.publisher.enable_speaking_events()
        FakeLoudness.level = -60.0
        await asyncio.sleep(0.5)
        assert levels == []
        ada.publisher.enable_volume_events()
        await asyncio.sleep(0.5)
        FakeLoudness.level = -40.0
        await asyncio.sleep(0.5)
        assert levels == [VolumeChange(-60.0, -200.0), VolumeChange(-40.0, -60.0)]
        FakeLoudness.level = -200.0


@virtual_time
async def test_speaking_events_continue_for_a_stream_that_is_published_again() -> None:
    FakeLoudness.level = -30.0
    async with a_call() as call:
        ada = await call.participant("ada")
        assert ada.publisher is not None
        ada.publisher.on("streamDestroyed", lambda event: event.prevent_default())
        ada.publisher.enable_speaking_events()
        await asyncio.sleep(0.5)
        await ada.session.unpublish(ada.publisher)
        assert FakeLoudness.alive == 0
        heard: list[str] = []
        ada.session.on("publisherStartSpeaking", lambda event: heard.append(event.stream_id))
        await ada.session.publish(ada.publisher)
        await asyncio.sleep(0.5)
        assert heard == [ada.publisher.stream.stream_id]
        FakeLoudness.level = -200.0


@virtual_time
async def test_session_fires_speaking_events_of_all_streams_until_they_are_disabled() -> None:
    FakeLoudness.level = -200.0
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob", publish=False)
        heard: list[tuple[str, str]] = []
        bob.session.enable_speaking_events()
        for name in ("publisherStartSpeaking", "publisherStopSpeaking"):
            bob.session.on(name, lambda event: heard.append((event.type, event.connection.connection_id)))
        await asyncio.sleep(1)
        FakeLoudness.level = -30.0
        await asyncio.sleep(0.5)
        FakeLoudness.level = -200.0
        await asyncio.sleep(1.5)
        own = ada.session.connection
        assert own is not None
        assert heard == [
            ("publisherStartSpeaking", own.connection_id),
            ("publisherStopSpeaking", own.connection_id),
        ]
        bob.session.disable_speaking_events()
        assert FakeLoudness.alive == 0
        bob.session.enable_speaking_events()
        await asyncio.sleep(0.5)
        assert FakeLoudness.alive == 1
    assert FakeLoudness.alive == 0


@virtual_time
async def test_streams_keep_speaking_events_that_the_session_leaves_to_them_and_further_ones_get_none() -> None:
    async with a_call() as call:
        bob = await call.participant("bob", publish=False)
        bob.session.enable_speaking_events()
        await call.participant("ada")
        assert FakeLoudness.alive == 1
        bob.session.leave_speech_to_streams()
        await call.participant("carol")
        assert len(bob.session.stream_managers) == 2
        assert FakeLoudness.alive == 1
    assert FakeLoudness.alive == 0
