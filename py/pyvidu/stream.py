"""A stream: what one participant publishes, on the side of its publisher or of a subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyvidu.connection import Connection
from pyvidu.media import InboundMedia, MediaConnection
from pyvidu.protocol.messages import StreamInfo, parse_dimensions

if TYPE_CHECKING:
    from pyvidu.membership import Membership
    from pyvidu.stream_manager import StreamManager


class Stream:
    """One stream. It keeps its id, its manager and its video elements however often its media connection is replaced.

    `creation_time` is in milliseconds since the epoch, `video_dimensions` in pixels. `stream_manager` is the Publisher or
    Subscriber; a remote stream without a subscription has none.
    """

    def __init__(self, connection: Connection | None, info: StreamInfo) -> None:
        width, height = parse_dimensions(info.video_dimensions) or (0, 0)
        self.connection = connection
        self.stream_id = info.id
        self.creation_time = info.created_at or 0.0
        self.has_audio = info.has_audio
        self.has_video = info.has_video
        self.audio_active = bool(info.audio_active)
        self.video_active = bool(info.video_active)
        self.type_of_video = info.type_of_video
        self.frame_rate = None if info.frame_rate == -1 else info.frame_rate
        self.video_dimensions = {"width": width, "height": height}
        self.filter = info.filter
        self.stream_manager: StreamManager | None = None
        self._membership: Membership | None = None
        self._media: MediaConnection | None = None

    @property
    def is_published(self) -> bool:
        """Return whether the stream is published: it has an id from the server."""
        return bool(self.stream_id)

    def get_media_stream(self) -> Any:
        """Return the browser's MediaStream, or None. A received one changes when the media connection is replaced."""
        return self.stream_manager._media_stream() if self.stream_manager is not None else None

    def get_rtc_peer_connection(self) -> Any:
        """Return the browser's current RTCPeerConnection, or None."""
        peer = self._media.peer if self._media is not None else None
        return peer.native if peer is not None else None

    def __repr__(self) -> str:
        return f"Stream({self.stream_id!r})"

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def _attach(self, membership: Membership, media: MediaConnection) -> None:
        """Set the media connection; the media plane of `membership` monitors it from now on."""
        self._membership, self._media = membership, media
        membership.media_plane.add(media)

    def _detach(self) -> None:
        """Close the media connection, if there is one."""
        media, self._media = self._media, None
        if self.stream_manager is not None:
            self.stream_manager._stop_watching_speech()
        if media is not None:
            if self._membership is not None:
                self._membership.media_plane.remove(media)
            media.close()

    # --- MediaListener -----------------------------------------------------------------------------------------------

    def media_stream_changed(self, media: MediaConnection) -> None:
        """Show the new MediaStream of a received stream in the same video elements."""
        if isinstance(media, InboundMedia) and self.stream_manager is not None:
            self.stream_manager._media_replaced(media)

    def media_ice_state(self, media: MediaConnection, state: str) -> None:
        """Pass the ICE state to the media plane, which decides what to do."""
        if self._membership is not None:
            self._membership.media_plane.ice_state_changed(media, state)
