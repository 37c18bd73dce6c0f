"""A filter that Python registers: the others see it in both browsers, also after a drop of 9 s and a renegotiation."""

from __future__ import annotations

import pytest
from playwright.async_api import Error as PlaywrightError

from pyvidu.testing import BrowserName, NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage
from tests.browser.drops import OUTAGE, DroppedCall

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


async def shows_red(page: CallPage, *, red: bool) -> None:
    try:
        await page.page.wait_for_function(SHOWS_RED, arg=red, timeout=15_000, polling=50)
    except PlaywrightError as error:
        raise AssertionError(f"{page.name} shows no picture that is {'red' if red else 'another'}: {error}") from None


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_filter_of_the_page_is_seen_by_the_others_over_an_outage_until_it_is_removed(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer, browser: BrowserName
) -> None:
    pair: tuple[BrowserName, BrowserName] = (browser, "chromium")
    call = await DroppedCall.begin(network_lab, open_browser, pyvidu_server, f"filtered-{browser}", browsers=pair)
    await call.ada.page.evaluate(PAINTED)
    assert await call.ada.python(APPLY) == "red"
    await shows_red(call.bob, red=True)
    await call.drop("silent", 9, dead_media=True)
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
    network_lab.restore()
