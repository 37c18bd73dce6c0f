"""The entry point: what `init_publisher` asks of the devices, and what it leaves when it fails."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pyvidu import OpenVidu, Session
from pyvidu.errors import BrowserNotSupportedError, DeviceError, PropertiesError
from pyvidu.reconnection.outage import Outage
from tests.simulation.simulated_host import FakeTrack
from tests.unit.page import Page
from tests.virtual_time import virtual_time

TRACK = FakeTrack("video")
SIZE = {"width": {"ideal": 640}, "height": {"ideal": 480}}


def test_without_a_browser_and_without_a_host_it_says_where_the_client_runs() -> None:
    with pytest.raises(BrowserNotSupportedError, match="runs in a web page"):
        OpenVidu()


@pytest.mark.parametrize(
    ("properties", "asked"),
    [
        ({}, ({"source": None}, {"source": None, **SIZE})),
        (
            {"resolution": "1280x720", "frame_rate": 15},
            (
                {"source": None},
                {
                    "source": None,
                    "width": {"ideal": 1280},
                    "height": {"ideal": 720},
                    "frameRate": {"ideal": 15},
                },
            ),
        ),
        ({"audio_source": "mic", "video_source": TRACK}, ({"source": "mic"}, {"source": TRACK, **SIZE})),
        ({"audio_source": False}, (False, {"source": None, **SIZE})),
        ({"video_source": False}, ({"source": None}, False)),
        ({"video_source": "screen", "audio_source": False}, ("display", False)),
        ({"video_source": "screen"}, ("display", None)),
    ],
)
@virtual_time
async def test_sources_become_constraints_of_the_devices(properties: dict[str, Any], asked: tuple[Any, ...]) -> None:
    page = Page()
    openvidu = OpenVidu(page.host)
    publisher = await openvidu.init_publisher(**properties)
    stream = await openvidu.get_user_media(**properties)
    assert page.devices.asked == [asked, asked]
    assert (publisher.media_stream, stream) == tuple(media.stream for media in page.devices.opened)
    assert publisher.videos == [], "without a target it is shown nowhere"


@pytest.mark.parametrize(
    ("properties", "error", "name"),
    [
        ({"audio_source": False, "video_source": False}, DeviceError, "NO_INPUT_SOURCE_SET"),
        ({"resolution": "wide"}, PropertiesError, "PUBLISHER_PROPERTIES_ERROR"),
        ({"audioSource": None}, PropertiesError, "PUBLISHER_PROPERTIES_ERROR"),
    ],
)
@virtual_time
async def test_impossible_properties_raise_before_a_device_is_opened(
    properties: dict[str, Any], error: type[DeviceError], name: str
) -> None:
    page = Page()
    with pytest.raises(error) as raised:
        await OpenVidu(page.host).init_publisher(None, **properties)
    assert raised.value.name == name
    assert page.devices.asked == []


@virtual_time
async def test_publisher_is_shown_at_its_target_in_its_insert_mode() -> None:
    page = Page()
    publisher = await OpenVidu(page.host).init_publisher("me", insert_mode="REPLACE")
    (asked,) = page.elements.asked
    assert (asked["target"], asked["insert_mode"]) == ("me", "REPLACE")
    assert page.elements.made[0].shown == [publisher.media_stream]
    assert (publisher.session, publisher.media) == (None, None)


@virtual_time
async def test_target_that_does_not_exist_turns_the_camera_off_again() -> None:
    page = Page()
    with pytest.raises(PropertiesError, match="nowhere"):
        await OpenVidu(page.host).init_publisher("nowhere")
    assert [media.stopped for media in page.devices.opened] == [True]


@virtual_time
async def test_configuration_is_added_to_what_was_set_before_and_a_wrong_one_changes_nothing() -> None:
    openvidu = OpenVidu(Page().host)
    openvidu.set_advanced_configuration({"iceServers": []})
    openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=True)
    before = openvidu.advanced_configuration
    with pytest.raises(PropertiesError):
        openvidu.set_advanced_configuration(nonsense=1)
    assert openvidu.advanced_configuration is before
    assert (before.ice_servers, before.force_media_reconnection_after_network_drop) == ([], True)


def test_tests_that_watch_a_page_read_each_sessions_outages_and_keep_none_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: list[Callable[[], str]] = []
    host: Any = SimpleNamespace(offer_outages=offered.append)
    openvidu = OpenVidu(host)
    session, _other = openvidu.init_session(), openvidu.init_session()
    (read, read_other) = offered
    outage = Outage(began_at=0.0, witness="rtp silent")
    of_session = {id(session): [outage]}
    monkeypatch.setattr(Session, "outages", property(lambda session: of_session.get(id(session), [])))
    assert json.loads(read()) == [outage.to_dict()]
    assert json.loads(read_other()) == []
    del session
    gc.collect()
    assert json.loads(read()) == []


@virtual_time
async def test_browser_support_is_what_the_host_says() -> None:
    async def some() -> dict[str, bool]:
        return {"keyFrame": False}

    assert await OpenVidu(replace(Page().host, browser_support=some)).browser_support() == {"keyFrame": False}
