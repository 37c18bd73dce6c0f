"""`pyvidu.js` beside openvidu-browser in one page, in calls without drops on one server: both see the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both

DEVICE_ERRORS = {
    "DEVICE_ACCESS_DENIED", "DEVICE_ALREADY_IN_USE", "SCREEN_CAPTURE_DENIED", "INPUT_VIDEO_DEVICE_NOT_FOUND",
    "INPUT_AUDIO_DEVICE_NOT_FOUND", "INPUT_AUDIO_DEVICE_GENERIC_ERROR", "NO_INPUT_SOURCE_SET",
    "PUBLISHER_PROPERTIES_ERROR", "GENERIC_ERROR",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Both]:
    server = await pyvidu_server()
    page = await Both.open(chromium, server, "scenarios_returned.js", "scenarios_events.js", "scenarios_devices.js")
    yield page
    assert page.console == []
    await page.page.context.close()


async def test_publish_has_set_session_and_connection_when_it_returns(both: Both) -> None:
    await both.compared("publishing")


async def test_streams_of_all_others_are_known_when_connection_created_is_fired(both: Both) -> None:
    trace = await both.compared("joiningLater")
    assert [name for name, *_ in trace if name.endswith("Created")] == [
        "connectionCreated",
        "connectionCreated",
        "streamCreated",
    ]


async def test_failed_publish_leaves_session_and_connection_as_they_were(both: Both) -> None:
    trace = await both.seen("refused", "own", ["SUBSCRIBER"])
    ((error, state),) = trace
    assert error == "OPENVIDU_PERMISSION_DENIED"
    assert not any(state.values())


async def test_tracks_managers_and_elements_are_set_when_a_call_returns(both: Both) -> None:
    await both.compared("afterwards")


@pytest.mark.parametrize("scenario", ["muting", "signals", "allowed", "denied", "dialog", "playing", "notConnected"])
async def test_both_clients_fire_the_same_events_in_the_same_order(both: Both, scenario: str) -> None:
    await both.compared(scenario)


@pytest.mark.parametrize("scenario", ["freeing", "again", "screens", "releasedBefore"])
async def test_both_clients_open_and_release_the_same_devices(both: Both, scenario: str) -> None:
    await both.compared(scenario)


async def test_window_is_a_video_source(both: Both) -> None:
    """In openvidu-browser it is one of `getUserMedia` only, and `initPublisher` opens the camera."""
    assert await both.seen("window", "official") == [["CAMERA"]]
    assert await both.seen("window", "own") == [["getDisplayMedia"], ["SCREEN"]]


async def test_element_that_showed_a_mirrored_publisher_is_reset_for_a_subscriber(both: Both) -> None:
    await both.compared("mirrored")


async def test_both_clients_give_errors_about_devices_the_same_names(both: Both) -> None:
    trace = await both.compared("errorNames")
    assert {item for told in trace for item in told if isinstance(item, str) and item in DEVICE_ERRORS} == DEVICE_ERRORS


async def test_browser_without_screen_sharing_is_told_apart(both: Both) -> None:
    """openvidu-browser looks for an extension there."""
    assert await both.seen("noScreens", "own") == [["SCREEN_SHARING_NOT_SUPPORTED"]]
