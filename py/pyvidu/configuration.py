"""Configuration: advanced settings, and the properties of publishers and subscribers.

Names and defaults are OpenVidu's (`OpenViduAdvancedConfiguration`, `PublisherProperties`, `SubscriberProperties`). A
mapping may spell them in camelCase, keywords are snake_case. An unknown name raises `PropertiesError`, which lists the
known ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from pyvidu.errors import PropertiesError
from pyvidu.reconnection.policy import ReconnectionPolicy

InsertMode = Literal["AFTER", "APPEND", "BEFORE", "PREPEND", "REPLACE"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AdvancedConfiguration:
    """Settings of an `OpenVidu` object.

    `ice_servers` replaces the server's; they are added to `rtc_configuration` (an `RTCConfiguration`) unless it has its
    own. Timeouts are in milliseconds, as OpenVidu has them. `publisher_speaking_events_options` may have `interval`
    (milliseconds, 100) and `threshold` (decibels, -50) for `Session.enable_speaking_events`.

    pyvidu only: `reconnection` holds every number of the reconnection engine. `rejoin` is a coroutine function that
    supplies a new token after an eviction: with it the session joins again by itself (`rejoined`). `roster` is a coroutine
    function that supplies the session's connections as OpenVidu's REST API returns them, for a server that does not replay
    missed notifications.
    """

    ice_servers: Sequence[Mapping[str, Any]] | None = None
    rtc_configuration: Mapping[str, Any] | None = None
    force_media_reconnection_after_network_drop: bool = False
    ice_connection_disconnected_exception_timeout: int = 4000
    no_stream_playing_event_exception_timeout: int = 4000
    screen_share_chrome_extension: str | None = None
    publisher_speaking_events_options: Mapping[str, Any] | None = None
    rejoin: Callable[[], Awaitable[str | None]] | None = None
    roster: Callable[[], Awaitable[Any]] | None = None
    reconnection: ReconnectionPolicy = field(default_factory=ReconnectionPolicy)

    @property
    def policy(self) -> ReconnectionPolicy:
        """Return the reconnection policy with OpenVidu's own settings applied."""
        timeout = self.ice_connection_disconnected_exception_timeout / 1000
        media = replace(self.reconnection.media, ice_disconnected_timeout=timeout)
        return replace(self.reconnection, media=media)


@dataclass(frozen=True, slots=True)
class PublisherProperties:
    """What and how to publish.

    A source is None (the default device), False (none), True, a device id, `"screen"` (video only) or a MediaStreamTrack.
    `resolution` is WIDTHxHEIGHT in pixels. `mirror` flips the local view only.
    """

    audio_source: Any = None
    video_source: Any = None
    publish_audio: bool = True
    publish_video: bool = True
    resolution: str = "640x480"
    frame_rate: float | None = None
    insert_mode: InsertMode = "APPEND"
    mirror: bool = True
    video_simulcast: bool | None = None
    filter: Any = None

    @property
    def size(self) -> tuple[int, int]:
        """Return the width and height of `resolution`, in pixels.

        Raises:
            PropertiesError: it is not of the form 640x480.
        """
        width, _, height = self.resolution.partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise PropertiesError(f"resolution is WIDTHxHEIGHT, for example 640x480, not {self.resolution!r}")
        return int(width), int(height)


@dataclass(frozen=True, slots=True)
class SubscriberProperties:
    """What to receive of a stream and where its video goes."""

    subscribe_to_audio: bool = True
    subscribe_to_video: bool = True
    insert_mode: InsertMode = "APPEND"


def configured(
    cls: type[T], mapping: Mapping[str, Any] | None, keywords: Mapping[str, Any], base: T | None = None
) -> T:
    """Return a `cls` made from a mapping in either spelling and from keywords, on top of `base`.

    Raises:
        PropertiesError: a name that does not exist.
    """
    values = {_snake_case(name): value for name, value in (mapping or {}).items()} | dict(keywords)
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise PropertiesError(f"{cls.__name__} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return cls(**values) if base is None else replace(base, **values)  # type: ignore[type-var]


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
