"""Faults without HTTP, in virtual time: what the participant, the others and new connections receive meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.server.faults.control import NoSuchParticipant, orders
from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.faults.kinds import Fault
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.server.server_world import Client, World, settle
from tests.virtual_time import virtual_time


def start(world: World, order: type[orders.FaultOrder], whose: Client | None = None, **options: Any) -> Fault:
    """Begin a fault of one client or of the whole server."""
    if whose is not None:
        options["participant"] = whose.id
    return world.faults.start(order(**{"seconds": 4, **options}))


class Media:
    """A media connection of a client."""

    def __init__(self, world: World, whose: Client) -> None:
        self.path: Any = world.traffic.media_path(whose.id)

    @property
    def dropped(self) -> bool:
        """Return whether nothing passes, either way. What is delayed is no test of that."""
        passed: list[str] = []
        self.path.incoming(lambda: passed.append("in"))
        self.path.outgoing(lambda: passed.append("out"))
        assert passed in ([], ["in", "out"])
        return not passed


# --- drops ------------------------------------------------------------------------------------------------------------


@virtual_time
async def test_notifications_during_a_short_silent_drop_are_delivered_after_it() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        media = Media(world, ada)
        start(world, orders.Silent, ada)
        ada.clear()
        await bob.publish()
        assert ada.told() == []
        assert media.dropped
        assert Media(world, ada).dropped, "a new connection is no better"
        assert not Media(world, bob).dropped
        await asyncio.sleep(4.1)
        assert ada.told() == ["participantPublished"]
        assert not media.dropped
        assert len(world.faults) == 0


@virtual_time
async def test_silent_drop_longer_than_the_eviction_timeout_ends_in_an_eviction() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        start(world, orders.Silent, ada, seconds=14)
        await asyncio.sleep(11)
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(1.1)
        assert bob.notifications("participantLeft")


@pytest.mark.parametrize(("media_for", "evicted_after"), [(0.5, 12.5), (8.0, 20.0), (100.0, 24.0)])
@virtual_time
async def test_participant_whose_media_arrives_is_evicted_later(media_for: float, evicted_after: float) -> None:
    """Where its way up is narrow, signaling starves behind it."""
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        member = world.room.find(ada.id)
        assert member is not None
        start(world, orders.SignalingOnly, ada, seconds=40)
        silent_from = asyncio.get_running_loop().time()

        async def send() -> None:
            while (now := asyncio.get_running_loop().time()) <= silent_from + media_for:
                world.media.last_rtp = {member.key: now}
                await asyncio.sleep(0.5)

        sending = asyncio.create_task(send())
        await asyncio.sleep(evicted_after - 1.1)
        assert not bob.notifications("participantLeft")
        await asyncio.sleep(1.2)
        assert bob.notifications("participantLeft")
        sending.cancel()


@virtual_time
async def test_resume_during_a_silent_drop_is_answered_after_it() -> None:
    async with World() as world:
        ada = await world.member()
        start(world, orders.Silent, ada, seconds=9)
        await asyncio.sleep(3)
        ada.open()
        ada.send("connect", sessionId=ada.rpc_id, reconnect=True)
        await asyncio.sleep(5.9)
        assert ada.transport.sent == []
        await asyncio.sleep(0.2)
        assert ada.transport.sent[-1]["result"]["value"] == "reconnection successful"


@virtual_time
async def test_resume_of_a_participant_evicted_during_the_drop_is_refused_after_it() -> None:
    async with World() as world:
        ada = await world.member()
        await world.member()
        start(world, orders.Silent, ada, seconds=20)
        await asyncio.sleep(15)
        ada.open()
        ada.send("connect", sessionId=ada.rpc_id, reconnect=True)
        await asyncio.sleep(4.9)
        assert ada.transport.sent == []
        await asyncio.sleep(0.2)
        assert ada.transport.sent[-1]["error"]["code"] == 40007


@virtual_time
async def test_dead_media_fault_kills_the_media_connections_at_its_start() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        media, bobs = Media(world, ada), Media(world, bob)
        start(world, orders.DeadMedia, ada)
        await asyncio.sleep(2)
        during = Media(world, ada)
        await asyncio.sleep(2.1)
        assert media.dropped
        assert not during.dropped
        assert not bobs.dropped


@virtual_time
async def test_a_second_drop_of_the_same_kind_moves_the_end_of_the_first() -> None:
    async with World() as world:
        ada = await world.member()
        first = start(world, orders.Silent, ada)
        await asyncio.sleep(3)
        assert start(world, orders.Silent, ada) is first
        await asyncio.sleep(3.9)
        assert len(world.faults) == 1
        await asyncio.sleep(0.2)
        assert len(world.faults) == 0
        assert ada.transport.flows
        assert await ada.result("echo")


@virtual_time
async def test_overlapping_drops_of_two_kinds_end_with_the_later_one() -> None:
    async with World() as world:
        ada = await world.member()
        start(world, orders.DeadMedia, ada, seconds=2)
        media = Media(world, ada)
        start(world, orders.Silent, ada, seconds=6)
        ada.open()
        ada.send("connect", sessionId=ada.rpc_id, reconnect=True)
        await asyncio.sleep(5.9)
        assert media.dropped
        assert ada.transport.sent == []
        await asyncio.sleep(0.2)
        assert not media.dropped
        assert ada.transport.sent[-1]["result"]["value"] == "reconnection successful"


@virtual_time
async def test_drop_of_one_participant_does_not_affect_the_others() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        bob.clear()
        start(world, orders.Silent, ada)
        adas = asyncio.create_task(world.traffic.admits(ada.probe_id))
        assert await world.traffic.admits(bob.probe_id)
        assert await world.traffic.admits(None)
        assert await bob.result("echo")
        await asyncio.sleep(3.9)
        assert not adas.done()
        await asyncio.sleep(0.2)
        assert not adas.result(), "what hung in a dead network is broken by its end"
        assert await world.traffic.admits(ada.probe_id)
        await settle()
        assert bob.told() == ["result"]


@virtual_time
async def test_media_only_drop_does_not_affect_signaling() -> None:
    async with World() as world:
        ada = await world.member()
        media = Media(world, ada)
        start(world, orders.MediaOnly, ada)
        assert media.dropped
        assert await ada.result("echo")
        assert await world.traffic.admits(ada.probe_id)
        await asyncio.sleep(4.1)
        assert not media.dropped


@virtual_time
async def test_signaling_only_drop_does_not_affect_media() -> None:
    async with World() as world:
        ada = await world.member()
        media = Media(world, ada)
        start(world, orders.SignalingOnly, ada)
        number = ada.send("echo")
        await asyncio.sleep(3.9)
        assert not media.dropped
        assert number not in [message.get("id") for message in ada.transport.sent]
        await asyncio.sleep(0.2)
        assert number in [message.get("id") for message in ada.transport.sent]


@virtual_time
async def test_signaling_only_drop_with_close_aborts_the_socket_and_refuses_new_ones() -> None:
    async with World() as world:
        ada = await world.member()
        start(world, orders.SignalingOnly, ada, close=True)
        assert ada.transport.closed == (1006, "")
        assert not ada.socket.open
        assert not await world.traffic.admits(ada.probe_id)
        await asyncio.sleep(4.1)
        assert await world.traffic.admits(ada.probe_id)
        assert (await ada.resume())["result"]["value"] == "reconnection successful"


# --- slow -------------------------------------------------------------------------------------------------------------


@virtual_time
async def test_delay_applies_to_sockets_that_are_opened_later() -> None:
    async with World() as world:
        ada = await world.member()
        media = Media(world, ada)
        start(world, orders.Slow, ada, delay=300, jitter=50)
        first, delay = ada.transport, Delay(0.3, 0.05)
        assert first.path.delay == media.path.delay == Media(world, ada).path.delay == delay
        await ada.resume()
        assert ada.transport.path.delay == delay
        assert world.traffic.socket_path(ada.probe_id, lambda _: None).delay == delay
        before = asyncio.get_running_loop().time()
        assert await world.traffic.admits(ada.probe_id)
        assert asyncio.get_running_loop().time() - before == pytest.approx(0.6)
        await asyncio.sleep(4)
        assert first.path.delay is ada.transport.path.delay is media.path.delay is None


@virtual_time
async def test_delay_can_apply_to_media_or_signaling_only() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        start(world, orders.Slow, ada, delay=300, plane="media")
        start(world, orders.Slow, bob, delay=300, plane="signaling")
        assert ada.transport.path.delay is Media(world, bob).path.delay is None
        assert bob.transport.path.delay == Media(world, ada).path.delay == Delay(0.3)


@virtual_time
async def test_another_delay_replaces_the_first() -> None:
    async with World() as world:
        ada = await world.member()
        start(world, orders.Slow, ada, delay=300)
        start(world, orders.Slow, ada, delay=100)
        assert len(world.faults) == 1
        assert ada.transport.path.delay == Media(world, ada).path.delay == Delay(0.1)


# --- lost messages and refused requests -------------------------------------------------------------------------------


@virtual_time
async def test_lost_notifications_are_replayed_by_the_resume() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        received = len(ada.notifications())
        start(world, orders.LostNotification, ada, count=2)
        await world.member()
        await bob.publish()
        assert len(ada.notifications()) == received
        assert len(world.faults) == 0, "it is used up"
        assert await ada.result("echo"), "answers are no notifications"
        ada.open()
        answer = await ada.call("connect", sessionId=ada.rpc_id, reconnect=True, received=received)
        assert answer["result"]["replayed"] == 2
        assert [method for method, _ in ada.notifications()] == ["participantJoined", "participantPublished"]


@virtual_time
async def test_lost_notification_fault_with_a_method_drops_all_notifications_of_it_until_its_end() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        ada.clear()
        start(world, orders.LostNotification, ada, method="participantPublished")
        await world.member()
        await bob.publish()
        await bob.result("unpublishVideo")
        assert [method for method, _ in ada.notifications()] == ["participantJoined", "participantUnpublished"]
        await asyncio.sleep(4.1)
        await bob.publish()
        assert ada.notifications("participantPublished")


@virtual_time
async def test_participant_with_a_lost_notification_stays_a_member_in_the_kurento_profile() -> None:
    async with World(KurentoProfile) as world:
        ada = await world.member()
        start(world, orders.LostNotification, ada, count=1)
        await world.member()
        assert not ada.notifications("participantJoined")
        assert await ada.result("videoData", height=0, width=0, videoActive=False, audioActive=False)


@virtual_time
async def test_refused_resumes_do_not_evict_the_participant() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        start(world, orders.RefusedResume, ada, count=2, seconds=60)
        world.signaling.cut(ada.socket)
        assert (await bob.result("echo")) is not None
        for _ in range(2):
            assert (await ada.resume())["error"] == {"code": 40007, "message": "reconnection error"}
        assert len(world.faults) == 0
        assert world.room.find(ada.id) is not None
        assert (await ada.resume())["result"]["value"] == "reconnection successful"


# --- evictions and server outages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [None, KurentoProfile])
def test_eviction_fault_closes_the_socket_without_notifying_its_participant(
    profile: type[KurentoProfile] | None,
) -> None:
    @virtual_time
    async def scenario() -> None:
        async with World(profile) as world:
            ada, bob = await world.member(), await world.member()
            ada.clear()
            world.faults.start(orders.Eviction(participant=ada.id))
            assert ada.transport.closed is not None
            assert ada.told() == []
            assert bob.notifications()[-2:] == [
                ("participantLeft", {"connectionId": ada.id, "reason": "networkDisconnect"}),
                ("participantEvicted", {"connectionId": ada.id, "reason": "networkDisconnect"}),
            ]
            assert len(world.faults) == 0
            assert (await ada.resume())["error"]["code"] == 40007

    scenario()


@virtual_time
async def test_restart_fault_drops_all_state_and_changes_the_life_number() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        media = Media(world, ada)
        joined = await Client(world).join()
        await ada.publish()
        ada.clear()
        bob.clear()
        silent = start(world, orders.Silent, bob, seconds=60)
        restart = start(world, orders.Restart, seconds=2)
        assert list(world.faults) == [restart]
        assert silent.id != restart.id
        assert ada.transport.closed == bob.transport.closed == (1006, "")
        assert ada.told() == bob.told() == [], "a crash says no word"
        assert len(world.rooms) == world.signaling.sockets == world.signaling.sessions == 0
        assert media.dropped, "nor does media"
        await settle()
        assert ("leave", ada.id) in world.media.calls
        assert world.faults.away
        await asyncio.sleep(2.1)
        assert not world.faults.away
        assert (await ada.resume())["error"]["code"] == 40007
        status = await ada.result("sessionStatus", sessionId=ada.rpc_id)
        assert status["life"] != joined["life"]
        await asyncio.sleep(60)
        assert bob.told() == [], "no clock of the former life goes on"


@virtual_time
async def test_session_status_returns_the_life_to_clients_that_have_not_joined() -> None:
    async with World() as world:
        stranger = Client(world)
        assert (await stranger.result("sessionStatus", sessionId="whoever"))["life"] == 1
        world.rooms.life = None
        assert (await stranger.error("sessionStatus", sessionId="whoever"))["code"] == 803
        member = await world.member()
        assert (await member.error("sessionStatus", sessionId="whoever"))["code"] == -32601


# --- the kinds of faults ----------------------------------------------------------------------------------------------


@virtual_time
async def test_fault_can_be_ended_early() -> None:
    async with World() as world:
        ada = await world.member()
        fault = start(world, orders.Silent, ada, seconds=60)
        await asyncio.sleep(20.5)
        assert fault.describe() == {
            "id": "fault-1",
            "kind": "silent",
            "participant": ada.id,
            "seconds": 60,
            "remaining": 39.5,
        }
        assert world.faults.end("fault-1")
        assert not world.faults.end("fault-1")
        assert ada.transport.flows


@virtual_time
async def test_fault_for_an_unknown_participant_is_refused_with_the_connection_ids_of_the_room() -> None:
    async with World() as world:
        with pytest.raises(NoSuchParticipant, match="nobody has joined"):
            world.faults.start(orders.Silent(participant="con_x", seconds=1))
        ada = await world.member()
        with pytest.raises(NoSuchParticipant, match=f"connected are: {ada.id}"):
            world.faults.start(orders.Silent(participant="con_x", seconds=1))


@virtual_time
async def test_server_shutdown_ends_all_faults_and_notifies_every_participant() -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        for order in (orders.Silent, orders.MediaOnly, orders.LostNotification, orders.RefusedResume):
            start(world, order, ada)
        start(world, orders.Slow, bob, delay=100)
        world.faults.close()
        assert len(world.faults) == 0
        assert ada.transport.flows
        ada.clear()
        bob.clear()
        world.signaling.close()
        assert ada.notifications("participantEvicted") == [
            ("participantEvicted", {"connectionId": ada.id, "reason": "openviduServerStopped"})
        ]
        assert (
            "participantEvicted",
            {"connectionId": bob.id, "reason": "openviduServerStopped"},
        ) in bob.notifications()
        assert ada.transport.closed == bob.transport.closed == (1001, "Server stopped")
