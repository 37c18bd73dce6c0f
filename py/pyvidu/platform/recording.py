"""Recording a MediaStream, and what is done with the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Recording(Protocol):
    """A recording that runs or is paused."""

    def feed(self, stream: Any) -> None:
        """Record the tracks of another MediaStream from now on; None: the last picture, and silence."""

    def pause(self) -> None:
        """Leave out what follows."""

    def resume(self) -> None:
        """Go on."""

    async def stop(self) -> Any:
        """End it, release everything, and return the file."""


class MediaRecorders(Protocol):
    """Records, and handles files."""

    async def start(self, stream: Any, options: Mapping[str, Any], size: tuple[int, int]) -> Recording:
        """Begin to record a MediaStream whose video has a size in pixels. `options` are those of a MediaRecorder.

        Raises:
            RecordingError: the browser cannot; `name` is that of its exception.
        """

    def type_of(self, file: Any) -> str:
        """Return the MIME type of a file."""

    def preview(self, file: Any, place: Any, identity: str) -> Any:
        """Append a `<video>` that plays a file to an element (or the one with an id), and return it.

        Raises:
            PropertiesError: there is no such element.
        """

    def forget(self, preview: Any) -> None:
        """Release the file of a preview."""

    def download(self, file: Any, name: str) -> None:
        """Save a file as the user's browser does."""

    async def upload(self, file: Any, endpoint: str, headers: Mapping[str, str], name: str | None) -> tuple[int, str]:
        """Send a file by POST, as a multipart form's `file` if it has a name; return status and text, 0 without an answer."""
