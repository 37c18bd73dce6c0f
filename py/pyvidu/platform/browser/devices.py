"""Cameras, microphones and screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from pyvidu.errors import DeviceError
from pyvidu.platform import Device
from pyvidu.platform.browser.functions import functions
from pyvidu.platform.browser.loudness import BrowserLoudness, measure_loudness
from pyvidu.platform.browser.proxies import ProxyScope, js_object
from pyvidu.platform.device_errors import DeviceRefusal, device_error


class BrowserLocalMedia:
    """A local MediaStream, as `LocalMedia`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._scope = ProxyScope()

    @property
    def stream(self) -> Any:
        """Return the MediaStream."""
        return self._stream

    @property
    def has_audio(self) -> bool:
        """Return whether there is an audio track."""
        return bool(self._stream.getAudioTracks().length)

    @property
    def has_video(self) -> bool:
        """Return whether there is a video track."""
        return bool(self._stream.getVideoTracks().length)

    @property
    def video_size(self) -> tuple[int, int]:
        """Return width and height from the settings of the video track, in pixels."""
        settings = self._video_settings()
        return int(settings.get("width") or 0), int(settings.get("height") or 0)

    def enable(self, kind: str, enabled: bool) -> None:
        """Set `enabled`: a disabled video track sends black, a disabled audio track silence."""
        for track in self._stream.getTracks():
            if track.kind == kind:
                track.enabled = enabled

    def kind_of(self, track: Any) -> str:
        """Return the `kind` of a MediaStreamTrack, "" for anything else."""
        return str(track.kind) if hasattr(track, "getSettings") else ""

    def label(self, kind: str) -> str:
        """Return the label of the track of a kind, "" if there is none."""
        track = self.track(kind)
        return "" if track is None else str(track.label)

    def track(self, kind: str) -> Any:
        """Return the first MediaStreamTrack of a kind."""
        return next((track for track in self._stream.getTracks() if track.kind == kind), None)

    def has_ended(self, kind: str) -> bool:
        """Return whether the `readyState` of the track of a kind is `ended`."""
        track = self.track(kind)
        return track is not None and track.readyState == "ended"

    def exchange(self, track: Any) -> Any:
        """Replace the track of the same kind; elements that show the stream show the new one at once."""
        old = self.track(track.kind)
        self._stream.removeTrack(old)
        self._stream.addTrack(track)
        return old

    @property
    def shows_screen(self) -> bool:
        """Return whether the video track has a `displaySurface`."""
        return "displaySurface" in self._video_settings()

    def hint(self, content: str) -> None:
        """Set `contentHint` where it is empty."""
        for track in self._stream.getVideoTracks():
            if getattr(track, "contentHint", None) == "":  # Firefox has none
                track.contentHint = content

    def discard(self, track: Any, *, asked: bool = False) -> None:
        """Stop a track that pyvidu has opened, or any track that the application asks for."""
        if asked:
            track.stop()
        else:
            functions.release(track)

    def copy(self, track: Any) -> Any:
        """Return a clone."""
        clone = track.clone()
        clone.enabled = True
        return clone

    def end(self, track: Any) -> None:
        """Stop a track, and dispatch `ended`. In Firefox 153 that calls `onended`, but no listener that was added."""
        if track.readyState != "ended":
            track.stop()
            track.dispatchEvent(js.Event.new("ended"))

    def when_video_ends(self, tell: Callable[[], None]) -> None:
        """Call `tell` on the event `ended`, which `stop` does not fire."""
        for track in self._stream.getVideoTracks():
            self._scope.listen(track, "ended", lambda _event: tell())

    def when_resized(self, tell: Callable[[], None], *, screen: bool) -> None:
        """Look at a screen's size regularly, at a camera's after `orientationchange`."""
        self._scope.listen(functions.resizing(self._stream, screen), "resize", lambda _event: tell())

    def stop(self) -> None:
        """Stop all tracks that pyvidu has opened."""
        self._scope.close()
        for track in self._stream.getTracks():
            functions.release(track)

    def _video_settings(self) -> dict[str, Any]:
        tracks = self._stream.getVideoTracks()
        return dict(tracks[0].getSettings().to_py()) if tracks.length else {}


class BrowserDevices:
    """`Devices`, by `navigator.mediaDevices`."""

    async def get_user_media(self, *, audio: Any, video: Any, beside_a_screen: bool = False) -> BrowserLocalMedia:
        """Return a MediaStream of devices, of the page's own tracks, or of both."""
        own, constraints = [], {}
        for kind, wanted in (("audio", audio), ("video", video)):
            if wanted is False:
                continue
            details = dict(wanted)
            source = details.pop("source", None)
            if isinstance(source, JsProxy):
                own.append(source)
                continue
            if isinstance(source, str):
                details["deviceId"] = {"exact": source}
            constraints[kind] = details or True
        stream = js.MediaStream.new()
        if constraints:
            kind = "microphone" if beside_a_screen else "video" if "video" in constraints else "audio"
            stream = await self._ask(constraints, kind)
        for track in own:
            stream.addTrack(track)
        return BrowserLocalMedia(stream)

    async def get_display_media(self, *, audio: Any, source: str = "screen") -> BrowserLocalMedia:
        """Return a screen capture, with its own sound if `audio` is `screen`, else with a microphone's unless it is False."""
        if source.startswith("screen:") and "Electron/" in js.navigator.userAgent:
            desktop = {"chromeMediaSource": "desktop", "chromeMediaSourceId": source.removeprefix("screen:")}
            stream = await self._ask({"video": {"mandatory": desktop}}, "screen")
            return await self._with_microphone(BrowserLocalMedia(stream), audio)
        if not hasattr(js.navigator.mediaDevices, "getDisplayMedia"):
            raise DeviceError("SCREEN_SHARING_NOT_SUPPORTED", "This browser cannot share a screen")
        try:
            stream = await functions.askForMedia(
                "getDisplayMedia", js_object({"video": True, "audio": audio == "screen"})
            )
        except JsException as error:
            raise device_error(_refusal(error, "screen")) from None
        return await self._with_microphone(BrowserLocalMedia(stream), audio)

    async def _with_microphone(self, screen: BrowserLocalMedia, audio: Any) -> BrowserLocalMedia:
        if audio is not False and audio != "screen":
            try:
                microphone = await self.get_user_media(audio={"source": audio}, video=False, beside_a_screen=True)
            except BaseException:
                screen.stop()
                raise
            screen.stream.addTrack(microphone.track("audio"))
        return screen

    async def list_inputs(self) -> list[Device]:
        """Return the inputs that `enumerateDevices` lists."""
        found = await _media_devices().enumerateDevices()
        kinds = ("audioinput", "videoinput")
        return [Device(item.kind, item.deviceId, item.label) for item in found if item.kind in kinds]

    def measure_loudness(self, stream: Any) -> BrowserLoudness | None:
        """Return a meter that uses Web Audio, None without an audio track."""
        return measure_loudness(stream)

    async def _ask(self, constraints: dict[str, Any], kind: str) -> Any:
        _media_devices()  # raises if there are none
        try:
            return await functions.askForMedia("getUserMedia", js_object(constraints))
        except JsException as error:
            refusal = _refusal(error, kind)
        if refusal.is_about_one_kind and len(constraints) == 2 and await self._opens({"video": constraints["video"]}):
            refusal = replace(refusal, kind="audio")
        raise device_error(refusal)

    @staticmethod
    async def _opens(constraints: dict[str, Any]) -> bool:
        """Return whether a device can be opened; it is released again."""
        try:
            BrowserLocalMedia(await functions.askForMedia("getUserMedia", js_object(constraints))).stop()
        except JsException:
            return False
        return True


def _media_devices() -> Any:
    devices = getattr(js.navigator, "mediaDevices", None)
    if devices is None:
        raise DeviceError(
            "DEVICE_ACCESS_DENIED",
            "The browser hides cameras and microphones from this page: serve it over https, or open it as localhost",
        )
    return devices


def _refusal(error: JsException, kind: str) -> DeviceRefusal:
    return DeviceRefusal(str(error.name), str(error.message), str(getattr(error, "constraint", "") or ""), kind)
