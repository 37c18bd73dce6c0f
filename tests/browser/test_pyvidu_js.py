"""`pyvidu.js` in a page of another origin: openvidu-browser's API, used as pages written for it use it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import MessageLog, Rest
from tests.browser.embedding_page import Participant, served_page
from tests.browser.tone import TONE
from tests.browser.watching import moves

# The fake camera's picture is green for the most part.
GREEN = """(expected) => {
  const [video, canvas] = [document.querySelector('#others video'), document.createElement('canvas')];
  const paint = Object.assign(canvas, { width: 1, height: 1 }).getContext('2d');
  paint.drawImage(video, 0, 0, 1, 1);
  const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
  return (green > red && green > blue) === expected;
}"""
ENDINGS = ("reconnected", "rejoined", "sessionDisconnected")


@dataclass
class Call:
    server: RunningServer
    rest: Rest
    url: str
    ada: Participant
    bob: Participant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Call]:
    server = await pyvidu_server(fault_control=True)
    async with served_page(server) as url:
        rest = Rest(server)
        ada, bob = await asyncio.gather(Participant.open(chromium, url), Participant.open(chromium, url))
        for participant, name, role in ((ada, "Ada", "MODERATOR"), (bob, "Bob", "PUBLISHER")):
            join = "await session.connect(args[0], { clientData: args[1] }); await session.publish(publisher);"
            await participant.js(join, await rest.token("page", role), name)
        yield Call(server, rest, url, ada, bob)
        uncaught = [line for line in [*ada.log.errors, *bob.log.errors] if line.startswith("uncaught")]
        assert uncaught == []


async def test_both_pages_receive_video_and_load_everything_from_the_server(call: Call) -> None:
    await asyncio.gather(moves(call.ada.page, "#others video"), moves(call.bob.page, "#others video"))
    await moves(call.ada.page, "#me video")
    assert call.ada.log.errors == call.bob.log.errors == []
    own = call.url.rstrip("/")
    assert call.ada.log.leaving(own, call.server.origin, call.server.origin.replace("http", "ws")) == []


async def test_session_and_publisher_exist_before_python_is_loaded(call: Call) -> None:
    assert await call.ada.js("return atOnce") == {
        "booted": False,
        "session": "Session",
        "publisher": "Publisher",
        "stream": "Stream",
        "identical": True,
        "videoActive": True,
        "accessAllowed": False,
        "supported": True,
    }


async def test_properties_equal_those_of_openvidu_browser(call: Call) -> None:
    assert await call.ada.js(
        "return publisher.accessAllowed && fired.find(([n]) => n === 'completionHandler')[1] === undefined"
    )
    assert await call.ada.js("return fired.find(([name]) => name === 'subscribed')[1] === undefined")
    picture = await call.ada.js("""
        const { stream } = subscriber;
        return {
          managers: session.streamManagers.map((manager) => manager.constructor.name),
          identical: stream.streamManager === subscriber && session.streamManagers[1] === subscriber,
          remotes: [...session.remoteConnections.values()]
            .map((it) => [it.data, it === stream.connection && it.stream === stream]),
          created: [...session.remoteStreamsCreated.keys()][0] === stream.streamId,
          own: [session.connection.data, session.connection.role, session.sessionId],
          ownStream: session.connection.stream === publisher.stream,
          capabilities: session.capabilities,
          stream: [stream.hasAudio, stream.hasVideo, stream.typeOfVideo, stream.videoDimensions, stream.frameRate],
          ids: [stream.streamId.startsWith('str_CAM_'), publisher.stream.streamId.startsWith('str_CAM_'),
                stream.connection.connectionId.startsWith('con_'), stream.creationTime > 1.6e12],
          natives: [stream.getMediaStream() === subscriber.videos[0].video.srcObject,
                    stream.getRTCPeerConnection().iceConnectionState, publisher.stream.getMediaStream().active],
          videos: [subscriber.id === subscriber.videos[0].id, subscriber.remote, publisher.remote],
          properties: [publisher.properties, subscriber.properties],
        };
    """)
    assert picture == {
        "managers": ["Publisher", "Subscriber"],
        "identical": True,
        "remotes": [['{"clientData":"Bob"}', True]],
        "created": True,
        "own": ['{"clientData":"Ada"}', "MODERATOR", "page"],
        "ownStream": True,
        "capabilities": {"forceDisconnect": True, "forceUnpublish": True, "publish": True, "subscribe": True},
        "stream": [True, True, "CAMERA", {"width": 320, "height": 240}, 15],
        "ids": [True, True, True, True],
        "natives": [True, "connected", True],
        "videos": [True, True, False],
        "properties": [
            {
                "publishAudio": True,
                "publishVideo": True,
                "resolution": "320x240",
                "frameRate": 15,
                "insertMode": "APPEND",
                "mirror": True,
            },
            {"insertMode": "APPEND", "subscribeToAudio": True, "subscribeToVideo": True},
        ],
    }
    told = await call.ada.fired()
    assert [name for name in told if name.startswith("publisher")] == [
        "publisher accessAllowed",
        "publisher videoElementCreated",
        "publisher streamCreated",
    ] or "publisher streamCreated" in told


async def test_stream_can_be_shown_in_an_element_of_the_page(call: Call) -> None:
    results = await call.ada.js("""
        const video = document.createElement('video');
        video.id = 'extra';
        document.body.append(video);
        return [subscriber.addVideoElement(video), subscriber.addVideoElement(video), publisher.addVideoElement(video),
                subscriber.addVideoElement(video), subscriber.videos.length, publisher.videos.length];
    """)
    assert results == [1, 0, -1, -1, 2, 1]
    await moves(call.ada.page, "#extra")


async def test_signal_event_has_openvidus_fields(call: Call) -> None:
    await call.bob.js("await session.signal({ data: 'hello', type: 'chat' });")
    await call.ada.wait_for("signal:chat")
    fields = await call.ada.js("""
        const [, event] = fired.find(([name]) => name === 'signal:chat');
        const same = fired.find(([name]) => name === 'signal')[1] === event;
        return [event.type, event.data, event.from === subscriber.stream.connection, event.target === session,
                event.constructor.name, same];
    """)
    assert fields == ["signal:chat", "hello", True, True, "SignalEvent", True]
    await call.ada.js("""
        await session.signal({ data: 'to Bob', type: 'whisper', to: [subscriber.stream.connection] });
        session.once('signal:last', () => fired.push(['once']));
        await session.signal({ type: 'last' }); await session.signal({ type: 'last' });
        await until(() => fired.some(([name]) => name === 'once'));
    """)
    assert (await call.ada.fired()).count("once") == 1
    assert await call.ada.js("return fired.some(([, event]) => event?.type === 'signal:whisper')") is False


async def test_mute_reaches_the_other_page(call: Call) -> None:
    await call.bob.js("publisher.publishAudio(false); await publisher.publishVideo(false);")
    assert await call.bob.js("return [publisher.stream.audioActive, publisher.stream.videoActive]") == [False, False]
    await call.ada.js("await until(() => !subscriber.stream.audioActive && !subscriber.stream.videoActive);")
    fields = await call.ada.js("""
        const [, event] = fired.filter(([name]) => name === 'streamPropertyChanged').at(-1);
        return [event.stream === subscriber.stream, event.changedProperty, event.newValue, event.oldValue, event.reason];
    """)
    assert fields == [True, "videoActive", False, True, "publishVideo"]
    await call.bob.js("publisher.publishAudio(true); await publisher.publishVideo(true);")
    await call.ada.js("subscriber.subscribeToVideo(false).subscribeToVideo(true);")
    await moves(call.ada.page, "#others video")


async def test_replaced_track_and_speaking_events_reach_the_other_page(call: Call) -> None:
    await call.bob.js("session.on('publisherStartSpeaking', (event) => fired.push(['publisherStartSpeaking', event]))")
    replaced = await call.ada.js("""
        const stream = await OV.getUserMedia({ audioSource: false, resolution: '160x120' });
        const [camera] = publisher.stream.getMediaStream().getVideoTracks();
        const [track] = stream.getVideoTracks();
        await publisher.replaceTrack(track);
        return { ended: camera.readyState, same: publisher.stream.getMediaStream().getVideoTracks()[0] === track,
                 size: publisher.stream.videoDimensions, own: session.connection.connectionId };
    """)
    own = replaced.pop("own")
    assert replaced == {"ended": "ended", "same": True, "size": {"width": 160, "height": 120}}
    assert await call.ada.js("return publisher.replaceTrack('no track').catch((error) => error.name)") == (
        "PUBLISHER_PROPERTIES_ERROR"
    )
    await call.ada.js("publisher.once('streamAudioVolumeChange', (event) => fired.push(['volume', event]))")
    await call.ada.wait_for("volume")
    loudness = await call.ada.js("return fired.find(([name]) => name === 'volume')[1].value")
    assert loudness["oldValue"] == -200
    assert -200 < loudness["newValue"] < 0
    changes = "fired.filter(([, event]) => event?.reason === 'trackReplaced').map(([, event]) => event.changedProperty)"
    await call.bob.js(f"await until(() => {changes}.length === 2)")
    assert await call.bob.js(f"return {changes}") == ["videoTrack", "videoDimensions"]
    await call.ada.js(f"{TONE} await publisher.replaceTrack(toneTrack());")
    hers = (
        "fired.find(([name, event]) => name === 'publisherStartSpeaking' && event.connection.connectionId === args[0])"
    )
    stream = await call.bob.js(f"await until(() => {hers}); return {hers}[1].streamId", own)
    assert stream.endswith(own)
    await call.bob.js("session.off('publisherStartSpeaking')")
    await moves(call.bob.page)


async def test_exception_in_a_handler_does_not_stop_the_others_and_off_removes_one(call: Call) -> None:
    assert await call.ada.js("""
        const order = [];
        const first = () => { order.push('first'); throw new Error('of the page itself'); };
        const second = () => order.push('second');
        window.addEventListener('error', (event) => event.preventDefault(), { once: true });
        session.on('signal:x', first); session.on('signal:x', second); session.on('signal:x', () => order.push('third'));
        session.off('signal:x', second);
        await session.signal({ type: 'x' });
        await until(() => order.includes('third'));
        return order;
    """) == ["first", "third"]  # fmt: skip
    call.ada.log.errors[:] = [line for line in call.ada.log.errors if "of the page itself" not in line]


async def test_errors_have_openvidus_names(call: Call) -> None:
    used, joined, shown = await call.ada.js("""
        const joined = session.sessionId;
        const failing = failure(session.connect('wss://elsewhere?sessionId=other&token=tok_x'));
        const during = session.sessionId;
        return [await failing, joined, [during, session.sessionId]];
    """)
    assert used[0] is True
    assert "connected already" in used[2]
    assert shown == [joined, joined]
    results = await call.ada.js("""
        const fresh = OV.initSession();
        let handled;
        const none = { audioSource: false, videoSource: false };
        const denied = OV.initPublisher(undefined, none, (error) => { handled = error; });
        const unmuted = failure(denied.publishVideo(true)); // before it is denied
        await until(() => handled);
        return {
          token: await failure(fresh.connect('nonsense')),
          publish: await failure(fresh.publish(publisher)),
          sources: await failure(OV.initPublisherAsync(undefined, { audioSource: null, videoSource: null })),
          handled: [handled instanceof Error, handled.name],
          unmuted: await unmuted,
        };
    """)
    assert results["token"][:2] == [True, "GENERIC_ERROR"]
    assert results["publish"][:2] == [True, "OPENVIDU_NOT_CONNECTED"]
    assert results["sources"][:2] == [True, "NO_INPUT_SOURCE_SET"]
    assert results["handled"] == [True, "NO_INPUT_SOURCE_SET"]
    assert results["unmuted"][:2] == [True, "NO_INPUT_SOURCE_SET"]
    reused = await call.rest.token("page")
    refused = await call.bob.js(
        "const fresh = OV.initSession(); await fresh.connect(args[0]); fresh.disconnect();"
        "return await failure(OV.initSession().connect(args[0]));",
        reused,
    )
    assert refused[:2] == [True, "OPENVIDU_PERMISSION_DENIED"]
    assert refused[3] == 401


async def test_drop_fires_reconnecting_and_the_force_option_keeps_the_video_elements(call: Call) -> None:
    messages = MessageLog(call.server)
    await call.ada.js("fired.length = 0; window.element = document.querySelector('#others video');")
    own = await call.ada.js("return session.connection.connectionId")
    await call.bob.js("""
        window.seen = [];
        for (const name of ['connectionInterrupted', 'connectionRestored'])
          session.on(name, ({ connection }) => seen.push([name, connection.connectionId, connection.isInterrupted]));
    """)
    fault = {"participant": own, "kind": "silent", "seconds": 4}
    url = f"{call.server.origin}/faults?key={call.server.key}"
    async with aiohttp.ClientSession() as http, http.post(url, json=fault) as answer:
        assert answer.status == 200
    await call.ada.wait_for("outageSettled")
    streams = "return Object.values(fired.find(([name]) => name === 'outageSettled')[1].outage.streams)"
    assert await call.ada.js(f"{streams}.map((stream) => stream.outcome)") == ["renegotiated", "renegotiated"]
    await asyncio.gather(moves(call.ada.page, "#others video"), moves(call.bob.page, "#others video"))
    others = ("exception", "subscribed", "streamPlaying")  # the elements play again, with the new media connections
    assert [name for name in await call.ada.fired() if name not in others] == [
        "reconnecting",
        "reconnected",
        "outageSettled",
    ]
    assert len(messages.requests("reconnectStream")) == 2
    assert await call.ada.js(
        "return element === document.querySelector('#others video') && element === subscriber.videos[0].video"
    )
    record = await call.ada.js(
        "const { end, attempts, duration } = session.outages[0]; return [end, attempts, duration];"
    )
    assert record[0] == "reconnected", json.dumps(record)
    assert record[1] >= 1
    told = [["connectionInterrupted", own, True], ["connectionRestored", own, False]]
    assert await call.bob.js("await until(() => seen.length === 2); return seen") == told


async def test_a_prevented_default_keeps_the_video(call: Call) -> None:
    await call.ada.js("session.once('streamDestroyed', (event) => event.preventDefault());")
    await call.bob.js("""
        publisher.once('streamDestroyed', (event) => event.preventDefault());
        await session.unpublish(publisher);
        if (!publisher.stream.getMediaStream().active || publisher.videos.length !== 1) throw new Error('was disposed of');
    """)
    await call.ada.wait_for("streamDestroyed")
    kept = await call.ada.js("""
        const [, event] = fired.find(([name]) => name === 'streamDestroyed');
        return [event.reason, event.cancelable, event.isDefaultPrevented(), event.stream === subscriber.stream,
                document.querySelectorAll('#others video').length];
    """)
    assert kept == ["unpublish", True, True, True, 1]
    await call.ada.js("document.querySelector('#others video').remove(); fired.length = 0;")
    await call.bob.js("await session.publish(publisher);")
    await call.ada.wait_for("streamPlaying")
    await moves(call.ada.page, "#others video")


async def test_closing_the_page_notifies_the_others_at_once(call: Call) -> None:
    await call.ada.js("fired.length = 0;")
    await call.bob.page.goto("about:blank")
    await call.ada.wait_for("connectionDestroyed")
    assert await call.ada.js("return fired.map(([name, event]) => [name, event.reason])") == [
        ["streamDestroyed", "disconnect"],
        ["connectionDestroyed", "disconnect"],
    ]
    assert await call.ada.js("return document.querySelectorAll('#others video').length") == 0


async def test_disconnect_fires_everything_before_it_returns(call: Call) -> None:
    told = await call.ada.js("""
        fired.length = 0;
        session.disconnect();
        const during = fired.map(([name, event]) => [name, event.reason]);
        return [during, document.querySelectorAll('#me video').length];
    """)
    assert told == [
        [
            ["publisher streamDestroyed", "disconnect"],
            ["publisher videoElementDestroyed", None],
            ["sessionDisconnected", "disconnect"],
        ],
        0,
    ]


async def test_filter_of_the_readme_is_seen_by_the_other_until_it_is_removed(chromium: Browser, call: Call) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (example,) = [
        code for code in re.findall(r"```javascript\n(.*?)```", readme, re.DOTALL) if "registerFilter" in code
    ]
    body = {"role": "PUBLISHER", "kurentoOptions": {"allowedFilters": ["negative"]}}
    pages = await asyncio.gather(*(Participant.open(chromium, call.url) for _ in range(2)))
    for page in pages:
        join = "await session.connect(args[0], {}); await session.publish(publisher);"
        await page.js(join, await call.rest.token("filtered", **body))
    ada, bob = pages
    await bob.page.wait_for_function(GREEN, arg=True)
    await ada.js(f"const openvidu = OV;\n{example}")
    await bob.page.wait_for_function(GREEN, arg=False)
    assert await bob.js("return subscriber.stream.filter.type") == "negative"
    await ada.js("await publisher.stream.removeFilter();")
    await bob.page.wait_for_function(GREEN, arg=True)
    assert ada.log.errors == bob.log.errors == []
    await asyncio.gather(*(page.page.context.close() for page in pages))


async def test_disconnect_while_joining_rejects_connect(call: Call) -> None:
    token = await call.rest.token("page")
    result = await call.ada.js(
        "const fresh = OV.initSession(); const joining = failure(fresh.connect(args[0]));"
        "fresh.disconnect(); return await joining;",
        token,
    )
    assert result[0] is True
    assert "left" in result[2]


async def test_page_with_a_rejoin_callback_gets_rejoined_after_an_eviction(chromium: Browser, call: Call) -> None:
    carol = await Participant.open(chromium, call.url)

    async def fresh_token() -> str:
        return await call.rest.token("rejoined")

    await carol.page.expose_function("freshToken", fresh_token)
    await carol.js(
        "for (const name of ['rejoined', 'streamFrozen', 'streamRecovered'])"
        "  session.on(name, (event) => fired.push([name, event]));"
        "OV.setAdvancedConfiguration({ rejoin: () => freshToken() });"
        "await session.connect(args[0], { clientData: 'Carol' }); await session.publish(publisher);",
        await fresh_token(),
    )
    before = await carol.js("return session.connection.connectionId")
    fault = {"participant": before, "kind": "eviction", "seconds": 1}
    url = f"{call.server.origin}/faults?key={call.server.key}"
    async with aiohttp.ClientSession() as http, http.post(url, json=fault) as answer:
        assert answer.status == 200
    await carol.wait_for("rejoined")
    outage = [name for name in await carol.fired() if name in (*ENDINGS, "reconnecting")]
    assert outage == ["reconnecting", "rejoined"]
    assert await carol.js("return fired.find(([name]) => name === 'rejoined')[1].constructor.name") == "RejoinedEvent"
    assert await carol.js("return session.connection.connectionId") != before
    await carol.js("session.disconnect()")
    await carol.page.context.close()


@pytest.mark.parametrize("missing", ["RTCPeerConnection", "WebAssembly"])
async def test_without_webrtc_or_webassembly_every_call_fails_with_browser_not_supported(
    missing: str, chromium: Browser, call: Call
) -> None:
    page = await Participant.open(chromium, call.url, f"delete window.{missing};")
    results = await page.js(
        "return [OV.checkSystemRequirements(), await failure(session.connect('x')), await failure(ready)];"
    )
    assert results[0] is False
    assert results[1][:2] == results[2][:2] == [True, "BROWSER_NOT_SUPPORTED"]
    assert missing in results[1][2]
    assert await page.js("return fired[0][1].name") == "BROWSER_NOT_SUPPORTED"
    assert page.log.errors == []
    await page.page.context.close()
