"""What pages are told of the quality of a network that loses packets, with real ones."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, LabCall
from tests.waiting import until

LISTEN = """
told = []

@session.on("networkQualityLevelChanged")
def _(event):
    told.append([event.connection.connection_id, event.old_value, event.new_value, event.reason, event.direction])
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[LabCall]:
    call = await LabCall.begin(network_lab, open_browser, pyvidu_server, "quality")
    for person in (call.ada, call.bob):
        await person.python(LISTEN)
    yield call
    network_lab.restore()


async def told(page: CallPage) -> list[Any]:
    return list(json.loads(await page.python("import json; json.dumps(told)")))


async def test_losses_are_told_to_both_within_8_s_with_the_way_and_their_end_later(call: LabCall) -> None:
    await asyncio.sleep(5)  # in which a good network would be told otherwise
    assert await told(call.ada) == await told(call.bob) == []
    began = time.monotonic()
    call.lab.random_loss(25)

    async def is_told() -> bool:
        return bool(await told(call.ada)) and bool(await told(call.bob))

    await until(is_told, 8, every=0.1)
    print(f"told after {time.monotonic() - began:.1f} s: {await told(call.bob)}")  # noqa: T201  pytest shows it with -s
    for page in (call.ada, call.bob):
        who, old, new, reason, direction = (await told(page))[0]
        assert (who, old, reason) == (call.ada.connection_id, 5, "loss")
        assert new <= 4
        assert direction in ("uplink", "downlink")
    call.lab.restore()

    async def is_over() -> bool:
        return bool(((await told(call.bob))[-1])[2] == 5)

    try:
        await until(is_over, 30, every=0.5)
    finally:
        print(f"{time.monotonic() - began:.1f} s: {await told(call.bob)}")  # noqa: T201  pytest shows it with -s
    assert {who for who, *_ in await told(call.bob)} == {call.ada.connection_id}, "Bob's own network is good"
