"""Cameras, microphones and meters."""

from __future__ import annotations

from pyvidu.errors import DeviceError
from tests.contract.connecting import camera
from tests.contract.world import World, until


async def test_requested_kinds_are_given_and_no_others(world: World) -> None:
    devices = world.host.devices
    for audio, video in ((True, True), (True, False), (False, True)):
        media = await devices.get_user_media(
            audio={"source": None} if audio else False, video={"source": None} if video else False
        )
        assert (media.has_audio, media.has_video) == (audio, video)
        kinds = {kind for kind, wanted in (("audio", audio), ("video", video)) if wanted}
        assert {track.kind for track in world.tracks(media.stream)} == kinds
        assert all(media.label(kind) for kind in kinds)
        assert (media.video_size > (0, 0)) == video
        if not video:
            assert media.video_size == (0, 0)
            assert media.label("video") == ""
        media.stop()


async def test_stopped_media_ends_all_tracks_without_telling(world: World) -> None:
    media = await camera(world)
    told: list[str] = []
    media.when_video_ends(lambda: told.append("ended"))
    assert all(track.live for track in world.tracks(media.stream))
    media.stop()
    assert not any(track.live for track in world.tracks(media.stream))
    media.stop()
    assert told == []


async def test_end_of_the_video_from_outside_is_told_once(world: World) -> None:
    media = await camera(world)
    told: list[str] = []
    media.when_video_ends(lambda: told.append("ended"))
    world.end_video(media)
    await until(lambda: told, "it is told")
    media.stop()
    assert told == ["ended"]


async def test_discarded_track_has_ended_and_its_device_is_released(world: World) -> None:
    media = await camera(world)
    assert (media.has_ended("audio"), media.has_ended("video")) == (False, False)
    media.discard(media.track("video"))
    assert (media.has_ended("audio"), media.has_ended("video")) == (False, True)
    media.stop()
    assert (media.has_ended("audio"), media.track("screen")) == (True, None)


async def test_tracks_are_disabled_by_kind(world: World) -> None:
    media = await camera(world)
    for enabled in (False, True):
        media.enable("video", enabled)
        assert {track.kind: track.enabled for track in world.tracks(media.stream)} == {"audio": True, "video": enabled}
    media.stop()


async def test_kind_of_a_track_is_known_and_of_nothing_else(world: World) -> None:
    media = await camera(world)
    assert media.kind_of(world.new_track("video")) == "video"
    assert [media.kind_of(other) for other in ("audio", None, 3, media.stream)] == [""] * 4
    media.stop()


async def test_exchanged_track_goes_on_until_it_is_discarded(world: World) -> None:
    media = await camera(world)
    new = world.new_track("video")
    old = media.exchange(new)
    assert media.kind_of(old) == "video"
    assert {(track.kind, track.live) for track in world.tracks(media.stream)} == {("audio", True), ("video", True)}
    assert media.exchange(old) is not old, "the old track is not stopped, so it can be sent again"
    assert all(track.live for track in world.tracks(media.stream))
    media.discard(new)
    assert all(track.live for track in world.tracks(media.stream))
    media.stop()


async def test_copy_of_a_track_is_enabled_and_lives_and_ends_for_itself(world: World) -> None:
    media = await camera(world)
    media.enable("video", False)
    copied = media.copy(media.track("video"))
    original = media.exchange(copied)
    seen = {track.kind: (track.enabled, track.live) for track in world.tracks(media.stream)}
    assert seen == {"audio": (True, True), "video": (True, True)}
    media.end(copied)
    media.end(copied)
    assert media.has_ended("video")
    media.exchange(original)
    assert not media.has_ended("video")
    media.stop()


async def test_inputs_are_listed_and_opened_by_their_ids(world: World) -> None:
    devices = world.host.devices
    inputs = await devices.list_inputs()
    assert {device.kind for device in inputs} == {"audioinput", "videoinput"}
    for device in inputs:
        source = {"source": device.device_id}
        audio = device.kind == "audioinput"
        media = await devices.get_user_media(audio=source if audio else False, video=False if audio else source)
        assert (media.has_audio, media.has_video) == (audio, not audio)
        media.stop()


async def test_unknown_device_is_an_error_named_after_its_kind(world: World) -> None:
    for kind, name in (("audio", "INPUT_AUDIO_DEVICE_NOT_FOUND"), ("video", "INPUT_VIDEO_DEVICE_NOT_FOUND")):
        wanted = {"audio": False, "video": False, kind: {"source": "no such device"}}
        found = ""
        try:
            await world.host.devices.get_user_media(**wanted)
        except DeviceError as error:
            found = error.name
        assert found == name


async def test_own_track_is_taken_as_a_source(world: World) -> None:
    track = world.new_track("video")
    media = await world.host.devices.get_user_media(audio=False, video={"source": track})
    assert (media.has_audio, media.has_video) == (False, True)
    media.stop()


async def test_meter_measures_sound_and_is_refused_without_it(world: World) -> None:
    devices = world.host.devices
    media = await camera(world)
    meter = devices.measure_loudness(media.stream)
    assert meter is not None
    assert -200 <= meter.decibels() <= 0
    meter.close()
    media.stop()
    silent = await devices.get_user_media(audio=False, video={"source": None})
    assert devices.measure_loudness(silent.stream) is None
    silent.stop()
