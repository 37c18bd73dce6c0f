"""Values that OpenVidu sends as objects and an application reads as typed ones; `to_wire` returns OpenVidu's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .messages import dimensions_in
from .wire import WireError, from_wire


@dataclass(frozen=True, slots=True)
class VideoDimensions:
    """The size of a video in pixels; 0 and 0 without video, and while it is not known.

    Attributes:
        width: in pixels.
        height: in pixels.

    Source: openvidu-browser 2.32, `Stream.videoDimensions`.
    """

    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A track of a stream, as `streamPropertyChanged` reports it.

    Attributes:
        label: the browser's name of the device.

    Source: openvidu-browser 2.32, `StreamPropertyChangedEvent`.
    """

    label: str


@dataclass(frozen=True, slots=True)
class FilterMethod:
    """A method of a filter that was called.

    Attributes:
        method: its name.
        params: its parameters, a mapping.

    Source: openvidu-browser 2.32, `Filter`.
    """

    method: str
    params: Any = None


@dataclass(frozen=True, slots=True)
class FilterInfo:
    """A filter of a stream, as it is sent to participants. `options` are those of its `type`."""

    type: str
    options: dict[str, Any] = field(default_factory=dict)
    last_exec_method: FilterMethod | None = None


def video_dimensions_in(value: object) -> VideoDimensions:
    """Return the size that is in the object `value`. Raises WireError if there is none."""
    size = dimensions_in(value)
    if size is None:
        raise WireError("it has no 'width' and 'height' in pixels")
    return VideoDimensions(*size)


def filter_in(value: object) -> FilterInfo | None:
    """Return the filter that is in the object `value`, None for no object or an empty one: no filter.

    Raises:
        WireError: it is no filter.
    """
    if isinstance(value, Mapping) and not value.get("lastExecMethod", True):  # `{}`: no method was called yet
        value = {name: item for name, item in value.items() if name != "lastExecMethod"}
    return from_wire(FilterInfo, value) if value else None
