"""Events in the middle of a rejoin: the application leaves, the network drops again."""

from __future__ import annotations

import asyncio

from simulated_call import Participant, a_call, until

from virtual_time import virtual_time

TOLD = ("reconnecting", "reconnected", "rejoined", "sessionDisconnected")


async def evicted(ada: Participant) -> None:
    ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
    ada.link.drop("silent")
    await asyncio.sleep(14)
    ada.link.restore()


@virtual_time
async def test_disconnect_in_the_handler_of_rejoined_ends_the_session() -> None:
    async with a_call() as call:
        ada, _ = await call.participant("ada"), await call.participant("bob")
        ada.session.on("rejoined", lambda _: ada.session.disconnect())
        await evicted(ada)
        await until(lambda: "sessionDisconnected(disconnect)" in ada.events(), timeout=5)
        await asyncio.sleep(5)
        assert ada.events(*TOLD) == ["reconnecting", "rejoined", "sessionDisconnected(disconnect)"]
        assert not ada.peers.alive


@virtual_time
async def test_drop_right_after_a_rejoin_ends_in_reconnected() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        ada.session.once("rejoined", lambda _: ada.link.drop("silent"))
        await evicted(ada)
        await until(lambda: "rejoined" in ada.events(), timeout=5)
        await asyncio.sleep(4)
        ada.link.restore()
        await until(lambda: "reconnected" in ada.events(), timeout=5)
        await asyncio.sleep(10)
        assert ada.events(*TOLD) == ["reconnecting", "rejoined", "reconnecting", "reconnected"]
        assert len(ada.peers.alive) == len(bob.peers.alive) == 2
        assert [outage.end for outage in ada.session.outages] == ["rejoined", "reconnected"]
