"""What a participant knows of the others in its room, and of itself: plain records, which `RoomState` keeps current."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import StrEnum

from pyvidu.protocol.messages import JoinRoomResult, ParticipantInfo, StreamInfo, parse_dimensions
from pyvidu.protocol.values import FilterInfo, VideoDimensions, filter_in
from pyvidu.protocol.wire import WireError

logger = logging.getLogger(__name__)


class SessionState(StrEnum):
    """The state of a session, at any time, inside event handlers too. A text: `session.state == "connected"`.

    Attributes:
        NEW: never connected.
        CONNECTING: joining.
        CONNECTED: a member of the session, and no outage.
        RECONNECTING: an outage, from its `reconnecting` to its `reconnected`, `rejoined` or `sessionDisconnected`.
        DISCONNECTED: over, from the first event of the end on; it may connect again.

    Example:
        if session.state is SessionState.CONNECTED:
            await session.signal(data="here", type="presence")

    Source: pyvidu's own; openvidu-browser has none.
    """

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


@dataclass(slots=True, eq=False)
class StreamState:
    """A stream of the room, or a local one, whose `id` is empty until it is published.

    `owner` is the connection id of its publisher. `created_at` is in milliseconds since the epoch. `frozen`: the application
    was told so, and not yet that it has recovered. `video_forwarded`: the server sends the video too, as far as it is active;
    `video_sent`: so does this participant, whose stream it is.
    `filter_changes` counts how often the server told of another filter.
    """

    id: str = ""
    owner: str = ""
    created_at: float = 0.0
    has_audio: bool = False
    has_video: bool = False
    audio_active: bool = False
    video_active: bool = False
    type_of_video: str | None = None
    frame_rate: float | None = None
    video_dimensions: VideoDimensions = field(default_factory=VideoDimensions)
    filter: FilterInfo | None = None
    frozen: bool = False
    video_forwarded: bool = True
    video_sent: bool = True
    filter_changes: int = 0

    @property
    def flows(self) -> bool:
        """Return whether its RTP never pauses: that of a screen or a canvas does while nothing changes."""
        camera = self.has_video and self.video_active and self.type_of_video == "CAMERA"
        return camera or (self.has_audio and self.audio_active)

    @classmethod
    def of(cls, info: StreamInfo, owner: str) -> StreamState:
        """Return the state that the server describes by `info`."""
        return cls(
            info.id,
            owner,
            info.created_at or 0.0,
            info.has_audio,
            info.has_video,
            bool(info.audio_active),
            bool(info.video_active),
            info.type_of_video,
            None if info.frame_rate == -1 else info.frame_rate,
            VideoDimensions(*(parse_dimensions(info.video_dimensions) or (0, 0))),
            filter_of(info),
        )


@dataclass(slots=True, eq=False)
class ParticipantState:
    """A participant. `role` is set for the local one only; `stream` for the others only, while they publish one.

    `is_local`: it is the participant who has joined here. `interrupted`: nothing is heard of it at the moment.
    """

    id: str
    data: str = ""
    created_at: float = 0.0
    role: str = ""
    record: bool = False
    stream: StreamState | None = None
    is_local: bool = False
    interrupted: bool = False

    @classmethod
    def of(cls, info: ParticipantInfo) -> ParticipantState:
        """Return the state of a remote participant, without its streams."""
        return cls(info.id, info.metadata or "", info.created_at or 0.0)

    @classmethod
    def local(cls, result: JoinRoomResult) -> ParticipantState:
        """Return the state of the local participant, from the answer to `joinRoom`."""
        return cls(
            result.id,
            result.metadata or "",
            result.created_at or 0.0,
            result.role or "PUBLISHER",
            bool(result.record),
            is_local=True,
        )


def filter_of(info: StreamInfo) -> FilterInfo | None:
    """Return the filter of a stream. One that cannot be read is none: it does not keep a participant from the stream."""
    try:
        return filter_in(info.filter)
    except WireError as error:
        logger.warning("the filter of stream %.100s cannot be read: %s", info.id, error)
        return None
