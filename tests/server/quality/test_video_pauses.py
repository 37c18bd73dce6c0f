"""Who is told that a video is not forwarded to it, and when."""

from __future__ import annotations

from typing import Any

from pyvidu.server.media.video_pauses import PausedVideo
from pyvidu.server.quality.video_pauses import VideoPauseNotices
from tests.server.server_world import Client, World, settle
from tests.virtual_time import virtual_time

CHANGED = "videoForwardingChanged"


def told(client: Client) -> list[dict[str, Any]]:
    return [params for _, params in client.notifications(CHANGED)]


async def with_notices(client: Client) -> Client:
    """Ping as pyvidu's clients do."""
    await client.call("ping", received=0)
    return client


@virtual_time
async def test_receiver_is_told_once_and_nobody_else() -> None:
    async with World() as world:
        ada, bob, cy = [await with_notices(await world.member()) for _ in range(3)]
        stream = await ada.publish()
        notices = VideoPauseNotices(world.rooms)
        world.media.paused = frozenset({PausedVideo(bob.id, stream, "loss")})
        notices.look(late=0)
        notices.look(late=0)
        changed = {"connectionId": ada.id, "streamId": stream, "forwarded": False, "reason": "bandwidth"}
        assert told(bob) == [changed]
        world.media.paused = frozenset()
        notices.look(late=0)
        assert told(bob) == [changed, {**changed, "forwarded": True, "reason": ""}]
        assert told(ada) == told(cy) == []


@virtual_time
async def test_client_that_is_no_pyvidu_s_is_told_nothing() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        notices = VideoPauseNotices(world.rooms)
        world.media.paused = frozenset({PausedVideo(bob.id, stream, "loss")})
        notices.look(late=0)
        await bob.call("ping")
        notices.look(late=0)
        assert told(bob) == []
        await with_notices(bob)
        notices.look(late=0)
        assert [one["forwarded"] for one in told(bob)] == [False], "told of what is paused as soon as it gets notices"


@virtual_time
async def test_stream_that_ends_while_it_is_paused_is_forgotten() -> None:
    async with World() as world:
        ada, bob = [await with_notices(await world.member()) for _ in range(2)]
        stream = await ada.publish()
        notices = VideoPauseNotices(world.rooms)
        world.media.paused = frozenset({PausedVideo(bob.id, stream, "loss")})
        notices.look(late=0)
        await ada.call("unpublishVideo")
        await settle()
        notices.look(late=0)
        assert [one["forwarded"] for one in told(bob)] == [False]


@virtual_time
async def test_look_that_is_late_decides_nothing() -> None:
    async with World() as world:
        ada, bob = [await with_notices(await world.member()) for _ in range(2)]
        stream = await ada.publish()
        notices = VideoPauseNotices(world.rooms)
        world.media.paused = frozenset({PausedVideo(bob.id, stream, "loss")})
        notices.look(late=0.5)
        assert told(bob) == []
        notices.look(late=0)
        assert len(told(bob)) == 1
