"""What Python and a page of `pyvidu.js` call of each other, and the plain values that they give each other."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from pyvidu.events import Event, NetworkQualityLevelChangedEvent, RecordingEvent
from pyvidu.protocol.wire import camel_case, to_wire
from pyvidu.reconnection.outage import Outage

logger = logging.getLogger(__name__)

Settle = Callable[..., object]
"""Called once: with a value or nothing; on an error with None, its name, its message and the server's code, if any."""


class Given(Protocol):
    """A plain object of the page."""

    def to_py(self) -> dict[str, Any]:
        """Return it as a dict."""


class Page(Protocol):
    """The functions that the page provides; `bridge.js` has them as `Page`, and the methods of `Embedding` too.

    `values` are plain fields, `references` are fields that hold objects, or lists of them, as handles.
    """

    def create(self, class_name: str) -> int:
        """Make the page's object for a Connection, a Stream or a Filter, and return its handle."""

    def update(self, handle: int, values: Mapping[str, Any], references: Mapping[str, Any]) -> None:
        """Set fields of an object."""

    def dispatch(
        self, handle: int, class_name: str, kind: str, values: Mapping[str, Any], references: Mapping[str, Any]
    ) -> bool:
        """Fire an event, and return whether a handler prevented its default action."""


STREAM_FIELDS = (
    "stream_id", "creation_time", "has_audio", "has_video", "audio_active", "video_active", "type_of_video",
    "frame_rate", "video_dimensions",
)  # fmt: skip
FILTER_FIELDS = ("type", "options", "last_exec_method")
CONNECTION_FIELDS = ("connection_id", "creation_time", "data", "role", "record", "disposed", "is_interrupted")


def fields_of(thing: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields `names` of an object, as the page has them."""
    return {camel_case(name): plain(getattr(thing, name)) for name in names}


def plain(value: Any) -> Any:
    """Return a value of an event or a field as what JavaScript can be given."""
    if isinstance(value, Outage):
        return value.to_dict()
    if isinstance(value, str):
        return str(value)  # an enum's member is not a JavaScript string
    return to_wire(value) if dataclasses.is_dataclass(value) else value  # in OpenVidu's form, as of `capabilities`


@cache
def warn_unknown(name: str) -> None:
    """Log, once in the life of the page, that a property is unknown."""
    logger.warning("%s is not supported and ignored", name)


def known_to(cls: type[Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return `properties` without those that this client lacks, so that a page written for another client still runs."""
    names = {camel_case(field.name) for field in dataclasses.fields(cls)}
    for name in properties.keys() - names:
        warn_unknown(name)
    return {name: value for name, value in properties.items() if name in names}


def leave_out_empty(event: Event, values: dict[str, Any]) -> None:
    """Remove from the fields of an event what openvidu-browser's has not while it is empty."""
    if isinstance(event, RecordingEvent) and not event.reason:
        values["reason"] = None  # undefined
    elif isinstance(event, NetworkQualityLevelChangedEvent):
        for name in [name for name in ("reason", "direction") if not values[name]]:
            del values[name]
