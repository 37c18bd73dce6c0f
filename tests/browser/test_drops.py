"""The three scenarios with real packets: two real Chromiums, one of them in a network whose packets are dropped.

One call is kept and dropped again and again, from the shortest drop to one that evicts. Checked on both sides: the
events in the pages, presented frames, and the server's own log of messages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyvidu.testing import LabFault, NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import COMING_AND_GOING, OUTAGE, DroppedCall
from tests.browser.scenarios import (
    back_after_4_s_nothing_is_renegotiated,
    back_after_9_s_dead_media_is_renegotiated_once_a_stream,
    back_after_14_s_the_session_is_over,
)

MANY = 100  # frames: more than are decoded from the return on until the outage has settled
DECODED = """
watched = next(manager.stream for manager in session.stream_managers if manager.remote)
reports = (await watched.get_rtc_peer_connection().getStats()).values()
next(report.framesDecoded for report in reports if report.type == "inbound-rtp" and report.kind == "video")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    yield await DroppedCall.begin(network_lab, open_browser, pyvidu_server, "drops")
    network_lab.restore()


@pytest.mark.parametrize("kind", ["silent", "link"])
async def test_scenario_1_back_after_4_s_nothing_is_renegotiated(call: DroppedCall, kind: LabFault) -> None:
    await back_after_4_s_nothing_is_renegotiated(call, kind)


@pytest.mark.parametrize("kind", ["silent", "link"])
async def test_scenario_3_back_after_9_s_working_media_is_not_renegotiated(call: DroppedCall, kind: str) -> None:
    while (decoded := await call.ada.python(DECODED)) < MANY:  # receivers may have been made anew by the test before
        await call.ada.moves()
    before = await call.ada.picture()
    await call.drop(kind, 9)
    await call.ada.told("reconnected", 3)
    await call.move_within(3)
    await call.ada.told("outageSettled")
    # After a link drop receivers are made anew: packets queued for the link would be played in full, with all media late.
    # After a silent drop nothing is queued.
    assert (await call.ada.python(DECODED) < decoded) == (kind == "link"), "receivers are made anew, or not"
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.renegotiated() == []
    assert await call.ada.picture() == before
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []


async def test_scenario_3_back_after_9_s_dead_media_is_renegotiated_once_a_stream(call: DroppedCall) -> None:
    await call.ada.python("await publisher.publish_audio(False)")
    await back_after_9_s_dead_media_is_renegotiated_once_a_stream(call, within=3)
    await call.ada.python("await publisher.publish_audio(True)")


async def test_scenario_3_with_another_address_after_9_s_every_stream_is_renegotiated(call: DroppedCall) -> None:
    before = await call.ada.picture()
    await call.drop("handover", 9)
    await call.ada.told("reconnected", 3)
    await call.move_within(5)
    after = await call.ada.picture()
    assert {**after, "tracks": None} == {**before, "tracks": None}
    assert set(call.renegotiated()) == set(before["streams"])
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []


async def test_the_force_option_renegotiates_every_stream_after_a_4_s_drop(call: DroppedCall) -> None:
    await call.ada.python("openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=True)")
    await call.ada.python("await publisher.publish_video(False)")
    before = await call.ada.picture()
    await call.drop("silent", 4)
    await call.ada.told("reconnected", 3)
    await call.move_within(4)
    await call.ada.python("await publisher.publish_video(True)")
    await call.bob.told("streamPropertyChanged", count=1)
    after = await call.ada.picture()
    assert sorted(call.renegotiated()) == sorted(before["streams"])
    assert after["streams"] == before["streams"]
    assert after["elements"] == before["elements"]
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []
    await call.ada.python("openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=False)")


async def test_scenario_2_back_after_14_s_the_session_is_over_and_the_others_were_notified(call: DroppedCall) -> None:
    await back_after_14_s_the_session_is_over(call)
