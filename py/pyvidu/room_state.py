"""The state of a session's room: its participants and their streams. Handles notifications, fires OpenVidu's events."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyvidu.connection import Connection
from pyvidu.events import (
    ConnectionEvent,
    ConnectionPropertyChangedEvent,
    NetworkQualityLevelChangedEvent,
    RecordingEvent,
    SignalEvent,
    StreamEvent,
    StreamPropertyChangedEvent,
)
from pyvidu.media import InboundMedia
from pyvidu.protocol import json_text
from pyvidu.protocol.messages import Call, JoinRoomResult, ParticipantInfo, StreamInfo, parse_dimensions
from pyvidu.protocol.notifications import (
    ConnectionPropertyChanged,
    ForciblyReconnectSubscriber,
    IceCandidate,
    MasterNodeCrashed,
    MediaError,
    NetworkQualityLevelChanged,
    ParticipantEvicted,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantPublished,
    ParticipantUnpublished,
    RecordingStarted,
    RecordingStopped,
    RemoteStreamPropertyChanged,
    SignalReceived,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.wire import WireError, from_wire
from pyvidu.stream import Stream
from pyvidu.subscriber import Subscriber

if TYPE_CHECKING:
    from pyvidu.membership import Membership

logger = logging.getLogger(__name__)


class _NewerNotifications:
    """The notifications since a list of the participants was requested, by connection id; they are newer than the list.

    A notification about a participant not known yet may leave the room state unchanged: the list is needed all the same.
    """

    def __init__(self) -> None:
        self.mentioned: set[str] = set()
        self.left: set[str] = set()
        self.streams: set[str] = set()  # published or unpublished since
        self.active: dict[str, dict[str, bool]] = {}  # muted or unmuted since: by stream id, then kind

    def note(self, method: str, params: Mapping[str, Any]) -> None:
        """Record a notification."""
        identity = str(params.get("connectionId") or params.get("id"))
        self.mentioned.add(identity)
        match method:
            case "participantLeft":
                self.left.add(identity)
            case "participantPublished" | "participantUnpublished":
                self.streams.add(identity)
            case "streamPropertyChanged" if params.get("property") in ("audioActive", "videoActive"):
                told = self.active.setdefault(str(params.get("streamId")), {})
                told[params["property"][:5]] = bool(_decoded(params.get("newValue")))


class RoomState:
    """The remote participants, by connection id. A notification that changes nothing fires no event."""

    def __init__(self, membership: Membership) -> None:
        self.connections: dict[str, Connection] = {}
        self._membership = membership
        self._session = membership.session
        self._collectors: list[_NewerNotifications] = []
        handlers: Mapping[type[Call], Callable[[Any], None]] = {
            ParticipantJoined: self._joined,
            ParticipantPublished: self._published,
            ParticipantUnpublished: self._unpublished,
            ParticipantLeft: self._left,
            ParticipantEvicted: self._evicted,
            SignalReceived: self._signal,
            RemoteStreamPropertyChanged: self._property_changed,
            IceCandidate: self._candidate,
            MediaError: self._media_error,
            RecordingStarted: self._recording,
            RecordingStopped: self._recording,
            ConnectionPropertyChanged: self._own_property_changed,
            NetworkQualityLevelChanged: self._quality_changed,
            ForciblyReconnectSubscriber: self._forcibly_reconnect,
            MasterNodeCrashed: lambda _told: self._membership.end(Reason.NODE_CRASHED),
        }
        self._handlers = {cls.method: (cls, handler) for cls, handler in handlers.items()}

    def populate(self, result: JoinRoomResult) -> None:
        """Add the participants who joined earlier: connections first, then streams, as the official client does."""
        for info in result.value:
            self.connections[info.id] = _connection(info)
        self._fire_connection_created(self._membership.connection)
        for connection in self.connections.values():
            self._fire_connection_created(connection)
        for info in result.value:
            for stream in info.streams or []:
                self._stream_created(self.connections[info.id], stream)

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """Handle a notification of the server. A malformed one is logged and ignored."""
        logger.debug("notification %s", method)
        for newer in self._collectors:
            newer.note(method, params)
        if method in self._handlers:
            cls, handler = self._handlers[method]
            try:
                handler(from_wire(cls, params))
            except WireError as error:
                logger.warning("the server sent a %s that makes no sense: %s", method, error)
        else:
            logger.info("the server sent a notification that this client does not know: %s", method)

    @contextmanager
    def collect_newer(self) -> Iterator[_NewerNotifications]:
        """Collect the notifications about the others while the context is open."""
        newer = _NewerNotifications()
        self._collectors.append(newer)
        try:
            yield newer
        finally:
            self._collectors.remove(newer)

    def reconcile(self, present: Sequence[ParticipantInfo], newer: _NewerNotifications | None = None) -> None:
        """Reconcile the state with the participants `present`: what was missed is reported by the ordinary events.

        Notifications in `newer` arrived after `present` was requested, and take precedence.
        """
        newer = newer or _NewerNotifications()
        here = {info.id for info in present} | newer.mentioned
        for gone in [identity for identity in self.connections if identity not in here]:
            self._left(ParticipantLeft(gone, ""))
        for info in present:
            if info.id in newer.left:
                continue
            self._joined(ParticipantJoined(info.id, info.created_at, info.metadata))
            connection = self.connections[info.id]
            connection.data = connection.data or info.metadata or ""  # a notification may have had nothing but the id
            if info.id not in newer.streams:
                self._reconcile_streams(connection, info.streams or [], newer)

    def _reconcile_streams(
        self, connection: Connection, present: Sequence[StreamInfo], newer: _NewerNotifications
    ) -> None:
        known = connection.stream
        if known is not None and known.stream_id not in {stream.id for stream in present}:
            self._stream_destroyed(connection, "")
        for listed in present:
            told = newer.active.get(listed.id, {})
            stream = replace(
                listed,
                audio_active=told.get("audio", listed.audio_active),
                video_active=told.get("video", listed.video_active),
            )
            self._published(ParticipantPublished(connection.connection_id, [stream]))
            for name in ("audio_active", "video_active"):
                value = getattr(stream, name)
                if value is not None and connection.stream is not None and getattr(connection.stream, name) != value:
                    changed = RemoteStreamPropertyChanged(
                        connection.connection_id, stream.id, f"{name[:5]}Active", value, ""
                    )
                    self._property_changed(changed)

    def streams(self) -> list[Stream]:
        """Return the remote streams."""
        return [item.stream for item in self.connections.values() if item.stream is not None]

    # --- participants and streams ------------------------------------------------------------------------------------

    def _joined(self, told: ParticipantJoined) -> None:
        if told.id not in self.connections:
            connection = self.connections[told.id] = _connection(
                ParticipantInfo(told.id, told.created_at, told.metadata)
            )
            self._fire_connection_created(connection)

    def _published(self, told: ParticipantPublished) -> None:
        connection = self.connections.get(told.id)
        if connection is None:  # its `participantJoined` was missed
            self._joined(ParticipantJoined(told.id))
            connection = self.connections[told.id]
        for info in told.streams:
            if connection.stream is not None and connection.stream.stream_id != info.id:
                self._stream_destroyed(connection, "")  # its end was missed
            if connection.stream is None:
                self._stream_created(connection, info)

    def _unpublished(self, told: ParticipantUnpublished) -> None:
        own = self._membership.connection
        if told.connection_id == own.connection_id:
            self._membership.forcibly_unpublished(_reason(told.reason))
        elif (connection := self.connections.get(told.connection_id)) is not None:
            self._stream_destroyed(connection, told.reason)

    def _left(self, told: ParticipantLeft) -> None:
        connection = self.connections.pop(told.connection_id, None)
        if connection is not None:
            self._stream_destroyed(connection, told.reason)
            connection.disposed = True
            self._session._emit(ConnectionEvent("connectionDestroyed", self._session, connection, told.reason))

    def _evicted(self, told: ParticipantEvicted) -> None:
        if told.connection_id == self._membership.connection.connection_id:
            self._membership.end(_reason(told.reason))

    def _fire_connection_created(self, connection: Connection) -> None:
        self._session._emit(ConnectionEvent("connectionCreated", self._session, connection))

    def _stream_created(self, connection: Connection, info: StreamInfo) -> None:
        stream = connection.stream = Stream(connection, info)
        self._session._emit(StreamEvent("streamCreated", self._session, stream))

    def _stream_destroyed(self, connection: Connection, reason: str) -> None:
        stream, connection.stream = connection.stream, None
        if stream is not None:
            self._session._emit(
                StreamEvent(
                    "streamDestroyed",
                    self._session,
                    stream,
                    reason,
                    cancelable=True,
                    _default=lambda: dispose_remote(stream),
                )
            )
            stream._detach()

    # --- signals and properties --------------------------------------------------------------------------------------

    def _signal(self, told: SignalReceived) -> None:
        sender = self.connections.get(told.from_ or "")
        own = self._membership.connection
        if told.from_ == own.connection_id:
            sender = own
        kind = told.type or "signal"
        event = SignalEvent(kind, self._session, told.data or "", sender, kind.removeprefix("signal:"))
        self._session._emit(event, *dict.fromkeys((kind, "signal")))

    def _property_changed(self, told: RemoteStreamPropertyChanged) -> None:
        connection = self.connections.get(told.connection_id)
        stream = connection.stream if connection is not None else None
        if stream is None or stream.stream_id != told.stream_id:
            return
        new_value, old = _decoded(told.new_value), None  # type: Any, Any
        match told.property:
            case "audioActive":
                old, stream.audio_active = stream.audio_active, bool(new_value)
            case "videoActive":
                old, stream.video_active = stream.video_active, bool(new_value)
            case "videoTrack" | "audioTrack":
                pass
            case "videoDimensions":
                width, height = parse_dimensions(json.dumps(_decoded(new_value))) or (0, 0)
                old, new_value = stream.video_dimensions, {"width": width, "height": height}
                stream.video_dimensions = new_value
            case "filter":
                old, stream.filter = stream.filter, new_value
            case _:
                logger.info("unknown stream property %s", told.property)
                return
        for target in (self._session, stream.stream_manager):
            if target is not None:
                target._emit(
                    StreamPropertyChangedEvent(
                        "streamPropertyChanged", target, stream, told.property, new_value, old, told.reason
                    )
                )

    def _candidate(self, told: IceCandidate) -> None:
        own = self._membership.connection.connection_id
        media = self._membership.media_plane.find(told.sender_connection_id, told.endpoint_name, own)
        if media is not None:
            media.add_remote_candidate(
                {"candidate": told.candidate, "sdpMid": told.sdp_mid, "sdpMLineIndex": told.sdp_m_line_index}
            )

    def _forcibly_reconnect(self, told: ForciblyReconnectSubscriber) -> None:
        connection = self.connections.get(told.connection_id)
        media = connection.stream._media if connection is not None and connection.stream is not None else None
        if isinstance(media, InboundMedia) and media.stream_id == told.stream_id:
            self._membership.in_background(media.answer_forced(told.sdp_offer))

    def _media_error(self, told: MediaError) -> None:
        logger.error("the media server reports: %s", told.error)

    def _recording(self, told: RecordingStarted | RecordingStopped) -> None:
        reason = told.reason if isinstance(told, RecordingStopped) else ""
        self._session._emit(RecordingEvent(told.method, self._session, told.id, told.name, reason))

    def _own_property_changed(self, told: ConnectionPropertyChanged) -> None:
        own = self._membership.connection
        old: Any
        new: Any
        match told.property:
            case "record":
                old, new = own.record, told.new_value in (True, "true")
                own.record = new
            case "role":
                old, new = own.role, str(told.new_value)
                own.role = new
            case _:
                return
        event = ConnectionPropertyChangedEvent("connectionPropertyChanged", self._session, own, told.property, new, old)
        self._session._emit(event)

    def _quality_changed(self, told: NetworkQualityLevelChanged) -> None:
        own = self._membership.connection
        is_own = told.connection_id == own.connection_id
        connection = own if is_own else self.connections.get(told.connection_id)
        if connection is not None:
            event = NetworkQualityLevelChangedEvent(
                "networkQualityLevelChanged", self._session, connection, told.new_value, told.old_value
            )
            self._session._emit(event)


def dispose_remote(stream: Stream) -> None:
    """Close the media connection and remove the videos of a remote stream: the default action of its end."""
    if isinstance(stream.stream_manager, Subscriber):
        stream.stream_manager._dispose()


def _connection(info: ParticipantInfo) -> Connection:
    return Connection(info.id, data=info.metadata or "", creation_time=info.created_at or 0.0)


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        return Reason.NETWORK_DISCONNECT  # the eviction of a ghost has no reason


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json_text.loads(value)
    except ValueError:
        return value
