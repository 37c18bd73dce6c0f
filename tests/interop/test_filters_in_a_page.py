"""Filters of `pyvidu.js` beside openvidu-browser's: what is returned, told to whom, and refused; and filters of the page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both

MODERATED = ("PUBLISHER", "MODERATOR")
SCRIPTS = ("scenarios_events.js", "scenarios_members.js", "scenarios_filters.js")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    page = await Both.open(chromium, await pyvidu_server(), *SCRIPTS)
    yield page
    assert page.console == []
    await page.page.context.close()


@pytest.mark.parametrize("scenario", ["filters", "filterOfPublisher"])
async def test_both_clients_apply_use_and_remove_filters_alike(both: Both, scenario: str) -> None:
    """Everybody's events, who joins later, rights, and the errors of what is not allowed or makes no sense."""
    await both.compared(scenario, MODERATED)


async def test_reasons_and_parameters_are_the_same_for_everybody(both: Both) -> None:
    """In openvidu-browser who removes a filter is told `applyFilter`, and who calls a method has a text."""
    params, told = await both.seen("reasons", "own", MODERATED)
    assert params == [{"propertyName": "saturation", "propertyValue": "1.0"}]
    reasons = ["applyFilter", "execFilterMethod", "removeFilter"]
    assert told == [[name, *reasons] for name in ("session", "publisher", "other", "subscriber")]


async def test_filter_of_the_page_changes_what_the_others_see_until_it_is_removed(both: Both) -> None:
    trace = await both.seen("filterOfThePage", "own", MODERATED, limit=120)
    red = ["red", {"colour": "rgb(255, 0, 0)"}]
    for name in ("painted", "processed"):
        assert trace[:2] == [[name, red, True, "live"], [True, "live", ["ended", "ended"], True]]
        del trace[:2]
    assert trace == [
        ["moderator", ["red", {"colour": "rgb(0, 0, 255)"}]],
        [["ended", "ended"], "ended", "ended", True],
        [None],
    ]


async def test_filter_of_the_page_that_fails_or_is_refused_leaves_the_camera_sent_and_nothing_running(
    both: Both,
) -> None:
    denied = "OPENVIDU_PERMISSION_DENIED"
    assert await both.seen("filterOfThePageFails", "own", MODERATED) == [
        ["GENERIC_ERROR", True, True, ["ended"], None],
        ["GENERIC_ERROR", True, ["ended", "ended"]],
        [denied, 2, True],
        [["hidden", {"level": 3}], None, False, "GENERIC_ERROR"],
        ["GENERIC_ERROR"],
        [True, ["ended"] * 3, [["session", 2], ["publisher", 2], ["other", 4], ["subscriber", 4]]],
        *[["PUBLISHER_PROPERTIES_ERROR"]] * 4,
    ]
