"""Cameras, microphones, and the elements that show their streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

# The browser's objects, as an application passes and gets them: proxies, of which Python knows no type.
MediaStream: TypeAlias = Any
MediaStreamTrack: TypeAlias = Any
RTCPeerConnection: TypeAlias = Any
Element: TypeAlias = Any
VideoElement: TypeAlias = Any
Blob: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or a microphone.

    Attributes:
        kind: `videoinput` or `audioinput`.
        device_id: what `PublisherProperties.video_source` and `audio_source` take; may be empty before access was given.
        label: its name; may be empty before access was given.

    Source: openvidu-browser 2.32, `Device`; Media Capture specification, `MediaDeviceInfo`.
    """

    kind: str
    device_id: str
    label: str


class LocalMedia(Protocol):
    """A MediaStream of this participant, sent by a publisher."""

    @property
    def stream(self) -> Any:
        """Return the host's MediaStream."""

    @property
    def has_audio(self) -> bool:
        """Return whether there is an audio track."""

    @property
    def has_video(self) -> bool:
        """Return whether there is a video track."""

    @property
    def video_size(self) -> tuple[int, int]:
        """Return width and height in pixels, (0, 0) without video."""

    def enable(self, kind: str, enabled: bool) -> None:
        """Set `enabled` of the tracks of one kind (`audio` or `video`)."""

    def kind_of(self, track: Any) -> str:
        """Return `audio` or `video`, "" for anything that is not a MediaStreamTrack."""

    def label(self, kind: str) -> str:
        """Return the name of the device that the track of a kind comes from."""

    def exchange(self, track: Any) -> Any:
        """Replace the track of the same kind by `track`, and return the old one, still running."""

    def track(self, kind: str) -> Any:
        """Return the track of a kind, None if there is none."""

    def has_ended(self, kind: str) -> bool:
        """Return whether the track of a kind was stopped, or its device was taken away."""

    @property
    def shows_screen(self) -> bool:
        """Return whether the video is that of a screen, a window or a tab."""

    def hint(self, content: str) -> None:
        """Set the `contentHint` of the video track (`motion` or `detail`), unless it has one."""

    def discard(self, track: Any, *, asked: bool = False) -> None:
        """Stop a track, which releases its device. One that the application supplied goes on, unless it `asked`."""

    def copy(self, track: Any) -> Any:
        """Return a copy of a track, which runs for itself and is enabled."""

    def end(self, track: Any) -> None:
        """Stop a track, and call its `onended`, which no browser does then."""

    def when_video_ends(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the video ends from outside (the user stops sharing a screen), until `stop` is called."""

    def when_resized(self, tell: Callable[[], None], *, screen: bool) -> None:
        """Call `tell` when the video may have another size, until `stop` is called: a device is turned, a window resized."""

    def stop(self) -> None:
        """Stop all tracks but the application's, which turns the camera's light off."""


class Loudness(Protocol):
    """A meter for one MediaStream."""

    def decibels(self) -> float:
        """Return the current level in dBFS: 0 is the loudest, -200 silence."""

    def close(self) -> None:
        """Stop measuring and release the meter."""


class Devices(Protocol):
    """Access to cameras and microphones."""

    async def get_user_media(self, *, audio: Any, video: Any) -> LocalMedia:
        """Request a MediaStream. `audio` and `video` are False, True, constraints, a device id or a MediaStreamTrack.

        Raises:
            DeviceError: no device, no permission, or the device is in use.
        """

    async def get_display_media(self, *, audio: Any, source: str = "screen") -> LocalMedia:
        """Request the capture of a screen, a window or a tab; in Electron `source` may name it, as `screen:ID`.

        Raises:
            DeviceError: denied or not supported.
        """

    async def list_inputs(self) -> list[Device]:
        """Return the cameras and microphones.

        Raises:
            DeviceError: the host hides them.
        """

    def measure_loudness(self, stream: Any) -> Loudness | None:
        """Return a meter for a MediaStream, None if it has no audio."""


class MediaElement(Protocol):
    """A `<video>` element that shows a stream."""

    @property
    def element(self) -> Any:
        """Return the host's element."""

    @property
    def id(self) -> str:
        """Return its id in the document."""

    def show(self, stream: Any) -> None:
        """Show `stream`; showing the same stream again changes nothing."""

    def close(self) -> None:
        """Stop showing the stream, and remove an element that was created for it from the document."""


class Elements(Protocol):
    """Creates and adopts `<video>` elements."""

    def create(
        self, target: Any, insert_mode: str, *, identity: str, mirror: bool, muted: bool, on_playing: Callable[[], None]
    ) -> MediaElement:
        """Create an element at `target` (an element or the id of one).

        Raises:
            PropertiesError: there is no such target.
        """

    def adopt(self, element: Any, *, mirror: bool, muted: bool, on_playing: Callable[[], None]) -> MediaElement:
        """Adopt an element of the application."""
