"""Real drops: each of two people is in a network of their own, and the tests drop one. Needs Linux and root."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from conftest import Person, StartApp

from pyvidu.testing import NetworkLab, wait_for_outage
from pyvidu.testing.fixtures import OpenBrowser, StartServer


@pytest.fixture(scope="module")
def office(network_lab: NetworkLab) -> Iterator[NetworkLab]:
    """Bob's network. (On this machine's own, Chromium would notice whatever other tests do to it.)"""
    with NetworkLab() as lab:
        yield lab


async def test_call_goes_on_after_a_silent_drop(
    network_lab: NetworkLab,
    office: NetworkLab,
    open_browser: OpenBrowser,
    pyvidu_server: StartServer,
    start_app: StartApp,
) -> None:
    app = await start_app(await pyvidu_server(lab=network_lab))
    ada = await Person.join(await open_browser(lab=network_lab, secure_origins=app), app, "Ada")
    bob = await Person.join(await open_browser(lab=office, secure_origins=app), app, "Bob")
    await asyncio.gather(ada.sees_the_others_move(), bob.sees_the_others_move())

    with network_lab.dropped("silent"):  # packets vanish in both directions, nothing is closed
        await ada.reads("Reconnecting")
    await ada.reads("You are back")

    await asyncio.gather(ada.sees_the_others_move(), bob.sees_the_others_move())
    await bob.sees_people("Ada", "Bob")
    outage = await wait_for_outage(ada.page)
    assert outage["end"] == "reconnected"
    assert network_lab.departures() == [], "the page talks to the application and to OpenVidu, to nobody else"
