"""pyvidu, an OpenVidu client in Python for the browser, whose calls survive network drops."""

from __future__ import annotations

from pyvidu.configuration import (
    AdvancedConfiguration,
    PublisherProperties,
    SpeakingEventsOptions,
    SubscriberProperties,
)
from pyvidu.connection import Capabilities, Connection
from pyvidu.errors import (
    AlreadyConnectedError,
    AlreadyPublishedError,
    BrowserNotSupportedError,
    BrowserRefusedError,
    CallbackError,
    ConnectionFailedError,
    DeviceError,
    InvalidTokenError,
    LocalStreamError,
    MalformedAnswerError,
    MessageTooLongError,
    NotConnectedError,
    NotPublishedError,
    OpenViduError,
    PermissionDeniedError,
    PropertiesError,
    QueueFullError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
    SessionLostError,
    StreamEndedError,
)
from pyvidu.event_iterator import EventIterator
from pyvidu.events import (
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
    StreamEvent,
    StreamHealthEvent,
    StreamManagerEvent,
    StreamPropertyChangedEvent,
    VideoElementEvent,
)
from pyvidu.media import MediaClosedError
from pyvidu.membership import SessionState
from pyvidu.openvidu import OpenVidu
from pyvidu.platform import Device
from pyvidu.protocol.values import Filter, FilterMethod, TrackInfo, VideoDimensions
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Attempt, Outage, OutageEntry, StreamRecord, StreamStep
from pyvidu.reconnection.policy import (
    AttemptPolicy,
    DetectionPolicy,
    MediaPolicy,
    ReconnectionContext,
    ReconnectionPolicy,
    RequestPolicy,
)
from pyvidu.session import Joining, Session
from pyvidu.speaking import VolumeChange
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber

__version__ = "0.1.0"

__all__ = [
    "AdvancedConfiguration",
    "AlreadyConnectedError",
    "AlreadyPublishedError",
    "Attempt",
    "AttemptPolicy",
    "BrowserNotSupportedError",
    "BrowserRefusedError",
    "CallbackError",
    "Capabilities",
    "Connection",
    "ConnectionEvent",
    "ConnectionFailedError",
    "ConnectionPropertyChangedEvent",
    "DetectionPolicy",
    "Device",
    "DeviceError",
    "Event",
    "EventIterator",
    "ExceptionEvent",
    "Filter",
    "FilterMethod",
    "InvalidTokenError",
    "Joining",
    "LocalStreamError",
    "MalformedAnswerError",
    "MediaClosedError",
    "MediaPolicy",
    "MessageTooLongError",
    "NetworkQualityLevelChangedEvent",
    "NotConnectedError",
    "NotPublishedError",
    "OpenVidu",
    "OpenViduError",
    "Outage",
    "OutageEntry",
    "OutageSettledEvent",
    "PermissionDeniedError",
    "PropertiesError",
    "Publisher",
    "PublisherProperties",
    "PublisherSpeakingEvent",
    "QueueFullError",
    "ReconnectedEvent",
    "ReconnectingEvent",
    "ReconnectionAttemptEvent",
    "ReconnectionContext",
    "ReconnectionPolicy",
    "RecordingEvent",
    "RejoinedEvent",
    "RequestError",
    "RequestOutcomeUnknown",
    "RequestPolicy",
    "RequestTimeoutError",
    "Session",
    "SessionDisconnectedEvent",
    "SessionLostError",
    "SessionState",
    "SignalEvent",
    "SpeakingEventsOptions",
    "Stream",
    "StreamEndedError",
    "StreamEvent",
    "StreamHealthEvent",
    "StreamManager",
    "StreamManagerEvent",
    "StreamPropertyChangedEvent",
    "StreamRecord",
    "StreamStep",
    "Subscriber",
    "SubscriberProperties",
    "TrackInfo",
    "VideoDimensions",
    "VideoElementEvent",
    "VolumeChange",
    "__version__",
]
