"""What a page makes of media, over drops after which that is renegotiated: recordings, and filters that Python registers.

`firefox/test_scenarios.py` runs the same tests in Firefox.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest_asyncio
from playwright.async_api import Error as PlaywrightError

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage
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

PAINTED = """() => {
  window.running = { frames: 0, ended: 0 };
  window.painted = (track, colour) => {
    const [video, canvas] = [document.createElement('video'), document.createElement('canvas')];
    Object.assign(canvas, { width: 320, height: 240 });
    const paint = canvas.getContext('2d');
    const made = canvas.captureStream().getVideoTracks()[0];
    const draw = () => {
      running.frames += 1;
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 320, 240);
      paint.drawImage(video, 0, 0, 8, 8);
      if (track.readyState === 'live') video.requestVideoFrameCallback(draw);
    };
    Object.assign(video, { muted: true, playsInline: true, srcObject: new MediaStream([track]) });
    video.requestVideoFrameCallback(draw);
    video.play();
    for (const one of [track, made]) one.onended = () => { running.ended += 1; };
    return made;
  };
}"""
APPLY = """
def red(track, colour):
    return js.painted(track, colour)

openvidu.register_filter("red", red, announce=False)
await publisher.stream.apply_filter("red", {"colour": "rgb(255, 0, 0)"})
publisher.stream.filter.type
"""
SHOWS_RED = """(red) => {
  const paint = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true });
  paint.drawImage(document.querySelector('#others video'), 0, 0, 8, 8);
  const [r, g, b] = paint.getImageData(5, 5, 1, 1).data;
  return (r > 180 && g < 90 && b < 90) === red;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    yield await DroppedCall.begin(network_lab, open_browser, pyvidu_server, "own-media")
    network_lab.restore()


async def test_recording_across_a_silent_drop_of_9_s_is_one_file(call: DroppedCall) -> None:
    assert await call.ada.python(RECORD) == 2
    await call.both_move()
    await call.drop("silent", 9, dead_media=True)
    await call.ada.told("outageSettled", 30)
    await call.both_move(20)
    files = {name: recorded(base64.b64decode(text)) for name, text in json.loads(await call.ada.python(STOP)).items()}
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert len(call.renegotiated()) == 2
    for name, found in files.items():
        assert found.is_in_order(), name
        assert found.length > 9, name
        assert max(after - before for before, after in pairwise(found.audio)) < 0.5, f"{name}: the sound has no hole"
    assert frames_in_the_drop(files["own"]) > 30, "the camera was there all the time"
    assert frames_in_the_drop(files["other"]) <= 15, "the last picture, once a second"
    assert files["other"].moved[-1] > files["other"].length - 2, "then it moves again"


def frames_in_the_drop(found: Recorded) -> int:
    return len([time for time in found.video if 2 < time < 8])


async def test_filter_of_the_page_is_seen_by_the_others_over_an_outage_until_it_is_removed(call: DroppedCall) -> None:
    await call.ada.page.evaluate(PAINTED)
    assert await call.ada.python(APPLY) == "red"
    await shows_red(call.bob, red=True)
    await call.drop("silent", 4, dead_media=True)
    await call.ada.told("outageSettled", 30)
    await call.both_move(20)
    await shows_red(call.bob, red=True)
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert len(call.renegotiated()) == 2
    await call.ada.python("await publisher.stream.remove_filter()")
    await shows_red(call.bob, red=False)
    assert await call.ada.page.evaluate("running.ended") == 2
    await call.ada.python("await publisher.stream.apply_filter('red', {'colour': 'rgb(255, 0, 0)'})")
    await shows_red(call.bob, red=True)
    await call.ada.python("await session.unpublish(publisher)")
    ended, frames = await call.ada.page.evaluate("[running.ended, running.frames]")
    await call.bob.told("streamDestroyed")
    assert ended == 4
    assert await call.ada.page.evaluate("running.frames") - frames <= 1, "nothing is drawn any more"
    await call.ada.call("publish")


async def shows_red(page: CallPage, *, red: bool) -> None:
    try:
        await page.page.wait_for_function(SHOWS_RED, arg=red, timeout=15_000, polling=50)
    except PlaywrightError as error:
        raise AssertionError(f"{page.name} shows no picture that is {'red' if red else 'another'}: {error}") from None
