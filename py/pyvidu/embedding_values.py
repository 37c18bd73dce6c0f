"""The plain values that Python and a page of `pyvidu.js` give each other."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from pyvidu.protocol.wire import camel_case, to_wire
from pyvidu.reconnection.outage import Outage

logger = logging.getLogger(__name__)

STREAM_FIELDS = (
    "stream_id", "creation_time", "has_audio", "has_video", "audio_active", "video_active", "type_of_video",
    "frame_rate", "video_dimensions", "filter",
)  # fmt: skip
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
