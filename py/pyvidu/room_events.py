"""What a session makes of the reports of its participation: Connections and Streams, and OpenVidu's events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyvidu.connection import Connection
from pyvidu.errors import NotPublishedError
from pyvidu.event_dispatcher import Emitter, Listener
from pyvidu.events import (
    BroadcastEvent,
    ConnectionEvent,
    ConnectionPropertyChangedEvent,
    Event,
    ExceptionEvent,
    FilterEvent,
    NetworkQualityLevelChangedEvent,
    OutageSettledEvent,
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
    StreamPropertyChangedEvent,
)
from pyvidu.filters import Filter, FilterCall
from pyvidu.membership import ParticipantState, StreamState
from pyvidu.protocol.notifications import NetworkQualityLevelChanged, SpeechToTextMessage
from pyvidu.protocol.reasons import Reason
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.stream import Stream
from pyvidu.subscriber import Subscriber

if TYPE_CHECKING:
    from pyvidu.session import Session
    from pyvidu.stream_manager import StreamManager


class RoomEvents:
    """The `ParticipationListener` that fires events on `session`, and on the Publisher or Subscriber concerned.

    `connection` is the local participant, `remote_connections` are the others by id, `publisher` is the last one that was
    published. `end_subscription` is called with each subscriber whose stream ends.
    """

    def __init__(self, session: Session, end_subscription: Callable[[Subscriber], None]) -> None:
        self.session_id = ""
        self.connection: Connection | None = None
        self.remote_connections: dict[str, Connection] = {}
        self.publisher: Publisher | None = None
        self._filter_events = Emitter()
        self._session = session
        self._end_subscription = end_subscription

    def remote_streams(self) -> list[Stream]:
        """Return the streams of the others."""
        return [item.stream for item in self.remote_connections.values() if item.stream is not None]

    def connect_publisher(self, publisher: Publisher) -> None:
        """Make `publisher` the one whose stream the local participant publishes."""
        self.publisher, publisher.session = publisher, self._session
        publisher.stream.connection, publisher.stream.filtering.room = self.connection, self
        if self.connection is not None:
            self.connection.stream = publisher.stream

    def disconnect_publisher(self, publisher: Publisher) -> None:
        """Undo `connect_publisher`, because the stream could not be published."""
        publisher.session = publisher.stream.connection = publisher.stream.filtering.room = None
        if self.connection is not None and self.connection.stream is publisher.stream:
            self.connection.stream = None

    def emit(self, event: Event, *names: str) -> None:
        """Fire an event of the session."""
        self._session.emit_event(event, *names)

    # --- ParticipationListener: the room -----------------------------------------------------------------------------

    def joined(self, own: ParticipantState, session_id: str) -> None:
        """Become the participant `own`. After a rejoin the local stream is about to be published by it."""
        self.session_id = session_id
        self.connection = Connection(own)
        if self.publisher is not None and self.publisher.stream.is_published:
            self.connect_publisher(self.publisher)

    def others_present(self, others: Sequence[ParticipantState]) -> None:
        """Fire `connectionCreated` for the local participant and all others."""
        self._session.silence(False)
        self.remote_connections = {participant.id: Connection(participant) for participant in others}
        for participant in others:
            if participant.stream is not None:
                self._add_stream(self.remote_connections[participant.id], participant.stream)
        for connection in (self.connection, *self.remote_connections.values()):
            if connection is not None:
                self.emit(ConnectionEvent("connectionCreated", self._session, connection))

    def participant_joined(self, participant: ParticipantState) -> None:
        """Fire `connectionCreated`."""
        connection = self.remote_connections[participant.id] = Connection(participant)
        self.emit(ConnectionEvent("connectionCreated", self._session, connection))

    def participant_left(self, participant: ParticipantState, reason: str) -> None:
        """Fire `connectionDestroyed`."""
        connection = self.remote_connections.pop(participant.id)
        connection.disposed = True
        self.emit(ConnectionEvent("connectionDestroyed", self._session, connection, reason))

    def participant_interrupted(self, participant: ParticipantState) -> None:
        """Fire `connectionInterrupted` or `connectionRestored`."""
        name = "connectionInterrupted" if participant.interrupted else "connectionRestored"
        self.emit(ConnectionEvent(name, self._session, self.remote_connections[participant.id]))

    def stream_published(self, participant: ParticipantState, state: StreamState) -> None:
        """Fire `streamCreated`."""
        connection = self.remote_connections[participant.id]
        stream = connection.stream
        if stream is None or stream.state is not state:  # else it was there when the session was joined
            stream = self._add_stream(connection, state)
        self.emit(StreamEvent("streamCreated", self._session, stream))

    def stream_unpublished(self, state: StreamState, reason: str) -> None:
        """Fire `streamDestroyed`, whose default action disposes of the subscriber."""
        connection = self.remote_connections[state.owner]
        stream, connection.stream = connection.stream, None
        if stream is None:
            return
        self.emit(
            StreamEvent(
                "streamDestroyed",
                self._session,
                stream,
                reason,
                cancelable=True,
                _default=lambda: self._dispose(stream),
            )
        )
        if stream.stream_manager is not None:
            stream.stream_manager.stop_watching_speech()

    def stream_changed(self, state: StreamState, name: str, new: object, old: object, reason: str) -> None:
        """Fire `streamPropertyChanged` on the session and the subscriber."""
        stream = self._stream_of(state)
        if stream is not None:
            if name == "filter":
                new, old = stream.filtering.current, stream.filtering.before(old)  # type: ignore[arg-type]
                stream.filtering.told()
            if name == "videoActive" and new is True and isinstance(stream.stream_manager, Subscriber):
                stream.stream_manager.video_turned_on()
            self._property_changed(stream, name, new, old, reason)

    def video_forwarding_changed(self, state: StreamState, reason: str) -> None:
        """Fire `streamVideoPaused` or `streamVideoResumed` on the session and the stream's manager."""
        self._tell_video(state, reason, flows=state.video_forwarded)

    def filter_event(self, state: StreamState, event_type: str, data: object) -> None:
        """Call the handler of a type of events of a filter."""
        stream = self._stream_of(state)
        own = stream.filter if stream is not None else None
        if own is not None and event_type in own.handlers:
            self._filter_events.call(Listener(own.handlers[event_type]), FilterEvent(event_type, own, data))

    def signal_received(self, sender: ParticipantState | None, kind: str, data: str) -> None:
        """Fire `signal`, then `signal:TYPE`."""
        connection = self._connection_of(sender) if sender is not None else None
        event = SignalEvent(kind, self._session, data, connection, kind.removeprefix("signal:"))
        self.emit(event, *dict.fromkeys(("signal", kind)))

    def recording_started(self, recording: str, name: str) -> None:
        """Fire `recordingStarted`."""
        self.emit(RecordingEvent("recordingStarted", self._session, recording, name))

    def recording_stopped(self, recording: str, name: str, reason: str) -> None:
        """Fire `recordingStopped`."""
        self.emit(RecordingEvent("recordingStopped", self._session, recording, name, reason))

    def broadcast_changed(self, started: bool) -> None:
        """Fire `broadcastStarted` or `broadcastStopped`."""
        self.emit(BroadcastEvent("broadcastStarted" if started else "broadcastStopped", self._session))

    def speech_to_text(self, participant: ParticipantState, told: SpeechToTextMessage) -> None:
        """Fire `speechToTextMessage`."""
        connection = self._connection_of(participant)
        if connection is not None:
            fields = (told.text, told.reason.lower(), told.raw, told.lang)
            self.emit(SpeechToTextEvent("speechToTextMessage", self._session, connection, *fields))

    def own_participant_changed(self, name: str, new: object, old: object) -> None:
        """Fire `connectionPropertyChanged`."""
        if self.connection is not None:
            self.emit(
                ConnectionPropertyChangedEvent(
                    "connectionPropertyChanged", self._session, self.connection, name, new, old
                )
            )

    def network_quality_changed(self, participant: ParticipantState, told: NetworkQualityLevelChanged) -> None:
        """Fire `networkQualityLevelChanged`."""
        connection = self._connection_of(participant)
        if connection is not None:
            self.emit(
                NetworkQualityLevelChangedEvent(
                    "networkQualityLevelChanged",
                    self._session,
                    connection,
                    told.new_value,
                    told.old_value,
                    told.reason,
                    told.direction,
                )
            )

    # --- ParticipationListener: streams ------------------------------------------------------------------------------

    def local_stream_ended(self, state: StreamState, reason: Reason) -> None:
        """Fire `streamDestroyed` of the publisher."""
        if self.publisher is not None and self.publisher.stream.state is state:
            self.publisher.ended(reason)

    def video_sending_changed(self, state: StreamState) -> None:
        """Fire `streamVideoPaused` or `streamVideoResumed` on the session and the publisher."""
        self._tell_video(state, "" if state.video_sent else "bandwidth", flows=state.video_sent)

    def stream_frozen(self, state: StreamState, because: str) -> None:
        """Fire `streamFrozen` on the session and the stream's manager."""
        self._tell_health("streamFrozen", state, because)

    def stream_recovered(self, state: StreamState) -> None:
        """Fire `streamRecovered` on the session and the stream's manager."""
        self._tell_health("streamRecovered", state, "")

    def media_exception(self, state: StreamState | None, name: str, message: str, data: object = None) -> None:
        """Fire `exception`, with the stream as its origin, or the session."""
        stream = self._stream_of(state) if state is not None else None
        origin = self._session if stream is None else stream
        self.emit(ExceptionEvent("exception", self._session, name, origin, message, data))

    # --- ParticipationListener: the connection to the server ---------------------------------------------------------

    def reconnecting(self, outage: Outage) -> None:
        """Fire `reconnecting`."""
        self.emit(ReconnectingEvent("reconnecting", self._session, outage))

    def reconnection_attempt(self, number: int, next_delay: float | None) -> None:
        """Fire `reconnectionAttempt`."""
        self.emit(ReconnectionAttemptEvent("reconnectionAttempt", self._session, number, next_delay))

    def reconnected(self, outage: Outage) -> None:
        """Fire `reconnected`."""
        self.emit(ReconnectedEvent("reconnected", self._session, outage))

    def rejoined(self, outage: Outage) -> None:
        """Fire `rejoined`."""
        self.emit(RejoinedEvent("rejoined", self._session, outage))

    def outage_settled(self, outage: Outage) -> None:
        """Fire `outageSettled`."""
        self.emit(OutageSettledEvent("outageSettled", self._session, outage))

    def ended(self, reason: Reason) -> None:
        """Fire `sessionDisconnected`, whose default action disposes of the subscribers, then nothing more."""
        self.emit(
            SessionDisconnectedEvent(
                "sessionDisconnected", self._session, reason, cancelable=True, _default=self._dispose_remotes
            )
        )
        for stream in self.remote_streams():
            if stream.stream_manager is not None:
                stream.stream_manager.stop_watching_speech()
        self._session.silence(True)

    # --- FilterRoom --------------------------------------------------------------------------------------------------

    async def filter_request(self, call: FilterCall, *, repeatable: bool = True, ignore: tuple[int, ...] = ()) -> None:
        """Send a request about the filter of a stream."""
        member = self._session.participation.member
        if not call.stream_id:
            raise NotPublishedError("This stream is not published: await session.publish(publisher) first")
        await member.request(call, repeatable=repeatable, ignore=ignore)

    def in_background(self, coroutine: Coroutine[object, object, None]) -> asyncio.Future[None] | None:
        """Run `coroutine`, as long as the session is connected."""
        if self._session.participation.is_member:
            return self._session.participation.member.in_background(coroutine)
        coroutine.close()
        return None

    # --- inside ------------------------------------------------------------------------------------------------------

    def _add_stream(self, connection: Connection, state: StreamState) -> Stream:
        stream = connection.stream = Stream(state, connection)
        stream.filtering.room, stream.filtering.report = self, partial(self._filter_changed, stream)
        return stream

    def _filter_changed(self, stream: Stream, new: Filter | None, old: Filter | None, reason: str) -> None:
        """Fire `streamPropertyChanged`, because this participant has changed the filter of another's stream."""
        self._property_changed(stream, "filter", new, old, reason)

    def _property_changed(self, stream: Stream, name: str, new: object, old: object, reason: str) -> None:
        self._emit_for_both(
            stream,
            lambda target: StreamPropertyChangedEvent("streamPropertyChanged", target, stream, name, new, old, reason),
        )

    def _connection_of(self, participant: ParticipantState) -> Connection | None:
        if self.connection is not None and self.connection.state is participant:
            return self.connection
        return self.remote_connections.get(participant.id)

    def _stream_of(self, state: StreamState) -> Stream | None:
        own = [self.publisher.stream] if self.publisher is not None else []
        return next((stream for stream in (*own, *self.remote_streams()) if stream.state is state), None)

    def _tell_video(self, state: StreamState, reason: str, *, flows: bool) -> None:
        stream, name = self._stream_of(state), "streamVideoResumed" if flows else "streamVideoPaused"
        if stream is not None:
            self._emit_for_both(stream, lambda target: StreamEvent(name, target, stream, reason))

    def _tell_health(self, name: str, state: StreamState, message: str) -> None:
        stream = self._stream_of(state)
        if stream is not None:
            self._emit_for_both(stream, lambda target: StreamHealthEvent(name, target, stream, message))

    def _emit_for_both(self, stream: Stream, event: Callable[[Session | StreamManager], Event]) -> None:
        """Fire an event on the session and, if there is one, on the stream's manager."""
        targets: tuple[Session | StreamManager | None, ...] = (self._session, stream.stream_manager)
        for target in targets:
            if target is not None:
                target.emit_event(event(target))

    def _dispose(self, stream: Stream) -> None:
        if isinstance(stream.stream_manager, Subscriber):
            self._end_subscription(stream.stream_manager)

    def _dispose_remotes(self) -> None:
        for stream in self.remote_streams():
            self._dispose(stream)
