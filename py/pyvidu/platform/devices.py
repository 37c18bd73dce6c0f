"""Cameras, microphones, and the elements that show what they send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Device:
    """A camera (`kind` is `videoinput`) or a microphone (`audioinput`). Both texts may be empty until the page has been given
    access to one. `device_id` is what `audio_source` and `video_source` take.
    """

    kind: str
    device_id: str
    label: str


class LocalMedia(Protocol):
    """A MediaStream of this participant: what a publisher sends."""

    @property
    def stream(self) -> Any:
        """The host's MediaStream."""

    @property
    def has_audio(self) -> bool:
        """Whether there is an audio track."""

    @property
    def has_video(self) -> bool:
        """Whether there is a video track."""

    @property
    def video_size(self) -> tuple[int, int]:
        """Width and height in pixels, (0, 0) without video."""

    def enable(self, kind: str, enabled: bool) -> None:
        """Sets `enabled` of the tracks of one kind (`audio` or `video`)."""

    def kind_of(self, track: Any) -> str:
        """`audio` or `video`, "" for what is no MediaStreamTrack."""

    def label(self, kind: str) -> str:
        """The name of the device behind the track of a kind."""

    def exchange(self, track: Any) -> Any:
        """Puts `track` in the place of the one of its kind, and returns that one, still running."""

    def discard(self, track: Any) -> None:
        """Stops a track that was exchanged."""

    def when_video_ends(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when somebody else ends the video: its user takes a shared screen back. Until `stop`."""

    def stop(self) -> None:
        """Stops all tracks: the camera's light goes out."""


class Loudness(Protocol):
    """A meter for one MediaStream."""

    def decibels(self) -> float:
        """How loud it is at this moment, in decibels below full scale: 0 is the loudest, -200 silence."""

    def close(self) -> None:
        """Lets go of it."""


class Devices(Protocol):
    """Access to cameras and microphones."""

    async def get_user_media(self, *, audio: Any, video: Any) -> LocalMedia:
        """Asks for a MediaStream. `audio` and `video` are False, True, constraints, a device id or a MediaStreamTrack.

        Raises:
            DeviceError: no device, no permission, or the device is in use.
        """

    async def get_display_media(self, *, audio: Any) -> LocalMedia:
        """Asks for a screen, a window or a tab.

        Raises:
            DeviceError: denied or not supported.
        """

    async def list_inputs(self) -> list[Device]:
        """Cameras and microphones.

        Raises:
            DeviceError: the host hides them.
        """

    def measure_loudness(self, stream: Any) -> Loudness | None:
        """A meter for a MediaStream, None if it has no audio."""


class MediaElement(Protocol):
    """A `<video>` element that shows a stream."""

    @property
    def element(self) -> Any:
        """The host's element."""

    @property
    def id(self) -> str:
        """Its id in the document."""

    def show(self, stream: Any) -> None:
        """Shows `stream`; the same stream again changes nothing."""

    def close(self) -> None:
        """Stops showing; an element that was created for the stream leaves the document."""


class Elements(Protocol):
    """Makes and adopts `<video>` elements."""

    def create(
        self, target: Any, insert_mode: str, *, identity: str, mirror: bool, muted: bool, on_playing: Callable[[], None]
    ) -> MediaElement:
        """A new element placed at `target` (an element or the id of one).

        Raises:
            PropertiesError: there is no such target.
        """

    def adopt(self, element: Any, *, mirror: bool, muted: bool, on_playing: Callable[[], None]) -> MediaElement:
        """An element of the application's own."""
