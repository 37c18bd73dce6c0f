"""A recording across a silent drop of 9 s, after which media is renegotiated, is one file that can be played to its end."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import pytest

from pyvidu.testing import BrowserName, NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import OUTAGE, DroppedCall
from tests.recorded import Recorded, recorded

RECORD = """
recorders = [openvidu.init_local_recorder(manager.stream) for manager in session.stream_managers]
for recorder in recorders:
    await recorder.record()
len(recorders)
"""
STOP = """
import base64
files = {}
for recorder in recorders:
    await recorder.stop()
    content = (await recorder.get_blob().arrayBuffer()).to_bytes()
    files["other" if recorder.stream.stream_manager.remote else "own"] = base64.b64encode(content).decode()
    recorder.clean()
json.dumps(files)
"""


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_recording_across_a_silent_drop_of_9_s_is_one_file(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer, browser: BrowserName
) -> None:
    pair: tuple[BrowserName, BrowserName] = (browser, "chromium")
    call = await DroppedCall.begin(network_lab, open_browser, pyvidu_server, f"recorded-{browser}", browsers=pair)
    assert await call.ada.python(RECORD) == 2
    await call.both_move()
    await call.drop("silent", 9, dead_media=True)
    await call.ada.told("outageSettled", 30)
    await call.both_move(20)
    files = {name: recorded(base64.b64decode(text)) for name, text in json.loads(await call.ada.python(STOP)).items()}
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert len(call.renegotiated()) == 2
    network_lab.restore()
    for name, found in files.items():
        assert found.is_in_order(), name
        assert found.length > 9, name
        assert max(after - before for before, after in pairwise(found.audio)) < 0.5, f"{name}: the sound has no hole"
    assert frames_in_the_drop(files["own"]) > 30, "the camera was there all the time"
    assert frames_in_the_drop(files["other"]) <= 15, "the last picture, once a second"
    assert files["other"].moved[-1] > files["other"].length - 2, "then it moves again"


def frames_in_the_drop(found: Recorded) -> int:
    return len([time for time in found.video if 2 < time < 8])
