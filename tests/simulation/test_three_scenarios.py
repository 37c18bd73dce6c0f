"""The three scenarios of OpenVidu's automatic reconnection, and the promises of the events, in virtual time.

Real client cores, the server's real rooms and clocks; only sockets, peer connections and elements are simulated.
"""

from __future__ import annotations

import asyncio

import pytest

from pyvidu import NotConnectedError, OpenViduError, RequestOutcomeUnknown, RequestTimeoutError, SessionLostError
from pyvidu.server.http.rest_json import connections_json, listing
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.simulation.simulated_call import Participant, a_call, until
from tests.simulation.simulated_host import FakeElement
from tests.simulation.simulated_network import LATENCY, now
from tests.virtual_time import virtual_time

KINDS = pytest.mark.parametrize("kind", ["silent", "link"])


async def return_after(person: Participant, seconds: float) -> None:
    await asyncio.sleep(seconds)
    person.link.restore()


OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")


@KINDS
@virtual_time
async def test_back_after_4_s_nothing_is_renegotiated(kind: str) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        before = len(ada.peers.made)
        ada.link.drop(kind)
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(10)
        assert ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
        assert call.renegotiations == 0
        assert len(ada.peers.made) == before
        assert not bob.events(*OUTAGE, "streamDestroyed", "connectionDestroyed")


@KINDS
@virtual_time
async def test_back_after_9_s_with_working_media_nothing_is_renegotiated(kind: str) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop(kind)
        await asyncio.sleep(9)
        ada.link.restore()
        returned = now()
        await until(lambda: "reconnected" in ada.events())
        assert ada.when("reconnected") - returned < 1.0
        await asyncio.sleep(10)
        assert call.renegotiations == 0
        assert not bob.events("streamDestroyed", "connectionDestroyed")


@KINDS
@virtual_time
async def test_back_after_9_s_with_dead_media_each_frozen_stream_is_renegotiated_once(kind: str) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        streams = [manager.stream.stream_id for manager in ada.session.stream_managers]
        elements = [manager.videos[0] for manager in ada.session.stream_managers]
        told = len(ada.log)
        await ada.publisher.publish_audio(False)
        ada.link.drop(kind)
        await asyncio.sleep(9)
        ada.link.restore(dead_media=True)
        await until(lambda: "reconnected" in ada.events())
        await until(lambda: call.renegotiations == 2, timeout=3)
        await asyncio.sleep(10)
        assert call.renegotiations == 2
        assert [manager.stream.stream_id for manager in ada.session.stream_managers] == streams
        assert [manager.videos[0] for manager in ada.session.stream_managers] == elements
        assert not ada.publisher.stream.audio_active
        kinds = [name for _, name, _ in ada.log[told:]]
        assert kinds == ["streamPropertyChanged", "reconnecting", "reconnected"]
        assert not bob.events("streamDestroyed", "connectionDestroyed")
        assert len(ada.peers.alive) == 2


@KINDS
@virtual_time
async def test_back_after_14_s_the_session_is_over(kind: str) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop(kind)
        dropped = now()
        await asyncio.sleep(14)
        assert bob.when("connectionDestroyed") - dropped == pytest.approx(12, abs=1)
        assert bob.events("streamDestroyed", "connectionDestroyed") == [
            "streamDestroyed(networkDisconnect)",
            "connectionDestroyed(networkDisconnect)",
        ]
        ada.link.restore()
        await until(lambda: "sessionDisconnected(networkDisconnect)" in ada.events(), timeout=5)
        assert ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
        assert not ada.link.sockets


@virtual_time
async def test_evicted_viewer_causes_no_stream_destroyed() -> None:
    async with a_call() as call:
        bob, viewer = await call.participant("bob"), await call.participant("viewer", publish=False)
        viewer.link.drop("silent")
        await asyncio.sleep(14)
        assert bob.events("streamDestroyed", "connectionDestroyed") == ["connectionDestroyed(networkDisconnect)"]
        viewer.link.restore()
        await until(lambda: "sessionDisconnected(networkDisconnect)" in viewer.events(), timeout=5)


@virtual_time
async def test_the_force_option_renegotiates_every_stream_after_a_short_drop() -> None:
    async with a_call() as call:
        ada = await call.participant("ada", force_media_reconnection_after_network_drop=True)
        bob = await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: call.renegotiations == 2, timeout=5)
        await asyncio.sleep(5)
        assert call.renegotiations == 2
        assert ada.events("streamDestroyed") == bob.events("streamDestroyed") == []
        assert len(bob.events("streamCreated")) == 1


@pytest.mark.parametrize("after", [0.5, 2.5, 5.0, 9.0])
@virtual_time
async def test_no_event_follows_disconnect_during_an_outage(after: float) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(after)
        ada.session.disconnect()
        told, opened = list(ada.log), ada.link.opened
        assert ada.events()[-1] == "sessionDisconnected(disconnect)"
        await asyncio.sleep(1)
        ada.link.restore()
        await asyncio.sleep(60)
        assert ada.log == told
        assert ada.link.opened == opened
        assert bob.events("connectionDestroyed")


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13])
@virtual_time
async def test_disconnect_before_connect_returns_makes_it_fail(steps: int) -> None:
    async with a_call() as call:
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        joining = asyncio.ensure_future(ada.join(publish=False))
        await asyncio.sleep(steps * LATENCY / 4)
        ada.session.disconnect()
        with pytest.raises(NotConnectedError):
            await joining
        await asyncio.sleep(20)
        assert ada.events("connectionCreated") == []
        assert not ada.link.sockets


@virtual_time
async def test_video_that_does_not_begin_to_play_fires_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_call() as call:
        await call.participant("bob")
        monkeypatch.setattr(FakeElement, "plays", False)
        ada = await call.participant("ada", no_stream_playing_event_exception_timeout=2.5)
        assert ada.events("exception") == []
        await asyncio.sleep(2.5)
        assert ada.events("exception") == ["exception"]


@virtual_time
async def test_stop_reconnecting_ends_the_outage() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        ada.session.stop_reconnecting()
        assert ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
        assert not ada.link.sockets


@virtual_time
async def test_stop_reconnecting_ends_the_session_although_rejoin_is_configured() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        ada.link.drop("link")
        await until(lambda: "reconnecting" in ada.events())
        ada.session.stop_reconnecting()
        assert ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]


@virtual_time
async def test_mute_during_the_outage_reaches_the_others_after_it() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        muting = ada.publisher.publish_audio(False)
        await asyncio.sleep(3)
        assert not muting.done()
        ada.link.restore()
        await muting
        await asyncio.sleep(0.1)
        (seen,) = [item.stream for item in bob.session.remote_connections.values() if item.stream]
        assert not seen.audio_active


@virtual_time
async def test_unpublish_during_the_outage_reaches_the_others_after_it() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        unpublishing = asyncio.ensure_future(ada.session.unpublish(ada.publisher))
        await asyncio.sleep(2)
        ada.link.restore()
        await unpublishing
        await asyncio.sleep(0.1)
        assert bob.events("streamDestroyed") == ["streamDestroyed(unpublish)"]


@virtual_time
async def test_a_signal_sent_during_the_outage_arrives_after_it_once() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        sending = asyncio.ensure_future(ada.session.signal(data="hello"))
        await asyncio.sleep(2)
        ada.link.restore()
        await sending
        await asyncio.sleep(1)
        assert len(bob.events("signal:signal")) == 1


@virtual_time
async def test_signal_interrupted_by_the_drop_arrives_once_if_the_server_deduplicates_requests() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.gather(ada.session.signal(data="hello"), return_after(ada, 9))
        await asyncio.sleep(30)
        assert len(bob.events("signal:signal")) == len(ada.events("signal:signal")) == 1


@virtual_time
async def test_signal_whose_response_was_lost_is_delivered_once() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        sending = asyncio.ensure_future(ada.session.signal(data="hello"))
        await asyncio.sleep(LATENCY * 1.5)  # the request is at the server, its answer in transit
        ada.link.drop("silent")
        await asyncio.gather(sending, return_after(ada, 9))
        await asyncio.sleep(30)
        assert len(bob.events("signal:signal")) == len(ada.events("signal:signal")) == 1


@virtual_time
async def test_joins_and_leaves_during_the_outage_are_fired_once_and_in_order_after_it() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        gone = await call.participant("gone")
        told = len(ada.log)
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        gone.session.disconnect()
        await call.participant("new")
        assert len(ada.log) == told + 1
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(30)
        assert [name for _, name, _ in ada.log[told:]] == [
            "reconnecting", "reconnected",
            "streamDestroyed", "connectionDestroyed", "connectionCreated", "streamCreated",
        ]  # fmt: skip
        assert len(ada.peers.alive) == 2


@virtual_time
async def test_without_replay_the_roster_of_the_backend_updates_participants_and_streams() -> None:
    async with a_call(KurentoProfile) as call:

        async def roster() -> object:
            return listing(connections_json(call.world.room, pending=True))

        ada = await call.participant("ada", roster=roster)
        gone = await call.participant("gone")
        told = len(ada.log)
        ada.link.drop("silent")
        await asyncio.sleep(3)
        gone.session.disconnect()
        new = await call.participant("new")
        await new.publisher.publish_video(False)
        await asyncio.sleep(3)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(1)
        assert [name for _, name, _ in ada.log[told:]] == [
            "reconnecting", "reconnected",
            "streamDestroyed", "connectionDestroyed", "connectionCreated", "streamCreated",
        ]  # fmt: skip
        (seen,) = [item.stream for item in ada.session.remote_connections.values() if item.stream]
        assert not seen.video_active


@virtual_time
async def test_notifications_received_while_the_roster_is_fetched_take_precedence_over_it() -> None:
    async with a_call(KurentoProfile) as call:
        answered = asyncio.Event()

        async def roster() -> object:
            answer = listing(connections_json(call.world.room, pending=True))
            await answered.wait()
            return answer

        ada = await call.participant("ada", roster=roster)
        leaving = await call.participant("leaving")
        ada.link.drop("silent")
        await asyncio.sleep(3)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        told = len(ada.log)
        leaving.session.disconnect()
        await call.participant("coming")
        await until(lambda: "streamCreated" in [name for _, name, _ in ada.log[told:]])
        answered.set()
        await asyncio.sleep(1)
        assert [name for _, name, _ in ada.log[told:]] == [
            "streamDestroyed", "connectionDestroyed", "connectionCreated", "streamCreated",
        ]  # fmt: skip


@virtual_time
async def test_participant_evicted_during_the_outage_gets_session_disconnected_and_not_reconnected() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        bob = await call.participant("bob")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        call.world.room.evict(call.world.room.participants[0], "forceDisconnectByServer")
        ada.link.restore()
        await until(lambda: bool(ada.events("sessionDisconnected")))
        assert "reconnected" not in ada.events()
        assert bob.events("connectionDestroyed") == ["connectionDestroyed(forceDisconnectByServer)"]


@virtual_time
async def test_without_replay_and_roster_the_outage_record_notes_possibly_missed_events() -> None:
    async with a_call(KurentoProfile) as call:
        ada = await call.participant("ada")
        ada.link.drop("silent")
        await asyncio.sleep(6)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(1)
        assert any("roster" in entry.text for entry in ada.session.outages[-1].entries)


@virtual_time
async def test_evicted_participant_with_a_rejoin_callback_rejoins_with_its_streams() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        managers = ada.session.stream_managers
        elements = [manager.videos[0] for manager in managers]
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await asyncio.sleep(1)
        assert ada.events(*OUTAGE, "rejoined") == ["reconnecting", "rejoined"]
        assert ada.session.stream_managers == managers
        assert [manager.videos[0] for manager in managers] == elements
        assert not ada.events("streamDestroyed", "connectionDestroyed")
        assert bob.events("streamCreated", "streamDestroyed")[-2:] == [
            "streamDestroyed(networkDisconnect)",
            "streamCreated",
        ]
        assert len(ada.peers.alive) == len(bob.peers.alive) == 2
        record = ada.session.outages[-1]
        assert record.end == "rejoined"
        assert {stream: [step.step for step in item.steps] for stream, item in record.streams.items()} == {
            manager.stream.stream_id: ["renegotiating", "connected", "healthy"] for manager in managers
        }
        assert {item.outcome for item in record.streams.values()} == {"renegotiated"}
        await ada.session.signal(data="back")
        await asyncio.sleep(0.1)
        assert bob.events("signal:signal") == ["signal:signal"]


@virtual_time
async def test_unsubscribed_stream_stays_unsubscribed_after_a_rejoin() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        await ada.session.unsubscribe(ada.session.stream_managers[1])
        assert ada.session.stream_managers == [ada.publisher]
        ada.link.drop("silent")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await asyncio.sleep(1)
        assert len(ada.peers.alive) == 1


@virtual_time
async def test_a_stream_that_has_ended_cannot_be_subscribed_to() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        (stream,) = [item.stream for item in ada.session.remote_connections.values()]
        await bob.session.unpublish(bob.publisher)
        await bob.session.publish(await bob.openvidu.init_publisher())
        await asyncio.sleep(1)
        with pytest.raises(OpenViduError, match="has ended"):
            await ada.session.subscribe(stream)


@virtual_time
async def test_stream_whose_end_was_missed_ends_when_its_owner_publishes_another() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(1)
        await bob.session.unpublish(bob.publisher)  # TCP repeats the notification 0.2, 0.6, 1.4 and 3 s later
        await asyncio.sleep(2)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events())
        await bob.session.publish(await bob.openvidu.init_publisher())
        await asyncio.sleep(1)
        assert ada.events("streamCreated", "streamDestroyed") == ["streamCreated", "streamDestroyed", "streamCreated"]
        assert len(ada.peers.alive) == 2


@virtual_time
async def test_own_stream_is_published_after_a_second_eviction_during_a_rejoin() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        for _ in range(2):
            ada.link.drop("silent")
            await asyncio.sleep(14)
            call.world.media.gate.clear()  # the server answers the offer late
            ada.link.restore()
            await until(lambda: ada.events()[-1] == "rejoined", timeout=5)
            await asyncio.sleep(0.1)
        call.world.media.gate.set()
        await asyncio.sleep(20)
        assert ada.publisher.stream.is_published
        (seen,) = [item.stream for item in bob.session.remote_connections.values()]
        assert seen.stream_id == ada.publisher.stream.stream_id


@virtual_time
async def test_publish_that_timed_out_is_unpublished_if_the_server_executed_it() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada", publish=False), await call.participant("bob")
        call.world.media.gate.clear()
        with pytest.raises(RequestTimeoutError):
            await ada.session.publish(await ada.openvidu.init_publisher())
        call.world.media.gate.set()
        await asyncio.sleep(1)
        assert bob.events("streamCreated", "streamDestroyed") == ["streamCreated", "streamDestroyed(unpublish)"]
        await ada.session.publish(await ada.openvidu.init_publisher())


@virtual_time
async def test_of_two_subscriptions_to_one_stream_the_later_one_receives_it() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        (stream,) = [item.stream for item in ada.session.remote_connections.values()]
        outcomes = await asyncio.gather(*(ada.session.subscribe(stream) for _ in range(2)), return_exceptions=True)
        assert [isinstance(item, OpenViduError) for item in outcomes] == [True, False]
        await asyncio.sleep(1)
        assert stream.get_rtc_peer_connection().receives_rtp


@virtual_time
async def test_stop_reconnecting_sends_leave_room_on_the_old_socket() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        ada.session.stop_reconnecting()
        ada.link.restore()
        await asyncio.sleep(10)
        assert bob.events("connectionDestroyed") == ["connectionDestroyed(disconnect)"]


@virtual_time
async def test_a_rejoin_that_fails_ends_the_session() -> None:
    async def nothing() -> None:
        return None

    async with a_call() as call:
        ada = await call.participant("ada", rejoin=nothing)
        ada.link.drop("link")
        await asyncio.sleep(14)
        ada.link.restore()
        await until(lambda: "sessionDisconnected(networkDisconnect)" in ada.events(), timeout=5)
        assert ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]


@virtual_time
async def test_disconnect_while_a_new_token_is_awaited_ends_the_session_at_once() -> None:
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    async with a_call() as call:
        ada = await call.participant("ada", rejoin=never)
        ada.link.drop("link")
        await asyncio.sleep(14)
        ada.link.restore()
        await asked.wait()
        ada.session.disconnect()
        assert ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(disconnect)"]


@virtual_time
async def test_signal_interrupted_by_the_drop_fails_with_outcome_unknown_in_the_kurento_profile() -> None:
    async with a_call(KurentoProfile) as call:
        ada = await call.participant("ada")
        ada.link.drop("silent")
        sending = asyncio.ensure_future(ada.session.signal(data="hello"))
        await asyncio.sleep(9)
        ada.link.restore()
        with pytest.raises(RequestOutcomeUnknown):
            await sending


@virtual_time
async def test_publish_interrupted_by_the_drop_succeeds_after_it() -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob"), await call.participant("ada", publish=False)
        ada.link.drop("silent")
        publisher = await ada.openvidu.init_publisher()
        publishing = asyncio.ensure_future(ada.session.publish(publisher))
        await asyncio.sleep(6)
        ada.link.restore()
        await publishing
        await asyncio.sleep(1)
        assert bob.events("streamCreated", "streamDestroyed")[-1] == "streamCreated"
        assert ada.session.stream_managers[0] is publisher


@virtual_time
async def test_queued_requests_fail_with_the_reason_when_the_session_is_lost() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        ada.link.drop("silent")
        await until(lambda: "reconnecting" in ada.events())
        sending = asyncio.ensure_future(ada.session.signal(data="hello"))
        await asyncio.sleep(14)
        ada.link.restore()
        with pytest.raises(SessionLostError, match="networkDisconnect"):
            await sending
        with pytest.raises(NotConnectedError):
            await ada.session.signal(data="again")


@virtual_time
async def test_flapping_link_ends_with_one_open_socket_and_a_reconnected_for_every_reconnecting() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        for _ in range(10):
            ada.link.drop("link")
            await asyncio.sleep(1)
            ada.link.restore()
            await asyncio.sleep(2)
        await asyncio.sleep(5)
        told = ada.events(*OUTAGE)
        assert told == ["reconnecting", "reconnected"] * (len(told) // 2)
        assert ada.link.live_sockets == 1
        assert not bob.events("connectionDestroyed")


@virtual_time
async def test_resume_of_an_evicted_participant_in_the_kurento_profile_does_not_fire_reconnected() -> None:
    async with a_call(KurentoProfile) as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(17)  # the watchdog of 15 s has closed the socket: the next notification makes ada a ghost
        await bob.session.signal(data="to everybody")
        assert bob.events("connectionDestroyed")
        ada.link.restore()
        await until(lambda: "sessionDisconnected(networkDisconnect)" in ada.events(), timeout=30)
        assert "reconnected" not in ada.events()
