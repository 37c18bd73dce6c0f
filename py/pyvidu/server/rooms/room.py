"""One room: its members, its unused tokens, and the order of notifications. No I/O and no media.

Order of messages: `protocol.md` section 5, from `SessionEventsHandler` of openvidu-server 2.32.2.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import Call
from pyvidu.protocol.notifications import (
    ConnectionPropertyChanged,
    ParticipantEvicted,
    ParticipantLeft,
    ParticipantPublished,
    ParticipantUnpublished,
    RemoteStreamPropertyChanged,
    SignalReceived,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.server import logs
from pyvidu.server.errors import AnsweredError, OpenViduException
from pyvidu.server.limits import LimitReached, Limits
from pyvidu.server.rooms.observers import Observer
from pyvidu.server.rooms.participant import HIDDEN, Participant, PublishedStream, Subscription
from pyvidu.server.rooms.tokens import Role, Token, now_ms
from pyvidu.server.secret_map import SecretMap


@dataclass(slots=True)
class SessionProperties:
    """What `POST sessions` sets; stored and returned, not used by the room."""

    media_mode: str = "ROUTED"
    recording_mode: str = "MANUAL"
    custom_session_id: str = ""
    forced_video_codec: str = "MEDIA_SERVER_PREFERRED"
    allow_transcoding: bool = False
    default_recording_properties: dict[str, Any] = field(default_factory=dict)
    media_node: str | None = None


class Room:
    """A session in OpenVidu's terms. It is *active* from its first join on and closes when the last participant leaves.

    `on_departure` is called for each participant that leaves, after its removal and before the others are notified: it
    ends the participant's media. `on_empty` is called when the room closes, empty.
    """

    def __init__(
        self,
        room_id: str,
        properties: SessionProperties,
        *,
        on_departure: Callable[[Participant], None],
        on_empty: Callable[[Room], None],
        observer: Observer | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.id = room_id
        self.properties = properties
        self.created_at = now_ms()
        self.observer = observer or Observer()
        self.tokens: SecretMap[Token] = SecretMap()
        self.active = False
        self.closed = False
        self._members: dict[str, Participant] = {}  # by `Participant.key`
        self._on_departure = on_departure
        self._on_empty = on_empty
        self._limits = limits or Limits()
        self._idle_since = _now()

    # --- members and tokens -------------------------------------------------------------------------------------------

    @property
    def participants(self) -> list[Participant]:
        """Return all participants in order of joining. A copy: a notification may evict a ghost."""
        return list(self._members.values())

    def others(self, participant: Participant) -> list[Participant]:
        """Return all participants but `participant`."""
        return [member for member in self._members.values() if member is not participant]

    def find(self, connection_id: str) -> Participant | None:
        """Return the participant with that connection id; of several hidden ones the first."""
        if connection_id in HIDDEN:
            return next((member for member in self._members.values() if member.id == connection_id), None)
        return self._members.get(connection_id)

    def owner_of(self, stream_id: str) -> Participant | None:
        """Return the participant that publishes that stream, or None."""
        for member in self._members.values():
            if member.stream and member.stream.id == stream_id:
                return member
        return None

    def watchers_of(self, stream_id: str) -> list[Participant]:
        """Return all participants that are subscribed to that stream."""
        return [m for m in self.participants if any(s.stream_id == stream_id for s in m.subscriptions.values())]

    def pending(self, connection_id: str) -> Token | None:
        """Return the unused token of that connection, or None."""
        return next((token for token in self.tokens if token.connection_id == connection_id), None)

    def add_token(self, token: Token) -> None:
        """Add `token`, which is valid for one join, for as long as the limits allow.

        Raises:
            LimitReached: too many tokens are unused.
        """
        if len(self.tokens) >= self._limits.tokens:
            raise LimitReached(f"{len(self.tokens)} tokens of session {self.id} are unused, which is the limit")
        if self._limits.token_lifetime:
            token.expires_at = _now() + self._limits.token_lifetime
        self.tokens[token.value] = token

    def consume_token(self, value: str) -> Token | None:
        """Remove the unused token with that secret and return it; None if there is none or it has expired."""
        token = self.tokens.pop(value)
        return token if token is not None and token.expires_at > _now() else None

    def tidy(self) -> None:
        """Remove expired tokens, and close a room that nobody joined in time."""
        now = _now()
        for token in self.tokens:
            if token.expires_at <= now:
                self.tokens.pop(token.value)
                logs.event("token expired", session=self.id, participant=token.connection_id)
        if not self._members and self._limits.idle_session and now >= self._idle_since + self._limits.idle_session:
            self._end("")

    # --- changes and notifications ------------------------------------------------------------------------------------

    def join(self, participant: Participant) -> list[Participant]:
        """Admit `participant`, notify the others and return those of them that are not hidden.

        Raises:
            OpenViduException: 203, the room is closed; 999, it is full.
        """
        if self.closed:
            raise OpenViduException(Code.ROOM_CLOSED, f"Unable to join the session. Session {self.id} is closed")
        if len(self._members) >= self._limits.participants:
            raise OpenViduException(
                Code.GENERIC, f"Unable to join session {self.id}. It has {len(self._members)} participants, the limit"
            )
        before = self.participants
        self.active = True
        self._members[participant.key] = participant
        logs.event("joined", session=self.id, participant=participant.id, role=participant.role.value)
        self.observer.joined(participant)
        if not participant.hidden:
            tell(before, participant.joined())
        return [member for member in before if not member.hidden]

    def published(self, participant: Participant, stream: PublishedStream) -> None:
        """Notify the others that `participant` now publishes `stream`."""
        self.observer.connection_created(participant, stream, participant)
        tell(self.others(participant), ParticipantPublished(id=participant.id, streams=[stream.info()]))

    def subscribed(self, participant: Participant, owner: Participant, stream: PublishedStream) -> None:
        """Record that `participant` now receives `stream` of `owner`, or does so over a new connection."""
        again = participant.subscriptions.get(owner.id)
        participant.subscriptions[owner.id] = Subscription(stream.id, now_ms())
        if again is None or again.stream_id != stream.id:
            self.observer.connection_created(participant, stream, owner)

    def unsubscribe(self, participant: Participant, owner: Participant) -> Subscription | None:
        """End the subscription of `participant` to `owner`, if there is one, and return it."""
        subscription = participant.subscriptions.pop(owner.id, None)
        if subscription is not None:
            self.observer.connection_destroyed(participant, subscription.stream_id, owner, Reason.UNSUBSCRIBE)
        return subscription

    def unpublish(self, participant: Participant, reason: str) -> PublishedStream:
        """Remove the stream of `participant` and every subscription to it, and return it. Nobody is notified yet.

        Raises:
            AnsweredError: 105, it publishes nothing.
        """
        stream = participant.stream
        if stream is None:
            raise AnsweredError(Code.USER_NOT_STREAMING, f"Participant '{participant.id}' is not streaming media")
        participant.stream = None
        self.observer.connection_destroyed(participant, stream.id, participant, reason)
        self._end_subscriptions_to(participant, stream, reason)
        logs.event("unpublished", session=self.id, participant=participant.id, stream=stream.id)
        return stream

    def tell_unpublished(self, recipients: Iterable[Participant], participant: Participant, reason: str) -> None:
        """Notify `recipients` that the stream of `participant` has ended."""
        tell(recipients, ParticipantUnpublished(connection_id=participant.id, reason=reason))

    def depart(self, participant: Participant, reason: str) -> None:
        """Remove `participant` and send `participantLeft`, which implies `participantUnpublished`, to those who remain.

        A room that becomes empty is closed.
        """
        if self._members.pop(participant.key, None) is None:
            return
        participant.present = False
        stream = participant.stream
        if stream is not None:
            self._end_subscriptions_to(participant, stream, reason)
        for owner_id, subscription in list(participant.subscriptions.items()):
            if (owner := self._members.get(owner_id)) is not None:
                self.observer.connection_destroyed(participant, subscription.stream_id, owner, reason)
        if stream is not None:
            self.observer.connection_destroyed(participant, stream.id, participant, reason)
        logs.event("left", session=self.id, participant=participant.id, reason=reason)
        self.observer.left(participant, reason)
        self._on_departure(participant)
        if not participant.hidden:
            tell(self.participants, ParticipantLeft(connection_id=participant.id, reason=reason))
        if not self._members and not self.closed:
            self.close(reason)

    def evict(self, participant: Participant, reason: str, before_telling: Callable[[], None] | None = None) -> None:
        """Evict `participant`.

        Send `participantLeft` to the others, then (after `before_telling`, the answer to a moderator)
        `participantEvicted` to all who were there, the evicted one too.
        """
        if self._members.get(participant.key) is not participant:
            return
        witnesses = [participant] if participant.hidden else self.participants
        self.depart(participant, reason)
        if before_telling:
            before_telling()
        tell(witnesses, ParticipantEvicted(connection_id=participant.id, reason=reason))

    def change_property(self, participant: Participant, property_: str, new_value: Any, text: str, reason: str) -> None:
        """Set a property of the participant's own stream to `new_value` (`text` as JSON text) and notify the others.

        Raises:
            OpenViduException: 105, it publishes nothing.
        """
        stream = participant.stream
        if stream is None:
            raise OpenViduException(Code.USER_NOT_STREAMING, f"Participant '{participant.id}' is not streaming media")
        if property_ == "audioActive" and isinstance(new_value, bool):
            stream.audio_active = new_value
        elif property_ == "videoActive" and isinstance(new_value, bool):
            stream.video_active = new_value
        elif property_ == "videoDimensions" and isinstance(new_value, str):
            stream.video_dimensions = new_value
        call = RemoteStreamPropertyChanged(participant.id, stream.id, property_, text, reason)
        tell(self.others(participant), call)

    def change_connection(self, participant: Participant, *, role: Role | None, record: bool | None) -> None:
        """Change what `participant` may do (`None`: as it was) for the backend and notify it, as in the Pro edition."""
        properties = participant.token.properties
        if role is not None and role is not properties.role:
            properties.role = role
            tell([participant], ConnectionPropertyChanged("role", role.value))
        if record is not None and record is not properties.record:
            properties.record = record
            tell([participant], ConnectionPropertyChanged("record", json.dumps(record)))

    def signal(self, to: Sequence[str], type_: str | None, data: str | None, sender: str | None) -> None:
        """Send a signal to the connections `to`, or to all participants if there are none. `sender` None is the server.

        Raises:
            OpenViduException: 601, `to` names a connection that is not here; then nothing is sent.
        """
        recipients = self.participants
        if to:
            wanted = {member.id: member for member in recipients if member.id in to}
            if len(wanted) < len(set(to)):
                raise OpenViduException(
                    Code.SIGNAL_TO,
                    'Signal "to" field invalid format: some connectionId does not exist in this session',
                )
            recipients = list(wanted.values())
        tell(recipients, SignalReceived(type=type_, data=data, from_=sender))
        self.observer.signal_sent(self, sender, [member.id for member in recipients], type_, data)

    def close(self, reason: str = "") -> None:
        """End the room: evict its participants one by one and void its unused tokens."""
        if self.closed:
            return
        if not self._members:
            self._end(reason)
            self.observer.session_destroyed(self, reason)
            return
        for participant in self.participants:
            self.evict(participant, reason)

    def abandon(self) -> list[Participant]:
        """Remove all participants without notifying anybody, as in a crash, and return them."""
        gone = self.participants
        for participant in gone:
            participant.present = False
        self._members.clear()
        self.tokens.clear()
        self.closed = True
        return gone

    def _end(self, reason: str) -> None:
        """End the room, which is empty."""
        self.closed = True
        self.tokens.clear()
        logs.event("session closed", session=self.id, reason=reason or None)
        self._on_empty(self)

    def _end_subscriptions_to(self, owner: Participant, stream: PublishedStream, reason: str) -> None:
        for member in self._members.values():
            if member.subscriptions.pop(owner.id, None) is not None:
                self.observer.connection_destroyed(member, stream.id, owner, reason)


def tell(recipients: Iterable[Participant], call: Call) -> None:
    """Notify each of `recipients`, in their order."""
    for participant in list(recipients):
        participant.peer.notify(call)


def _now() -> float:
    return asyncio.get_running_loop().time()
