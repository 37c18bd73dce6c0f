"""A call between pages on this machine: no root, no namespace. Signals, mutes, errors, a signaling-only drop, a viewer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import KEY_FRAMES_DECODED, CallPage, MessageLog, Rest, each_key_frame_arrives

OUTAGE = ("reconnecting", "reconnected", "sessionDisconnected")


COUNTERS = """
sample = await watched.stream_manager.media.peer.sample()
[sample.inbound_audio_packets, sample.inbound_video_packets, sample.frames_decoded]
"""

FRAMES_DECODED = """
reports = (await watched.get_rtc_peer_connection().getStats()).values()
next(report.framesDecoded for report in reports if report.type == "inbound-rtp" and report.kind == "video")
"""

# The second begins between the two negotiations of the first, when no SSRC is signaled.
RESTART_TWICE_AT_A_TIME = """
from pyodide.code import run_js
from pyodide.ffi import create_proxy
from pyvidu.platform.browser.functions import functions

peer, again = watched.stream_manager.media.peer, []
between = create_proxy(lambda: again or again.append(functions.restartReceivers(peer.native)))
run_js('''(native, between) => {
  const set = native.setRemoteDescription;
  native.setRemoteDescription = async (answer) => { await set.call(native, answer); between(); };
}''')(peer.native, between)
await peer.restart_receivers()
await again[0]
run_js("(native) => { delete native.setRemoteDescription; }")(peer.native)
between.destroy()
"""

LISTEN = """
() => {
  const audio = new AudioContext();
  const analyser = new AnalyserNode(audio);
  audio.createMediaStreamSource(document.querySelector('#others video').srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  window.heardAgain = async () => {
    await audio.resume();
    do {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatTimeDomainData(samples);
    } while (samples.every((value) => Math.abs(value) < 0.01));
    await audio.close();
  };
}
"""


@dataclass
class Call:
    server: RunningServer
    rest: Rest
    ada: CallPage
    bob: CallPage
    adas_context: BrowserContext
    messages: MessageLog


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Call]:
    server = await pyvidu_server()
    rest = Rest(server)
    contexts = [await chromium.new_context() for _ in range(2)]
    ada, bob = await asyncio.gather(
        CallPage.open(contexts[0], server, "ada"), CallPage.open(contexts[1], server, "bob")
    )
    await ada.join(await rest.token("call", "MODERATOR"))
    await bob.join(await rest.token("call"))
    await asyncio.gather(ada.moves(), bob.moves())
    yield Call(server, rest, ada, bob, contexts[0], MessageLog(server))


async def test_events_of_both_participants_are_in_openvidus_order(call: Call) -> None:
    told = ("connectionCreated", "streamCreated", "streamPlaying")
    await call.ada.told("streamPlaying")
    await call.bob.told("streamPlaying")
    assert call.ada.events(*told, whose="session") == ["connectionCreated", "connectionCreated", "streamCreated"]
    assert call.bob.events(*told, whose="session") == ["connectionCreated", "connectionCreated", "streamCreated"]
    assert call.ada.events("streamCreated", whose="publisher") == ["streamCreated"]
    assert call.ada.events("streamPlaying", whose="subscriber") == ["streamPlaying"]


async def test_signal_reaches_all_including_the_sender_or_only_its_recipients(call: Call) -> None:
    await call.ada.python("await session.signal(data='to all', type='chat')")
    assert (await call.ada.told("signal:chat")).data == "to all"
    assert (await call.bob.told("signal:chat")).data == "to all"
    await call.ada.python(
        "await session.signal({'data': 'to bob', 'to': list(session.remote_connections.values()), 'type': 'signal:b'})"
    )
    assert (await call.bob.told("signal:b")).data == "to bob"
    assert "signal:b" not in call.ada.events()


async def test_mute_reaches_the_other_participant(call: Call) -> None:
    await call.ada.python("await publisher.publish_audio(False)")
    changed = await call.bob.told("streamPropertyChanged")
    assert changed.reason == "publishAudio"
    assert not json.loads(await call.bob.call("picture"))["audio"][-1]
    await call.ada.python("await publisher.publish_audio(True)")


async def test_signaling_only_drop_does_not_renegotiate_media(call: Call) -> None:
    call.ada.clear_events()
    call.messages.restart()
    before = await call.ada.picture()
    await call.adas_context.set_offline(True)
    await call.ada.told("reconnecting", 5)
    await call.ada.moves(2)
    await call.bob.moves(2)
    await asyncio.sleep(2)  # the rest of the drop
    await call.adas_context.set_offline(False)
    await call.ada.told("reconnected", 5)
    await asyncio.sleep(3.5)  # the longest verdict window: nothing may follow
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.messages.requests("reconnectStream") == []
    assert await call.ada.picture() == before
    assert call.bob.events(*OUTAGE, "streamDestroyed") == []


async def test_unpublish_and_publish_again(call: Call) -> None:
    call.bob.clear_events()
    await call.ada.python("await session.unpublish(publisher)")
    assert (await call.bob.told("streamDestroyed")).reason == "unpublish"
    await call.ada.call("publish")
    await call.bob.told("streamCreated")
    await call.bob.moves()


async def test_each_requested_key_frame_arrives(call: Call) -> None:
    await each_key_frame_arrives(call.ada, call.ada, "watched.stream_manager.media.peer.ask_for_key_frame()")


async def test_restarted_receivers_keep_their_tracks(call: Call) -> None:
    await call.ada.python(KEY_FRAMES_DECODED)
    await call.ada.evaluate(LISTEN)
    before = await call.ada.picture()
    await call.ada.moves(more=40)  # enough to tell from what is counted anew
    counted = await call.ada.python(COUNTERS)
    call.messages.restart()
    await call.ada.python(RESTART_TWICE_AT_A_TIME)
    await call.ada.moves()
    assert await call.ada.python(FRAMES_DECODED) < counted[2], "by a decoder that was made anew"
    assert all(now > then for now, then in zip(await call.ada.python(COUNTERS), counted, strict=True))
    await call.ada.evaluate("() => heardAgain()")  # the fake microphone beeps every second
    assert await call.ada.picture() == before
    assert await call.ada.python("watched.stream_manager.media.peer.native.signalingState") == "stable"
    assert "a=ssrc:" in await call.ada.python("watched.stream_manager.media.peer.native.remoteDescription.sdp")
    assert call.messages.requests("reconnectStream") == []


async def test_viewer_without_camera_permission_joins_and_reconnects(call: Call, open_browser: OpenBrowser) -> None:
    denying = await open_browser(args=("--deny-permission-prompts", "--use-fake-ui-for-media-stream=deny"))
    viewer = await CallPage.open(denying, call.server, "viewer")
    denied = await viewer.python("await failure(openvidu.init_publisher())")
    assert denied.startswith("DEVICE_ACCESS_DENIED: ")
    await viewer.join(await call.rest.token("call", "SUBSCRIBER"), publish=False)
    await viewer.moves()
    refused = await viewer.python("await failure(session.publish(None))")
    assert refused.startswith("OPENVIDU_PERMISSION_DENIED: ")
    await viewer.page.context.set_offline(True)
    await viewer.told("reconnecting", 5)
    await viewer.page.context.set_offline(False)
    await viewer.told("reconnected", 5)
    await viewer.moves()
    call.bob.clear_events()
    await viewer.python("session.disconnect()")
    assert (await call.bob.told("connectionDestroyed")).reason == "disconnect"
    assert call.bob.events("streamDestroyed") == []
    await denying.close()


async def test_moderator_can_unpublish_and_disconnect_a_participant(call: Call) -> None:
    await call.bob.python("refused = await failure(session.force_disconnect(session.connection))")
    assert (await call.bob.python("refused")).startswith("OPENVIDU_PERMISSION_DENIED: ")
    call.bob.clear_events()
    await call.ada.python("await session.force_unpublish(session.stream_managers[-1].stream)")
    assert (await call.bob.told("streamDestroyed")).reason == "forceUnpublishByUser"
    await call.ada.python("await session.force_disconnect(next(iter(session.remote_connections.values())))")
    assert (await call.bob.told("sessionDisconnected")).reason == "forceDisconnectByUser"
    await call.bob.has_released_everything()


async def test_invalid_tokens_raise_the_reason(call: Call) -> None:
    used = await call.rest.token("call")
    await call.bob.join(used)
    await call.bob.python("session.disconnect()")
    again = await call.bob.python(f"await failure(session.connect({used!r}))")
    assert again.startswith("OPENVIDU_PERMISSION_DENIED: joinRoom was refused")
    nonsense = await call.bob.python("await failure(session.connect('tok_1'))")
    assert nonsense.startswith("GENERIC_ERROR: The token is not a URL")
    nobody = await call.bob.python("await failure(session.connect('ws://localhost:1?sessionId=x&token=tok_1'))")
    assert nobody.startswith("GENERIC_ERROR: No connection to ws://localhost:1/openvidu")
    await call.bob.has_released_everything()


async def test_timers_and_video_work_in_a_page_that_forbids_workers(call: Call) -> None:
    forbidden = """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">"""
    page = await CallPage.open(call.adas_context, call.server, "strict", head=forbidden)
    await page.join(await call.rest.token("call"), publish=False)
    await page.moves()
    await page.python("session.stream_managers[-1].media.peer.ask_for_key_frame()")
    await page.moves()
    assert not page.page.workers, "its timers run without a worker"
    await page.python("session.disconnect()")
    await page.has_released_everything()
    await page.page.close()


async def test_closed_page_leaves_the_room_at_once(call: Call) -> None:
    page = await CallPage.open(call.adas_context, call.server, "short")
    await page.join(await call.rest.token("call"))
    await call.ada.moves()
    call.ada.clear_events()
    await page.page.close(run_before_unload=False)
    assert (await call.ada.told("connectionDestroyed", 3)).reason == "disconnect"


async def test_call_works_while_the_heap_is_sampled(call: Call, open_browser: OpenBrowser) -> None:
    """Chromium's profiler crashes a page whose coroutines have stacks of their own; here it samples all it can."""
    always = "stable-probability/1/nonstable-probability/1/renderer-prob-pct/100/renderer-sampling-rate-bytes/20000"
    browser = await open_browser(args=(f"--enable-features=HeapProfilerReporting:{always}/sampling-rate/20000",))
    page = await CallPage.open(browser, call.server, "sampled")
    await page.join(await call.rest.token("call"))
    await call.ada.moves()
