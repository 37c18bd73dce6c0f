"""Calls whose media may go by a TURN server, and which way it goes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.browser.calls import CallPage, LabCall
from tests.networks.coturn import Coturn
from tests.networks.selected import selected

RELAY_ONLY = {"iceTransportPolicy": "relay"}


@dataclass
class RelayedCall(LabCall):
    """A call through coturn."""

    turn: Coturn


async def ways(page: CallPage) -> list[list[str | None]]:
    """Return candidate type, protocol and TURN URL of each connection's selected pair."""
    return [[local.get(key) for key in ("candidateType", "relayProtocol", "url")] for local, _ in await selected(page)]
