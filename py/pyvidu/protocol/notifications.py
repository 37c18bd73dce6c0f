"""Every notification of OpenVidu's signaling plane, one class each, named after its method. See `messages.py`.

*pro* marks those that only OpenVidu's closed editions send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from . import json_text
from .messages import Call, StreamInfo
from .values import TrackInfo, filter_in, video_dimensions_in
from .wire import WireError, from_wire

C = TypeVar("C", bound=Call)

ROLES = ("SUBSCRIBER", "PUBLISHER", "MODERATOR")


@dataclass(frozen=True, slots=True)
class ParticipantJoined(Call):
    """A participant joined the room."""

    method: ClassVar[str] = "participantJoined"
    id: str
    created_at: float | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantPublished(Call):
    """A participant publishes."""

    method: ClassVar[str] = "participantPublished"
    id: str
    streams: list[StreamInfo]


@dataclass(frozen=True, slots=True)
class ParticipantUnpublished(Call):
    """A stream ended; its owner is still in the room."""

    method: ClassVar[str] = "participantUnpublished"
    connection_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft(Call):
    """A participant left, and its streams ended."""

    method: ClassVar[str] = "participantLeft"
    connection_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantInterrupted(Call):
    """Nothing is heard of a participant; it is still in the room. Of pyvidu's own server, to pyvidu's clients.

    To the participant itself as soon as its media and its signaling have stopped arriving: the way down may still work.
    """

    method: ClassVar[str] = "participantInterrupted"
    connection_id: str


@dataclass(frozen=True, slots=True)
class ParticipantRestored(Call):
    """A participant that was interrupted is heard again. Of pyvidu's own server, to pyvidu's clients."""

    method: ClassVar[str] = "participantRestored"
    connection_id: str


@dataclass(frozen=True, slots=True)
class PublishedMediaMissing(Call):
    """Nothing of the recipient's own stream arrives, although its signaling was resumed.

    Of pyvidu's own server, to pyvidu's clients. The way up of the media connection is dead then, even if its way down works:
    a VPN was switched on, for example. What was missing before an outage is nothing that matters after it: when one that did
    not arrive is replayed, its `stream_id` is empty.
    """

    method: ClassVar[str] = "publishedMediaMissing"
    stream_id: str


@dataclass(frozen=True, slots=True)
class VideoForwardingChanged(Call):
    """The video of a stream is not forwarded to the recipient, for want of `bandwidth`, or is again; its sound goes on.

    Of pyvidu's own server, to pyvidu's clients.
    """

    method: ClassVar[str] = "videoForwardingChanged"
    connection_id: str
    stream_id: str
    forwarded: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantEvicted(Call):
    """A participant was evicted. Sent to everybody: a client ignores ids that are not its own."""

    method: ClassVar[str] = "participantEvicted"
    connection_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignalReceived(Call):
    """A signal. Without `from_` the server itself sent it."""

    method: ClassVar[str] = "sendMessage"
    type: str | None = None
    data: str | None = None
    from_: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteStreamPropertyChanged(Call):
    """A property of a remote stream has changed. `new_value` is JSON text (`"true"`), of a filter an object."""

    method: ClassVar[str] = "streamPropertyChanged"
    connection_id: str
    stream_id: str
    property: str
    new_value: Any
    reason: str

    def value(self) -> Any:
        """Return the new value decoded.

        `audioActive` and `videoActive` as bool, `videoDimensions` as `VideoDimensions`, `audioTrack` and `videoTrack` as
        `TrackInfo`, `filter` as `FilterInfo` or None.

        Raises:
            WireError: it is no value of that property.
        """
        value = json_text.decoded(self.new_value)
        try:
            match self.property:
                case "audioActive" | "videoActive":
                    return _flag(value)
                case "videoDimensions":  # JSON text of JSON text
                    return video_dimensions_in(json_text.decoded(value))
                case "audioTrack" | "videoTrack":
                    return from_wire(TrackInfo, value)
                case "filter":
                    return filter_in(value)
        except WireError as error:
            raise WireError(f"'newValue' of {self.property}: {error}") from None
        return value


@dataclass(frozen=True, slots=True)
class FilterEventDispatched(Call):
    """The filter of a stream has fired an event that this participant listens to."""

    method: ClassVar[str] = "filterEventDispatched"
    connection_id: str
    stream_id: str
    event_type: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class IceCandidate(Call):
    """An ICE candidate of the server.

    `sender_connection_id` is the owner of the stream; `endpoint_name` is the stream id for a publisher and
    SUBSCRIBER_STREAMID for a subscriber.
    """

    method: ClassVar[str] = "iceCandidate"
    sender_connection_id: str
    endpoint_name: str
    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None

    def __post_init__(self) -> None:
        if self.sdp_m_line_index is not None and not 0 <= self.sdp_m_line_index < 2**16:
            raise WireError("'sdpMLineIndex' is out of range")  # an unsigned short in WebRTC


@dataclass(frozen=True, slots=True)
class MediaError(Call):
    """The media server reports a problem."""

    method: ClassVar[str] = "mediaError"
    error: Any = None


@dataclass(frozen=True, slots=True)
class RecordingStarted(Call):
    """A recording of the session has started."""

    method: ClassVar[str] = "recordingStarted"
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RecordingStopped(Call):
    """A recording of the session has stopped."""

    method: ClassVar[str] = "recordingStopped"
    id: str
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BroadcastStarted(Call):
    """*pro*: a broadcast of the session has started."""

    method: ClassVar[str] = "broadcastStarted"


@dataclass(frozen=True, slots=True)
class BroadcastStopped(Call):
    """*pro*: a broadcast of the session has stopped."""

    method: ClassVar[str] = "broadcastStopped"


@dataclass(frozen=True, slots=True)
class SpeechToTextMessage(Call):
    """*pro*: what a participant says, as text. `reason` is `recognizing` or `recognized`, in capitals perhaps."""

    method: ClassVar[str] = "speechToTextMessage"
    connection_id: str
    text: str = ""
    reason: str = ""
    raw: str = ""
    lang: str = ""


@dataclass(frozen=True, slots=True)
class SpeechToTextDisconnected(Call):
    """*pro*: the service that makes text of speech has ended; subscriptions to it have to be made again."""

    method: ClassVar[str] = "speechToTextDisconnected"
    message: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionPropertyChanged(Call):
    """*pro*: a property of the recipient's own connection, `role` or `record`, has changed. `new_value` is text."""

    method: ClassVar[str] = "connectionPropertyChanged"
    property: str
    new_value: Any

    def value(self) -> Any:
        """Return the new value: `role` as str, `record` as bool.

        Raises:
            WireError: it is no value of that property.
        """
        if self.property == "record":
            return _flag(json_text.decoded(self.new_value))
        if self.property == "role" and self.new_value not in ROLES:
            raise WireError("'newValue' of role is none of " + ", ".join(ROLES))
        return self.new_value


@dataclass(frozen=True, slots=True)
class NetworkQualityLevelChanged(Call):
    """*pro*: the network quality of a participant has changed, from 1 (bad) to 5 (good); 0 means broken.

    `reason` and `direction` are of pyvidu's server alone.
    """

    method: ClassVar[str] = "networkQualityLevelChanged"
    connection_id: str
    new_value: int
    old_value: int = 0
    reason: str = ""
    direction: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.new_value <= 5:
            raise WireError("'newValue' is no level from 0 to 5")


@dataclass(frozen=True, slots=True)
class ForciblyReconnectSubscriber(Call):
    """*pro*: the server requests a new peer connection for a received stream, and sends its offer along."""

    method: ClassVar[str] = "forciblyReconnectSubscriber"
    connection_id: str
    stream_id: str
    sdp_offer: str


@dataclass(frozen=True, slots=True)
class MasterNodeCrashed(Call):
    """*pro*: the master node has crashed, and the session with it."""

    method: ClassVar[str] = "masterNodeCrashedNotification"


def parsed(cls: type[C], params: object) -> C:
    """Return the notification `cls` with the parameters received.

    Raises:
        WireError: they are no object, a mandatory one is missing, or a value has another type or is out of range.
    """
    if not isinstance(params, Mapping):
        raise WireError(f"'params' is not an object: {type(params).__name__}")
    return from_wire(cls, params)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise WireError("'newValue' is neither true nor false")
    return value
