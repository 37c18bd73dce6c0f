"""Calls that are cancelled at any moment, as `asyncio.timeout` does: nothing is left, here or at the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pyvidu import NotConnectedError, Session, SessionLostError, SessionState
from tests.simulation.fake_tracks import FakeTrack
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.virtual_time import virtual_time

LATENCY = 0.02  # seconds one way
MOMENTS = [0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3]  # seconds; the longest call takes less than the last


def a_person(call: Call) -> Participant:
    """Return a participant who does nothing by itself, behind a path whose steps can be told apart."""
    ada = Participant(call.world, "ada")
    ada.link.latency = LATENCY
    ada.session.off("streamCreated")
    call.participants.append(ada)
    return ada


async def cancelled(work: Coroutine[Any, Any, Any], after: float) -> bool:
    """Cancel `work` after so many seconds; return whether it was not done yet. Then let what follows happen."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(after)
    was_cancelled = task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(2)
    return was_cancelled


@pytest.mark.parametrize("moment", MOMENTS)
@virtual_time
async def test_cancelled_connect_leaves_no_participant_and_can_be_tried_again(moment: float) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob", publish=False), a_person(call)
        if await cancelled(ada.session.connect(await ada.fresh_token()), moment):
            assert ada.session.state is SessionState.NEW
            assert ada.session.connection is None
            assert (bob.session.remote_connections, ada.link.sockets) == ({}, [])
            await ada.session.connect(await ada.fresh_token())
        await asyncio.sleep(0.1)
        assert list(bob.session.remote_connections) == [ada.id]


@pytest.mark.parametrize("moment", MOMENTS)
@virtual_time
async def test_cancelled_publish_leaves_no_stream_and_can_be_tried_again(moment: float) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob", publish=False), a_person(call)
        await ada.join(publish=False)
        publisher = await ada.openvidu.init_publisher("me")
        if await cancelled(ada.session.publish(publisher), moment):
            assert not ada.peers.alive
            assert bob.session.remote_connections[ada.id].stream is None
            assert not publisher.stream.is_published
            await ada.session.publish(publisher)
        await asyncio.sleep(0.1)
        assert bob.session.remote_connections[ada.id].stream is not None
        assert ada.session.stream_managers == [publisher]


@pytest.mark.parametrize("moment", MOMENTS)
@virtual_time
async def test_cancelled_subscribe_leaves_no_subscription_and_can_be_tried_again(moment: float) -> None:
    async with a_call() as call:
        await call.participant("bob")
        ada = a_person(call)
        await ada.join(publish=False)
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        assert stream is not None
        if await cancelled(ada.session.subscribe(stream, "others"), moment):
            assert (ada.peers.alive, stream.stream_manager) == ([], None)
            assert list(call.world.media.subscribers) == []
            await ada.session.subscribe(stream, "others")
        await asyncio.sleep(0.1)
        assert [stream_id for _, stream_id in call.world.media.subscribers] == [stream.stream_id]


@pytest.mark.parametrize("moment", MOMENTS)
@virtual_time
async def test_cancelled_replacement_of_a_track_leaves_one_of_both_open_and_sent(moment: float) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob"), a_person(call)
        await ada.join()
        publisher = ada.publisher
        assert publisher is not None
        old, new = publisher.media_stream.tracks["video"], FakeTrack("video", "another", (320, 240))
        await cancelled(publisher.replace_track(new), moment)
        shown = publisher.media_stream.tracks["video"]
        assert {old.stopped, new.stopped} == {True, False}
        assert not shown.stopped
        (seen,) = (item.stream for item in bob.session.remote_connections.values())
        assert seen is not None
        assert seen.video_dimensions == publisher.stream.video_dimensions


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.5, 3.0])
@virtual_time
async def test_calls_cancelled_in_an_outage_leave_nothing_after_it(moment: float) -> None:
    """The network drops `moment` seconds after the calls begin, which are cancelled when the outage is known."""
    async with a_call() as call:
        bob, ada = await call.participant("bob"), a_person(call)
        await ada.join(publish=False)
        publisher = await ada.openvidu.init_publisher("me")
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        assert stream is not None
        works = [ada.session.publish(publisher), ada.session.subscribe(stream, "others")]
        tasks = [asyncio.ensure_future(work) for work in works]
        await asyncio.sleep(moment)
        ada.link.drop("silent")
        await until(lambda: bool(ada.events("reconnecting")))
        unfinished = [task for task in tasks if task.cancel()]
        ada.link.restore()
        await until(lambda: bool(ada.events("reconnected")))
        await asyncio.sleep(5)
        seen = bob.session.remote_connections[ada.id].stream
        assert (seen is None) == (tasks[0] in unfinished) == (not publisher.stream.is_published)
        assert (not call.world.media.subscribers) == (tasks[1] in unfinished) == (stream.stream_manager is None)
        assert len(ada.peers.alive) == len(tasks) - len(unfinished)


@pytest.mark.parametrize(
    ("end", "error"), [(Session.disconnect, NotConnectedError), (Session.stop_reconnecting, SessionLostError)]
)
@virtual_time
async def test_mute_and_replaced_track_that_wait_when_the_session_ends_raise_its_error_and_cancel_nobody(
    end: Callable[[Session], None], error: type[Exception]
) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        assert ada.publisher is not None
        ada.link.drop("silent")
        await until(lambda: ada.session.state is SessionState.RECONNECTING)
        muting = ada.publisher.publish_audio(False)
        replacing = asyncio.ensure_future(ada.publisher.replace_track(FakeTrack("video")))
        await asyncio.sleep(1)
        end(ada.session)
        for waiting in (muting, replacing):
            with pytest.raises(error):
                await waiting
