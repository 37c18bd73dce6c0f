"""The demo page, used as a person uses it: two windows in a call, the drop buttons, joining again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser, expect

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import MessageLog, page_url
from tests.browser.content_policy import VIOLATIONS, violations
from tests.browser.demo_window import OTHERS, OWN, Window
from tests.browser.watching import moves


@dataclass
class Call:
    server: RunningServer
    ada: Window
    bob: Window

    async def both_move(self) -> None:
        await asyncio.gather(moves(self.ada.page, OTHERS), moves(self.bob.page, OTHERS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server("--demo", fault_control=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(chromium: Browser, server: RunningServer) -> AsyncIterator[Call]:
    ada, bob = await asyncio.gather(Window.open(chromium, VIOLATIONS), Window.open(chromium, VIOLATIONS))
    await asyncio.gather(ada.join(server, "demo", "Ada"), bob.join(server, "demo", "Bob"))
    await asyncio.gather(ada.banner("connected"), bob.banner("connected"))
    yield Call(server, ada, bob)
    assert ada.uncaught == bob.uncaught == []


async def test_two_windows_are_in_a_call_and_fetch_only_from_the_server(call: Call) -> None:
    await call.both_move()
    await asyncio.gather(moves(call.ada.page, OWN), moves(call.bob.page, OWN))
    assert call.ada.log.errors == call.bob.log.errors == []
    assert call.ada.log.leaving(call.server.origin, call.server.origin.replace("http", "ws")) == []
    await expect(call.ada.page.locator("#log")).to_contain_text("streamPlaying")


async def test_tiles_show_names_and_mutes(call: Call) -> None:
    bob_at_adas = call.ada.page.locator(".tile[data-own=false]")
    await expect(bob_at_adas.locator(".name")).to_have_text("Bob")
    await expect(call.ada.page.locator(".tile[data-own=true] .name")).to_have_text("Ada (you)")
    await call.bob.page.click("#mic")
    await call.bob.page.click("#camera")
    await expect(bob_at_adas.get_by_role("img", name="Microphone off")).to_be_visible()
    await expect(bob_at_adas.get_by_role("img", name="Camera off")).to_be_visible()
    await expect(call.bob.page.locator("#mic")).to_have_text("Unmute")
    await call.bob.page.click("#mic")
    await call.bob.page.click("#camera")
    await expect(bob_at_adas.get_by_role("img")).to_have_count(0)


async def test_policy_of_the_page_forbids_eval(call: Call) -> None:
    for path in ("/", "/demo/"):
        answer = await call.ada.page.request.get(page_url(call.server, path))
        assert "unsafe-eval" not in answer.headers["content-security-policy"].replace("wasm-unsafe-eval", "")


async def test_drop_of_4_s_reconnects_without_renegotiation(call: Call) -> None:
    messages = MessageLog(call.server)
    await call.ada.drop(4)
    assert re.search(r"Reconnecting \d+\.\d s, attempt \d", await call.ada.banner("reconnecting"))
    await call.ada.banner("reconnected")
    await call.both_move()
    await expect(call.ada.page.locator("#banner-detail")).to_contain_text("nothing was renegotiated")
    await call.ada.banner("connected")
    assert messages.requests("reconnectStream") == []
    await expect(call.bob.page.locator("#banner-title")).to_have_text("Connected")


async def test_drop_of_9_s_with_dead_media_reconnects_with_renegotiation(call: Call) -> None:
    messages = MessageLog(call.server)
    await call.ada.page.check("#dead-media")
    await call.ada.drop(9)
    await call.ada.banner("reconnecting")
    badge = call.bob.page.locator("[data-own=false] .frozen")
    await expect(badge).to_have_text("Reconnecting…")
    await call.ada.banner("reconnected")
    await expect(badge).to_be_hidden()
    await expect(call.ada.page.locator("#banner-detail")).to_contain_text("2 streams renegotiated", timeout=20_000)
    await call.both_move()
    assert len(messages.requests("reconnectStream")) == 2
    await call.ada.page.uncheck("#dead-media")


async def test_outages_are_shown_on_a_timeline_and_violate_no_policy(call: Call) -> None:
    page = call.ada.page
    loaded = "() => performance.getEntriesByType('resource').filter((item) => item.name.includes('echarts')).length"
    assert await page.evaluate(loaded) == 0, "the charts are loaded when they are wanted"
    await page.locator("#log [data-kind=reconnected]", has_text="reconnected").first.get_by_role("button").click()
    await page.wait_for_selector("#timeline-chart canvas")
    await page.hover("#timeline-chart canvas")
    async with page.expect_download() as download:
        await page.click("#timeline-export")
    record = json.loads((await (await download.value).path()).read_text("utf-8"))
    option = json.loads(
        await page.evaluate(
            "() => { const { series, yAxis } = document.getElementById('timeline-chart').chart.getOption();"
            " return JSON.stringify({ lanes: yAxis[0].data, series }); }"
        )
    )
    drawn = {series["name"]: [item["text"] for item in series["data"]] for series in option["series"]}
    assert sorted(option["lanes"]) == ["Attempts", "Bob", "Evidence", "Verdicts", "You"]
    assert len(drawn["attempts"]) == record["attempts"] == len(record["tries"]) > 0
    for name in ("You", "Bob"):
        assert [text for text in drawn["streams"] if f"{name}: renegotiating" in text]
        assert [text for text in drawn["streams"] if f"{name}: healthy" in text]
    assert [stream["outcome"] for stream in record["streams"].values()] == ["renegotiated", "renegotiated"]
    assert record["began"] > 1.7e9
    assert await page.locator("#timeline-entries li").count() == len(record["entries"])
    await expect(page.locator("#timeline-summary")).to_contain_text("You: renegotiated.")
    await page.keyboard.press("Escape")
    await expect(page.locator("#timeline")).to_be_hidden()
    await expect(page.locator("#timeline-chart canvas")).to_have_count(0)
    assert await violations(page) == await violations(call.bob.page) == []


async def test_drop_of_14_s_ends_the_call_and_a_button_rejoins_it(call: Call) -> None:
    await call.ada.drop(14)
    await call.ada.banner("reconnecting")
    assert "Disconnected" in await call.ada.banner("disconnected")
    await expect(call.bob.page.locator(".tile[data-own=false]")).to_have_count(0)
    await expect(call.bob.page.locator("#log")).to_contain_text("connectionDestroyed Ada (networkDisconnect)")
    await expect(call.ada.page.locator("#rejoin")).to_be_focused()
    await call.ada.page.click("#rejoin")
    await call.ada.banner("connected")
    await call.both_move()


async def test_leaving_shows_the_lobby(call: Call) -> None:
    await call.ada.page.click("#leave")
    await expect(call.ada.page.locator("#join")).to_be_enabled()
    await expect(call.ada.page.locator("video")).to_have_count(0)
    await expect(call.bob.page.locator("#alone")).to_be_visible()


async def test_participant_without_a_camera_joins_as_a_viewer(chromium: Browser, call: Call) -> None:
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    viewer = await Window.open(chromium, refuse)
    await viewer.join(call.server, "demo", "Vera")
    await viewer.banner("connected")
    await expect(viewer.page.locator("#notice")).to_contain_text("You take part as a viewer")
    await moves(viewer.page, OTHERS)
    await expect(viewer.page.locator("#mic")).to_be_disabled()
    assert viewer.log.errors == []
    await viewer.page.context.close()


async def test_browser_without_webrtc_gets_an_alert(chromium: Browser, server: RunningServer) -> None:
    window = await Window.open(chromium, "delete window.RTCPeerConnection;")
    await window.page.goto(server.url)
    await expect(window.page.get_by_role("alert")).to_have_text(re.compile(r"^This browser has no WebRTC[^.]*\.$"))
    assert window.uncaught == []
    await window.page.context.close()


async def test_page_of_a_server_without_fault_control_shows_a_note_instead_of_the_drop_buttons(
    chromium: Browser, pyvidu_server: StartServer
) -> None:
    plain = await pyvidu_server("--demo")
    window = await Window.open(chromium)
    await window.join(plain, "plain", "Ada")
    await window.banner("connected")
    await expect(window.page.locator("#drops")).to_be_hidden()
    await expect(window.page.locator("#drop-note")).to_contain_text("--fault-control")
    assert window.log.errors == []
    await window.page.context.close()


async def test_page_of_a_server_without_demo_tokens_shows_what_to_run(
    chromium: Browser, pyvidu_server: StartServer
) -> None:
    strict = await pyvidu_server()
    window = await Window.open(chromium)
    await window.join(strict, "strict", "Ada")
    await expect(window.page.locator("#trouble")).to_contain_text("make demo", timeout=60_000)
    assert window.uncaught == []
    await window.page.context.close()


async def test_progress_bar_shows_bytes_while_python_is_downloaded(chromium: Browser, server: RunningServer) -> None:
    window = await Window.open(chromium)
    network = await window.page.context.new_cdp_session(window.page)
    await network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": 4_000_000, "uploadThroughput": 4_000_000}
    await network.send("Network.emulateNetworkConditions", slow)
    await window.page.goto(server.url)
    await window.page.wait_for_function("""() => {
      const { value } = document.getElementById('boot-bar');
      const text = document.getElementById('boot-bytes').textContent;
      return value > 0 && value < 1 && /^[1-9][\\d.]* of \\d+\\.\\d MB$/.test(text);
    }""")
    await window.page.context.close()
