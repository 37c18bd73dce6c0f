"""Video elements, created or adopted."""

from __future__ import annotations

from typing import Any

from pyvidu.errors import PropertiesError
from pyvidu.platform import MediaElement
from tests.contract.connecting import camera
from tests.contract.world import World, quiet, until

PLACED = {"mirror": False, "muted": True}


def created(world: World, told: list[str], identity: str = "video-1") -> MediaElement:
    return world.host.elements.create(
        world.place(), "APPEND", identity=identity, on_playing=lambda: told.append("playing"), **PLACED
    )


async def test_created_element_has_its_id_and_is_removed_when_closed(world: World) -> None:
    video = created(world, [])
    assert video.id == "video-1"
    assert video.element is not None
    assert world.is_in_document("video-1")
    video.close()
    assert not world.is_in_document("video-1")
    video.close()


async def test_element_tells_when_it_plays(world: World) -> None:
    told: list[str] = []
    media, video = await camera(world), created(world, told)
    assert told == []
    video.show(media.stream)
    await until(lambda: told, "it plays")
    video.close()
    media.stop()


async def test_same_stream_shown_again_changes_nothing(world: World) -> None:
    told: list[str] = []
    media, video = await camera(world), created(world, told)
    video.show(media.stream)
    await until(lambda: told, "it plays")
    video.show(media.stream)
    await quiet()
    assert told == ["playing"]
    video.close()
    media.stop()


async def test_other_stream_is_shown_by_the_same_element(world: World) -> None:
    told: list[str] = []
    media, other, video = await camera(world), await camera(world), created(world, told)
    video.show(media.stream)
    await until(lambda: told, "it plays")
    video.show(other.stream)
    await until(lambda: len(told) == 2, "it plays the other")
    assert world.is_in_document("video-1")
    video.close()
    media.stop()
    other.stop()


async def test_nothing_is_told_after_close(world: World) -> None:
    told: list[str] = []
    media, video = await camera(world), created(world, told)
    video.show(media.stream)
    video.close()
    before = list(told)
    await quiet()
    assert told == before
    media.stop()


async def test_adopted_element_stays_where_it_is(world: World) -> None:
    told: list[str] = []
    media, element = await camera(world), world.own_element()
    video = world.host.elements.adopt(element, on_playing=lambda: told.append("playing"), **PLACED)
    assert world.is_in_document(video.id)
    video.show(media.stream)
    await until(lambda: told, "it plays")
    video.close()
    assert world.is_in_document(video.id)
    media.stop()


async def test_unknown_insert_mode_is_refused(world: World) -> None:
    options: dict[str, Any] = {"identity": "video-2", "on_playing": lambda: None, **PLACED}
    for target, mode in ((world.place(), "NOWHERE"), ("nowhere", "APPEND")):
        try:
            world.host.elements.create(target, mode, **options)
        except PropertiesError:
            assert not world.is_in_document("video-2")
            continue
        raise AssertionError(f"it is put {mode} {target}")
