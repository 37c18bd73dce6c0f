"""`--negotiation server-offers`: what clients are told, ask and are refused, as in deployments with mediasoup."""

from __future__ import annotations

import pytest

from tests.server.server_world import Client, World, settle
from tests.virtual_time import virtual_time


@virtual_time
async def test_stream_is_received_by_an_answer_to_the_servers_offer_and_renegotiated_by_another() -> None:
    async with World(server_offers=True) as world:
        ada, bob = await world.member(), Client(world)
        assert (await bob.join())["mediaServer"] == "mediasoup"
        stream = await ada.publish()
        offer = await bob.result("prepareReceiveVideoFrom", sender=stream, reconnect=False)
        assert offer["sdpOffer"] == f"offer of {stream}"
        assert "sdpAnswer" not in await bob.result("receiveVideoFrom", sender=stream, sdpAnswer="an answer")
        assert ada.notifications("participantPublished") == []
        await bob.result("prepareReceiveVideoFrom", sender=stream, reconnect=True)
        await bob.result("reconnectStream", stream=stream, sdpString="another", forciblyReconnect=False)
        assert [call[-1] for call in world.media.named("accept")] == ["an answer", "another"]
        again = await bob.result("receiveVideoFrom", sender=stream, sdpOffer="an offer of its own")
        assert again["sdpAnswer"], "it may offer, too"
        await bob.result("unsubscribeFromVideo", sender=ada.id)


@virtual_time
async def test_own_stream_and_one_that_there_is_not_are_refused() -> None:
    async with World(server_offers=True) as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        for call in (
            ("prepareReceiveVideoFrom", {"sender": stream, "reconnect": False}),
            ("receiveVideoFrom", {"sender": stream, "sdpAnswer": "x"}),
        ):
            assert (await ada.error(call[0], **call[1]))["code"] == 105
        nobody, silent = "str_CAM_x7Fa_con_9jQe2b0xYz", f"str_CAM_x7Fa_{bob.id}"
        for sender, code in ((nobody, 102), (silent, 105), ("nonsense", -1)):
            assert (await bob.error("prepareReceiveVideoFrom", sender=sender, reconnect=False))["code"] == code


@virtual_time
async def test_failed_negotiation_and_a_stream_that_ends_meanwhile_are_told() -> None:
    async with World(server_offers=True) as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        world.media.error = ValueError("no")
        for call in (
            ("prepareReceiveVideoFrom", {"sender": stream, "reconnect": False}),
            ("receiveVideoFrom", {"sender": stream, "sdpAnswer": "x"}),
            ("reconnectStream", {"stream": stream, "sdpString": "x"}),
        ):
            assert (await bob.error(call[0], **call[1]))["code"] == 302
        world.media.error = None
        world.media.gate.clear()
        number = bob.send("receiveVideoFrom", sender=stream, sdpAnswer="x")
        await settle()
        await ada.result("unpublishVideo")
        world.media.gate.set()
        await settle()
        [answer] = [message for message in bob.transport.sent if message.get("id") == number]
        assert answer["error"]["code"] == 105
        assert ("unsubscribe", bob.id, stream) in world.media.calls


@pytest.mark.parametrize("method", ["prepareReceiveVideoFrom", "receiveVideoFrom", "reconnectStream"])
@virtual_time
async def test_server_that_does_not_offer_says_so(method: str) -> None:
    async with World() as world:
        ada, bob = await world.member(), await world.member()
        stream = await ada.publish()
        about = {"sender": stream, "stream": stream, "reconnect": False, "sdpAnswer": "x", "sdpString": "x"}
        refused = await bob.error(method, **about)
        assert (refused["code"], "only answers offers of clients" in refused["message"]) == (303, True)
