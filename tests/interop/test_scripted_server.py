"""`pyvidu.js` beside openvidu-browser in one page, on a server that says what the embedded one never says (OpenVidu Pro)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.interop.both_in_a_page import Both
from tests.interop.scripted_server import ScriptedServer, scripted_server

OTHER = {
    "id": "con_other",
    "createdAt": 5,
    "metadata": "other",
    "streams": [
        {
            "id": "str_CAM_x_con_other",
            "createdAt": 1,
            "hasAudio": True,
            "hasVideo": True,
            "audioActive": True,
            "videoActive": True,
            "typeOfVideo": "IPCAM",
            "frameRate": 20,
            "videoDimensions": '{"width":640,"height":480}',
        }
    ],
}
MEDIASOUP = {"mediaServer": "mediasoup"}
JOINED = {
    "pushed": [{"value": [OTHER], "recordingId": "rec", "recordingName": "a name", "record": True}],
    "speechToText": [{"value": [OTHER]}],
    "signalTo": [{"value": [OTHER]}],
    "candidateRefused": [{"value": [OTHER]}],
    "filterEvents": [{"value": [OTHER]}],
    "simulcast": [MEDIASOUP, MEDIASOUP, {**MEDIASOUP, "videoSimulcast": True}, {**MEDIASOUP, "videoSimulcast": True}],
    "iceServers": [{}] * 6,
}
SEEN = {
    "pushed": ("SPEECH_TO_TEXT_DISCONNECTED", "recognizing", "recognized"),
    "candidateRefused": ("ICE_CANDIDATE_ERROR",),
    "filterEvents": ("CodeFound", "FilterEvent"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripted() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(chromium: Browser, pyvidu_server: StartServer, scripted: ScriptedServer) -> AsyncIterator[Both]:
    page = await Both.open(chromium, await pyvidu_server(), "scenarios_events.js", "scenarios_scripted.js")
    yield page
    assert page.console == []
    await page.page.context.close()


@pytest.mark.parametrize("scenario", JOINED)
async def test_both_clients_see_and_send_the_same(both: Both, scripted: ScriptedServer, scenario: str) -> None:
    trace = await both.compared(
        scenario, tokens=lambda name: [scripted.token(name, **joined) for joined in JOINED[scenario]]
    )
    assert trace
    assert [text for text in SEEN.get(scenario, ()) if f'"{text}"' not in json.dumps(trace)] == []
