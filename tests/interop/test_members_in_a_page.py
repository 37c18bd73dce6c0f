"""`pyvidu.js` beside openvidu-browser in one page: what is left of the members, and where they differ on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both

MODERATED = ("PUBLISHER", "MODERATOR")
_ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0"
ANDROID = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_ENGINE} Mobile Safari/537.36"
ELECTRON = f"Mozilla/5.0 (X11; Linux x86_64) {_ENGINE} Electron/37.2.0 Safari/537.36"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, server: RunningServer) -> AsyncIterator[Both]:
    page = await Both.open(chromium, server, "scenarios_events.js", "scenarios_members.js")
    yield page
    assert page.console == []
    await page.page.context.close()


SAME = (
    "details", "notAllowed", "patched", "hidden", "reconnect", "speaking", "screenResized", "subscribeToRemote",
)  # fmt: skip


@pytest.mark.parametrize("scenario", SAME)
async def test_both_clients_do_the_same(both: Both, scenario: str) -> None:
    await both.compared(scenario)


async def test_own_stream_through_the_server_is_kept_over_a_renegotiation(both: Both) -> None:
    """openvidu-browser stops the camera then."""
    shown, again, directions = await both.seen("remoteReconnected", "own")
    assert shown == again == [True, 320]
    assert directions == [["sendonly", "sendonly"]]


async def test_loudness_is_measured_no_longer_once_nobody_has_a_handler_for_it(both: Both) -> None:
    """openvidu-browser goes on measuring."""
    *heard, without_stop, again, without_start = await both.seen("unheard", "own")
    assert heard == [[True]] * 7
    assert (without_stop, again, without_start) == ([False], [True], [False])


async def test_exceptions_have_the_names_and_fields_of_openvidu_browser(both: Both) -> None:
    """openvidu-browser tells of `disconnected` at once; here `iceConnectionDisconnectedExceptionTimeout` has to pass."""
    told = [*await both.compared("notPlaying"), *await both.compared("iceStates")]
    names = {"NO_STREAM_PLAYING_EVENT", "ICE_CONNECTION_DISCONNECTED", "ICE_CONNECTION_FAILED"}
    assert {item for fields in told for item in fields if item in names} == names


async def test_virtual_background_is_refused_for_the_same_reasons(both: Both) -> None:
    trace = await both.compared("virtualBackground")
    assert trace == [["VIRTUAL_BACKGROUND_ERROR"]] * 5


async def test_leaving_and_being_made_to_leave_fire_the_same_events(both: Both) -> None:
    await both.compared("leaving", MODERATED)


async def test_both_clients_report_the_size_of_the_video_for_quality_levels(both: Both) -> None:
    ((*_, report),) = await both.compared("videoData", at_once=True)
    assert report == {"height": 120, "width": 160, "videoActive": True, "audioActive": False}


async def test_rotated_device_is_told_to_the_others(chromium: Browser, server: RunningServer) -> None:
    scripts = ("scenarios_events.js", "scenarios_members.js")
    page = await Both.open(chromium, server, *scripts, user_agent=ANDROID)
    await page.compared("deviceRotated")
    await page.page.context.close()


async def test_screen_of_electron_is_named_by_its_id(chromium: Browser, server: RunningServer) -> None:
    scripts = ("scenarios_events.js", "scenarios_members.js")
    page = await Both.open(chromium, server, *scripts, user_agent=ELECTRON)
    await page.compared("electron")
    await page.page.context.close()


async def test_tracks_that_the_application_supplied_are_not_stopped(both: Both) -> None:
    """openvidu-browser stops them, and then publishes what has ended (OpenVidu/openvidu issue 107)."""
    assert await both.seen("supplied", "own") == [
        ["replaced", "live", "CUSTOM"],
        ["one of getUserMedia", "live", "ended"],
        ["unpublished", "live"],
        ["published again", "live"],
        ["released", "ended"],
    ]


async def test_what_a_subscriber_has_turned_off_stays_off(both: Both) -> None:
    """In openvidu-browser the video comes back with its publisher's, while `audioActive` is true for what is silent."""
    official = await both.seen("wanted", "official")
    own = await both.seen("wanted", "own")
    off = [False, False, "audio false", "video false"]
    assert own[:2] == official[:2] == [[True, [False, True, "audio false", "video true"]], [True, off]]
    assert [state for *_, state in own[2:4]] == [off, off]
    assert official[3] == ["its publisher says", True, [False, True, "audio false", "video true"]]
    assert own[4] == official[4] == [[True, True, "audio true", "video true"]]
