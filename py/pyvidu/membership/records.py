"""What a participant knows of the others in its room, and of itself: plain records, which `RoomState` keeps current."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyvidu.protocol.messages import JoinRoomResult, ParticipantInfo, StreamInfo, parse_dimensions


class SessionState(StrEnum):
    """The state of a session, at any time, inside event handlers too.

    `NEW`: never connected. `CONNECTING`: joining. `CONNECTED`. `RECONNECTING`: an outage, from its `reconnecting` to its
    `reconnected`, `rejoined` or `sessionDisconnected`. `DISCONNECTED`: over, from the first event of the end on; it may
    connect again.
    """

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


def _no_dimensions() -> dict[str, int]:
    return {"width": 0, "height": 0}


@dataclass(slots=True, eq=False)
class StreamState:
    """A stream of the room, or a local one, whose `id` is empty until it is published.

    `owner` is the connection id of its publisher. `created_at` is in milliseconds since the epoch, `video_dimensions`
    (`width` and `height`) in pixels. `frozen`: the application was told so, and not yet that it has recovered.
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
    video_dimensions: dict[str, int] = field(default_factory=_no_dimensions)
    filter: Any = None
    frozen: bool = False

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
            dimensions(info.video_dimensions),
            info.filter,
        )


@dataclass(slots=True, eq=False)
class ParticipantState:
    """A participant. `role` is set for the local one only; `stream` for the others only, while they publish one."""

    id: str
    data: str = ""
    created_at: float = 0.0
    role: str = ""
    record: bool = False
    stream: StreamState | None = None

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
        )


def dimensions(text: str | None) -> dict[str, int]:
    """Return the width and height that the JSON text `videoDimensions` contains, 0 for what it lacks."""
    width, height = parse_dimensions(text) or (0, 0)
    return {"width": width, "height": height}
