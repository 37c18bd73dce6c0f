"""OpenVidu's events, with OpenVidu's names and fields, in snake_case where a field has two words.

https://docs.openvidu.io/en/2.32.0/api/openvidu-browser/ lists them under "Events".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvidu.connection import Connection
    from pyvidu.platform.devices import VideoElement
    from pyvidu.reconnection.outage import Outage
    from pyvidu.session import Session
    from pyvidu.stream import Stream
    from pyvidu.stream_manager import StreamManager


@dataclass(slots=True, eq=False)
class Event:
    """Base of every event. `target` is the object that fired it.

    A cancelable event has a default action, which runs after all handlers unless one of them calls `prevent_default()`.
    An async handler must call it before its first await.
    """

    type: str
    target: Session | StreamManager
    cancelable: bool = field(default=False, kw_only=True)
    _default: Callable[[], None] | None = field(default=None, kw_only=True, repr=False)
    _prevented: bool = field(default=False, init=False, repr=False)

    def prevent_default(self) -> None:
        """Prevent the default action."""
        self._prevented = True

    def is_default_prevented(self) -> bool:
        """Return whether a handler has called `prevent_default()`."""
        return self._prevented

    def call_default_behavior(self) -> None:
        """Run the default action, once, unless it was prevented. pyvidu itself calls this after the handlers."""
        action, self._default = self._default, None
        if action is not None and not self._prevented:
            action()


@dataclass(slots=True, eq=False)
class ConnectionEvent(Event):
    """`connectionCreated`, `connectionDestroyed` (then with a `reason`)."""

    target: Session
    connection: Connection
    reason: str = ""


@dataclass(slots=True, eq=False)
class StreamEvent(Event):
    """`streamCreated`, `streamDestroyed` (then with a `reason`), of a Session (remote streams) or a Publisher.

    Default action of `streamDestroyed`: the stream is disposed of and its video elements are removed from the page.
    """

    stream: Stream
    reason: str = ""


@dataclass(slots=True, eq=False)
class StreamHealthEvent(Event):
    """`streamFrozen` and `streamRecovered`. Fired by the Session, and by the Publisher or Subscriber of the stream.

    A frozen stream does not flow although it should, and is being renegotiated; `message` is the evidence.
    """

    stream: Stream
    message: str = ""


@dataclass(slots=True, eq=False)
class SessionDisconnectedEvent(Event):
    """`sessionDisconnected`: the membership has ended. Default action: the remote streams are disposed of."""

    target: Session
    reason: str


@dataclass(slots=True, eq=False)
class SignalEvent(Event):
    """`signal` and `signal:TYPE`. `from_connection` is None when the server itself sent it."""

    target: Session
    data: str = ""
    from_connection: Connection | None = None
    signal_type: str = ""


@dataclass(slots=True, eq=False)
class StreamPropertyChangedEvent(Event):
    """`streamPropertyChanged`: `audioActive`, `videoActive`, `videoDimensions`, `filter` ... of a stream changed."""

    stream: Stream
    changed_property: str
    new_value: Any  # of the type of the property
    old_value: Any
    reason: str


@dataclass(slots=True, eq=False)
class ConnectionPropertyChangedEvent(Event):
    """`connectionPropertyChanged`: the role or another property of the local connection changed (OpenVidu Pro)."""

    target: Session
    connection: Connection
    changed_property: str
    new_value: Any  # of the type of the property
    old_value: Any


@dataclass(slots=True, eq=False)
class NetworkQualityLevelChangedEvent(Event):
    """`networkQualityLevelChanged` (OpenVidu Pro)."""

    target: Session
    connection: Connection
    new_value: int
    old_value: int


@dataclass(slots=True, eq=False)
class PublisherSpeakingEvent(Event):
    """`publisherStartSpeaking`, `publisherStopSpeaking`, if enabled: see `Session.enable_speaking_events`."""

    connection: Connection
    stream_id: str


@dataclass(slots=True, eq=False)
class RecordingEvent(Event):
    """`recordingStarted`, `recordingStopped` (then with a `reason`)."""

    target: Session
    id: str
    name: str = ""
    reason: str = ""


@dataclass(slots=True, eq=False)
class ReconnectingEvent(Event):
    """`reconnecting`: an outage has begun. `outage` is its record, which is extended until the outage ends."""

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class ReconnectedEvent(Event):
    """`reconnected`: signaling is resumed and membership verified. `outageSettled` follows when media is."""

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class RejoinedEvent(Event):
    """`rejoined`: after an eviction the session has joined again as a new participant.

    Opt-in, see `AdvancedConfiguration.rejoin`. Streams and video elements are the same; the ids of the local connection and
    stream are new.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class OutageSettledEvent(Event):
    """`outageSettled`: after `reconnected` or `rejoined`, the media of the outage has been verified, both ways.

    Fired once, as soon as every stream flows, is paused, or is given up: `outage.streams` says which. Without streams it is
    fired right after `reconnected`, when async handlers of that have taken their first step. It is not fired if the next
    outage begins, or the session ends, before.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class ReconnectionAttemptEvent(Event):
    """`reconnectionAttempt`: attempt `attempt` (from 1) of an outage begins.

    If it fails, the next one follows in `next_delay` seconds, or at once on evidence that the network is back; None: it is
    the last.
    """

    target: Session
    attempt: int
    next_delay: float | None


@dataclass(slots=True, eq=False)
class ExceptionEvent(Event):
    """`exception`: an error that no pending call reports. `name` is OpenVidu's `ExceptionEventName`."""

    target: Session
    name: str
    origin: Session | Stream | StreamManager
    message: str
    data: object = None


@dataclass(slots=True, eq=False)
class StreamManagerEvent(Event):
    """`streamPlaying`, `streamAudioVolumeChange` of a Publisher or Subscriber."""

    target: StreamManager
    value: Any = None  # of the type that the event has


@dataclass(slots=True, eq=False)
class VideoElementEvent(Event):
    """`videoElementCreated`, `videoElementDestroyed` of a Publisher or Subscriber. `element` is the page's element."""

    target: StreamManager
    element: VideoElement


SESSION_EVENTS: Mapping[str, type[Event]] = {
    "connectionCreated": ConnectionEvent,
    "connectionDestroyed": ConnectionEvent,
    "connectionPropertyChanged": ConnectionPropertyChangedEvent,
    "exception": ExceptionEvent,
    "networkQualityLevelChanged": NetworkQualityLevelChangedEvent,
    "outageSettled": OutageSettledEvent,
    "publisherStartSpeaking": PublisherSpeakingEvent,
    "publisherStopSpeaking": PublisherSpeakingEvent,
    "reconnected": ReconnectedEvent,
    "reconnecting": ReconnectingEvent,
    "reconnectionAttempt": ReconnectionAttemptEvent,
    "recordingStarted": RecordingEvent,
    "recordingStopped": RecordingEvent,
    "rejoined": RejoinedEvent,
    "sessionDisconnected": SessionDisconnectedEvent,
    "signal": SignalEvent,
    "streamCreated": StreamEvent,
    "streamDestroyed": StreamEvent,
    "streamFrozen": StreamHealthEvent,
    "streamPropertyChanged": StreamPropertyChangedEvent,
    "streamRecovered": StreamHealthEvent,
}
"""The events of a `Session` by name; `signal:TYPE` is fired for each type of signal besides."""

STREAM_MANAGER_EVENTS: Mapping[str, type[Event]] = {
    "publisherStartSpeaking": PublisherSpeakingEvent,
    "publisherStopSpeaking": PublisherSpeakingEvent,
    "streamAudioVolumeChange": StreamManagerEvent,
    "streamFrozen": StreamHealthEvent,
    "streamPlaying": StreamManagerEvent,
    "streamPropertyChanged": StreamPropertyChangedEvent,
    "streamRecovered": StreamHealthEvent,
    "videoElementCreated": VideoElementEvent,
    "videoElementDestroyed": VideoElementEvent,
}
"""The events of every `StreamManager` by name, and all those of a `Subscriber`."""

PUBLISHER_EVENTS: Mapping[str, type[Event]] = {
    **STREAM_MANAGER_EVENTS,
    "screenShareEnded": StreamManagerEvent,
    "streamCreated": StreamEvent,
    "streamDestroyed": StreamEvent,
}
"""The events of a `Publisher` by name."""
