"""How the decisions about one media connection are carried out; `test_stream_recovery.py` has the decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyvidu.errors import NotConnectedError, RequestError
from pyvidu.media.connection import InboundMedia, OutboundMedia
from pyvidu.media.recovery import MediaRecovery
from pyvidu.platform import LoopClock
from pyvidu.reconnection.actions import NoteStep
from pyvidu.reconnection.evidence import (
    AudioReference,
    IceStateChanged,
    MediaSample,
    PageStoodStill,
    PeerReplaced,
    RtpReturned,
    SignalingLost,
    SignalingResumed,
    SoundPlayed,
    StreamStopped,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from tests.virtual_time import virtual_time

FLOWS, SILENT = 1, 0
FORCED = (SignalingLost(), SignalingResumed(force=True))


class Peer:
    """A peer connection whose packets grow by `flows` with each sample."""

    def __init__(self, flows: int = FLOWS) -> None:
        self.flows = flows
        self.samples = self.restarts = 0
        self.nudges: list[str] = []
        self.delay = 0.0
        self.sound: SoundPlayed | None = None
        self.error: Exception | None = None
        self.restarted = asyncio.Event()
        self.restarted.set()

    async def sample(self) -> MediaSample:
        self.samples += 1
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return MediaSample("connected", inbound_audio_packets=self.samples * self.flows)

    def ask_for_key_frame(self) -> None:
        self.nudges.append("asked")

    def send_key_frame(self) -> None:
        self.nudges.append("sent")

    def sound_played(self) -> SoundPlayed | None:
        return self.sound

    async def restart_receivers(self) -> None:
        self.restarts += 1
        await self.restarted.wait()


class FakeMedia:
    """A media connection with the peer of a test. `negotiate` is what a renegotiation does."""

    stream_id = "stream"

    def __init__(self, peer: Peer | None) -> None:
        self.current = peer
        self.asked: list[bool] = []
        self.negotiate: Callable[[], Awaitable[object]] = asyncio.Event().wait

    @property
    def peer(self) -> Any:
        return self.current

    @property
    def ice_state(self) -> str:
        return "connected"

    async def sample(self) -> MediaSample:
        return await self.current.sample() if self.current is not None else MediaSample("new")

    async def renegotiate(self, *, fresh_network: bool = False) -> None:
        self.asked.append(fresh_network)
        await self.negotiate()


class Received(FakeMedia, InboundMedia):
    pass


class Sent(FakeMedia, OutboundMedia):
    pass


class Call:
    """A stream in a call, its recovery, and what the listener of it was told."""

    def __init__(self, peer: Peer | None = None, kind: Any = Received) -> None:
        self.told: list[str] = []
        self.steps: list[str] = []
        self.reasons: list[str] = []
        self.settled = 0
        self.on_frozen: Callable[[], None] = lambda: None
        self.media: Any = kind(peer)
        listener: Any = self
        self.recovery = MediaRecovery(self.media, LoopClock(), ReconnectionPolicy(), listener)

    def tell(self, *evidence: Any) -> None:
        for item in evidence:
            self.recovery.report(item)

    def media_noted(self, media: Any, step: NoteStep) -> None:
        self.steps.append(step.step)
        self.reasons.append(step.because)

    def media_frozen(self, media: Any, because: str) -> None:
        self.told.append("frozen")
        self.on_frozen()

    def media_recovered(self, media: Any) -> None:
        self.told.append("recovered")

    def media_exception(self, media: Any, name: str, message: str) -> None:
        self.told.append(f"{name}: {message}")

    def media_settled(self) -> None:
        self.settled += 1


@virtual_time
async def test_samples_are_taken_until_there_is_a_verdict_which_settles_the_check() -> None:
    call = Call(Peer())
    call.tell(StreamStopped())
    assert call.settled == 0
    await asyncio.sleep(10)
    assert (call.steps, call.settled, call.recovery.is_settled, call.media.peer.samples) == (["healthy"], 1, True, 2)


@virtual_time
async def test_counters_of_a_replaced_peer_connection_are_given_up_and_those_of_the_new_one_are_read() -> None:
    old, new = Peer(), Peer()
    call = Call(old)
    old.delay = 60.0
    call.tell(StreamStopped())
    await asyncio.sleep(0.5)
    call.media.current = new
    call.tell(PeerReplaced("connected"))
    await asyncio.sleep(0.2)
    assert (old.samples, new.samples, call.steps) == (1, 2, ["healthy"])
    await asyncio.sleep(100)
    assert (old.samples, new.samples, call.steps) == (1, 2, ["healthy"]), "the old sample is not reported"


@virtual_time
async def test_peer_connection_that_is_replaced_during_an_outage_is_sampled_on() -> None:
    old, new = Peer(SILENT), Peer()
    call = Call(old)
    old.delay = 60.0
    call.tell(SignalingLost())
    await asyncio.sleep(5)
    call.media.current = new
    call.tell(PeerReplaced("connected"))
    await asyncio.sleep(5)
    assert new.samples == pytest.approx(50, abs=2)
    new.flows = SILENT
    await asyncio.sleep(1)
    call.tell(SignalingResumed(force=False))
    await asyncio.sleep(2.5)
    assert call.steps == [], "the path was silent for one second only"
    await asyncio.sleep(1)
    assert call.steps == ["frozen", "renegotiating"]


@virtual_time
async def test_one_sample_is_taken_at_a_time() -> None:
    call = Call(Peer())
    call.media.peer.delay = 1.0
    call.tell(SignalingLost())
    await asyncio.sleep(0.5)
    call.tell(SignalingResumed(force=False), SignalingLost(), SignalingResumed(force=False))
    await asyncio.sleep(0.4)
    assert call.media.peer.samples == 1
    await asyncio.sleep(5)
    assert call.steps == ["healthy"]


@virtual_time
async def test_counters_that_cannot_be_read_do_not_stop_the_check(caplog: pytest.LogCaptureFixture) -> None:
    call = Call(Peer())
    call.media.peer.error = ValueError("no statistics")
    call.tell(StreamStopped())
    await asyncio.sleep(1)
    assert "The counters of stream stream could not be read" in caplog.text
    call.media.peer.error = None
    await asyncio.sleep(1)
    assert call.steps == ["healthy"]


@virtual_time
async def test_frozen_stream_is_renegotiated_until_the_new_peer_connection_flows() -> None:
    call = Call(Peer(SILENT))

    async def negotiate() -> None:
        call.media.current = Peer()
        call.tell(PeerReplaced("connected"))

    call.media.negotiate = negotiate
    call.tell(SignalingLost())
    await asyncio.sleep(5)
    call.tell(SignalingResumed(force=False))
    await asyncio.sleep(1)
    assert call.media.asked == [True]
    assert call.steps == ["frozen", "renegotiating", "connected", "healthy"]
    assert call.told == ["frozen", "recovered"]


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (RequestError("reconnectStream", -1, "refused"), 3),
        (NotConnectedError("the stream has ended"), 1),
        (ValueError("the host has no more peer connections"), 1),
    ],
    ids=["refused", "aborted", "an exception of the host"],
)
@virtual_time
async def test_failed_renegotiation_is_reported_with_its_reason_and_the_recovery_goes_on(
    error: Exception, attempts: int
) -> None:
    call = Call(Peer())

    async def negotiate() -> None:
        raise error

    call.media.negotiate = negotiate
    call.tell(*FORCED)
    await asyncio.sleep(5)
    assert len(call.media.asked) == attempts
    assert any(str(error) in reason for reason in call.reasons)
    assert ("given up" in call.steps) is (attempts == 3)
    assert call.steps[-1] == "healthy"
    assert call.recovery.is_settled


@virtual_time
async def test_exception_is_reported_with_the_id_of_the_stream() -> None:
    call = Call(Peer())
    call.tell(IceStateChanged("failed"))
    assert call.told == ["ICE_CONNECTION_FAILED: Stream stream iceConnectionState is failed"]


@virtual_time
async def test_renegotiation_is_cancelled_by_an_outage() -> None:
    call, ended = Call(Peer()), []

    async def negotiate() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(asyncio.get_running_loop().time())

    call.media.negotiate = negotiate
    call.tell(*FORCED)
    await asyncio.sleep(1)
    call.tell(SignalingLost())
    await asyncio.sleep(1)
    assert (ended, call.steps) == ([1.0], ["renegotiating"])


def interruptible(ended: list[str], name: str) -> Callable[[], Awaitable[object]]:
    """Return a negotiation that never ends by itself, and says when it is cancelled."""

    async def negotiate() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(name)

    return negotiate


@virtual_time
async def test_older_renegotiation_is_cancelled_when_the_next_begins() -> None:
    call, ended = Call(Peer()), []
    call.media.negotiate = interruptible(ended, "first")
    call.tell(*FORCED)
    await asyncio.sleep(1)
    call.media.negotiate = interruptible(ended, "second")
    call.tell(PeerReplaced("failed"))  # by the server, which replaces peer connections too
    await asyncio.sleep(1)
    assert (len(call.media.asked), ended) == (2, ["first"])


@virtual_time
async def test_renegotiation_whose_new_peer_connection_has_failed_is_not_cancelled_by_the_next_one() -> None:
    call, ended = Call(Peer()), []

    async def negotiate() -> None:
        call.media.current = Peer()
        if len(call.media.asked) == 1:
            call.tell(PeerReplaced("failed"))
        else:
            call.tell(PeerReplaced("connected"))
        await asyncio.sleep(0.1)
        ended.append(len(call.media.asked))

    call.media.negotiate = negotiate
    call.tell(*FORCED)
    await asyncio.sleep(5)
    assert ended == [2, 2], "each has closed the old peer connection"
    assert (call.steps[-1], call.recovery.is_settled) == ("healthy", True)


@virtual_time
async def test_renegotiation_is_not_begun_if_the_listener_of_a_frozen_stream_causes_an_outage() -> None:
    call = Call(Peer(SILENT))
    call.on_frozen = lambda: call.tell(SignalingLost())
    call.tell(StreamStopped())
    await asyncio.sleep(10)
    assert (call.told, call.media.asked, call.recovery.is_settled) == (["frozen"], [], False)
    call.on_frozen = lambda: None
    call.tell(SignalingResumed(force=False))
    await asyncio.sleep(5)
    assert (call.told, call.media.asked) == (["frozen"], [True])


@virtual_time
async def test_stream_whose_attempts_are_refused_for_45_s_recovers_by_itself() -> None:
    call = Call(Peer(SILENT))

    async def negotiate() -> None:
        if asyncio.get_running_loop().time() < 45.0:
            raise RequestError("reconnectStream", -1, "refused")
        call.media.current = Peer()
        call.tell(PeerReplaced("connected"))

    call.media.negotiate = negotiate
    call.tell(StreamStopped())
    await asyncio.sleep(52)
    assert call.steps[-1] == "healthy"
    assert [told.partition(":")[0] for told in call.told] == ["frozen", "ICE_CONNECTION_FAILED", "recovered"]


@pytest.mark.parametrize(("kind", "nudge"), [(Received, "asked"), (Sent, "sent")])
@virtual_time
async def test_key_frame_is_asked_of_a_received_stream_and_sent_in_a_published_one(kind: Any, nudge: str) -> None:
    call = Call(Peer(), kind)
    call.tell(RtpReturned())
    assert call.media.peer.nudges == [nudge]
    call.media.current = None
    call.tell(RtpReturned())


def sound(at: float, late: float = 0.0) -> SoundPlayed:
    return SoundPlayed(at, round((at - late) * 48_000), 48_000)


@virtual_time
async def test_sound_is_read_again_only_when_the_receivers_have_been_restarted() -> None:
    call, peer = Call(Peer()), Peer()
    call.media.current = peer
    peer.sound = sound(50.0)
    call.recovery.take_audio_reference()
    peer.sound = sound(57.0, late=6.0)
    peer.restarted.clear()
    call.tell(PageStoodStill(6.0))
    await asyncio.sleep(5)
    assert peer.restarts == 1
    peer.restarted.set()
    peer.sound = sound(62.0)
    await asyncio.sleep(5)
    assert peer.restarts == 1, "the sound is in time now"


@virtual_time
async def test_restart_of_the_receivers_of_a_replaced_peer_connection_is_not_reported() -> None:
    call, peer = Call(Peer()), Peer()
    call.media.current = peer
    peer.sound = sound(57.0, late=6.0)
    peer.restarted.clear()
    call.tell(AudioReference(sound(50.0)), PageStoodStill(6.0))
    await asyncio.sleep(1)
    call.media.current = Peer()
    call.media.peer.sound = sound(62.0, late=6.0)
    call.tell(PeerReplaced("connected"))
    peer.restarted.set()
    await asyncio.sleep(5)
    assert (peer.restarts, call.media.peer.restarts) == (1, 0)


@virtual_time
async def test_without_a_peer_connection_there_is_neither_sound_nor_a_restart() -> None:
    call = Call(None)
    call.recovery.take_audio_reference()
    call.tell(AudioReference(sound(50.0)), PageStoodStill(6.0))
    await asyncio.sleep(5)
    assert (call.steps, call.told) == ([], [])


@virtual_time
async def test_closing_stops_samples_a_renegotiation_and_all_timers() -> None:
    checked, renegotiated, ended = Call(Peer(SILENT)), Call(Peer()), []

    async def negotiate() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("renegotiation")

    renegotiated.media.negotiate = negotiate
    renegotiated.tell(*FORCED)
    checked.tell(StreamStopped())
    await asyncio.sleep(1)
    samples = checked.media.peer.samples
    for call in (checked, renegotiated):
        call.recovery.close()
    await asyncio.sleep(0)
    checked.tell(IceStateChanged("failed"), StreamStopped())
    await asyncio.sleep(60)
    assert (checked.media.peer.samples, checked.told, ended) == (samples, [], ["renegotiation"])


@virtual_time
async def test_actions_after_the_listener_has_closed_the_recovery_are_not_carried_out() -> None:
    call = Call(Peer(SILENT))
    call.on_frozen = call.recovery.close
    call.tell(StreamStopped())
    await asyncio.sleep(10)
    assert (call.told, call.media.asked, call.settled) == (["frozen"], [], 0)
    assert call.steps == ["frozen", "renegotiating"]
