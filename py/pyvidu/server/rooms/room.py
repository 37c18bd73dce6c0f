"""One room: its participants, its unused tokens, and the order of notifications. No I/O and no media.

Order of messages: `protocol.md` section 5, from `SessionEventsHandler` of openvidu-server 2.32.2.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import ParticipantInfo
from pyvidu.protocol.notifications import (
    ConnectionPropertyChanged,
    ParticipantEvicted,
    ParticipantInterrupted,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantPublished,
    ParticipantRestored,
    ParticipantUnpublished,
    PublishedMediaMissing,
    RemoteStreamPropertyChanged,
    SignalReceived,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.server import ids, logs
from pyvidu.server.errors import AnsweredError, OpenViduException
from pyvidu.server.limits import LimitReached, Limits
from pyvidu.server.rooms.evictions import RecentEvictions
from pyvidu.server.rooms.peer import Peer, tell
from pyvidu.server.rooms.published_stream import PublishedStream, Subscription
from pyvidu.server.rooms.tokens import Role, SessionProperties, Token, now_ms
from pyvidu.server.secret_map import SecretMap

_SEPARATOR = "%/%"  # between a client's and the server's half of the metadata
# Connection ids of openvidu-server's own helpers, which are not announced to others (`ProtocolElements` of openvidu-client).
RECORDER = "RECORDER"
SPEECH_TO_TEXT = "SPEECH_TO_TEXT"
HIDDEN = frozenset({RECORDER, SPEECH_TO_TEXT})


@dataclass(eq=False, slots=True)
class Participant:
    """A member of `room` from its join to its departure.

    `subscriptions` are keyed by the stream owner's connection id, as OpenVidu keys them: an owner has one stream at a
    time. `trusted` ones have joined with the secret instead of a token. `key` is unique on the server; it is the
    connection id, except for hidden ones, which share theirs. `silent`: nothing is heard of it at the moment; those with
    `notices` are told.
    """

    room: Room
    token: Token
    peer: Peer
    client_data: str
    platform: str | None
    ip: str | None = None
    trusted: bool = False
    active_at: int = field(default_factory=now_ms)
    final_user_id: str | None = field(default_factory=ids.final_user_id)
    probe_id: str = field(default_factory=ids.probe_id)
    stream: PublishedStream | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    present: bool = True
    silent: bool = False
    notices: bool = False
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.id
        if self.hidden:  # the real server has no more about them
            self.key = f"{self.id}_{self.probe_id}"
            self.ip = self.platform = self.final_user_id = None

    @property
    def id(self) -> str:
        """Return its connection id."""
        return self.token.connection_id

    @property
    def hidden(self) -> bool:
        """Return whether its join and departure are kept from the others and from the backend."""
        return self.id in HIDDEN

    @property
    def role(self) -> Role:
        """Return the role that is sent to it."""
        return self.token.properties.role

    @property
    def may_publish(self) -> bool:
        """Return whether it may publish: not as a `SUBSCRIBER`, unless it is trusted."""
        return self.trusted or self.role.may_publish

    @property
    def may_moderate(self) -> bool:
        """Return whether it may force others to unpublish or leave: as a `MODERATOR`, or trusted."""
        return self.trusted or self.role.may_moderate

    @property
    def metadata(self) -> str:
        """Return what others see: client data `%/%` server data, or the one that exists."""
        return _SEPARATOR.join(half for half in (self.client_data, self.token.properties.data) if half)

    @property
    def description_size(self) -> int:
        """Return about how many characters describe it in the result of a later join, beyond what all have."""
        return len(self.metadata) + (self.stream.description_size if self.stream else 0)

    def info(self) -> ParticipantInfo:
        """Return its description for a participant that joins later."""
        streams = [self.stream.info()] if self.stream else None
        return ParticipantInfo(id=self.id, created_at=self.active_at, metadata=self.metadata, streams=streams)

    def joined(self) -> ParticipantJoined:
        """Return the notification of its join to those already in the room."""
        return ParticipantJoined(id=self.id, created_at=self.active_at, metadata=self.metadata)


class Observer:
    """Receives events after the fact. Every method does nothing unless it is overridden."""

    def session_created(self, room: Room) -> None:
        """Handle a new session, which nobody has joined yet."""

    def session_destroyed(self, room: Room, reason: str) -> None:
        """Handle the end of a session. One removed because nobody joined it is not reported, as on the real server."""

    def joined(self, participant: Participant) -> None:
        """Handle the join of `participant`."""

    def left(self, participant: Participant, reason: str) -> None:
        """Handle the departure or eviction of `participant`."""

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """Handle a new media connection: `participant` publishes `stream` (it is the `owner`), or receives it."""

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """Handle the end of a media connection."""

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """Handle a signal sent to the connections `to`. `sender` is a connection too, or None for the backend."""

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """Handle a media connection that was replaced by `reconnectStream`."""

    def resumed(self, *, refused: bool) -> None:
        """Handle a resume of an RPC session, successful or `refused`."""

    def watchdog_late(self, seconds: float) -> None:
        """Handle a timer of the server that ran `seconds` later than planned: evictions are as late."""


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
        self.evictions = RecentEvictions()
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
            OpenViduException: 203, the room is closed; 999, it is full, or has no room for the data of `participant`.
        """
        if self.closed:
            raise OpenViduException(Code.ROOM_CLOSED, f"Unable to join the session. Session {self.id} is closed")
        if len(self._members) >= self._limits.participants:
            raise OpenViduException(
                Code.GENERIC, f"Unable to join session {self.id}. It has {len(self._members)} participants, the limit"
            )
        self.check_description(len(participant.metadata))
        before = self.participants
        self.active = True
        self._members[participant.key] = participant
        logs.event("joined", session=self.id, participant=participant.id, role=participant.role.value)
        self.observer.joined(participant)
        if not participant.hidden:
            tell(before, participant.joined())
        return [member for member in before if not member.hidden]

    def tell_silence(self, participant: Participant, *, silent: bool) -> None:
        """Notify those who get notices that nothing is heard of `participant` any more, or something again."""
        participant.silent = silent
        if not participant.hidden:
            call = ParticipantInterrupted(participant.id) if silent else ParticipantRestored(participant.id)
            tell([member for member in self.others(participant) if member.notices], call)

    def tell_unheard(self, participant: Participant) -> None:
        """Notify `participant` that nothing of it arrives: the way down may still work."""
        if participant.notices:
            tell([participant], ParticipantInterrupted(participant.id))

    def tell_late(self, participant: Participant) -> None:
        """Notify `participant` that its signaling does not arrive, but its media: it is heard."""
        if participant.notices:
            tell([participant], ParticipantRestored(participant.id))

    def tell_media_missing(self, participant: Participant) -> None:
        """Notify `participant` that its signaling arrives again, and its stream does not."""
        if participant.notices and participant.stream is not None:
            tell([participant], PublishedMediaMissing(participant.stream.id))

    def send_notices(self, participant: Participant) -> None:
        """Notify `participant` of silences from now on, first of those of whom nothing is heard at the moment."""
        if participant.notices:
            return
        participant.notices = True
        for member in self.others(participant):
            if member.silent and not member.hidden:
                tell([participant], ParticipantInterrupted(member.id))

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
        if reason == Reason.NETWORK_DISCONNECT:
            self.evictions.add(_now())
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

        A signal to all leaves out those who have not read what they were sent: one who does not read keeps nobody silent.

        Raises:
            OpenViduException: 601, `to` names a connection that is not here, or one that does not read; nothing is sent.
        """
        recipients = self.participants
        if to:
            named = set(to)
            wanted = {member.id: member for member in recipients if member.id in named}
            if len(wanted) < len(named):
                raise OpenViduException(
                    Code.SIGNAL_TO,
                    'Signal "to" field invalid format: some connectionId does not exist in this session',
                )
            recipients = list(wanted.values())
            if slow := next((member.id for member in recipients if member.peer.full), None):
                sentence = f'Signal "to" field: connection {slow} has not read what was sent to it. Try again later'
                raise OpenViduException(Code.SIGNAL_TO, sentence)
        recipients = [member for member in recipients if not member.peer.full]
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

    def check_description(self, size: int) -> None:
        """Check that `size` more characters of data, or of a stream, do not make the results of later joins too long.

        Raises:
            OpenViduException: 999, they would, and are more than every participant may have.
        """
        if size <= self._limits.description:
            return
        present = sum(member.description_size for member in self._members.values())
        if present + size > self._limits.descriptions:
            raise OpenViduException(
                Code.GENERIC,
                f"Session {self.id} has no room for {size} characters of data. Those of its participants have "
                f"{present}, and {self._limits.descriptions} are allowed; {self._limits.description} always are",
            )

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


def _now() -> float:
    return asyncio.get_running_loop().time()
