"""Captive portals in whole calls: how often a client tries, and how soon it finds that the portal is gone."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu import ReconnectionPolicy
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from pyvidu.server.signaling.profiles import ProfileFactory
from tests.simulation.simulated_call import Participant, a_call, until
from tests.virtual_time import virtual_time

SPREAD = ReconnectionPolicy().attempts.restart_spread  # of those who receive nothing, whose RTP would return at once


async def behind_a_portal(ada: Participant, seconds: float) -> int:
    """Return how many sockets are opened in so many seconds behind a portal."""
    before = ada.link.opened
    ada.link.drop("portal")
    await asyncio.sleep(seconds)
    return ada.link.opened - before


@virtual_time
async def test_minute_behind_a_portal_costs_at_most_22_attempts() -> None:
    for profile in (None, KurentoProfile):
        async with a_call(profile) as call:
            ada = await call.participant("ada")
            assert 12 <= await behind_a_portal(ada, 60) <= 22
            assert ada.events("reconnecting", "reconnected") == ["reconnecting"]


@virtual_time
async def test_end_of_a_portal_is_found_by_the_next_probe_and_may_be_the_start_of_a_server() -> None:
    for seconds in (1.0, 3.3, 5.6, 7.9, 10.2):
        async with a_call() as call:
            ada = await call.participant("ada")
            await behind_a_portal(ada, seconds)
            ada.link.restore("portal")
            assert await until(lambda ada=ada: bool(ada.events("reconnected"))) < 0.4 + SPREAD


@pytest.mark.parametrize("profile", [None, KurentoProfile])
@pytest.mark.parametrize("event", ["network_online", "network_changed"])
@virtual_time
async def test_event_of_the_browser_at_the_end_of_a_portal_begins_an_attempt_at_once(
    profile: ProfileFactory | None, event: str
) -> None:
    async with a_call(profile) as call:
        ada = await call.participant("ada")
        await behind_a_portal(ada, 8)
        ada.link.restore("portal")
        for listener in list(ada.link.listeners):
            getattr(listener, event)()
        assert await until(lambda: bool(ada.events("reconnected"))) < 0.1


@virtual_time
async def test_portal_whose_answers_cannot_be_told_from_the_servers_is_left_behind_within_the_longest_delay() -> None:
    async with a_call(KurentoProfile) as call:
        ada = await call.participant("ada")
        await behind_a_portal(ada, 7)
        ada.link.restore("portal")
        assert await until(lambda: bool(ada.events("reconnected"))) < 5.1


@virtual_time
async def test_probe_that_fails_between_a_portal_and_the_server_makes_the_next_answer_a_hint() -> None:
    async with a_call(KurentoProfile) as call:
        ada = await call.participant("ada")
        await behind_a_portal(ada, 7)
        ada.link.refused = True
        ada.link.restore("portal")
        await asyncio.sleep(0.5)
        ada.link.refused = False
        assert await until(lambda: bool(ada.events("reconnected"))) < 0.4 + SPREAD
