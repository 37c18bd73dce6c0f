"""Configuration: advanced settings, and the properties of publishers and subscribers.

Names and defaults are OpenVidu's (`OpenViduAdvancedConfiguration`, `PublisherProperties`, `SubscriberProperties`). How an
application passes them, and what an error says, is in `properties.py`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from pyvidu.properties import accepting, grouped, is_number, nested, seconds, without_effect
from pyvidu.protocol.values import FilterInfo
from pyvidu.reconnection.policy import MediaPolicy, ReconnectionPolicy

InsertMode = Literal["AFTER", "APPEND", "BEFORE", "PREPEND", "REPLACE"]

_ICE_TIMEOUT = MediaPolicy().ice_disconnected_timeout
_LONGEST_ICE_TIMEOUT = 600.0  # seconds; a policy accepts no longer one


@dataclass(frozen=True, slots=True)
class SpeakingEventsOptions:
    """How the loudness of streams is measured, for speaking and volume events.

    Attributes:
        interval: seconds between two measurements, at most 10; in a mapping milliseconds.
        threshold: what is louder is speech, in decibels below full scale.

    Source: openvidu-browser 2.32, `publisherSpeakingEventsOptions`.
    """

    interval: float = seconds(0.1, longest=10.0)
    threshold: float = -50.0


def _are_ice_servers(value: Any) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return value in (None, "freeice") or (
        listed and all(isinstance(item, Mapping) and isinstance(item.get("urls"), (str, list, tuple)) for item in value)
    )


def _is_policy(value: Any) -> bool:
    usual = ReconnectionPolicy()
    return isinstance(value, ReconnectionPolicy) and all(
        isinstance(getattr(value, item.name), type(getattr(usual, item.name))) for item in fields(usual)
    )


@dataclass(frozen=True, slots=True)
class AdvancedConfiguration:
    """Settings of an `OpenVidu` object, see `OpenVidu.set_advanced_configuration`. Times are seconds; in a mapping
    milliseconds.

    Attributes:
        ice_servers: a list of `RTCIceServer`, in place of the server's; None leaves those. `"freeice"`: two public STUN
            servers, which are asked only if an application sets this.
        rtc_configuration: an `RTCConfiguration` for every peer connection; `ice_servers` are added unless it has its own.
        force_media_reconnection_after_network_drop: renegotiate every stream after an outage, not only frozen ones.
        ice_connection_disconnected_exception_timeout: how long a path may be silent before `exception`; at most 600.
        no_stream_playing_event_exception_timeout: how long a new subscription may show nothing before `exception`.
        screen_share_chrome_extension: without effect: browsers share the screen without an extension.
        publisher_speaking_events_options: the numbers of the speaking events; a mapping is accepted too.
        rejoin: pyvidu only. A coroutine function that returns a new token after an eviction, or when the server was started
            anew: with it the session joins again by itself (`rejoined`). It is called again, for a minute and a half, if it
            raises or the network fails; returning None ends the session. None: it ends at once.
        roster: pyvidu only. A coroutine function that returns the session's connections as OpenVidu's REST API returns them,
            for a server that does not replay missed notifications.
        reconnection: pyvidu only. Every number of the reconnection engine; a mapping of mappings is accepted too.

    Example:
        async def fresh_token():
            return token  # from your backend

        openvidu.set_advanced_configuration(
            rejoin=fresh_token,
            reconnection=ReconnectionPolicy(attempts=AttemptPolicy(give_up_after=60)),
        )

    Source: openvidu-browser 2.32, `OpenViduAdvancedConfiguration`; its defaults are the same.
    """

    ice_servers: Sequence[Mapping[str, Any]] | Literal["freeice"] | None = accepting(
        None, "a list of RTCIceServer, each with its urls, 'freeice' or None", _are_ice_servers
    )
    rtc_configuration: Mapping[str, Any] | None = None
    force_media_reconnection_after_network_drop: bool = False
    ice_connection_disconnected_exception_timeout: float = seconds(_ICE_TIMEOUT)
    no_stream_playing_event_exception_timeout: float = seconds(4.0)
    screen_share_chrome_extension: str | None = without_effect("browsers share the screen without an extension")
    publisher_speaking_events_options: SpeakingEventsOptions = nested(SpeakingEventsOptions)
    rejoin: Callable[[], Awaitable[str | None]] | None = None
    roster: Callable[[], Awaitable[Any]] | None = None
    reconnection: ReconnectionPolicy = grouped(
        ReconnectionPolicy, "a ReconnectionPolicy(attempts=AttemptPolicy(...), ...)", _is_policy
    )

    @property
    def policy(self) -> ReconnectionPolicy:
        """Not for applications: return the reconnection policy, with OpenVidu's own setting applied if it was changed."""
        timeout = self.ice_connection_disconnected_exception_timeout
        if timeout == _ICE_TIMEOUT:
            return self.reconnection
        media = replace(self.reconnection.media, ice_disconnected_timeout=min(timeout, _LONGEST_ICE_TIMEOUT))
        return replace(self.reconnection, media=media)


_RESOLUTION = re.compile(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", re.ASCII)


def _is_resolution(value: Any) -> bool:
    return isinstance(value, str) and _RESOLUTION.fullmatch(value) is not None


def _source(kind: str) -> tuple[str, Callable[[Any], bool]]:
    """Return what a source accepts; a track is known by its `kind`."""
    return (
        f"None, True, False, a text (device id) or a MediaStreamTrack of {kind}",
        lambda value: value is None or isinstance(value, (bool, str)) or getattr(value, "kind", None) == kind,
    )


def described_filter(value: Any) -> FilterInfo | None:
    """Not for applications: return a filter that one has described, None for anything else."""
    given = value if isinstance(value, Mapping) else vars(value) if hasattr(value, "__dict__") else {}
    kind, options = given.get("type"), given.get("options")
    if not isinstance(kind, str) or not kind or not isinstance(options, Mapping | None):
        return None
    return FilterInfo(kind, dict(options or {}))


@dataclass(frozen=True, slots=True)
class PublisherProperties:
    """What and how to publish, see `OpenVidu.init_publisher`.

    A source is None (the default device), False (none), True, a device id or a MediaStreamTrack.

    Attributes:
        audio_source: the microphone; `"screen"` is the sound of the shared screen, if user and browser give it.
        video_source: the camera, or `"screen"` (or `"window"`): the user chooses what is shared; in Electron also
            `"screen:ID"`.
        publish_audio: False: begin muted.
        publish_video: False: begin black.
        resolution: WIDTHxHEIGHT in pixels; the browser takes the nearest that the camera has.
        frame_rate: frames per second; None leaves it to the browser.
        insert_mode: where the video is put, relative to the target: see `StreamManager.create_video_element`.
        mirror: flip the local view; a screen is never flipped.
        video_simulcast: send the video in up to three encodings, where the media server is mediasoup; None leaves that to
            the server.
        filter: a `Filter`, or a mapping of its `type` and `options`, to publish the video with; see `Stream.apply_filter`. If
            the server refuses it, publishing fails.

    Source: openvidu-browser 2.32, `PublisherProperties`; its defaults are the same.
    """

    audio_source: Any = accepting(None, *_source("audio"))
    video_source: Any = accepting(None, *_source("video"))
    publish_audio: bool = True
    publish_video: bool = True
    resolution: str = accepting("640x480", "WIDTHxHEIGHT in pixels, for example 640x480", _is_resolution)
    frame_rate: float | None = accepting(
        None,
        "a number of frames per second above 0, or None",
        lambda value: value is None or (is_number(value) and value > 0),
    )
    insert_mode: InsertMode = "APPEND"
    mirror: bool = True
    video_simulcast: bool | None = None
    filter: Any = accepting(
        None,
        "a Filter, or a mapping of type and options, or None",
        lambda value: value in (None, False) or described_filter(value) is not None,
    )

    @property
    def shares_screen(self) -> bool:
        """Not for applications: return whether the video is that of a screen, a window or a tab."""
        source = self.video_source
        return isinstance(source, str) and (source in ("screen", "window") or source.startswith("screen:"))

    @property
    def size(self) -> tuple[int, int]:
        """Not for applications: return the width and height of `resolution`, in pixels."""
        width, _, height = self.resolution.lower().partition("x")
        return int(width), int(height)


@dataclass(frozen=True, slots=True)
class SubscriberProperties:
    """What to receive of a stream and where its video goes, see `Session.subscribe`.

    Attributes:
        subscribe_to_audio: False: silent until `Subscriber.subscribe_to_audio(True)`.
        subscribe_to_video: False: black until `Subscriber.subscribe_to_video(True)`.
        insert_mode: where the video is put, relative to the target: see `StreamManager.create_video_element`.

    Source: openvidu-browser 2.32, `SubscriberProperties`.
    """

    subscribe_to_audio: bool = True
    subscribe_to_video: bool = True
    insert_mode: InsertMode = "APPEND"
