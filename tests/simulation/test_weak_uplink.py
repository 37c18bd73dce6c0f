"""The own video is paused on a weak uplink, in whole calls: who is told, and what outages, mute and unpublish make of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.reconnection.evidence import UplinkSample
from pyvidu.reconnection.policy import MediaPolicy, ReconnectionPolicy
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.simulation.simulated_media import SimulatedPeer
from tests.simulation.simulated_network import now
from tests.virtual_time import virtual_time

EVENTS = ("streamVideoPaused", "streamVideoResumed")


class Reports:
    """What every receiver reports: a queue that a test sets, unless nothing goes both ways."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queue = 0.0
        self._last: dict[int, UplinkSample] = {}
        monkeypatch.setattr(SimulatedPeer, "uplink_sample", lambda peer: self._sample(peer))

    async def _sample(self, peer: SimulatedPeer) -> UplinkSample:
        if peer.path_works_for(0.0):
            self._last[peer.number] = UplinkSample(int(2 * now()), now(), 0.05 + self.queue, int(50 * now()))
        return self._last.get(peer.number, UplinkSample())


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    """Give the reports of all receivers."""
    return Reports(monkeypatch)


async def told(call: Call, **configuration: Any) -> tuple[Participant, list[str]]:
    """Let Ada publish for ten seconds; return her and a list of what she is told."""
    ada = await call.participant("ada", **configuration)
    await call.participant("bob", publish=False)
    events: list[str] = []

    def note(event: Any) -> None:
        assert event.stream is ada.publisher.stream
        assert event.stream.video_active
        whose = "session" if event.target is ada.session else "publisher"
        events.append(f"{whose}: {event.type}" + (f" ({event.reason})" if event.reason else ""))

    for target in (ada.session, ada.publisher):
        for name in EVENTS:
            target.on(name, note)
    await asyncio.sleep(10)
    return ada, events


PAUSED = ["session: streamVideoPaused (bandwidth)", "publisher: streamVideoPaused (bandwidth)"]
RESUMED = ["session: streamVideoResumed", "publisher: streamVideoResumed"]


@virtual_time
async def test_session_and_publisher_are_told_of_the_pause_and_of_its_end(reports: Reports) -> None:
    async with a_call() as call:
        ada, events = await told(call)
        reports.queue = 2.0
        await asyncio.sleep(5)
        assert events == PAUSED
        reports.queue = 0.0
        await asyncio.sleep(5)
        assert events == PAUSED + RESUMED
        assert ada.log[-1][1] != "streamFrozen"


@virtual_time
async def test_application_forbids_it_by_the_policy(reports: Reports) -> None:
    async with a_call() as call:
        _, events = await told(call, reconnection=ReconnectionPolicy(media=MediaPolicy(pause_weak_video=False)))
        reports.queue = 2.0
        await asyncio.sleep(60)
        assert events == []


@pytest.mark.parametrize("kind", ["audio", "video"])
@virtual_time
async def test_pause_ends_when_sound_or_video_is_muted(reports: Reports, kind: str) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        await asyncio.sleep(10)
        reports.queue = 2.0
        await asyncio.sleep(5)
        peer = ada.peers.alive[0]
        assert peer.video_stopped_at is not None
        await getattr(ada.publisher, f"publish_{kind}")(False)
        await asyncio.sleep(2)
        assert peer.video_stopped_at is None


@virtual_time
async def test_pause_ends_with_an_outage_in_which_nothing_is_renegotiated(reports: Reports) -> None:
    async with a_call() as call:
        ada, events = await told(call)
        reports.queue = 2.0
        await asyncio.sleep(5)
        peer = ada.peers.alive[0]
        reports.queue = 0.0
        ada.link.drop("silent")
        await asyncio.sleep(6)
        ada.link.restore()
        await until(lambda: bool(ada.events("reconnected")))
        await asyncio.sleep(5)
        assert events == PAUSED + RESUMED
        assert ada.peers.alive == [peer]
        assert ada.events("streamFrozen") == []


@virtual_time
async def test_stream_that_is_published_again_after_a_pause_is_not_paused(reports: Reports) -> None:
    async with a_call() as call:
        ada, events = await told(call)
        reports.queue = 2.0
        await asyncio.sleep(5)
        await ada.session.unpublish(ada.publisher)
        reports.queue = 0.0
        await ada.session.publish(ada.publisher)
        await asyncio.sleep(30)
        assert events == PAUSED
        assert ada.peers.alive[0].video_stopped_at is None


@virtual_time
async def test_pause_has_ended_after_a_rejoin(reports: Reports) -> None:
    async with a_call() as call:
        people: list[Participant] = []
        ada, events = await told(call, rejoin=lambda: people[0].fresh_token())
        people.append(ada)
        reports.queue = 2.0
        await asyncio.sleep(5)
        reports.queue = 0.0
        ada.link.drop("silent")
        await asyncio.sleep(20)
        ada.link.restore()
        await until(lambda: bool(ada.events("rejoined")))
        await asyncio.sleep(5)
        assert events == PAUSED + RESUMED
        assert [peer.video_stopped_at for peer in ada.peers.alive] == [None]
