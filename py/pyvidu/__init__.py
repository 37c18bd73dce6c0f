"""pyvidu, an OpenVidu client in Python for the browser, whose calls survive network drops."""

from __future__ import annotations

from pyvidu.configuration import AdvancedConfiguration, PublisherProperties, SubscriberProperties
from pyvidu.connection import Connection
from pyvidu.errors import (
    BrowserNotSupportedError,
    ConnectionFailedError,
    DeviceError,
    InvalidTokenError,
    MalformedAnswerError,
    NotConnectedError,
    OpenViduError,
    PermissionDeniedError,
    PropertiesError,
    QueueFullError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
    SessionLostError,
)
from pyvidu.events import (
    ConnectionEvent,
    Event,
    ExceptionEvent,
    PublisherSpeakingEvent,
    SessionDisconnectedEvent,
    SignalEvent,
    StreamEvent,
    StreamManagerEvent,
    StreamPropertyChangedEvent,
    VideoElementEvent,
)
from pyvidu.openvidu import OpenVidu
from pyvidu.platform import Device
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import (
    AttemptPolicy,
    DetectionPolicy,
    MediaPolicy,
    ReconnectionPolicy,
    RequestPolicy,
)
from pyvidu.session import Session
from pyvidu.stream import Stream
from pyvidu.subscriber import Subscriber

__version__ = "0.1.0"

__all__ = [
    "AdvancedConfiguration",
    "AttemptPolicy",
    "BrowserNotSupportedError",
    "Connection",
    "ConnectionEvent",
    "ConnectionFailedError",
    "DetectionPolicy",
    "Device",
    "DeviceError",
    "Event",
    "ExceptionEvent",
    "InvalidTokenError",
    "MalformedAnswerError",
    "MediaPolicy",
    "NotConnectedError",
    "OpenVidu",
    "OpenViduError",
    "Outage",
    "PermissionDeniedError",
    "PropertiesError",
    "Publisher",
    "PublisherProperties",
    "PublisherSpeakingEvent",
    "QueueFullError",
    "ReconnectionPolicy",
    "RequestError",
    "RequestOutcomeUnknown",
    "RequestPolicy",
    "RequestTimeoutError",
    "Session",
    "SessionDisconnectedEvent",
    "SessionLostError",
    "SignalEvent",
    "Stream",
    "StreamEvent",
    "StreamManagerEvent",
    "StreamPropertyChangedEvent",
    "Subscriber",
    "SubscriberProperties",
    "VideoElementEvent",
    "__version__",
]
