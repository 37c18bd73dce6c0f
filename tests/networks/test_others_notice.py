"""The same events on a server that does not tell who is silent (`--profile kurento`), with real packets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import DroppedCall

TOLD = 3.5  # seconds: Chromium checks a path every 2.5 s, and 0.3 s are waited after the answer
NAMES = ("connectionInterrupted", "connectionRestored")
LISTEN = "session.on('connectionInterrupted', tell).on('connectionRestored', tell); None"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    call = await DroppedCall.begin(network_lab, open_browser, partial(pyvidu_server, profile="kurento"), "notice")
    for person in (call.ada, call.bob):
        await person.python(LISTEN)
    await asyncio.sleep(11)  # until the gaps of the beginning are forgotten
    yield call
    network_lab.restore()


async def test_outage_is_noticed_by_the_other_and_its_end_and_not_by_whoever_is_out(call: DroppedCall) -> None:
    began = time.monotonic()
    await call.drop("silent", 6)
    restored = await call.bob.told("connectionRestored", 5)
    interrupted = await call.bob.told("connectionInterrupted")
    print(f"told after {interrupted.at - began:.2f} s, back after {restored.at - call.returned:.2f} s")  # noqa: T201  pytest shows it with -s
    assert interrupted.at - began > 1.5
    await call.ada.told("outageSettled")
    await asyncio.sleep(11)  # until both know the rhythm again
    assert call.bob.events(*NAMES) == list(NAMES)
    assert call.ada.events(*NAMES) == []


async def test_outage_of_a_second_is_not_noticed(call: DroppedCall) -> None:
    await call.drop("silent", 1)
    await asyncio.sleep(5)  # in which a notice would come
    assert call.bob.events(*NAMES) == call.ada.events(*NAMES) == []


async def test_whose_media_alone_is_gone_is_noticed_and_is_there_once_it_does_something(call: DroppedCall) -> None:
    call.clear_events()
    with call.lab.dropped("media-only"):
        await call.bob.told("connectionInterrupted", TOLD + 1)
        await call.ada.python("await session.signal(data='I am here')")
        await call.bob.told("connectionRestored", 1)
    await call.both_move(5)
    await asyncio.sleep(3)  # in which a notice of Bob would come
    assert call.bob.events(*NAMES) == list(NAMES)
    assert call.ada.events(*NAMES) == [], "her own path is gone, which says nothing of Bob"
