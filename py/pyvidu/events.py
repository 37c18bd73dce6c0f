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
    from pyvidu.filters import Filter
    from pyvidu.platform.devices import VideoElement
    from pyvidu.reconnection.outage import Outage
    from pyvidu.session import Session
    from pyvidu.stream import Stream
    from pyvidu.stream_manager import StreamManager


@dataclass(slots=True, eq=False)
class Event:
    """Base of every event.

    A cancelable event has a default action, which runs after all handlers unless one of them calls `prevent_default()`.

    Attributes:
        type: OpenVidu's name of the event.
        target: the object that fired it.
        cancelable: whether it has a default action.

    Example:
        @session.on("streamDestroyed")
        def keep_the_last_picture(event):
            event.prevent_default()

    Source: openvidu-browser 2.32, `Event`.
    """

    type: str
    target: Session | StreamManager
    cancelable: bool = field(default=False, kw_only=True)
    _default: Callable[[], None] | None = field(default=None, kw_only=True, repr=False)
    _prevented: bool = field(default=False, init=False, repr=False)

    def prevent_default(self) -> None:
        """Prevent the default action. An async handler must call it before its first await.

        Source: openvidu-browser, `Event.preventDefault`.
        """
        self._prevented = True

    def is_default_prevented(self) -> bool:
        """Return whether a handler has called `prevent_default()`."""
        return self._prevented

    def call_default_behavior(self) -> None:
        """Not for applications: run the default action, once, unless it was prevented."""
        action, self._default = self._default, None
        if action is not None and not self._prevented:
            action()


@dataclass(slots=True, eq=False)
class ConnectionEvent(Event):
    """A participant has joined or left, or has its network back.

    Events:
        connectionCreated: this participant, one that was there before, or one that joins.
        connectionDestroyed: another participant has left, or was evicted: `networkDisconnect` after 12 s without a packet.
        connectionInterrupted: nothing has been heard of another participant for some 2 s: show it as reconnecting. Pyvidu's
            server tells it; with another one, this client notices it where it receives a stream that should flow. At most
            three times a minute for each participant.
        connectionRestored: it is heard again. If it is evicted, `connectionDestroyed` comes instead.

    Attributes:
        connection: the participant.
        reason: why it left, such as `disconnect`, `networkDisconnect` or `forceDisconnectByUser`; empty otherwise.

    Example:
        @session.on("connectionInterrupted")
        def reconnecting(event):
            print(f"{event.connection.data} is reconnecting")

    Source: openvidu-browser 2.32, `ConnectionEvent`; interruptions are pyvidu's. The 12 s are OpenVidu's documentation's,
    "Automatic reconnection".
    """

    target: Session
    connection: Connection
    reason: str = ""


@dataclass(slots=True, eq=False)
class StreamEvent(Event):
    """A stream is published, or has ended, or comes without its video for a while.

    Those of others on the session, and the own one on the publisher.

    Events:
        streamCreated: it can be subscribed to; on the publisher: it is published.
        streamDestroyed: it has ended. Default action: it is disposed of, and its videos are removed from the page.
        streamVideoPaused: this participant's network does not carry its video beside the sound, which goes on. Of another's
            stream: pyvidu's server does not forward its video to this participant. Of the own one: its video is not sent,
            unless `MediaPolicy.pause_weak_video` is False. `stream.video_active` stays true. On the session and on the
            subscriber or publisher.
        streamVideoResumed: it is forwarded, or sent, again.

    Attributes:
        stream: the stream.
        reason: why it ended, such as `unpublish`, `disconnect` or `networkDisconnect`, or why its video is paused:
            `bandwidth`; empty when it is published, or its video flows again.

    Source: openvidu-browser 2.32, `StreamEvent`; pauses are pyvidu's own.
    """

    stream: Stream
    reason: str = ""


@dataclass(slots=True, eq=False)
class StreamHealthEvent(Event):
    """Whether a stream flows, as counters of the media plane show; `iceConnectionState` does not decide it.

    Events:
        streamFrozen: it does not flow although it should, and is being renegotiated; or will be after 5 s, if nothing arrives
            on any path although the server answers.
        streamRecovered: it flows again. Id, subscription and videos are the same as before.

    Attributes:
        stream: the stream.
        message: the evidence; empty when it has recovered.

    Source: pyvidu's own, by webrtc-stats; the thresholds in `MediaPolicy` are measured.
    """

    stream: Stream
    message: str = ""


@dataclass(slots=True, eq=False)
class SessionDisconnectedEvent(Event):
    """The membership has ended. Nothing is fired after it, unless the session connects again.

    Events:
        sessionDisconnected: left, evicted or given up. Default action: the subscriptions are disposed of.

    Attributes:
        reason: `disconnect`, `networkDisconnect`, `forceDisconnectByUser`, `forceDisconnectByServer`,
            `sessionClosedByServer`, `nodeCrashed` or `openviduServerStopped`.

    Source: openvidu-browser 2.32, `SessionDisconnectedEvent`.
    """

    target: Session
    reason: str


@dataclass(slots=True, eq=False)
class SignalEvent(Event):
    """A signal has arrived.

    Events:
        signal: any signal, also one with a type.
        signal:TYPE: one of this type; the same event object.

    Attributes:
        data: the text that was sent.
        from_connection: who sent it; None: the server itself.
        signal_type: its type, without `signal:`.

    Source: openvidu-browser 2.32, `SignalEvent`.
    """

    target: Session
    data: str = ""
    from_connection: Connection | None = None
    signal_type: str = ""


@dataclass(slots=True, eq=False)
class StreamPropertyChangedEvent(Event):
    """A property of a stream changed.

    Events:
        streamPropertyChanged: of the own stream or another.

    Attributes:
        stream: the stream.
        changed_property: `audioActive`, `videoActive`, `videoDimensions`, `filter`, `audioTrack` or `videoTrack`.
        new_value: a bool, `VideoDimensions`, a `Filter` or None, a `TrackInfo`: of the type of the property.
        old_value: likewise.
        reason: `publishAudio`, `publishVideo`, `trackReplaced`, `deviceRotated`, `screenResized`, `applyFilter`,
            `execFilterMethod`, `removeFilter`.

    Source: openvidu-browser 2.32, `StreamPropertyChangedEvent`.
    """

    stream: Stream
    changed_property: str
    new_value: Any  # of the type of the property
    old_value: Any
    reason: str


@dataclass(slots=True, eq=False)
class FilterEvent(Event):
    """The filter of a stream has detected something. `Filter.add_event_listener` asks for it; `type` is what was asked for.

    Attributes:
        target: the `Filter`.
        data: what the filter tells, of its type.

    Source: openvidu-browser 2.32, `FilterEvent`.
    """

    target: Filter  # type: ignore[assignment]
    data: Any  # of the filter's type


@dataclass(slots=True, eq=False)
class ConnectionPropertyChangedEvent(Event):
    """A property of the local connection changed (OpenVidu Pro).

    Events:
        connectionPropertyChanged: the server gave this participant another role, say.

    Attributes:
        connection: `Session.connection`.
        changed_property: `role` or `record`.
        new_value: of the type of the property.
        old_value: likewise.

    Source: openvidu-browser 2.32, `ConnectionPropertyChangedEvent`.
    """

    target: Session
    connection: Connection
    changed_property: str
    new_value: Any  # of the type of the property
    old_value: Any


@dataclass(slots=True, eq=False)
class NetworkQualityLevelChangedEvent(Event):
    """The server rates the network of a participant anew (pyvidu's own server, and OpenVidu Pro).

    Events:
        networkQualityLevelChanged: of this participant or another.

    Attributes:
        connection: whose network.
        new_value: 1 to 5, 5 is the best, and what is not announced; 0: the connection is broken.
        old_value: likewise.
        reason: what is worst, of pyvidu's server alone: `silence`, `bandwidth`, `loss`, `queue` (packets wait on the way) or
            `roundTripTime`; "" at 5.
        direction: `uplink` or `downlink`, as seen from the participant; "" where the reason is `silence` or none.

    Source: openvidu-browser 2.32, `NetworkQualityLevelChangedEvent`.
    """

    target: Session
    connection: Connection
    new_value: int
    old_value: int
    reason: str = ""
    direction: str = ""


@dataclass(slots=True, eq=False)
class PublisherSpeakingEvent(Event):
    """Somebody begins to speak or has stopped, if that is enabled: see `Session.enable_speaking_events`.

    Events:
        publisherStartSpeaking: a measurement was louder than the threshold, after two louder ones of three.
        publisherStopSpeaking: one was below it, as the ten before it were.

    Attributes:
        connection: who speaks.
        stream_id: the id of the stream.

    Source: openvidu-browser 2.32, `PublisherSpeakingEvent`; the rules are the hark library's.
    """

    connection: Connection
    stream_id: str


@dataclass(slots=True, eq=False)
class RecordingEvent(Event):
    """The server records the session.

    Events:
        recordingStarted: it has begun.
        recordingStopped: it has ended.

    Attributes:
        id: of the recording.
        name: of the recording.
        reason: why it stopped; empty when it begins.

    Source: openvidu-browser 2.32, `RecordingEvent`.
    """

    target: Session
    id: str
    name: str = ""
    reason: str = ""


@dataclass(slots=True, eq=False)
class BroadcastEvent(Event):
    """The server broadcasts the session (OpenVidu Pro).

    Events:
        broadcastStarted: it has begun.
        broadcastStopped: it has ended.

    Source: openvidu-browser 2.32, whose handlers of these events get no argument.
    """

    target: Session


@dataclass(slots=True, eq=False)
class SpeechToTextEvent(Event):
    """What a participant says, as text (OpenVidu Pro), if it was subscribed to: see `Session.subscribe_to_speech_to_text`.

    Events:
        speechToTextMessage: a part of it is being recognized, or is recognized.

    Attributes:
        connection: who speaks.
        text: what.
        reason: `recognizing` (the text may change) or `recognized`.
        raw: what the service of the server has answered.
        lang: the language that it was asked for.

    Source: openvidu-browser 2.32, `SpeechToTextEvent`.
    """

    target: Session
    connection: Connection
    text: str
    reason: str
    raw: str = ""
    lang: str = ""


@dataclass(slots=True, eq=False)
class ReconnectingEvent(Event):
    """An outage has begun: the signaling plane is down.

    Events:
        reconnecting: attempts begin. One of `reconnected`, `rejoined` and `sessionDisconnected` follows.

    Attributes:
        outage: its record, which is extended until the outage ends.

    Source: OpenVidu's documentation, "Automatic reconnection"; `outage` is pyvidu's.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class ReconnectedEvent(Event):
    """The outage has ended: signaling is resumed and membership verified.

    Events:
        reconnected: in the room still. Frozen streams are being renegotiated; `outageSettled` follows when that is done.

    Attributes:
        outage: its record.

    Source: OpenVidu's documentation, "Automatic reconnection"; `outage` is pyvidu's.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class RejoinedEvent(Event):
    """After an eviction the session has joined again as a new participant. Opt-in, see `AdvancedConfiguration.rejoin`.

    Streams and video elements are the same; the ids of the local connection and stream are new.

    Events:
        rejoined: instead of `sessionDisconnected`; `outageSettled` follows.

    Attributes:
        outage: its record.

    Source: pyvidu's own.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class OutageSettledEvent(Event):
    """The media of an outage has been verified, both ways.

    Events:
        outageSettled: once after `reconnected` or `rejoined`, as soon as every stream flows, is paused, or is given up; also
            after an outage that was over before it was told (`Outage.told`).
            Without streams it follows `reconnected` directly, when async handlers of that have taken their first step. Not
            fired if the next outage begins, or the session ends, before.

    Attributes:
        outage: its record; `outage.streams` has the outcome of each stream.

    Source: pyvidu's own.
    """

    target: Session
    outage: Outage


@dataclass(slots=True, eq=False)
class ReconnectionAttemptEvent(Event):
    """An attempt to open a new socket begins.

    Events:
        reconnectionAttempt: during an outage, for each attempt.

    Attributes:
        attempt: its number in the outage, from 1.
        next_delay: if it fails, the next one follows in so many seconds, or at once on evidence that the network is back;
            None: it is the last.

    Source: pyvidu's own.
    """

    target: Session
    attempt: int
    next_delay: float | None


@dataclass(slots=True, eq=False)
class ExceptionEvent(Event):
    """An error that no pending call reports.

    Events:
        exception: `NO_STREAM_PLAYING_EVENT`: no video of a new subscription plays within 4 s. `ICE_CONNECTION_DISCONNECTED`:
            a path was silent for 4 s. `ICE_CONNECTION_FAILED`: a stream stays frozen after its renegotiations.
            `ICE_CANDIDATE_ERROR`: the server refused a candidate of this browser. `SPEECH_TO_TEXT_DISCONNECTED`: the server's
            service has ended; subscribe again.

    Attributes:
        name: OpenVidu's `ExceptionEventName`.
        origin: the session, stream, publisher or subscriber concerned.
        message: what happened.
        data: more about it, or None.

    Source: openvidu-browser 2.32, `ExceptionEvent`; both times are settings of `AdvancedConfiguration`.
    """

    target: Session
    name: str
    origin: Session | Stream | StreamManager
    message: str
    data: object = None


@dataclass(slots=True, eq=False)
class StreamManagerEvent(Event):
    """Of a Publisher or Subscriber.

    Events:
        streamPlaying: the first of its videos plays.
        streamAudioVolumeChange: its loudness has changed, if that is enabled: see `StreamManager.enable_volume_events`.
        screenShareEnded: of a Publisher: the user has stopped sharing the screen in the browser.

    Attributes:
        value: a `VolumeChange` of `streamAudioVolumeChange`, else None.

    Source: openvidu-browser 2.32, `StreamManagerEvent`; `screenShareEnded` is pyvidu's (there the MediaStreamTrack's
    `ended`).
    """

    target: StreamManager
    value: Any = None  # of the type that the event has


@dataclass(slots=True, eq=False)
class VideoElementEvent(Event):
    """A video of a Publisher or Subscriber. A handler that is added later is called for each video that there is.

    Events:
        videoElementCreated: it shows the stream, or will as soon as there is media.
        videoElementDestroyed: it shows the stream no more, and is removed from the page if pyvidu created it.

    Attributes:
        element: the page's `<video>`.

    Source: openvidu-browser 2.32, `VideoElementEvent`.
    """

    target: StreamManager
    element: VideoElement


SESSION_EVENTS: Mapping[str, type[Event]] = {
    "broadcastStarted": BroadcastEvent,
    "broadcastStopped": BroadcastEvent,
    "connectionCreated": ConnectionEvent,
    "connectionDestroyed": ConnectionEvent,
    "connectionInterrupted": ConnectionEvent,
    "connectionPropertyChanged": ConnectionPropertyChangedEvent,
    "connectionRestored": ConnectionEvent,
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
    "speechToTextMessage": SpeechToTextEvent,
    "streamCreated": StreamEvent,
    "streamDestroyed": StreamEvent,
    "streamFrozen": StreamHealthEvent,
    "streamPropertyChanged": StreamPropertyChangedEvent,
    "streamRecovered": StreamHealthEvent,
    "streamVideoPaused": StreamEvent,
    "streamVideoResumed": StreamEvent,
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
    "streamVideoPaused": StreamEvent,
    "streamVideoResumed": StreamEvent,
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
