"""One participant of a room: its identity, its rights, what it publishes and receives. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pyvidu.protocol.messages import Call, ParticipantInfo, PublishVideo, StreamInfo
from pyvidu.protocol.notifications import ParticipantJoined
from pyvidu.server import ids
from pyvidu.server.rooms.tokens import Role, Token, now_ms

if TYPE_CHECKING:
    from pyvidu.server.rooms.room import Room

_SEPARATOR = "%/%"  # between a client's and the server's half of the metadata
# Connection ids of openvidu-server's own helpers, which are not announced to others (`ProtocolElements` of openvidu-client).
RECORDER = "RECORDER"
SPEECH_TO_TEXT = "SPEECH_TO_TEXT"
HIDDEN = frozenset({RECORDER, SPEECH_TO_TEXT})


class Peer(Protocol):
    """The client of a participant, on whatever socket it has at the moment."""

    def notify(self, call: Call) -> None:
        """Push a notification. Never raises: the profile handles an unreachable client."""

    def departed(self) -> None:
        """Handle the departure of the participant from its room."""


@dataclass(slots=True)
class PublishedStream:
    """A stream as it is announced to others. `created_at` is in milliseconds since the epoch."""

    id: str
    created_at: int
    has_audio: bool
    has_video: bool
    audio_active: bool | None
    video_active: bool | None
    type_of_video: str | None
    frame_rate: float | None
    video_dimensions: str | None
    filter: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, owner: str, options: PublishVideo) -> PublishedStream:
        """Return the stream that `publishVideo` requests."""
        return cls(
            id=ids.stream_id(options.type_of_video, options.has_video, owner),
            created_at=now_ms(),
            has_audio=options.has_audio,
            has_video=options.has_video,
            audio_active=options.audio_active,
            video_active=options.video_active,
            type_of_video=options.type_of_video,
            frame_rate=options.frame_rate,
            video_dimensions=options.video_dimensions,
        )

    def info(self) -> StreamInfo:
        """Return its wire form."""
        return StreamInfo(
            id=self.id,
            created_at=self.created_at,
            has_audio=self.has_audio,
            has_video=self.has_video,
            audio_active=self.audio_active,
            video_active=self.video_active,
            type_of_video=self.type_of_video,
            frame_rate=self.frame_rate,
            video_dimensions=self.video_dimensions,
            filter=self.filter,
        )


@dataclass(frozen=True, slots=True)
class Subscription:
    """The subscription of a participant to `stream_id`, since `created_at` (milliseconds since the epoch)."""

    stream_id: str
    created_at: int


@dataclass(eq=False, slots=True)
class Participant:
    """A member of `room` from its join to its departure.

    `subscriptions` are keyed by the stream owner's connection id, as OpenVidu keys them: an owner has one stream at a
    time. `trusted` ones have joined with the secret instead of a token. `key` is unique on the server; it is the
    connection id, except for hidden ones, which share theirs.
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

    def info(self) -> ParticipantInfo:
        """Return its description for a participant that joins later."""
        streams = [self.stream.info()] if self.stream else None
        return ParticipantInfo(id=self.id, created_at=self.active_at, metadata=self.metadata, streams=streams)

    def joined(self) -> ParticipantJoined:
        """Return the notification of its join to those already in the room."""
        return ParticipantJoined(id=self.id, created_at=self.active_at, metadata=self.metadata)
