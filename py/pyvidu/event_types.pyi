"""The types of events by name. Do not edit: `make format` writes this file, from py/pyvidu/events.py.

A handler is plain or async, and takes the event or nothing. That a name begins with `signal:` cannot be expressed, so a
session takes any other `str` for one. Two mistakes are therefore not noticed: a misspelt name, and another event's name, with
a handler that takes nothing or a `SignalEvent`.
"""

# `EventDispatcher` takes any name and any handler; that is narrowed here on purpose. And the literal names are `str`
# too, but come first: the first overload that matches is meant.
# mypy: disable-error-code="override, overload-overlap"

from collections.abc import Callable
from typing import Literal, Protocol, Self, TypeVar, overload

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.event_iterator import EventIterator
from pyvidu.events import (
    BroadcastEvent,
    ConnectionEvent,
    ConnectionPropertyChangedEvent,
    Event,
    ExceptionEvent,
    NetworkQualityLevelChangedEvent,
    OutageSettledEvent,
    PublisherSpeakingEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    ReconnectionAttemptEvent,
    RecordingEvent,
    RejoinedEvent,
    SessionDisconnectedEvent,
    SignalEvent,
    SpeechToTextEvent,
    StreamEvent,
    StreamHealthEvent,
    StreamManagerEvent,
    StreamPropertyChangedEvent,
    VideoElementEvent,
)

_E = TypeVar("_E", bound=Event)
_R = TypeVar("_R")

class Decorator(Protocol[_E]):
    """What `on(name)` and `once(name)` return: adds the decorated handler and returns it."""

    @overload
    def __call__(self, handler: Callable[[_E], _R], /) -> Callable[[_E], _R]: ...
    @overload
    def __call__(self, handler: Callable[[], _R], /) -> Callable[[], _R]: ...

class SessionEvents(EventDispatcher):
    @overload
    def on(self, name: Literal["broadcastStarted", "broadcastStopped"]) -> Decorator[BroadcastEvent]: ...
    @overload
    def on(
        self, name: Literal["broadcastStarted", "broadcastStopped"], handler: Callable[[BroadcastEvent], object]
    ) -> Self: ...
    @overload
    def on(
        self, name: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"]
    ) -> Decorator[ConnectionEvent]: ...
    @overload
    def on(
        self,
        name: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"],
        handler: Callable[[ConnectionEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["connectionPropertyChanged"]) -> Decorator[ConnectionPropertyChangedEvent]: ...
    @overload
    def on(
        self, name: Literal["connectionPropertyChanged"], handler: Callable[[ConnectionPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["exception"]) -> Decorator[ExceptionEvent]: ...
    @overload
    def on(self, name: Literal["exception"], handler: Callable[[ExceptionEvent], object]) -> Self: ...
    @overload
    def on(self, name: Literal["networkQualityLevelChanged"]) -> Decorator[NetworkQualityLevelChangedEvent]: ...
    @overload
    def on(
        self, name: Literal["networkQualityLevelChanged"], handler: Callable[[NetworkQualityLevelChangedEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["outageSettled"]) -> Decorator[OutageSettledEvent]: ...
    @overload
    def on(self, name: Literal["outageSettled"], handler: Callable[[OutageSettledEvent], object]) -> Self: ...
    @overload
    def on(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def on(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["reconnected"]) -> Decorator[ReconnectedEvent]: ...
    @overload
    def on(self, name: Literal["reconnected"], handler: Callable[[ReconnectedEvent], object]) -> Self: ...
    @overload
    def on(self, name: Literal["reconnecting"]) -> Decorator[ReconnectingEvent]: ...
    @overload
    def on(self, name: Literal["reconnecting"], handler: Callable[[ReconnectingEvent], object]) -> Self: ...
    @overload
    def on(self, name: Literal["reconnectionAttempt"]) -> Decorator[ReconnectionAttemptEvent]: ...
    @overload
    def on(
        self, name: Literal["reconnectionAttempt"], handler: Callable[[ReconnectionAttemptEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["recordingStarted", "recordingStopped"]) -> Decorator[RecordingEvent]: ...
    @overload
    def on(
        self, name: Literal["recordingStarted", "recordingStopped"], handler: Callable[[RecordingEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["rejoined"]) -> Decorator[RejoinedEvent]: ...
    @overload
    def on(self, name: Literal["rejoined"], handler: Callable[[RejoinedEvent], object]) -> Self: ...
    @overload
    def on(self, name: Literal["sessionDisconnected"]) -> Decorator[SessionDisconnectedEvent]: ...
    @overload
    def on(
        self, name: Literal["sessionDisconnected"], handler: Callable[[SessionDisconnectedEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["signal"]) -> Decorator[SignalEvent]: ...
    @overload
    def on(self, name: Literal["signal"], handler: Callable[[SignalEvent], object]) -> Self: ...
    @overload
    def on(self, name: Literal["speechToTextMessage"]) -> Decorator[SpeechToTextEvent]: ...
    @overload
    def on(self, name: Literal["speechToTextMessage"], handler: Callable[[SpeechToTextEvent], object]) -> Self: ...
    @overload
    def on(
        self, name: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"]
    ) -> Decorator[StreamEvent]: ...
    @overload
    def on(
        self,
        name: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"],
        handler: Callable[[StreamEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def on(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def on(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: str) -> Decorator[SignalEvent]: ...
    @overload
    def on(self, name: str, handler: Callable[[SignalEvent], object]) -> Self: ...
    @overload
    def on(self, name: str, handler: Callable[[], object]) -> Self: ...
    @overload
    def once(self, name: Literal["broadcastStarted", "broadcastStopped"]) -> Decorator[BroadcastEvent]: ...
    @overload
    def once(
        self, name: Literal["broadcastStarted", "broadcastStopped"], handler: Callable[[BroadcastEvent], object]
    ) -> Self: ...
    @overload
    def once(
        self, name: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"]
    ) -> Decorator[ConnectionEvent]: ...
    @overload
    def once(
        self,
        name: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"],
        handler: Callable[[ConnectionEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["connectionPropertyChanged"]) -> Decorator[ConnectionPropertyChangedEvent]: ...
    @overload
    def once(
        self, name: Literal["connectionPropertyChanged"], handler: Callable[[ConnectionPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["exception"]) -> Decorator[ExceptionEvent]: ...
    @overload
    def once(self, name: Literal["exception"], handler: Callable[[ExceptionEvent], object]) -> Self: ...
    @overload
    def once(self, name: Literal["networkQualityLevelChanged"]) -> Decorator[NetworkQualityLevelChangedEvent]: ...
    @overload
    def once(
        self, name: Literal["networkQualityLevelChanged"], handler: Callable[[NetworkQualityLevelChangedEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["outageSettled"]) -> Decorator[OutageSettledEvent]: ...
    @overload
    def once(self, name: Literal["outageSettled"], handler: Callable[[OutageSettledEvent], object]) -> Self: ...
    @overload
    def once(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def once(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["reconnected"]) -> Decorator[ReconnectedEvent]: ...
    @overload
    def once(self, name: Literal["reconnected"], handler: Callable[[ReconnectedEvent], object]) -> Self: ...
    @overload
    def once(self, name: Literal["reconnecting"]) -> Decorator[ReconnectingEvent]: ...
    @overload
    def once(self, name: Literal["reconnecting"], handler: Callable[[ReconnectingEvent], object]) -> Self: ...
    @overload
    def once(self, name: Literal["reconnectionAttempt"]) -> Decorator[ReconnectionAttemptEvent]: ...
    @overload
    def once(
        self, name: Literal["reconnectionAttempt"], handler: Callable[[ReconnectionAttemptEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["recordingStarted", "recordingStopped"]) -> Decorator[RecordingEvent]: ...
    @overload
    def once(
        self, name: Literal["recordingStarted", "recordingStopped"], handler: Callable[[RecordingEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["rejoined"]) -> Decorator[RejoinedEvent]: ...
    @overload
    def once(self, name: Literal["rejoined"], handler: Callable[[RejoinedEvent], object]) -> Self: ...
    @overload
    def once(self, name: Literal["sessionDisconnected"]) -> Decorator[SessionDisconnectedEvent]: ...
    @overload
    def once(
        self, name: Literal["sessionDisconnected"], handler: Callable[[SessionDisconnectedEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["signal"]) -> Decorator[SignalEvent]: ...
    @overload
    def once(self, name: Literal["signal"], handler: Callable[[SignalEvent], object]) -> Self: ...
    @overload
    def once(self, name: Literal["speechToTextMessage"]) -> Decorator[SpeechToTextEvent]: ...
    @overload
    def once(self, name: Literal["speechToTextMessage"], handler: Callable[[SpeechToTextEvent], object]) -> Self: ...
    @overload
    def once(
        self, name: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"]
    ) -> Decorator[StreamEvent]: ...
    @overload
    def once(
        self,
        name: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"],
        handler: Callable[[StreamEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def once(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def once(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: str) -> Decorator[SignalEvent]: ...
    @overload
    def once(self, name: str, handler: Callable[[SignalEvent], object]) -> Self: ...
    @overload
    def once(self, name: str, handler: Callable[[], object]) -> Self: ...
    @overload
    def events(
        self,
        name: Literal["broadcastStarted", "broadcastStopped"],
        /,
        *names: Literal["broadcastStarted", "broadcastStopped"],
        limit: int = 1000,
    ) -> EventIterator[BroadcastEvent]: ...
    @overload
    def events(
        self,
        name: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"],
        /,
        *names: Literal["connectionCreated", "connectionDestroyed", "connectionInterrupted", "connectionRestored"],
        limit: int = 1000,
    ) -> EventIterator[ConnectionEvent]: ...
    @overload
    def events(
        self,
        name: Literal["connectionPropertyChanged"],
        /,
        *names: Literal["connectionPropertyChanged"],
        limit: int = 1000,
    ) -> EventIterator[ConnectionPropertyChangedEvent]: ...
    @overload
    def events(
        self, name: Literal["exception"], /, *names: Literal["exception"], limit: int = 1000
    ) -> EventIterator[ExceptionEvent]: ...
    @overload
    def events(
        self,
        name: Literal["networkQualityLevelChanged"],
        /,
        *names: Literal["networkQualityLevelChanged"],
        limit: int = 1000,
    ) -> EventIterator[NetworkQualityLevelChangedEvent]: ...
    @overload
    def events(
        self, name: Literal["outageSettled"], /, *names: Literal["outageSettled"], limit: int = 1000
    ) -> EventIterator[OutageSettledEvent]: ...
    @overload
    def events(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        /,
        *names: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        limit: int = 1000,
    ) -> EventIterator[PublisherSpeakingEvent]: ...
    @overload
    def events(
        self, name: Literal["reconnected"], /, *names: Literal["reconnected"], limit: int = 1000
    ) -> EventIterator[ReconnectedEvent]: ...
    @overload
    def events(
        self, name: Literal["reconnecting"], /, *names: Literal["reconnecting"], limit: int = 1000
    ) -> EventIterator[ReconnectingEvent]: ...
    @overload
    def events(
        self, name: Literal["reconnectionAttempt"], /, *names: Literal["reconnectionAttempt"], limit: int = 1000
    ) -> EventIterator[ReconnectionAttemptEvent]: ...
    @overload
    def events(
        self,
        name: Literal["recordingStarted", "recordingStopped"],
        /,
        *names: Literal["recordingStarted", "recordingStopped"],
        limit: int = 1000,
    ) -> EventIterator[RecordingEvent]: ...
    @overload
    def events(
        self, name: Literal["rejoined"], /, *names: Literal["rejoined"], limit: int = 1000
    ) -> EventIterator[RejoinedEvent]: ...
    @overload
    def events(
        self, name: Literal["sessionDisconnected"], /, *names: Literal["sessionDisconnected"], limit: int = 1000
    ) -> EventIterator[SessionDisconnectedEvent]: ...
    @overload
    def events(
        self, name: Literal["signal"], /, *names: Literal["signal"], limit: int = 1000
    ) -> EventIterator[SignalEvent]: ...
    @overload
    def events(
        self, name: Literal["speechToTextMessage"], /, *names: Literal["speechToTextMessage"], limit: int = 1000
    ) -> EventIterator[SpeechToTextEvent]: ...
    @overload
    def events(
        self,
        name: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"],
        /,
        *names: Literal["streamCreated", "streamDestroyed", "streamVideoPaused", "streamVideoResumed"],
        limit: int = 1000,
    ) -> EventIterator[StreamEvent]: ...
    @overload
    def events(
        self,
        name: Literal["streamFrozen", "streamRecovered"],
        /,
        *names: Literal["streamFrozen", "streamRecovered"],
        limit: int = 1000,
    ) -> EventIterator[StreamHealthEvent]: ...
    @overload
    def events(
        self, name: Literal["streamPropertyChanged"], /, *names: Literal["streamPropertyChanged"], limit: int = 1000
    ) -> EventIterator[StreamPropertyChangedEvent]: ...
    @overload
    def events(self, name: str, /, *, limit: int = 1000) -> EventIterator[SignalEvent]: ...
    @overload
    def events(self, name: str, /, *names: str, limit: int = 1000) -> EventIterator[Event]: ...
    def off(self, name: str, handler: Callable[..., object] | None = None) -> Self: ...

class StreamManagerEvents(EventDispatcher):
    @overload
    def on(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def on(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamAudioVolumeChange", "streamPlaying"]) -> Decorator[StreamManagerEvent]: ...
    @overload
    def on(
        self, name: Literal["streamAudioVolumeChange", "streamPlaying"], handler: Callable[[StreamManagerEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def on(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def on(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamVideoPaused", "streamVideoResumed"]) -> Decorator[StreamEvent]: ...
    @overload
    def on(
        self, name: Literal["streamVideoPaused", "streamVideoResumed"], handler: Callable[[StreamEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["videoElementCreated", "videoElementDestroyed"]) -> Decorator[VideoElementEvent]: ...
    @overload
    def on(
        self,
        name: Literal["videoElementCreated", "videoElementDestroyed"],
        handler: Callable[[VideoElementEvent], object],
    ) -> Self: ...
    @overload
    def on(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
        ],
        handler: Callable[[], object],
    ) -> Self: ...
    @overload
    def once(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def once(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamAudioVolumeChange", "streamPlaying"]) -> Decorator[StreamManagerEvent]: ...
    @overload
    def once(
        self, name: Literal["streamAudioVolumeChange", "streamPlaying"], handler: Callable[[StreamManagerEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def once(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def once(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamVideoPaused", "streamVideoResumed"]) -> Decorator[StreamEvent]: ...
    @overload
    def once(
        self, name: Literal["streamVideoPaused", "streamVideoResumed"], handler: Callable[[StreamEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["videoElementCreated", "videoElementDestroyed"]) -> Decorator[VideoElementEvent]: ...
    @overload
    def once(
        self,
        name: Literal["videoElementCreated", "videoElementDestroyed"],
        handler: Callable[[VideoElementEvent], object],
    ) -> Self: ...
    @overload
    def once(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
        ],
        handler: Callable[[], object],
    ) -> Self: ...
    def off(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
        ],
        handler: Callable[..., object] | None = None,
    ) -> Self: ...

class PublisherEvents(StreamManagerEvents):
    @overload
    def on(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def on(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def on(
        self, name: Literal["streamAudioVolumeChange", "streamPlaying", "screenShareEnded"]
    ) -> Decorator[StreamManagerEvent]: ...
    @overload
    def on(
        self,
        name: Literal["streamAudioVolumeChange", "streamPlaying", "screenShareEnded"],
        handler: Callable[[StreamManagerEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def on(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def on(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def on(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def on(
        self, name: Literal["streamVideoPaused", "streamVideoResumed", "streamCreated", "streamDestroyed"]
    ) -> Decorator[StreamEvent]: ...
    @overload
    def on(
        self,
        name: Literal["streamVideoPaused", "streamVideoResumed", "streamCreated", "streamDestroyed"],
        handler: Callable[[StreamEvent], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["videoElementCreated", "videoElementDestroyed"]) -> Decorator[VideoElementEvent]: ...
    @overload
    def on(
        self,
        name: Literal["videoElementCreated", "videoElementDestroyed"],
        handler: Callable[[VideoElementEvent], object],
    ) -> Self: ...
    @overload
    def on(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
            "screenShareEnded",
            "streamCreated",
            "streamDestroyed",
        ],
        handler: Callable[[], object],
    ) -> Self: ...
    @overload
    def once(
        self, name: Literal["publisherStartSpeaking", "publisherStopSpeaking"]
    ) -> Decorator[PublisherSpeakingEvent]: ...
    @overload
    def once(
        self,
        name: Literal["publisherStartSpeaking", "publisherStopSpeaking"],
        handler: Callable[[PublisherSpeakingEvent], object],
    ) -> Self: ...
    @overload
    def once(
        self, name: Literal["streamAudioVolumeChange", "streamPlaying", "screenShareEnded"]
    ) -> Decorator[StreamManagerEvent]: ...
    @overload
    def once(
        self,
        name: Literal["streamAudioVolumeChange", "streamPlaying", "screenShareEnded"],
        handler: Callable[[StreamManagerEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamFrozen", "streamRecovered"]) -> Decorator[StreamHealthEvent]: ...
    @overload
    def once(
        self, name: Literal["streamFrozen", "streamRecovered"], handler: Callable[[StreamHealthEvent], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["streamPropertyChanged"]) -> Decorator[StreamPropertyChangedEvent]: ...
    @overload
    def once(
        self, name: Literal["streamPropertyChanged"], handler: Callable[[StreamPropertyChangedEvent], object]
    ) -> Self: ...
    @overload
    def once(
        self, name: Literal["streamVideoPaused", "streamVideoResumed", "streamCreated", "streamDestroyed"]
    ) -> Decorator[StreamEvent]: ...
    @overload
    def once(
        self,
        name: Literal["streamVideoPaused", "streamVideoResumed", "streamCreated", "streamDestroyed"],
        handler: Callable[[StreamEvent], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["videoElementCreated", "videoElementDestroyed"]) -> Decorator[VideoElementEvent]: ...
    @overload
    def once(
        self,
        name: Literal["videoElementCreated", "videoElementDestroyed"],
        handler: Callable[[VideoElementEvent], object],
    ) -> Self: ...
    @overload
    def once(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
            "screenShareEnded",
            "streamCreated",
            "streamDestroyed",
        ],
        handler: Callable[[], object],
    ) -> Self: ...
    def off(
        self,
        name: Literal[
            "publisherStartSpeaking",
            "publisherStopSpeaking",
            "streamAudioVolumeChange",
            "streamFrozen",
            "streamPlaying",
            "streamPropertyChanged",
            "streamRecovered",
            "streamVideoPaused",
            "streamVideoResumed",
            "videoElementCreated",
            "videoElementDestroyed",
            "screenShareEnded",
            "streamCreated",
            "streamDestroyed",
        ],
        handler: Callable[..., object] | None = None,
    ) -> Self: ...
