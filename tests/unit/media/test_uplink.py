"""The shell around the decisions about an uplink: when it looks, what it switches, what it tells, and that it ends."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pyvidu.media import MediaPlane, OutboundMedia
from pyvidu.reconnection.evidence import MediaSample, UplinkSample
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import MediaPolicy, ReconnectionPolicy
from tests.unit.media.rig import Rig, description
from tests.unit.scripted_peers import ScriptedPeer
from tests.virtual_time import virtual_time


class Path:
    """The reports about an uplink; a test sets for how long packets wait on it, and which share of the sound is lost."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.queue = self.lost = 0.0
        self._clock = clock
        self._lost, self._at = 0.0, clock()

    def __call__(self) -> UplinkSample:
        now = self._clock()
        self._lost += 50 * self.lost * (now - self._at)
        self._at = now
        return UplinkSample(int(2 * now), now, 0.05 + self.queue, int(50 * now), round(self._lost))


class Call:
    """A media plane with one published stream whose uplink is reported on."""

    def __init__(self, *, video_sent: bool = True, pausable: bool = True, **policy: Any) -> None:
        self.rig = Rig()
        self.plane = MediaPlane(
            self.rig.host, self.rig.requests, ReconnectionPolicy(media=MediaPolicy(**policy)), self.rig.reports
        )
        self.path = Path(self.rig.clock.now)
        self.pausable = pausable
        self._video_sent = video_sent

    async def publish(self) -> Call:
        media = self.media = self.rig.outbound()
        media.pausable = lambda: self.pausable
        await media.publish(description())
        self.peer.uplink = self.path
        self.plane.add(media, video_sent=self._video_sent)
        return self

    @property
    def peer(self) -> ScriptedPeer:
        return self.rig.peer

    @property
    def told(self) -> list[bool]:
        """Return whether the video was sent, as was told."""
        return [sent for _, sent in self.rig.reports.of("video_sending_changed")]

    @property
    def switched(self) -> list[bool]:
        return [call[1] for call in self.peer.calls if call[0] == "send_video"]


async def paused() -> Call:
    """Return a call whose video was paused."""
    call = await Call().publish()
    await asyncio.sleep(5)  # of the call
    call.path.queue = 2.0
    await asyncio.sleep(5)  # in which that is noticed
    assert (call.switched, call.told) == ([False], [False])
    return call


@virtual_time
async def test_losses_pause_the_video_and_those_of_outages_do_not() -> None:
    call = await Call().publish()
    await asyncio.sleep(5)  # of the call
    call.path.lost = 0.5
    for _ in range(4):
        call.plane.suspend()
        await asyncio.sleep(1)
        call.plane.prove_all(Outage(began_at=0.0, witness="a test"), force=False)
        await asyncio.sleep(1)
    assert call.switched == []
    await asyncio.sleep(7)
    assert call.switched == [False]
    call.plane.close()


@virtual_time
async def test_video_is_paused_while_packets_wait_and_sent_again_afterwards_and_both_are_told() -> None:
    call = await paused()
    call.path.queue = 0.0
    await asyncio.sleep(10)
    assert (call.switched, call.told) == ([False, True], [False, True])
    assert call.rig.reports.of("video_sending_changed") == [(call.media, False), (call.media, True)]


@pytest.mark.parametrize("why", ["muted", "forbidden", "received"])
@virtual_time
async def test_nothing_is_paused_if_it_is_muted_or_the_application_forbids_it_or_it_is_received(why: str) -> None:
    call = Call(pausable=why != "muted", pause_weak_video=why != "forbidden")
    if why == "received":
        media = call.rig.inbound()
        await media.subscribe()
        call.peer.uplink = call.path
        call.plane.add(media)
    else:
        await call.publish()
    await asyncio.sleep(5)
    call.path.queue = 2.0
    await asyncio.sleep(60)
    assert (call.switched, call.told) == ([], [])


@virtual_time
async def test_video_that_is_muted_in_a_pause_is_sent_again() -> None:
    call = await paused()
    call.pausable = False
    await asyncio.sleep(1.5)  # until the next look
    assert (call.switched, call.told) == ([False, True], [False, True])


@virtual_time
async def test_new_peer_connection_sends_its_video_and_is_judged_anew() -> None:
    call = await paused()
    await call.media.renegotiate()
    call.peer.uplink = call.path
    await asyncio.sleep(30)
    assert (call.switched, call.told) == ([], [False, True]), "it knows no quicker path"
    call.path.queue = 4.0
    await asyncio.sleep(10)
    assert (call.switched, call.told) == ([False], [False, True, False])


@virtual_time
async def test_pause_on_an_earlier_media_connection_is_told_to_have_ended_once_there_is_a_new_one() -> None:
    call = Call(video_sent=False)
    media = call.media = call.rig.outbound()
    call.plane.add(media, video_sent=False)
    await asyncio.sleep(5)
    assert call.told == []
    await media.publish(description())
    await asyncio.sleep(1.5)  # until the next look
    assert call.told == [True]


@pytest.mark.parametrize("how", ["removed", "closed"])
@virtual_time
async def test_nothing_is_told_or_left_running_after_the_end(how: str) -> None:
    call = await paused()
    if how == "removed":
        call.plane.remove(call.media)
        await asyncio.sleep(1)
    else:
        call.plane.close()
    assert call.rig.clock.alive == []
    call.path.queue = 0.0
    await asyncio.sleep(60)
    assert (call.switched, call.told) == ([False], [False])


@pytest.mark.parametrize("resumed", [False, True])
@virtual_time
async def test_plane_may_be_closed_in_the_report(resumed: bool) -> None:
    call = await Call(video_sent=resumed is False).publish()
    call.rig.reports.reactions["video_sending_changed"] = lambda _media, **_: call.plane.close()
    await asyncio.sleep(5)
    call.path.queue = 2.0
    await asyncio.sleep(60)
    assert call.told == [resumed]
    assert call.rig.clock.alive == []


@virtual_time
async def test_host_that_has_no_such_reports_is_asked_once() -> None:
    call = await Call().publish()
    asked: list[float] = []

    def uplink() -> None:
        asked.append(call.rig.clock.now())

    call.peer.uplink = uplink
    await asyncio.sleep(60)
    assert len(asked) == 1


@virtual_time
async def test_pause_that_the_host_refuses_is_not_told_and_not_tried_again() -> None:
    call = await Call().publish()
    call.peer.refuses_video = True
    await asyncio.sleep(5)
    call.path.queue = 2.0
    await asyncio.sleep(60)
    assert (call.switched, call.told) == ([False], [])


@virtual_time
async def test_video_that_the_host_does_not_send_again_is_tried_until_it_does() -> None:
    call = await paused()
    call.peer.refuses_video = True
    call.path.queue = 0.0
    await asyncio.sleep(10)
    assert call.told == [False]
    assert len(call.switched) > 3
    call.peer.refuses_video = False
    await asyncio.sleep(2)
    assert (call.switched[-1], call.told) == (True, [False, True])


@virtual_time
async def test_host_that_raises_is_asked_again_on_the_next_peer_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    call = await Call().publish()

    def uplink() -> UplinkSample:
        raise OSError("closed")

    call.peer.uplink = uplink
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(10)
    assert caplog.text.count("could not be watched") == 1
    await call.media.renegotiate()
    call.peer.uplink = call.path
    await asyncio.sleep(5)
    call.path.queue = 2.0
    await asyncio.sleep(5)
    assert (call.switched, call.told) == ([False], [False])


@virtual_time
async def test_peer_connection_that_raises_because_it_was_replaced_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    call = await Call().publish()
    old = call.peer

    async def fails_when_closed() -> UplinkSample:
        while not old.closed:
            await asyncio.sleep(0.1)
        raise OSError("closed")

    old.uplink_sample = fails_when_closed  # type: ignore[method-assign]
    await asyncio.sleep(3)
    await call.media.renegotiate()
    call.peer.uplink = call.path
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(5)
    assert caplog.text == ""
    call.path.queue = 2.0
    await asyncio.sleep(5)
    assert call.told == [False]


@virtual_time
async def test_what_was_asked_of_a_peer_connection_that_was_replaced_meanwhile_changes_nothing() -> None:
    call = await paused()
    old = call.peer
    call.rig.peers.hanging.add("send_video")
    call.path.queue = 0.0
    await asyncio.sleep(7)  # until it is sent again
    assert call.switched == [False, True]
    await call.media.renegotiate()  # which ends the step of the old one
    call.peer.uplink = call.path
    await asyncio.sleep(5)
    assert old.closed
    assert call.told == [False, True]


@virtual_time
async def test_stream_whose_video_is_paused_is_healthy_after_an_outage() -> None:
    call = await paused()
    outage, answers = Outage(began_at=0.0, witness="a test"), itertools.count(1)

    async def sample() -> MediaSample:
        return MediaSample("connected", remote_reports=next(answers))

    call.peer.sample = sample  # type: ignore[method-assign]
    call.plane.suspend()
    await asyncio.sleep(3)  # the length of the outage
    call.plane.prove_all(outage, force=False)
    await asyncio.sleep(10)
    assert {record.outcome for record in outage.streams.values()} == {"healthy"}
    assert call.rig.peers.alive == [call.peer]
    assert call.rig.reports.of("media_frozen") == []


def test_stream_is_not_pausable_unless_it_is_said_to_be() -> None:
    assert not OutboundMedia.pausable()
