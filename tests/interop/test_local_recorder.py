"""`LocalRecorder` of `pyvidu.js` beside openvidu-browser's: states, files, uploads, and what ends a recording."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both
from tests.recorded import recorded


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    scripts = ("scenarios_events.js", "scenarios_members.js", "scenarios_recorder.js")
    page = await Both.open(chromium, await pyvidu_server(), *scripts)
    yield page
    assert page.console == []
    await page.page.context.close()


async def test_both_clients_record_the_same(both: Both) -> None:
    """openvidu-browser's preview without a parent and its upload without an answer are the same, too."""
    await both.compared("recording")


async def test_recording_goes_on_when_a_track_or_the_media_connection_is_replaced(both: Both) -> None:
    """openvidu-browser's `LocalRecorder.record` ends with either, and its state says nothing of it."""
    (states, files), ended = await both.seen("replaced", "own", limit=60)
    assert states == ["RECORDING", "RECORDING"]
    for file in files:
        found = recorded(bytes(file))
        assert found.is_in_order()
        assert found.length > 3
        assert [time for time in found.moved if time > found.length - 1], "the picture moves up to the end"
    assert ended == [True]
