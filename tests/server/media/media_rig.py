"""A media router behind three HTTP calls, and the two plain pages that a real browser opens to use it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from pyvidu.server.faults.paths import MediaPath
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.router import MediaRouter
from pyvidu.server.traffic import DirectTraffic, Path

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Other tests add and remove interfaces on this machine, and a browser would switch to them.
    "--force-webrtc-ip-handling-policy=default_public_interface_only",
]

PAGE = """<!doctype html><meta charset="utf-8"><title>media</title><video id="v" autoplay playsinline muted></video>
<script>
const state = {frames: 0, lastFrame: 0, gaps: []};
async function call(path, body) {
  const response = await fetch(path, {method: 'POST', body: JSON.stringify(body)});
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).sdp;
}
async function negotiate(pc, path, body) {
  await pc.setLocalDescription(await pc.createOffer());
  const began = performance.now();
  const sdp = await call(path, {...body, sdp: pc.localDescription.sdp});
  await pc.setRemoteDescription({type: 'answer', sdp});
  return began;
}
function connected(pc) {
  return new Promise((resolve) => {
    const look = () => { if (pc.connectionState === 'connected') resolve(performance.now()); };
    pc.addEventListener('connectionstatechange', look);
    look();
  });
}
async function media(video, audio) {
  if (!state.stream) state.stream = await navigator.mediaDevices.getUserMedia({video, audio});
  return state.stream;
}
async function publish(path, body, codec) {
  const stream = await media(body.video ?? {width: 640, height: 480, frameRate: 30}, body.audio ?? true);
  const pc = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
    if (codec && track.kind === 'video') {
      const all = RTCRtpReceiver.getCapabilities('video').codecs;
      const rank = (c) => (c.mimeType.toLowerCase() === 'video/' + codec ? 0 : 1);
      transceiver.setCodecPreferences([...all].sort((a, b) => rank(a) - rank(b)));
      if (body.only) transceiver.setCodecPreferences(all.filter((c) => rank(c) === 0 || c.mimeType.endsWith('rtx')));
    }
  }
  const began = await negotiate(pc, path, body);
  const old = state.pc;
  state.pc = pc;
  if (old) old.close();
  return (await connected(pc)) - began;
}
async function subscribe(body) {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.addTransceiver('video', {direction: 'recvonly'});
  const stream = new MediaStream();
  pc.ontrack = ({track}) => stream.addTrack(track);
  const video = document.getElementById('v');
  const began = await negotiate(pc, '/subscribe', body);
  if (state.pc) state.pc.close();
  state.pc = pc;
  video.srcObject = stream;
  const first = new Promise((resolve) => video.requestVideoFrameCallback(() => resolve(performance.now() - began)));
  watch(video);
  const up = (await connected(pc)) - began;
  return {connected: up, firstFrame: await first};
}
function watch(video) {
  if (state.watching) return;
  state.watching = true;
  const step = (now) => {
    if (state.lastFrame) state.gaps.push(now - state.lastFrame);
    state.lastFrame = now;
    state.lastFrameAt = Date.now();
    state.frames += 1;
    video.requestVideoFrameCallback(step);
  };
  video.requestVideoFrameCallback(step);
}
async function stats() {
  const out = {frames: state.frames, ice: state.pc.iceConnectionState, connection: state.pc.connectionState};
  for (const report of (await state.pc.getStats()).values()) {
    if (report.type === 'inbound-rtp') out['in_' + report.kind] = report;
    if (report.type === 'outbound-rtp') out['out_' + report.kind] = report;
    if (report.type === 'remote-inbound-rtp') out['remote_in_' + report.kind] = report;
    if (report.type === 'remote-outbound-rtp') out['remote_out_' + report.kind] = report;
    if (report.type === 'transport') out.transport = report;
    if (report.type === 'codec') (out.codecs ??= {})[report.id] = report.mimeType;
    if (report.type === 'candidate-pair' && report.nominated) out.pair = report;
  }
  return out;
}
// Resolves with the milliseconds until the n-th frame from now is presented; rejects after `patience` ms.
function framesFromNow(n, patience) {
  const from = state.frames, began = performance.now();
  return new Promise((resolve, reject) => {
    const look = () => {
      if (state.frames >= from + n) resolve(performance.now() - began);
      else if (performance.now() - began > patience) reject(new Error('no ' + n + ' frames in ' + patience + ' ms'));
      else setTimeout(look, 5);
    };
    look();
  });
}
function iceState(wanted, patience) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const look = () => {
      if (wanted.includes(state.pc.iceConnectionState)) resolve(performance.now() - began);
      else if (performance.now() - began > patience) reject(new Error('ICE is ' + state.pc.iceConnectionState));
      else setTimeout(look, 5);
    };
    look();
  });
}
</script>
"""


class MediaTraffic(DirectTraffic):
    """Drops the media of a participant, or severs its connections, when a test says so."""

    def __init__(self) -> None:
        self.open: dict[MediaPath, str] = {}
        self._dropping: set[str] = set()

    def media_path(self, participant: str) -> Path:
        path = MediaPath(self.open.pop)
        path.drop(participant in self._dropping)
        self.open[path] = participant
        return path

    def drop(self, participant: str, dropping: bool) -> None:
        """Drop everything, on future connections too, or stop doing so."""
        (self._dropping.add if dropping else self._dropping.discard)(participant)
        for path in self._of(participant):
            path.drop(dropping)

    def sever(self, participant: str) -> None:
        """Sever the present connections."""
        for path in self._of(participant):
            path.sever()

    def _of(self, participant: str) -> list[MediaPath]:
        return [path for path, whose in self.open.items() if whose == participant]


@dataclass
class Rig:
    """A running router, its HTTP server and a browser."""

    router: MediaRouter
    traffic: MediaTraffic
    url: str
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    async def page(self) -> Page:
        """Open a page in a browser context of its own."""
        context = await self.browser.new_context()
        self.contexts.append(context)
        page = await context.new_page()
        await page.goto(self.url)
        return page

    async def close_pages(self) -> None:
        """Close what `page` opened."""
        for context in self.contexts:
            await context.close()
        self.contexts.clear()


def application(router: MediaRouter) -> web.Application:
    """Return a web application with the tests' own signaling."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    def door(handle: Any) -> Any:
        async def serve(request: web.Request) -> web.Response:
            body = json.loads(await request.text())
            try:
                return web.json_response({"sdp": await handle(body)})
            except MediaServerError as error:
                return web.Response(status=400, text=str(error))

        return serve

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_post("/publish", door(lambda b: router.publish(b["owner"], b["stream"], b["sdp"])))
    app.router.add_post("/republish", door(lambda b: router.republish(b["stream"], b["sdp"])))
    app.router.add_post("/subscribe", door(lambda b: router.subscribe(b["subscriber"], b["stream"], b["sdp"])))
    return app


@contextlib.asynccontextmanager
async def serving(router: MediaRouter, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve the application and yield its URL."""
    runner = web.AppRunner(application(router))
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def chromium() -> str | None:
    """Return the path of the system's Chromium, or None if there is none."""
    named = os.environ.get("PYVIDU_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)


@contextlib.asynccontextmanager
async def browser(executable: str | None = None, *more: str) -> AsyncIterator[Browser]:
    """Run a headless Chromium with fake devices."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=executable or chromium(), args=[*CHROMIUM_FLAGS, *more]
        )
        try:
            yield launched
        finally:
            await launched.close()


@contextlib.asynccontextmanager
async def rig(*more_flags: str, **options: Any) -> AsyncIterator[Rig]:
    """Run a router, its HTTP server and a browser, and close them all."""
    traffic = MediaTraffic()
    router = MediaRouter(**{"host_addresses": ["127.0.0.1"], "traffic": traffic, **options})
    async with browser(None, *more_flags) as launched, serving(router) as url:
        running = Rig(router, traffic, url, launched)
        try:
            yield running
        finally:
            await running.close_pages()
            await router.close()
