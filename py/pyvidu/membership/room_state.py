"""The state of a room: its other participants and their streams. Handles notifications, reports changes.

It knows neither planes nor media connections: what concerns them is passed to its `RoomOwner`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from pyvidu.protocol.messages import Call, JoinRoomResult, ParticipantInfo, StreamInfo
from pyvidu.protocol.notifications import (
    BroadcastStarted,
    BroadcastStopped,
    ConnectionPropertyChanged,
    FilterEventDispatched,
    ForciblyReconnectSubscriber,
    IceCandidate,
    MasterNodeCrashed,
    MediaError,
    NetworkQualityLevelChanged,
    ParticipantEvicted,
    ParticipantInterrupted,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantPublished,
    ParticipantRestored,
    ParticipantUnpublished,
    PublishedMediaMissing,
    RecordingStarted,
    RecordingStopped,
    RemoteStreamPropertyChanged,
    SignalReceived,
    SpeechToTextDisconnected,
    SpeechToTextMessage,
    VideoForwardingChanged,
    parsed,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.values import FilterInfo
from pyvidu.protocol.wire import WireError

from .listener import ParticipationListener
from .records import ParticipantState, StreamState, filter_of

logger = logging.getLogger(__name__)


class RoomOwner(Protocol):
    """What a room leaves to its owner: the local participant's own part, and the media connections."""

    def expelled(self, reason: Reason) -> None:
        """Handle that the server has ended this participation."""

    def unheard(self) -> None:
        """Handle that nothing arrives of this participant at the server."""

    def local_media_missing(self, stream_id: str) -> None:
        """Handle that nothing of the local stream arrives at the server, although signaling does."""

    def local_stream_expelled(self, reason: Reason) -> None:
        """Handle that the server or a moderator has ended the local stream."""

    def remote_stream_ended(self, stream: StreamState) -> None:
        """Close the media connection of a remote stream, if it is received."""

    def own_stream(self) -> StreamState | None:
        """Return the local stream, None without one."""

    def server_candidate(self, told: IceCandidate) -> None:
        """Handle an ICE candidate of the server."""

    def server_offer(self, told: ForciblyReconnectSubscriber) -> None:
        """Handle that the server wants a received stream on a new media connection, and offers it."""


class _NewerNotifications:
    """The notifications since a list of the participants was requested, by connection id; they are newer than the list.

    A notification about a participant not known yet may leave the room state unchanged: the list is needed all the same.
    """

    def __init__(self) -> None:
        self.mentioned: set[str] = set()
        self.left: set[str] = set()
        self.streams: set[str] = set()  # published or unpublished since
        self.active: dict[str, dict[str, bool]] = {}  # muted or unmuted since: by stream id, then kind
        self.filters: set[str] = set()  # the ids of streams whose filter has changed since

    def note(self, told: Call) -> None:
        """Record a notification. Raises WireError if it has a value that is none of its property."""
        match told:
            case ParticipantJoined():
                self.mentioned.add(told.id)
            case ParticipantLeft():
                self.mentioned.add(told.connection_id)
                self.left.add(told.connection_id)
            case ParticipantPublished():
                self.mentioned.add(told.id)
                self.streams.add(told.id)
            case ParticipantUnpublished():
                self.mentioned.add(told.connection_id)
                self.streams.add(told.connection_id)
            case RemoteStreamPropertyChanged(property="audioActive" | "videoActive"):
                self.active.setdefault(told.stream_id, {})[told.property[:5]] = told.value()
                self.mentioned.add(told.connection_id)
            case RemoteStreamPropertyChanged(property="filter"):
                self.filters.add(told.stream_id)
                self.mentioned.add(told.connection_id)


class RoomState:
    """The room of `own`, the local participant. `participants` are the others, by connection id.

    A notification that changes nothing is not reported.
    """

    def __init__(self, own: ParticipantState, listener: ParticipationListener, owner: RoomOwner) -> None:
        self.own = own
        self.participants: dict[str, ParticipantState] = {}
        self._listener = listener
        self._owner = owner
        self._collectors: list[_NewerNotifications] = []
        handlers: Mapping[type[Call], Callable[[Any], None]] = {
            ParticipantJoined: self._joined,
            ParticipantPublished: self._published,
            ParticipantUnpublished: self._unpublished,
            ParticipantLeft: self._left,
            ParticipantEvicted: self._evicted,
            ParticipantInterrupted: lambda told: self._interrupted(told.connection_id, True),
            ParticipantRestored: lambda told: self._interrupted(told.connection_id, False),
            PublishedMediaMissing: lambda told: owner.local_media_missing(told.stream_id),
            VideoForwardingChanged: self._video_forwarding_changed,
            SignalReceived: self._signal,
            RemoteStreamPropertyChanged: self._property_changed,
            FilterEventDispatched: self._filter_event,
            IceCandidate: owner.server_candidate,
            MediaError: self._media_error,
            RecordingStarted: lambda told: listener.recording_started(told.id, told.name),
            RecordingStopped: lambda told: listener.recording_stopped(told.id, told.name, told.reason),
            BroadcastStarted: lambda _told: listener.broadcast_changed(True),
            BroadcastStopped: lambda _told: listener.broadcast_changed(False),
            SpeechToTextMessage: self._speech_to_text,
            SpeechToTextDisconnected: lambda told: listener.media_exception(
                None, "SPEECH_TO_TEXT_DISCONNECTED", told.message
            ),
            ConnectionPropertyChanged: self._own_property_changed,
            NetworkQualityLevelChanged: self._quality_changed,
            ForciblyReconnectSubscriber: owner.server_offer,
            MasterNodeCrashed: lambda _told: owner.expelled(Reason.NODE_CRASHED),
        }
        self._handlers = {cls.method: (cls, handler) for cls, handler in handlers.items()}

    def populate(self, result: JoinRoomResult) -> None:
        """Add the participants who joined earlier with their streams, then report first the ones, then the others."""
        for info in result.value:
            if info.id != self.own.id:
                participant = self.participants[info.id] = ParticipantState.of(info)
                if info.streams:
                    participant.stream = StreamState.of(info.streams[-1], info.id)
        others = list(self.participants.values())
        self._listener.others_present(others)
        for participant in others:
            if participant.stream is not None:
                self._listener.stream_published(participant, participant.stream)
        if result.recording_id and result.recording_name:
            self._listener.recording_started(result.recording_id, result.recording_name)

    def notified(self, method: str, params: object) -> None:
        """Handle a notification of the server. A malformed one is logged and changes nothing."""
        logger.debug("notification %.100s", method)
        if method not in self._handlers:
            logger.info("the server sent an unknown notification: %.100s", method)
            return
        cls, handler = self._handlers[method]
        try:
            told = parsed(cls, params)
            for newer in self._collectors:
                newer.note(told)
            handler(told)
        except WireError as error:
            logger.warning("the server sent a malformed notification %s, which is ignored: %s", method, error)

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
        for gone in [identity for identity in self.participants if identity not in here]:
            self._left(ParticipantLeft(gone, ""))
        for info in present:
            if info.id in newer.left:
                continue
            if info.id == self.own.id:
                self._reconcile_filters(info.id, info.streams or [], newer)
                continue
            self._joined(ParticipantJoined(info.id, info.created_at, info.metadata))
            participant = self.participants[info.id]
            participant.data = participant.data or info.metadata or ""  # a notification may have had nothing but the id
            if info.id not in newer.streams:
                self._reconcile_streams(participant, info.streams or [], newer)

    def _reconcile_streams(
        self, participant: ParticipantState, present: Sequence[StreamInfo], newer: _NewerNotifications
    ) -> None:
        known = participant.stream
        if known is not None and known.id not in {stream.id for stream in present}:
            self._stream_ended(participant, "")
        for listed in present:
            told = newer.active.get(listed.id, {})
            stream = replace(
                listed,
                audio_active=told.get("audio", listed.audio_active),
                video_active=told.get("video", listed.video_active),
            )
            self._published(ParticipantPublished(participant.id, [stream]))
            for name in ("audio_active", "video_active"):
                value = getattr(stream, name)
                if value is not None and participant.stream is not None and getattr(participant.stream, name) != value:
                    changed = RemoteStreamPropertyChanged(participant.id, stream.id, f"{name[:5]}Active", value, "")
                    self._property_changed(changed)
        self._reconcile_filters(participant.id, present, newer)

    def _reconcile_filters(self, owner: str, present: Sequence[StreamInfo], newer: _NewerNotifications) -> None:
        """Reconcile the filters of streams. One that is only named, and not described, may have one or not."""
        for listed in present:
            stream = self._stream(owner, listed.id)
            is_described = (
                listed.filter is not None or listed.audio_active is not None or listed.video_active is not None
            )
            if stream is None or not is_described or listed.id in newer.filters:
                continue
            old, new = stream.filter, filter_of(listed)
            if new != old:
                is_same = new is not None and old is not None and (new.type, new.options) == (old.type, old.options)
                reason = "removeFilter" if new is None else "execFilterMethod" if is_same else "applyFilter"
                self._filter_changed(stream, new, reason)

    def _stream(self, owner: str, stream_id: str) -> StreamState | None:
        """Return a stream, this participant's own one too, by its id and that of its connection."""
        if owner == self.own.id:
            stream = self._owner.own_stream()
        else:
            participant = self.participants.get(owner)
            stream = participant.stream if participant is not None else None
        return stream if stream is not None and stream.id == stream_id else None

    def streams(self) -> list[StreamState]:
        """Return the remote streams."""
        return [item.stream for item in self.participants.values() if item.stream is not None]

    # --- participants and streams ------------------------------------------------------------------------------------

    def _joined(self, told: ParticipantJoined) -> None:
        if told.id not in self.participants and told.id != self.own.id:
            info = ParticipantInfo(told.id, told.created_at, told.metadata)
            participant = self.participants[told.id] = ParticipantState.of(info)
            self._listener.participant_joined(participant)

    def _published(self, told: ParticipantPublished) -> None:
        if told.id == self.own.id:
            return
        participant = self.participants.get(told.id)
        if participant is None:  # its `participantJoined` was missed
            self._joined(ParticipantJoined(told.id))
            participant = self.participants[told.id]
        for info in told.streams:
            if participant.stream is not None and participant.stream.id != info.id:
                self._stream_ended(participant, "")  # its end was missed
            if participant.stream is None:
                self._stream_published(participant, info)

    def _unpublished(self, told: ParticipantUnpublished) -> None:
        if told.connection_id == self.own.id:
            self._owner.local_stream_expelled(_reason(told.reason))
        elif (participant := self.participants.get(told.connection_id)) is not None:
            self._stream_ended(participant, told.reason)

    def _left(self, told: ParticipantLeft) -> None:
        participant = self.participants.pop(told.connection_id, None)
        if participant is not None:
            self._stream_ended(participant, told.reason)
            self._listener.participant_left(participant, told.reason)

    def _evicted(self, told: ParticipantEvicted) -> None:
        if told.connection_id == self.own.id:
            self._owner.expelled(_reason(told.reason))

    def _interrupted(self, connection_id: str, interrupted: bool) -> None:
        if connection_id == self.own.id and interrupted:
            self._owner.unheard()
        participant = self.participants.get(connection_id)
        if participant is not None and participant.interrupted is not interrupted:
            participant.interrupted = interrupted
            self._listener.participant_interrupted(participant)

    def publisher_heard(self, connection_id: str, *, heard: bool) -> None:
        """Handle that nothing of a participant's stream arrives any more, or something again. One may be off on purpose."""
        participant = self.participants.get(connection_id)
        if heard or (participant is not None and participant.stream is not None and participant.stream.flows):
            self._interrupted(connection_id, not heard)

    def _stream_published(self, participant: ParticipantState, info: StreamInfo) -> None:
        participant.stream = StreamState.of(info, participant.id)
        self._listener.stream_published(participant, participant.stream)

    def _stream_ended(self, participant: ParticipantState, reason: str) -> None:
        stream, participant.stream = participant.stream, None
        if stream is not None:
            self._listener.stream_unpublished(stream, reason)
            self._owner.remote_stream_ended(stream)

    # --- signals and properties --------------------------------------------------------------------------------------

    def _signal(self, told: SignalReceived) -> None:
        sender = self.own if told.from_ == self.own.id else self.participants.get(told.from_ or "")
        self._interrupted(told.from_ or "", False)
        kind = told.type or "signal"
        if kind != "signal" and not kind.startswith("signal:"):
            kind = f"signal:{kind}"  # the sender chooses it: it must not be the name of another event
        self._listener.signal_received(sender, kind, told.data or "")

    def _property_changed(self, told: RemoteStreamPropertyChanged) -> None:
        is_own = told.connection_id == self.own.id
        stream = self._stream(told.connection_id, told.stream_id)
        if stream is None or (is_own and told.property != "filter"):  # nothing else is changed by others
            return
        new_value, old = told.value(), None  # type: Any, Any
        if told.property in ("audioActive", "videoActive"):  # others than its publisher may change the rest
            self._interrupted(told.connection_id, False)
        match told.property:
            case "audioActive":
                old, stream.audio_active = stream.audio_active, new_value
            case "videoActive":
                old, stream.video_active = stream.video_active, new_value
            case "videoTrack" | "audioTrack":
                pass
            case "videoDimensions":
                old, stream.video_dimensions = stream.video_dimensions, new_value
            case "filter":
                self._filter_changed(stream, new_value, told.reason)
                return
            case _:
                logger.info("unknown stream property %.100s", told.property)
                return
        self._listener.stream_changed(stream, told.property, new_value, old, told.reason)

    def _filter_changed(self, stream: StreamState, new: FilterInfo | None, reason: str) -> None:
        """Report a filter, unless it is known: who publishes as a moderator is told of its own changes, too."""
        old = stream.filter
        if new != old:
            stream.filter = new
            stream.filter_changes += 1
            self._listener.stream_changed(stream, "filter", new, old, reason)

    def _video_forwarding_changed(self, told: VideoForwardingChanged) -> None:
        stream = self._stream(told.connection_id, told.stream_id)
        if stream is not None:
            self.video_forwarded(stream, told.forwarded, told.reason)

    def video_forwarded(self, stream: StreamState, forwarded: bool = True, reason: str = "") -> None:
        """Handle that the video of a remote stream is forwarded to this participant, or not."""
        if stream.video_forwarded != forwarded:
            stream.video_forwarded = forwarded
            self._listener.video_forwarding_changed(stream, reason)

    def _filter_event(self, told: FilterEventDispatched) -> None:
        stream = self._stream(told.connection_id, told.stream_id)
        if stream is not None and stream.filter is not None:
            self._listener.filter_event(stream, told.event_type, told.data)

    def _media_error(self, told: MediaError) -> None:
        logger.error("the media server reports: %.1000s", told.error)

    def _own_property_changed(self, told: ConnectionPropertyChanged) -> None:
        own = self.own
        old: Any
        new = told.value()
        match told.property:
            case "record":
                old, own.record = own.record, new
            case "role":
                old, own.role = own.role, new
            case _:
                return
        self._listener.own_participant_changed(told.property, new, old)

    def _speech_to_text(self, told: SpeechToTextMessage) -> None:
        is_own = told.connection_id == self.own.id
        participant = self.own if is_own else self.participants.get(told.connection_id)
        if participant is not None:
            self._listener.speech_to_text(participant, told)

    def _quality_changed(self, told: NetworkQualityLevelChanged) -> None:
        is_own = told.connection_id == self.own.id
        participant = self.own if is_own else self.participants.get(told.connection_id)
        if participant is not None:
            self._listener.network_quality_changed(participant, told)


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        return Reason.NETWORK_DISCONNECT  # the eviction of a ghost has no reason
