"""mediasoup's negotiation: the server offers what is received. The room is real; a test double translates its messages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.simulation import simulated_host
from tests.simulation.simulated_call import a_call, until
from tests.simulation.simulated_network import SimulatedSocket
from tests.virtual_time import virtual_time

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")


class MediasoupSocket(SimulatedSocket):
    """Imitates a server with mediasoup, as `protocol/` describes it, in front of rooms that negotiate as kurento does."""

    asked: list[tuple[str, dict[str, Any]]]

    def push(self, text: str) -> None:
        message = json.loads(text)
        if "mediaServer" in (result := message.get("result") or {}):
            result["mediaServer"] = "mediasoup"
        if "sdpAnswer" in result and message["id"] in self.__dict__.setdefault("answered", set()):
            message["result"] = {}
        super().push(json.dumps(message))

    def _receive_at_server(self, text: str) -> None:
        message = json.loads(text)
        method, params = message["method"], message["params"]
        if method in ("prepareReceiveVideoFrom", "receiveVideoFrom", "reconnectStream"):
            self.asked.append((method, {key: _without_number(value) for key, value in params.items()}))
        if method == "prepareReceiveVideoFrom":
            self.push(json.dumps({"id": message["id"], "result": {"sdpOffer": f"offer of {params['sender']}"}}))
            return
        answer = params.get("sdpAnswer") or params.get("sdpString") or ""
        if answer.startswith("an answer"):
            self.__dict__.setdefault("answered", set()).add(message["id"])
            for name in ("sdpAnswer", "sdpString"):
                params.pop(name, None)
            params["sdpOffer"] = answer
        super()._receive_at_server(json.dumps(message))


def _without_number(value: Any) -> Any:
    """Return a simulated description without the number of its peer connection at the end."""
    return value.partition(" #")[0] if isinstance(value, str) else value


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Return the requests that the server got from all clients."""
    monkeypatch.setattr(simulated_host, "SimulatedSocket", MediasoupSocket)
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(MediasoupSocket, "asked", found, raising=False)
    return found


@virtual_time
async def test_subscription_requests_the_servers_offer_and_sends_an_answer(
    asked: list[tuple[str, dict[str, Any]]],
) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob", publish=False)
        assert ada.publisher is not None
        stream = ada.publisher.stream.stream_id
        assert asked == [
            ("prepareReceiveVideoFrom", {"sender": stream, "reconnect": False}),
            ("receiveVideoFrom", {"sender": stream, "sdpAnswer": f"an answer to offer of {stream}"}),
        ]
        assert bob.session.stream_managers[0].stream.get_rtc_peer_connection().ice_connection_state == "connected"


@virtual_time
async def test_frozen_subscription_is_renegotiated_by_an_offer_of_the_server_and_a_publisher_by_one_of_the_client(
    asked: list[tuple[str, dict[str, Any]]],
) -> None:
    async with a_call() as call:
        ada, _bob = await call.participant("ada"), await call.participant("bob")
        own, other = [manager.stream.stream_id for manager in ada.session.stream_managers]
        asked.clear()
        ada.link.drop("silent")
        await asyncio.sleep(9)
        ada.link.restore(dead_media=True)
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(10)
        assert ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
        assert sorted(asked, key=lambda item: item[0]) == [
            ("prepareReceiveVideoFrom", {"sender": other, "reconnect": True}),
            *sorted(
                [
                    ("reconnectStream", {"stream": own, "sdpString": "an offer"}),
                    (
                        "reconnectStream",
                        {"stream": other, "sdpString": f"an answer to offer of {other}", "forciblyReconnect": False},
                    ),
                ],
                key=lambda item: asked.index(item),
            ),
        ]
        assert {record.outcome for record in ada.session.outages[-1].streams.values()} == {"renegotiated"}


@virtual_time
async def test_server_can_force_a_new_peer_connection_and_the_last_offer_is_answered(
    asked: list[tuple[str, dict[str, Any]]],
) -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob", publish=False)
        assert ada.publisher is not None
        stream, owner = ada.publisher.stream, ada.session.connection
        assert owner is not None
        element = bob.session.stream_managers[0].videos[0]
        asked.clear()
        (socket,) = bob.link.sockets
        for offer in ("a first offer", "a second offer"):
            told = {"connectionId": owner.connection_id, "streamId": stream.stream_id, "sdpOffer": offer}
            socket.push(json.dumps({"method": "forciblyReconnectSubscriber", "params": told}))
        await asyncio.sleep(1)
        assert asked[-1] == (
            "reconnectStream",
            {"stream": stream.stream_id, "sdpString": "an answer to a second offer", "forciblyReconnect": True},
        )
        assert bob.session.stream_managers[0].videos == [element]
        assert len(bob.peers.alive) == 1
