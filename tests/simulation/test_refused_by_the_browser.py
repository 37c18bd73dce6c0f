"""What a browser refuses: ICE servers, descriptions, candidates. Real client cores on a host whose peers refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pyvidu import BrowserRefusedError, OpenViduError
from pyvidu.platform import Candidate
from tests.simulation import simulated_host
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.simulation.simulated_media import SimulatedPeer
from tests.virtual_time import virtual_time


class RefusingPeer(SimulatedPeer):
    """A peer connection that refuses the next `times` things of the kind `what`."""

    what = ""
    times = 0

    async def create_offer(self) -> str:
        self._refuse("to offer")
        return await super().create_offer()

    async def set_answer(self, sdp: str) -> None:
        self._refuse("the answer")
        await super().set_answer(sdp)

    async def add_candidate(self, candidate: Candidate) -> None:
        self._refuse("the candidate")

    @classmethod
    def _refuse(cls, what: str) -> None:
        if what == cls.what and cls.times:
            cls.times -= 1
            raise BrowserRefusedError(what, "nonsense (OperationError)")


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[RefusingPeer]]:
    monkeypatch.setattr(simulated_host, "SimulatedPeer", RefusingPeer)
    yield RefusingPeer
    RefusingPeer.times = 0


async def alone(call: Call) -> Participant:
    """Return a participant who has joined and does nothing by itself."""
    ada = Participant(call.world, "ada")
    call.participants.append(ada)
    ada.session.off("streamCreated")
    await ada.join(publish=False)
    return ada


@pytest.mark.parametrize("what", ["to offer", "the answer"])
@virtual_time
async def test_refusal_fails_publish_and_is_undone_at_the_server(what: str, refusing: type[RefusingPeer]) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob", publish=False), await alone(call)
        ada.publisher = await ada.openvidu.init_publisher("me")
        told = len(bob.events())
        refusing.what, refusing.times = what, 1
        with pytest.raises(BrowserRefusedError, match=f"^The browser refused {what}: nonsense") as refused:
            await ada.session.publish(ada.publisher)
        assert (refused.value.what, refused.value.reason) == (what, "nonsense (OperationError)")
        await asyncio.sleep(0.5)
        announced = ["streamCreated", "streamDestroyed(unpublish)"] if what == "the answer" else []
        assert bob.events()[told:] == announced
        assert not ada.peers.alive
        await ada.session.publish(ada.publisher)
        assert ada.publisher.stream.is_published


@pytest.mark.parametrize("what", ["to offer", "the answer"])
@virtual_time
async def test_refusal_fails_subscribe_and_leaves_nothing(what: str, refusing: type[RefusingPeer]) -> None:
    async with a_call() as call:
        await call.participant("bob")
        ada = await alone(call)
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        assert stream is not None
        refusing.what, refusing.times = what, 1
        with pytest.raises(BrowserRefusedError, match=what):
            await ada.session.subscribe(stream, "others")
        assert not ada.peers.alive
        assert stream.stream_manager is None
        await ada.session.subscribe(stream, "others")


@virtual_time
async def test_refusal_in_a_renegotiation_is_followed_by_another_attempt(
    refusing: type[RefusingPeer], caplog: pytest.LogCaptureFixture
) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        await call.participant("bob")
        told: list[str] = []
        for name in ("streamFrozen", "streamRecovered"):
            ada.session.on(name, lambda event: told.append(event.type))
        refusing.what, refusing.times = "the answer", 2
        ada.link.drop("silent")
        await asyncio.sleep(4)
        ada.link.restore(dead_media=True)
        await until(lambda: told.count("streamRecovered") == 2)
        assert refusing.times == 0
        assert "Traceback" not in caplog.text


@virtual_time
async def test_renegotiation_waits_for_a_browser_that_is_offline_and_is_no_attempt_more() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        await call.participant("bob")
        ada.link.drop("silent")
        await asyncio.sleep(4)
        ada.peers.refuse(refuse=True)
        ada.link.restore(dead_media=True)
        await until(lambda: bool(ada.events("reconnected")))
        await asyncio.sleep(5)  # both are being renegotiated
        made = len(ada.peers.made)
        ada.peers.refuse(refuse=False)
        assert await asyncio.wait_for(ada.session.settled(), 1)
        assert len(ada.peers.made) == made + 2, "one a stream"
        (outage,) = ada.session.outages
        for record in outage.streams.values():
            assert [step.step for step in record.steps].count("renegotiating") == 1
            assert record.outcome == "renegotiated"


@virtual_time
async def test_publishing_that_ends_while_the_browser_is_offline_makes_no_peer_connection() -> None:
    async with a_call() as call:
        ada = await alone(call)
        ada.publisher = await ada.openvidu.init_publisher("me")
        ada.peers.refuse(refuse=True)
        publishing = asyncio.ensure_future(ada.session.publish(ada.publisher))
        await asyncio.sleep(1)
        ada.session.disconnect()
        ada.peers.refuse(refuse=False)
        with pytest.raises(OpenViduError):
            await publishing
        assert ada.peers.made == []
