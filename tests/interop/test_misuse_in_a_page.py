"""Calls of `pyvidu.js` that cannot succeed: how they fail, and that nothing is left of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both

# All others return a promise.
SYNCHRONOUS = {
    "initPublisher with a wrong handler",
    "settings that are none",
    "a policy that is none",
    "a policy with a wrong name",
    "a switch that is a number",
    "a handler that is none",
    "an element that is none",
    "a target that is none",
    "numbers that are none",
    "subscribe to what is no stream",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    page = await Both.open(chromium, await pyvidu_server(), "scenarios_events.js", "scenarios_misuse.js")
    yield page
    assert page.console == []
    await page.page.context.close()


async def test_each_wrong_call_fails_with_a_typed_error_and_leaves_nothing_behind(both: Both) -> None:
    calls = await both.seen("misuse", "own", ["PUBLISHER", "SUBSCRIBER"])
    assert len(calls) > 40
    for name, how, error_class, error, has_message, more in calls:
        assert how == ("thrown" if name in SYNCHRONOUS else "rejected"), name
        assert error_class == "OpenViduError", name
        assert error, name
        assert has_message, name
        assert more == [0, 0, 0], f"{name}: more elements, tracks or peer connections than before"


async def test_unknown_options_are_named_once_and_ignored(both: Both) -> None:
    told: list[str] = []
    both.page.on("console", lambda message: told.append(message.text))
    await both.page.evaluate(
        "async () => { const { OpenVidu } = await import(pyviduAddress);"
        " for (const _ of [1, 2]) await new OpenVidu().getUserMedia({ resolution: '320x240', someOption: 1 }); }"
    )
    assert len([text for text in told if "someOption" in text]) == 1
