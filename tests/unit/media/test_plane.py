"""The media plane: which media connections it watches and until when, what it passes on, and the record of an outage."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyvidu.media import MediaPlane
from pyvidu.reconnection.evidence import (
    MediaSample,
    ReportsSilent,
    RtpLate,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    SoundPlayed,
)
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import ReconnectionPolicy
from tests.unit.media.rig import BOB, BOBS, OWN, Rig, description
from tests.unit.scripted_peers import ScriptedPeer
from tests.virtual_time import virtual_time

CARLS = "str_CAM_con_carl"


class Plane:
    """A media plane with a stream of Bob's, one of Carl's and an own one, negotiated and watched."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.reports = self.rig.reports
        self.plane = MediaPlane(self.rig.host, self.rig.requests, ReconnectionPolicy(), self.reports)
        self.bobs, self.carls = self.rig.inbound(), self.rig.inbound("con_carl", CARLS)
        self.own = self.rig.outbound()

    async def watch(self) -> Plane:
        await self.bobs.subscribe()
        await self.carls.subscribe()
        await self.own.publish(description())
        self.reports.calls.clear()
        for media in (self.bobs, self.carls, self.own):
            self.plane.add(media)
        return self

    @property
    def samples(self) -> list[int]:
        return [peer.samples for peer in self.rig.peers.made]


def an_outage() -> Outage:
    return Outage(began_at=0.0, witness="a test")


def flow(*peers: ScriptedPeer) -> None:
    """Let a packet arrive at each poll."""
    for peer in peers:
        number = itertools.count()
        peer.marker = lambda number=number: float(next(number))  # type: ignore[misc]


def stop(*peers: ScriptedPeer) -> None:
    """Let no packet arrive any more."""
    for peer in peers:
        last = peer.marker()
        peer.marker = lambda last=last: last  # type: ignore[misc]


def pause(peer: ScriptedPeer) -> None:
    """Let no RTP arrive any more, and answers to connectivity checks."""
    stop(peer)
    answers = itertools.count(1)

    async def sample() -> MediaSample:
        return MediaSample("connected", stun_responses=next(answers))

    peer.sample = sample  # type: ignore[method-assign]


@virtual_time
async def test_nothing_is_polled_before_the_first_stream_and_nothing_after_closing() -> None:
    plane = Plane()
    plane.plane.close()
    plane = await Plane().watch()
    bobs, _, own = plane.rig.peers.made
    await asyncio.sleep(1)
    assert bobs.polls > 10
    assert own.polls == 0, "what is sent has no received packets"
    plane.plane.prove_all(an_outage(), force=False)
    for _ in range(2):
        plane.plane.close()
    assert plane.rig.clock.alive == []
    polls, samples = bobs.polls, plane.samples
    await asyncio.sleep(60)
    assert (bobs.polls, plane.samples) == (polls, samples)


@virtual_time
async def test_reports_are_read_while_nothing_is_received_and_tell_about_the_network_only() -> None:
    plane = await Plane().watch()
    bobs, carls, own = plane.rig.peers.made
    flow(bobs)
    flow(carls)
    await asyncio.sleep(5)
    assert 20 <= own.reports <= 22, "for the first two seconds"
    plane.plane.remove(plane.bobs)
    plane.plane.remove(plane.carls)
    clock = plane.rig.clock
    own.reported = lambda: clock.now() // 0.25
    await asyncio.sleep(5)
    assert own.reports > 60
    plane.rig.requests.findings.clear()
    samples, last = plane.samples, own.reported()
    own.reported = lambda: last
    await asyncio.sleep(1)
    assert plane.rig.requests.findings == [RtpOverdue(), ReportsSilent()]
    assert plane.samples == samples, "the stream is not doubted"
    reads = own.reports
    plane.plane.close()
    await asyncio.sleep(5)
    assert own.reports == reads


@virtual_time
async def test_polling_ends_with_the_last_stream_and_begins_again_with_the_next_one() -> None:
    plane = await Plane().watch()
    bobs = plane.rig.peers.made[0]
    flow(*plane.rig.peers.made)
    await asyncio.sleep(5)
    for media in (plane.bobs, plane.carls, plane.own):
        plane.plane.remove(media)
    await asyncio.sleep(1)
    assert plane.rig.clock.alive == []
    assert plane.rig.requests.findings[-1:] == [RtpOverdue()], "whoever relies on RTP is told that there is none"
    polls = bobs.polls
    plane.plane.add(plane.bobs)
    await asyncio.sleep(1)
    assert bobs.polls > polls + 10
    assert [type(finding) for finding in plane.rig.requests.findings[-1:]] == [RtpOverdue], "the pause is no stall"


@virtual_time
async def test_closed_plane_takes_no_more_streams_and_reports_nothing_of_the_earlier_ones() -> None:
    plane = await Plane().watch()
    plane.plane.close()
    plane.plane.add(plane.bobs)
    plane.plane.remove(plane.bobs)
    plane.plane.ice_state_changed(plane.bobs, "failed")
    plane.plane.peer_replaced(plane.bobs)
    plane.plane.suspend()
    plane.plane.prove_all(an_outage(), force=True)
    await asyncio.sleep(60)
    assert (plane.reports.calls, plane.samples) == ([], [0, 0, 0])
    assert plane.plane.find(BOB, BOBS, OWN) is None


@pytest.mark.parametrize("is_up", [True, False])
@virtual_time
async def test_stream_that_is_added_in_an_outage_is_observed_from_the_beginning(is_up: bool) -> None:
    plane = Plane()
    plane.rig.requests.is_up = is_up
    await plane.watch()
    await asyncio.sleep(1)
    assert [samples > 0 for samples in plane.samples] == [not is_up] * 3


@virtual_time
async def test_stream_that_was_frozen_before_it_was_added_is_reported_as_recovered_when_it_flows() -> None:
    plane = Plane()
    await plane.bobs.subscribe()
    await plane.carls.subscribe()
    plane.plane.add(plane.bobs, frozen=True)
    plane.plane.add(plane.carls)
    plane.plane.peer_replaced(plane.bobs)
    plane.plane.peer_replaced(plane.carls)
    await asyncio.sleep(5)
    assert plane.reports.of("media_recovered") == [(plane.bobs,)]


@virtual_time
async def test_media_connection_is_found_by_the_owner_and_the_stream_at_the_end_of_the_endpoint() -> None:
    plane = await Plane().watch()
    find = plane.plane.find
    assert find(BOB, f"endpoint_{BOBS}", OWN) is plane.bobs
    assert find("con_carl", f"endpoint_{CARLS}", OWN) is plane.carls
    assert find(OWN, "endpoint_str_CAM_con_own", OWN) is plane.own
    for owner, endpoint in ((BOB, f"endpoint_{CARLS}"), ("con_dora", f"endpoint_{BOBS}"), (BOB, f"{BOBS}_screen")):
        assert find(owner, endpoint, OWN) is None
    fresh, unknown = plane.rig.outbound(), plane.rig.inbound("con_dora", "")
    plane.plane.add(fresh)
    plane.plane.add(unknown)
    assert find(OWN, "an endpoint", OWN) is fresh, "a stream that is being published has no id yet"
    assert find(OWN, "endpoint_str_CAM_con_own", OWN) is plane.own
    assert find("con_dora", "an endpoint", OWN) is None
    plane.plane.remove(plane.bobs)
    assert find(BOB, f"endpoint_{BOBS}", OWN) is None


@virtual_time
async def test_problem_of_a_stream_is_passed_on_and_that_of_a_removed_one_is_not() -> None:
    plane = await Plane().watch()
    plane.plane.ice_state_changed(plane.bobs, "failed")
    assert plane.reports.of("media_exception")[0][:2] == (plane.bobs, "ICE_CONNECTION_FAILED")
    plane.reports.calls.clear()
    for _ in range(2):
        plane.plane.remove(plane.carls)
    plane.plane.ice_state_changed(plane.carls, "failed")
    await asyncio.sleep(60)
    assert plane.reports.of("media_exception") == []
    assert plane.samples[1] == 0


# --- the record of an outage -----------------------------------------------------------------------------------------


@virtual_time
async def test_record_is_closed_when_the_last_stream_is_checked_and_later_steps_are_not_part_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plane, outage = await Plane().watch(), an_outage()
    with caplog.at_level(logging.INFO, "pyvidu.media.plane"):
        plane.plane.suspend()
        plane.plane.prove_all(outage, force=False)
        assert "outage" not in caplog.text
        await asyncio.sleep(10)
    assert caplog.text.count("outage in progress") == 1
    assert {name: record.outcome for name, record in outage.streams.items()} == {
        BOBS: "healthy", CARLS: "healthy", "str_CAM_con_own": "healthy",
    }  # fmt: skip
    steps = len(outage.entries)
    plane.plane.ice_state_changed(plane.bobs, "failed")
    await asyncio.sleep(60)
    assert len(outage.entries) == steps


@virtual_time
async def test_record_of_an_outage_without_streams_is_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    plane = Plane()
    with caplog.at_level(logging.INFO, "pyvidu.media.plane"):
        plane.plane.prove_all(an_outage(), force=True)
    assert "outage in progress" in caplog.text


@virtual_time
async def test_record_is_closed_when_the_only_stream_under_check_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    plane = Plane()
    await plane.bobs.subscribe()
    plane.plane.add(plane.bobs)
    with caplog.at_level(logging.INFO, "pyvidu.media.plane"):
        plane.plane.suspend()
        plane.plane.prove_all(an_outage(), force=False)
        await asyncio.sleep(0.01)
        assert "outage" not in caplog.text
        plane.plane.remove(plane.bobs)
    assert "outage in progress" in caplog.text
    (samples, *_) = plane.samples
    await asyncio.sleep(60)
    assert plane.samples == [samples], "it is not checked any more"


@virtual_time
async def test_next_outage_closes_the_record_of_the_one_before() -> None:
    plane, first, second = await Plane().watch(), an_outage(), an_outage()
    plane.rig.requests.answers["reconnectStream"] = None
    plane.plane.suspend()
    plane.plane.prove_all(first, force=True)
    await asyncio.sleep(1)
    steps = len(first.entries)
    plane.plane.suspend()
    await asyncio.sleep(1)
    plane.plane.prove_all(second, force=False)
    await asyncio.sleep(20)
    assert len(first.entries) == steps
    assert set(second.streams) == {BOBS, CARLS, "str_CAM_con_own"}


@virtual_time
async def test_force_renegotiates_every_stream_that_was_negotiated_and_none_that_is_being_negotiated() -> None:
    plane = await Plane().watch()
    fresh = plane.rig.outbound()
    plane.plane.add(fresh)
    plane.rig.requests.sent.clear()
    plane.plane.suspend()
    plane.plane.prove_all(an_outage(), force=True)
    await asyncio.sleep(0.1)
    assert sorted(call.stream for call in plane.rig.requests.sent) == [BOBS, CARLS, "str_CAM_con_own"]


@virtual_time
async def test_all_streams_are_renegotiated_when_the_server_receives_nothing_of_a_sent_one() -> None:
    plane = await Plane().watch()
    plane.plane.add(plane.rig.inbound("con_dora", "str_CAM_con_dora"))  # is being negotiated
    plane.rig.requests.sent.clear()
    for stream_id in (BOBS, "str_unknown"):
        plane.plane.missing(stream_id)
    await asyncio.sleep(0.1)
    assert plane.rig.requests.sent == []
    plane.plane.missing(plane.own.stream_id)
    await asyncio.sleep(0.1)
    assert sorted(call.stream for call in plane.rig.requests.sent) == [BOBS, CARLS, "str_CAM_con_own"]


@virtual_time
async def test_plane_may_be_closed_in_the_report_of_a_frozen_stream() -> None:
    plane = await Plane().watch()
    reports: Any = plane.reports
    reports.reactions["media_frozen"] = lambda *_: plane.plane.close()
    for peer in plane.rig.peers.made:
        peer.ice_connection_state = "failed"
    plane.rig.requests.sent.clear()
    plane.plane.suspend()
    plane.plane.prove_all(an_outage(), force=False)
    await asyncio.sleep(30)
    assert reports.names.count("media_frozen") == 1
    assert plane.rig.requests.sent == []


# --- RTP -------------------------------------------------------------------------------------------------------------


@virtual_time
async def test_pause_of_all_received_streams_is_evidence_for_signaling_and_their_return_asks_for_key_frames() -> None:
    plane = await Plane().watch()
    bobs, carls, own = plane.rig.peers.made
    flow(bobs, carls)
    await asyncio.sleep(5)
    assert not [item for item in plane.rig.requests.findings if isinstance(item, (RtpOverdue, RtpSilent, RtpReturned))]
    stop(bobs, carls)
    await asyncio.sleep(2)
    flow(bobs, carls)
    await asyncio.sleep(1)
    kinds = [type(item) for item in plane.rig.requests.findings]
    assert kinds.index(RtpOverdue) < kinds.index(RtpSilent) < kinds.index(RtpReturned)
    assert [peer.calls.count(("ask_for_key_frame",)) > 0 for peer in (bobs, carls)] == [True, True]
    assert ("send_key_frame",) in own.calls


@virtual_time
async def test_late_sound_of_all_received_streams_is_evidence_that_packets_wait_and_of_one_it_is_not() -> None:
    plane = await Plane().watch()
    bobs, carls, _ = plane.rig.peers.made
    flow(bobs, carls)
    late = {bobs: 0.0, carls: 0.0}
    now = plane.rig.clock.now

    def sound_of(peer: ScriptedPeer) -> Callable[[], SoundPlayed]:
        return lambda: SoundPlayed(now(), round((now() - late[peer]) * 48_000), 48_000)

    bobs.sound_played, carls.sound_played = sound_of(bobs), sound_of(carls)  # type: ignore[method-assign]
    await asyncio.sleep(5)
    late[bobs] = 1.0
    await asyncio.sleep(3)
    assert not [item for item in plane.rig.requests.findings if isinstance(item, RtpLate)]
    late[carls] = 1.0
    await asyncio.sleep(3)
    late[bobs] = 0.0
    await asyncio.sleep(3)
    found = [item for item in plane.rig.requests.findings if isinstance(item, RtpLate)]
    assert found == [RtpLate(late=True), RtpLate(late=False)]


class Reported(Plane):
    """A call with pyvidu's server, which has reported on the own stream. `arrives`: on the own path something arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.rig.requests.replays = True
        self.arrives = False

    async def fall_silent(self) -> Reported:
        """Let all RTP stop after three seconds."""
        await self.watch()
        *received, sent = self.rig.peers.made
        for peer in received:
            peer.sample = self._silent  # type: ignore[method-assign]
        sent.sample = self._sample  # type: ignore[method-assign]
        flow(*self.rig.peers.made[:2])
        await asyncio.sleep(3)
        stop(*self.rig.peers.made[:2])
        return self

    async def _silent(self) -> MediaSample:
        return MediaSample("connected")

    async def _sample(self) -> MediaSample:
        return MediaSample("connected", remote_reports=9 + int(self.arrives * self.rig.clock.now()))

    @property
    def frozen(self) -> list[Any]:
        return [media for media, *_ in self.reports.of("media_frozen")]


@virtual_time
async def test_streams_of_dead_paths_are_frozen_within_1500_ms_if_the_server_has_answered() -> None:
    plane = await Reported().fall_silent()
    await asyncio.sleep(0.5)
    plane.plane.silence_refuted()
    await asyncio.sleep(0.6)
    assert plane.frozen == []
    await asyncio.sleep(0.4)
    assert set(plane.frozen) == {plane.bobs, plane.carls, plane.own}
    plane.plane.close()


@virtual_time
async def test_stream_that_ends_meanwhile_does_not_keep_the_others_from_being_told_as_frozen() -> None:
    plane = await Reported().fall_silent()
    await asyncio.sleep(0.5)
    plane.plane.silence_refuted()
    plane.plane.remove(plane.carls)
    await asyncio.sleep(1.5)
    assert set(plane.frozen) == {plane.bobs, plane.own}
    plane.plane.close()


async def _reports(plane: Reported) -> None:
    plane.arrives = True


async def _returns(plane: Reported) -> None:
    flow(*plane.rig.peers.made[:2])


async def _drops(plane: Reported) -> None:
    plane.plane.suspend()


async def _changes(plane: Reported) -> None:
    await plane.own.renegotiate()


async def _ends(plane: Reported) -> None:
    plane.plane.close()


async def _fails(plane: Reported) -> None:
    async def sample() -> MediaSample:
        raise OSError("planted")

    plane.rig.peers.made[2].sample = sample  # type: ignore[method-assign]


async def _stalls(plane: Reported) -> None:
    now = plane.rig.clock.now
    plane.rig.clock.now = lambda: now() + 1.0  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "happens",
    [_reports, _returns, _drops, _changes, _ends, _fails, _stalls],
    ids=lambda act: act.__name__,
)
@virtual_time
async def test_streams_are_not_frozen_so_early_if_anything_speaks_against_it(
    happens: Callable[[Reported], Awaitable[None]],
) -> None:
    plane = await Reported().fall_silent()
    await asyncio.sleep(0.5)
    plane.plane.silence_refuted()
    await asyncio.sleep(0.2)
    await happens(plane)
    await asyncio.sleep(1.5)
    assert plane.frozen == []
    plane.plane.close()


@pytest.mark.parametrize(("often", "answers"), [(False, True), (True, False)])
@virtual_time
async def test_nothing_is_concluded_from_missing_reports_of_a_server_that_may_report_seldom_or_does_not_answer(
    often: bool, answers: bool
) -> None:
    plane = Reported()
    plane.rig.requests.replays = often
    await plane.fall_silent()
    await asyncio.sleep(0.5)
    if answers:
        plane.plane.silence_refuted()
    await asyncio.sleep(1.5)
    assert plane.frozen == []
    plane.plane.close()


@virtual_time
async def test_one_stream_that_stops_among_others_is_checked_and_says_nothing_of_the_network() -> None:
    plane = await Plane().watch()
    bobs, carls, _ = plane.rig.peers.made
    flow(bobs, carls)
    await asyncio.sleep(5)
    stop(bobs)
    await asyncio.sleep(5)
    assert [samples > 0 for samples in plane.samples] == [True, False, False]
    assert RtpSilent not in [type(item) for item in plane.rig.requests.findings]


# --- silent publishers -----------------------------------------------------------------------------------------------


async def silent(*, replays: bool = False) -> tuple[Plane, ScriptedPeer]:
    """Return a plane in which Bob's stream has just stopped, and its peer connection."""
    plane = await Plane().watch()
    plane.rig.requests.replays = replays
    bobs, carls, _ = plane.rig.peers.made
    flow(bobs, carls)
    await asyncio.sleep(5)
    pause(bobs)
    return plane, bobs


@virtual_time
async def test_publisher_that_falls_silent_on_a_path_that_answers_is_reported_and_its_return() -> None:
    plane, bobs = await silent()
    await asyncio.sleep(1.5)
    assert plane.reports.of("publisher_heard") == []
    await asyncio.sleep(0.5)
    assert plane.reports.of("publisher_heard") == [(BOB, False)]
    await asyncio.sleep(20)
    flow(bobs)
    await asyncio.sleep(0.2)
    assert plane.reports.of("publisher_heard") == [(BOB, False), (BOB, True)]


@virtual_time
async def test_server_that_replays_tells_who_is_silent_so_nothing_is_concluded_here() -> None:
    plane, _ = await silent(replays=True)
    await asyncio.sleep(20)
    assert plane.reports.of("publisher_heard") == []


@pytest.mark.parametrize("trouble", ["an outage", "a return", "a standstill"])
@virtual_time
async def test_own_trouble_says_nothing_of_a_publisher_that_is_silent_then(trouble: str) -> None:
    plane, _ = await silent()
    await asyncio.sleep(1)
    match trouble:
        case "an outage":
            plane.plane.suspend()
        case "a return":
            plane.plane.prove_all(an_outage(), force=False)
        case _:
            asyncio.get_running_loop().advance(5)  # type: ignore[attr-defined] # no callback ran
    await asyncio.sleep(20)
    assert plane.reports.of("publisher_heard") == []


@pytest.mark.parametrize("refuted", [True, False])
@virtual_time
async def test_publisher_silent_before_all_others_paused_is_reported_if_the_network_is_known_to_work(
    refuted: bool,
) -> None:
    plane, _ = await silent()
    await asyncio.sleep(0.7)  # its path has answered
    stop(plane.rig.peers.made[1])
    await asyncio.sleep(0.5)
    assert [item for item in plane.rig.requests.findings if isinstance(item, RtpSilent)]
    if refuted:
        plane.plane.silence_refuted()
    await asyncio.sleep(1)
    assert plane.reports.of("publisher_heard") == [(BOB, False)] * refuted


@virtual_time
async def test_silent_publisher_that_flows_on_a_new_peer_connection_is_heard() -> None:
    plane, _ = await silent()
    await asyncio.sleep(2)
    await plane.bobs.renegotiate()
    plane.plane.suspend()
    plane.plane.prove_all(an_outage(), force=False)
    await asyncio.sleep(1)
    assert plane.reports.of("publisher_heard") == [(BOB, False), (BOB, True)]


@virtual_time
async def test_removed_stream_ends_the_silence_of_its_publisher_and_a_closed_plane_reports_none() -> None:
    plane, _ = await silent()
    await asyncio.sleep(2)
    plane.plane.remove(plane.bobs)
    assert plane.reports.of("publisher_heard") == [(BOB, False), (BOB, True)]
    plane, _ = await silent()
    await asyncio.sleep(1)
    plane.plane.close()
    await asyncio.sleep(20)
    assert plane.reports.of("publisher_heard") == []
    assert plane.rig.clock.alive == []


@virtual_time
async def test_plane_may_be_closed_in_the_report_of_a_silent_publisher() -> None:
    plane, _ = await silent()
    pause(plane.rig.peers.made[1])
    plane.reports.reactions["publisher_heard"] = lambda *_, **__: plane.plane.close()
    await asyncio.sleep(20)
    assert plane.reports.of("publisher_heard") == [(BOB, False)]
    assert plane.rig.clock.alive == []


@virtual_time
async def test_first_packets_on_a_peer_connection_that_was_silent_from_the_beginning_are_heard() -> None:
    plane, _ = await silent()
    await asyncio.sleep(2)
    await plane.bobs.renegotiate()
    fresh = plane.rig.peer
    pause(fresh)
    plane.plane.peer_replaced(plane.bobs)
    await asyncio.sleep(5)
    flow(fresh)
    await asyncio.sleep(0.2)
    assert plane.reports.of("publisher_heard") == [(BOB, False), (BOB, True)]


@virtual_time
async def test_silence_of_all_streams_after_the_path_has_answered_says_nothing_of_the_first() -> None:
    plane, _ = await silent()
    await asyncio.sleep(1)
    stop(plane.rig.peers.made[1])
    await asyncio.sleep(20)
    assert plane.reports.of("publisher_heard") == []
