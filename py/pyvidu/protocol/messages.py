"""Every request of OpenVidu's signaling plane, one class each, named after its method.

A class has its wire name in `method`; its fields are the parameters. `wire.py` turns them into JSON and back. Values
that OpenVidu encodes as JSON *text* inside the JSON (`videoDimensions`, a signal's `message`) are strings here too, with
helpers beside them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from . import json_text
from .wire import MissingKey, WireError, from_wire

LARGEST_METADATA = 10_000
"""Bytes, as UTF-8, of what a client, or its backend, tells the others about a participant."""

_LARGEST_SIZE = 2**16  # pixels; no codec of WebRTC has larger pictures


class Call:
    """A request or a notification: a method and its parameters."""

    method: ClassVar[str]

    def check(self, result: object) -> None:
        """Check the server's result of this request; without a result that the client needs, anything is right.

        Raises:
            WireError: it lacks something or has a value of another type.
        """


# --- shared values ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A published stream, as sent to participants. `video_dimensions` is JSON text of width and height."""

    id: str
    created_at: float | None = None
    has_audio: bool = False
    has_video: bool = False
    audio_active: bool | None = None
    video_active: bool | None = None
    type_of_video: str | None = None
    frame_rate: float | None = None
    video_dimensions: str | None = None
    filter: Any = None


@dataclass(frozen=True, slots=True)
class ParticipantInfo:
    """A participant who is already in the room that another one joins."""

    id: str
    created_at: float | None = None
    metadata: str | None = None
    streams: list[StreamInfo] | None = None


@dataclass(frozen=True, slots=True)
class IceServerInfo:
    """An ICE server for the peer connections of a participant."""

    url: str
    username: str | None = None
    credential: str | None = None


def video_dimensions(width: int, height: int) -> str:
    """Return the JSON text of `videoDimensions`, from pixels."""
    return json.dumps({"width": width, "height": height}, separators=(",", ":"))


def parse_dimensions(text: str | None) -> tuple[int, int] | None:
    """Return width and height in pixels, or None if `text` does not contain them."""
    return dimensions_in(json_text.decoded(text))


def dimensions_in(value: Any) -> tuple[int, int] | None:
    """Return the `width` and `height` of an object, or None if it does not have both."""
    if not isinstance(value, Mapping):
        return None
    width: Any = value.get("width")
    height: Any = value.get("height")
    return (int(width), int(height)) if _is_size(width) and _is_size(height) else None


def _is_size(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LARGEST_SIZE


# --- requests: the RPC session itself --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ping(Call):
    """Heartbeat. `interval` (milliseconds) in the first ping of an RPC session sets the server's watchdog for good."""

    method: ClassVar[str] = "ping"
    interval: int | None = None
    received: int | None = None  # number of notifications so far; for a server that replays


@dataclass(frozen=True, slots=True)
class Connect(Call):
    """Resumes the RPC session `session_id` on the socket that this is sent on."""

    method: ClassVar[str] = "connect"
    session_id: str | None = None
    reconnect: bool | None = None
    received: int | None = None  # number of notifications so far; a server that replays sends the rest


@dataclass(frozen=True, slots=True)
class SessionStatus(Call):
    """Asks for the `life` of the node of RPC session `session_id`, after a refused resume (OpenVidu Pro)."""

    method: ClassVar[str] = "sessionStatus"
    session_id: str


@dataclass(frozen=True, slots=True)
class SessionStatusResult:
    """A `life` other than that of `joinRoom` means that the node crashed; absent or -1 means unknown."""

    life: int | None = None


@dataclass(frozen=True, slots=True)
class CloseSession(Call):
    """Ends the RPC session."""

    method: ClassVar[str] = "closeSession"


# --- requests: the room ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JoinRoom(Call):
    """Joins a room. `token` is the whole connection URL."""

    method: ClassVar[str] = "joinRoom"
    token: str
    session: str
    platform: str
    secret: str
    metadata: str
    sdk_version: str | None = None
    recorder: bool | None = None
    stt: bool | None = None

    def check(self, result: object) -> None:
        """Check that it is a `JoinRoomResult`."""
        from_wire(JoinRoomResult, result)


@dataclass(frozen=True, slots=True)
class JoinRoomResult:
    """The new participant, those already in the room (`value`), and the ICE servers. `session_id` is the RPC session id."""

    id: str
    session_id: str
    value: list[ParticipantInfo]
    final_user_id: str | None = None
    created_at: float | None = None
    metadata: str | None = None
    session: str | None = None
    version: str | None = None
    media_server: str | None = None
    video_simulcast: bool | None = None
    record: bool | None = None
    role: str | None = None
    coturn_ip: str | None = None
    coturn_port: int | str | None = None
    turn_username: str | None = None
    turn_credential: str | None = None
    custom_ice_servers: list[IceServerInfo] | None = None
    recording_id: str | None = None
    recording_name: str | None = None
    life: int | None = None
    # Of pyvidu's own server only:
    replay: bool | None = None  # a request repeated under its id runs once, and `connect` replays what was missed
    probe_id: str | None = None  # sent with reachability probes, so that an imitated drop affects them


@dataclass(frozen=True, slots=True)
class LeaveRoom(Call):
    """Leaves the room; the client closes the socket after the answer."""

    method: ClassVar[str] = "leaveRoom"


@dataclass(frozen=True, slots=True)
class PublishVideo(Call):
    """Publishes one stream. `frame_rate` -1 is unset."""

    method: ClassVar[str] = "publishVideo"
    sdp_offer: str
    do_loopback: bool
    has_audio: bool
    has_video: bool
    audio_active: bool | None = None
    video_active: bool | None = None
    type_of_video: str | None = None
    frame_rate: float | None = None
    video_dimensions: str | None = None
    filter: Any = None

    def check(self, result: object) -> None:
        """Check that it is a `PublishVideoResult`."""
        from_wire(PublishVideoResult, result)


@dataclass(frozen=True, slots=True)
class PublishVideoResult:
    """`id` is the id of the new stream."""

    sdp_answer: str
    id: str
    created_at: float | None = None


@dataclass(frozen=True, slots=True)
class UnpublishVideo(Call):
    """Ends the sender's own stream."""

    method: ClassVar[str] = "unpublishVideo"


@dataclass(frozen=True, slots=True)
class PrepareReceiveVideoFrom(Call):
    """mediasoup only: asks the server for its offer of a stream."""

    method: ClassVar[str] = "prepareReceiveVideoFrom"
    sender: str
    reconnect: bool

    def check(self, result: object) -> None:
        """Check that it is a `PrepareReceiveVideoFromResult`."""
        from_wire(PrepareReceiveVideoFromResult, result)


@dataclass(frozen=True, slots=True)
class PrepareReceiveVideoFromResult:
    """The server's offer."""

    sdp_offer: str


@dataclass(frozen=True, slots=True)
class ReceiveVideoFrom(Call):
    """Subscribes to the stream `sender`: with an offer (kurento) or with the answer to the server's offer (mediasoup)."""

    method: ClassVar[str] = "receiveVideoFrom"
    sender: str
    sdp_offer: str | None = None
    sdp_answer: str | None = None

    def check(self, result: object) -> None:
        """Check that an offer has its answer."""
        _check_answer(result, offered=self.sdp_offer is not None)


@dataclass(frozen=True, slots=True)
class SdpAnswerResult:
    """The answer to an offer; empty when the request carried the answer."""

    sdp_answer: str | None = None


def _check_answer(result: object, *, offered: bool) -> None:
    if offered and from_wire(SdpAnswerResult, result).sdp_answer is None:
        raise MissingKey("sdpAnswer")


@dataclass(frozen=True, slots=True)
class UnsubscribeFromVideo(Call):
    """Ends the subscription to the stream of the connection `sender`."""

    method: ClassVar[str] = "unsubscribeFromVideo"
    sender: str


@dataclass(frozen=True, slots=True)
class ReconnectStream(Call):
    """Replaces the media connection of a stream.

    An own stream: `sdp_string` is the offer. A remote one: `sdp_offer` is the offer, with mediasoup `sdp_string` the answer.
    """

    method: ClassVar[str] = "reconnectStream"
    stream: str
    sdp_string: str | None = None
    sdp_offer: str | None = None
    forcibly_reconnect: bool | None = None  # None for an own stream

    def check(self, result: object) -> None:
        """Check that an offer has its answer."""
        _check_answer(result, offered=self.sdp_offer is not None or self.forcibly_reconnect is None)


@dataclass(frozen=True, slots=True)
class OnIceCandidate(Call):
    """A local ICE candidate. `endpoint_name` is the connection id of the owner of the stream."""

    method: ClassVar[str] = "onIceCandidate"
    endpoint_name: str
    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


@dataclass(frozen=True, slots=True)
class StreamPropertyChanged(Call):
    """Notifies the others that a property of an own stream has changed. `stream_id` is ignored by the server."""

    method: ClassVar[str] = "streamPropertyChanged"
    stream_id: str
    property: str
    new_value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class SendMessage(Call):
    """A signal. `message` is JSON text, see `SignalMessage`."""

    method: ClassVar[str] = "sendMessage"
    message: str


@dataclass(frozen=True, slots=True)
class SignalMessage:
    """The content of `SendMessage.message`.

    An empty `to` means everybody, the sender too. `type` is `signal` or `signal:TYPE`.
    """

    to: list[str] = field(default_factory=list)
    data: str = ""
    type: str = "signal"

    def encode(self) -> str:
        """Return the JSON text."""
        return json.dumps({"to": self.to, "data": self.data, "type": self.type}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ForceDisconnect(Call):
    """Moderators only: evicts a participant."""

    method: ClassVar[str] = "forceDisconnect"
    connection_id: str


@dataclass(frozen=True, slots=True)
class ForceUnpublish(Call):
    """Moderators only: ends a participant's stream."""

    method: ClassVar[str] = "forceUnpublish"
    stream_id: str


@dataclass(frozen=True, slots=True)
class SubscribeToSpeechToText(Call):
    """*pro*: requests what the participant `connection_id` says as text. `lang` is a language tag, such as `en-US`."""

    method: ClassVar[str] = "subscribeToSpeechToText"
    connection_id: str
    lang: str


@dataclass(frozen=True, slots=True)
class UnsubscribeFromSpeechToText(Call):
    """*pro*: ends such a subscription."""

    method: ClassVar[str] = "unsubscribeFromSpeechToText"
    connection_id: str


@dataclass(frozen=True, slots=True)
class VideoData(Call):
    """The size and state of the sender's own video, for the server's statistics. It needs membership and changes nothing."""

    method: ClassVar[str] = "videoData"
    height: int
    width: int
    video_active: bool
    audio_active: bool


@dataclass(frozen=True, slots=True)
class Echo(Call):
    """Asks whether the socket answers."""

    method: ClassVar[str] = "echo"


# --- stream ids ------------------------------------------------------------------------------------------------------


def owner_of(stream_id: str) -> str:
    """Return the connection id at the end of a stream id (`str_CAM_x7Fa_con_9jQe2b0xYz` -> `con_9jQe2b0xYz`).

    Raises:
        WireError: `stream_id` has none.
    """
    at = stream_id.rfind("con_")
    if at < 0:
        raise WireError(f"'{stream_id}' is not a stream id")
    return stream_id[at:]
