"""One participant of a room: who it is, what it may do, what it publishes and watches. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pyvidu.protocol.messages import Call, ParticipantInfo, ParticipantJoined, PublishVideo, StreamInfo
from pyvidu.server import ids
from pyvidu.server.rooms.tokens import Role, Token, now_ms

if TYPE_CHECKING:
    from pyvidu.server.rooms.room import Room

_SEPARATOR = "%/%"  # between a client's and the server's half of the metadata
# Connection ids of openvidu-server's own helpers, which others are not told of (`ProtocolElements` of openvidu-client).
RECORDER = "RECORDER"
SPEECH_TO_TEXT = "SPEECH_TO_TEXT"
HIDDEN = frozenset({RECORDER, SPEECH_TO_TEXT})


class Peer(Protocol):
    """The way to a participant's client, whatever socket it has at the moment."""

    def notify(self, call: Call) -> None:
        """Pushes a notification. Never raises: an unreachable client is the profile's business."""

    def departed(self) -> None:
        """The participant is no member of its room any more."""


@dataclass(slots=True)
class PublishedStream:
    """A stream as others are told of it. `created_at` is in milliseconds since the epoch."""

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
        """The stream that `publishVideo` asks for."""
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
        """Its wire form."""
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
    """That a participant watches `stream_id`, since `created_at` (milliseconds since the epoch)."""

    stream_id: str
    created_at: int


@dataclass(eq=False, slots=True)
class Participant:
    """A member of `room` from its join to its departure. `subscriptions` are keyed by the stream owner's connection id,
    as OpenVidu keys them: an owner has one stream at a time. `trusted` ones have joined with the secret instead of a token.
    `key` tells it apart from all others of the server; it is the connection id, but for hidden ones, who share theirs.
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
        if self.hidden:  # the real server knows nothing more of them
            self.key = f"{self.id}_{self.probe_id}"
            self.ip = self.platform = self.final_user_id = None

    @property
    def id(self) -> str:
        """Its connection id."""
        return self.token.connection_id

    @property
    def hidden(self) -> bool:
        """Whether the others are told neither of its coming nor of its going, and the backend neither."""
        return self.id in HIDDEN

    @property
    def role(self) -> Role:
        """What it is told that it may do."""
        return self.token.properties.role

    @property
    def may_publish(self) -> bool:
        """Whether it may publish: not as a `SUBSCRIBER`, unless it is trusted."""
        return self.trusted or self.role.may_publish

    @property
    def may_moderate(self) -> bool:
        """Whether it may force others: as a `MODERATOR`, or trusted."""
        return self.trusted or self.role.may_moderate

    @property
    def metadata(self) -> str:
        """What others see: client data `%/%` server data, or the one that exists."""
        return _SEPARATOR.join(half for half in (self.client_data, self.token.properties.data) if half)

    def info(self) -> ParticipantInfo:
        """As one who was there already is described to one who joins."""
        streams = [self.stream.info()] if self.stream else None
        return ParticipantInfo(id=self.id, created_at=self.active_at, metadata=self.metadata, streams=streams)

    def joined(self) -> ParticipantJoined:
        """As its coming is told to those who are there."""
        return ParticipantJoined(id=self.id, created_at=self.active_at, metadata=self.metadata)
