"""A published stream and a subscription to one, as the server describes them to others. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pyvidu.protocol.messages import PublishVideo, StreamInfo
from pyvidu.server import ids
from pyvidu.server.rooms.tokens import now_ms


@dataclass(slots=True)
class PublishedStream:
    """A stream as it is announced to others. `created_at` is in milliseconds since the epoch.

    `filter_applied`: its `filter` was applied, and not only passed on. `filter_listeners` are the connection ids of those who
    listen to an event of it, by the event's type.
    """

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
    filter_applied: bool = False
    filter_listeners: dict[str, set[str]] = field(default_factory=dict)

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

    @property
    def description_size(self) -> int:
        """Return about how many characters of its description a client has chosen."""
        return len(self.type_of_video or "") + len(self.video_dimensions or "") + len(json.dumps(self.filter))

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
