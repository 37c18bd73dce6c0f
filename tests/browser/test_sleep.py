"""A machine that slept and then loses its network: all processes of its browser are stopped and continued later."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest_asyncio

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import LabCall


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[LabCall]:
    yield await LabCall.begin(network_lab, open_browser, pyvidu_server, "sleep")
    network_lab.restore()


@contextmanager
def asleep(lab: NetworkLab) -> Iterator[None]:
    """Stop all processes in the lab for the length of the block."""
    processes = lab.processes()
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


# `reconnecting` and first new frame: before the fixes 3.0 s and 2.3 to 2.6 s (3 of 3 runs), since 0.6 and 0.15 s (20 of 20).
async def test_drop_5_s_after_a_sleep_of_6_s_is_detected_within_1_s(call: LabCall) -> None:
    await asyncio.sleep(3)  # the engine learns the cadence of each stream
    with asleep(call.lab):
        await asyncio.sleep(6)  # the length of the sleep
    await asyncio.sleep(5)  # between the sleep and the drop
    await call.both_move()
    call.clear_events()
    with call.lab.dropped("silent"):
        dropped = time.monotonic()
        await asyncio.sleep(9)  # the length of the drop
    seen_after = await call.ada.moves(more=1)
    told = await call.ada.told("reconnecting")
    outages = await call.ada.call("outages")
    assert told.at - dropped <= 1.0, outages
    assert seen_after <= 0.3, outages
    await call.ada.told("reconnected")
