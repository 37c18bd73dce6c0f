"""`<video>` elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import js

from pyvidu.errors import PropertiesError
from pyvidu.platform.browser.proxies import ProxyScope

_POSITIONS = {"AFTER": "afterend", "APPEND": "beforeend", "BEFORE": "beforebegin", "PREPEND": "afterbegin"}
_MIRRORED = "rotateY(180deg)"


class BrowserMediaElement:
    """A `MediaElement`. `created` means that it was created for the stream and is removed with it."""

    def __init__(self, element: Any, *, created: bool, on_playing: Callable[[], None]) -> None:
        self._element = element
        self._created = created
        self._shown: Any = None
        self._scope = ProxyScope()
        self._scope.listen(element, "canplay", lambda _event: on_playing())

    @property
    def element(self) -> Any:
        """Return the `<video>`."""
        return self._element

    @property
    def id(self) -> str:
        """Return its id."""
        return str(self._element.id)

    def show(self, stream: Any) -> None:
        """Show `stream`, unless it is shown already."""
        if self._shown is None or self._shown.js_id != stream.js_id:
            self._shown = stream
            self._element.srcObject = stream

    def close(self) -> None:
        """Stop showing the stream; remove an element that was created for it."""
        self._scope.close()
        self._shown = None
        self._element.srcObject = None
        if self._created:
            self._element.remove()


class BrowserElements:
    """Creates and adopts `<video>` elements."""

    def create(
        self, target: Any, insert_mode: str, *, identity: str, mirror: bool, muted: bool, on_playing: Callable[[], None]
    ) -> BrowserMediaElement:
        """Create a `<video>` at `target`. Raises PropertiesError: no such target, or an unknown `insert_mode`."""
        place = js.document.getElementById(target) if isinstance(target, str) else target
        if not place:  # null is falsy in every Pyodide
            raise PropertiesError(f"There is no element with the id {target!r} to put a video in")
        video = js.document.createElement("video")
        video.id = identity
        if insert_mode == "REPLACE":
            place.replaceWith(video)
        elif insert_mode in _POSITIONS:
            place.insertAdjacentElement(_POSITIONS[insert_mode], video)
        else:
            raise PropertiesError(f"insert_mode is REPLACE or one of {', '.join(_POSITIONS)}, not {insert_mode!r}")
        return self._prepared(video, created=True, mirror=mirror, muted=muted, on_playing=on_playing)

    def adopt(self, element: Any, *, mirror: bool, muted: bool, on_playing: Callable[[], None]) -> BrowserMediaElement:
        """Adopt a `<video>` of the page."""
        return self._prepared(element, created=False, mirror=mirror, muted=muted, on_playing=on_playing)

    @staticmethod
    def _prepared(
        video: Any, *, created: bool, mirror: bool, muted: bool, on_playing: Callable[[], None]
    ) -> BrowserMediaElement:
        video.autoplay = True
        video.playsInline = True
        if muted:
            video.muted = True
        if mirror:
            video.style.transform = _MIRRORED
        elif video.style.transform == _MIRRORED:  # it showed a mirrored publisher before
            video.style.transform = "unset"
        return BrowserMediaElement(video, created=created, on_playing=on_playing)
