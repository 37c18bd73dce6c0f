"""Streams of every kind in one call: those that send little or nothing for good reasons, none of which raises an alarm;
tracks that are replaced, and speaking events.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import CallPage, MessageLog, Rest
from tests.browser.tone import TONE

ALARMS = ("reconnecting", "streamFrozen", "exception", "sessionDisconnected")

# Opus DTX is switched on by the answer that the sender is given; the rest of the page is ordinary.
DTX = """<script>
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return set.call(this, { type, sdp: sdp.replace('useinbandfec=1', 'useinbandfec=1;usedtx=1') });
};
window.silence = new AudioContext();
window.silentTrack = () => {  // a silent microphone: its samples are all zero
  const source = new ConstantSourceNode(window.silence, { offset: 0 });
  const microphone = window.silence.createMediaStreamDestination();
  source.connect(microphone);
  source.start();
  return microphone.stream.getAudioTracks()[0];
};
window.stillTrack = () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
  document.body.append(canvas);
  let slide = 0;
  window.turning = setInterval(() => canvas.getContext('2d').fillText(`slide ${++slide}`, 20, 20 * slide), 200);
  return canvas.captureStream().getVideoTracks()[0];
};
</script>"""

# One page, several participants: publishing costs them next to nothing.
CROWD = """
from functools import partial

def what(kind):
    camera = {"resolution": "320x240", "frameRate": 15}
    return {
        "dtx": {"audioSource": js.silentTrack(), "videoSource": False},
        "still": {"audioSource": False, "videoSource": js.stillTrack()},
        "disabled": {**camera, "audioSource": js.toneTrack()},
        "nulled": camera,
    }[kind]

crowd = {}

async def enter(kind, token):
    openvidu = OpenVidu()
    one = openvidu.init_session()
    for name in EVENTS:
        one.on(name, partial(tell, whose=kind))
    await one.connect(token, {"name": kind})
    crowd[kind] = await openvidu.init_publisher(None, what(kind))
    await one.publish(crowd[kind])
    return crowd[kind].stream.stream_id

async def pause_all():
    js.clearInterval(js.turning)
    for track in crowd["disabled"].stream.get_media_stream().getTracks():
        track.enabled = False
    for sender in crowd["nulled"].stream.get_rtc_peer_connection().getSenders():
        await sender.replaceTrack(None)

async def resume_all():
    for track in crowd["disabled"].stream.get_media_stream().getTracks():
        track.enabled = True
    tracks = {track.kind: track for track in crowd["nulled"].stream.get_media_stream().getTracks()}
    for transceiver in crowd["nulled"].stream.get_rtc_peer_connection().getTransceivers():
        await transceiver.sender.replaceTrack(tracks[transceiver.receiver.track.kind])
"""

ARRIVED = """
samples = [(s, await s.media.sample()) for s in session.stream_managers if s.remote]
json.dumps({s.stream.stream_id: x.inbound_audio_packets + x.inbound_video_packets for s, x in samples})
"""

KINDS = ("dtx", "still", "disabled", "nulled")


@dataclass
class Call:
    ada: CallPage
    crowd: CallPage
    streams: dict[str, str]
    messages: MessageLog

    async def arrived(self) -> dict[str, int]:
        """Return the packets that Ada has received so far, by kind of stream."""
        found = json.loads(await self.ada.python(ARRIVED))
        return {kind: found[stream] for kind, stream in self.streams.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Call]:
    server = await pyvidu_server()
    rest = Rest(server)
    ada = await CallPage.open(chromium, server, "ada")
    await ada.join(await rest.token("quiet"))
    crowd = await CallPage.open(chromium, server, "crowd", head=f"{DTX}<script>{TONE}</script>")
    await crowd.python(CROWD)
    streams = {kind: await crowd.call("enter", kind, await rest.token("quiet")) for kind in KINDS}
    call = Call(ada, crowd, streams, MessageLog(server))
    await ada.told("streamPlaying", count=len(KINDS))
    yield call


async def test_dtx_still_disabled_and_nulled_streams_raise_no_alarm(call: Call) -> None:
    await call.crowd.call("pause_all")
    await asyncio.sleep(2)  # packets in flight have arrived
    before = await call.arrived()
    await asyncio.sleep(12)  # the period over which packets are counted
    packets = {kind: count - before[kind] for kind, count in (await call.arrived()).items()}
    assert 12 <= packets["dtx"] <= 200, "five packets a second are DTX, fifty are not"
    assert packets["still"] <= 60
    assert packets["disabled"] >= 120, "black pictures go on"
    assert packets["nulled"] == 0
    assert call.ada.events(*ALARMS) == call.crowd.events(*ALARMS) == []


async def test_paused_streams_resume_without_renegotiation(call: Call) -> None:
    before = (await call.arrived())["nulled"]
    await call.crowd.call("resume_all")
    await call.ada.moves(more=30)
    assert (await call.arrived())["nulled"] > before
    assert call.ada.events(*ALARMS) == call.crowd.events(*ALARMS) == []
    assert call.messages.requests("reconnectStream") == []


async def test_speaking_events_are_fired_for_start_and_stop(call: Call) -> None:
    await call.ada.python(
        "session.enable_speaking_events()\n"
        "for name in ('publisherStartSpeaking', 'publisherStopSpeaking'): session.on(name, tell)"
    )
    tone = call.streams["disabled"]  # the only steady sound
    await call.ada.told("publisherStartSpeaking", stream=tone)
    await call.crowd.call("pause_all")
    await call.ada.told("publisherStopSpeaking", stream=tone)
    await call.crowd.call("resume_all")


async def test_replaced_track_is_received_without_renegotiation(call: Call) -> None:
    call.ada.clear_events()
    kinds = "sorted({device.kind for device in await openvidu.get_devices()}) == ['audioinput', 'videoinput']"
    assert await call.ada.python(kinds)
    ended = await call.crowd.python(
        "camera = crowd['disabled'].stream.get_media_stream().getVideoTracks()[0]\n"
        "other = await openvidu.get_user_media(audio_source=False, resolution='160x120')\n"
        "await crowd['disabled'].replace_track(other.getVideoTracks()[0])\n"
        "camera.readyState"
    )
    assert ended == "ended"
    await call.ada.told("streamPropertyChanged", count=2)
    assert call.ada.events("streamPropertyChanged", whose="session") == ["streamPropertyChanged(trackReplaced)"] * 2
    await call.ada.page.wait_for_function(
        "() => [...document.querySelectorAll('#others video')].some((video) => video.videoWidth === 160)"
    )
    assert call.messages.requests("reconnectStream") == []
    await call.ada.python("session.disconnect()")
    await call.ada.has_released_everything()
