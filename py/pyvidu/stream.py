"""A stream: what one participant publishes, on the side of its publisher or of a subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvidu.errors import NotPublishedError, NotSubscribedError
from pyvidu.membership import StreamState
from pyvidu.platform.devices import MediaStream, RTCPeerConnection
from pyvidu.protocol.values import Filter, VideoDimensions
from pyvidu.quality import StreamQuality

if TYPE_CHECKING:
    from pyvidu.connection import Connection
    from pyvidu.stream_manager import StreamManager


class Stream:
    """What one participant publishes. It keeps its id, manager and videos however often its media connection is replaced.

    Attributes:
        connection: the `Connection` that publishes it; None of a local one that is not published.
        stream_manager: its `Publisher` or `Subscriber`; None of a remote one without a subscription.

    Source: openvidu-browser 2.32, `Stream`.
    """

    def __init__(self, state: StreamState, connection: Connection | None = None) -> None:
        self.connection = connection
        self.stream_manager: StreamManager | None = None
        self.state = state
        self.heard = {"audio": True, "video": True}  # Not for applications: whether this participant wants them

    @property
    def stream_id(self) -> str:
        """Return the id, an empty string while a local stream is not published."""
        return self.state.id

    @property
    def creation_time(self) -> float:
        """Return when it was published, in milliseconds since the epoch."""
        return self.state.created_at

    @property
    def has_audio(self) -> bool:
        """Return whether it has an audio track."""
        return self.state.has_audio

    @property
    def has_video(self) -> bool:
        """Return whether it has a video track."""
        return self.state.has_video

    @property
    def audio_active(self) -> bool:
        """Return whether its audio is heard: muted neither by its publisher nor by `Subscriber.subscribe_to_audio`."""
        return self.state.audio_active and self.heard["audio"]

    @property
    def video_active(self) -> bool:
        """Return whether its video is seen: muted neither by its publisher nor by `Subscriber.subscribe_to_video`."""
        return self.state.video_active and self.heard["video"]

    @property
    def type_of_video(self) -> str | None:
        """Return `CAMERA`, `SCREEN`, `CUSTOM` or `IPCAM`; None without video."""
        return self.state.type_of_video

    @property
    def frame_rate(self) -> float | None:
        """Return the frames per second that its publisher wanted, or None."""
        return self.state.frame_rate

    @property
    def video_dimensions(self) -> VideoDimensions:
        """Return the size of its video, in pixels."""
        return self.state.video_dimensions

    @property
    def filter(self) -> Filter | None:
        """Return the filter that the server applies, or None."""
        return self.state.filter

    @property
    def is_published(self) -> bool:
        """Return whether the stream is published: it has an id from the server."""
        return bool(self.state.id)

    def get_media_stream(self) -> MediaStream | None:
        """Return the browser's MediaStream, or None. A received one changes when the media connection is replaced."""
        return self.stream_manager.media_stream if self.stream_manager is not None else None

    def get_rtc_peer_connection(self) -> RTCPeerConnection | None:
        """Return the browser's current RTCPeerConnection, or None."""
        media = self.stream_manager.media if self.stream_manager is not None else None
        return media.peer.native if media is not None and media.peer is not None else None

    async def reconnect(self) -> None:
        """Replace the media connection of the stream by a new one, and return when that is negotiated.

        Frozen streams are replaced without this; it is for an application that knows better. During an outage it waits for
        the end of that.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            NotPublishedError: the stream is this participant's own and not published.
            NotSubscribedError: the stream is another participant's and not subscribed to.
            StreamEndedError: the stream ends meanwhile (`MediaClosedError`).
            BrowserRefusedError: the browser refused the ICE servers, or the server's offer or answer.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamPlaying: of the subscriber, as its videos play again.

        Source: openvidu-browser, `Stream.reconnect`; there it fails during an outage.
        """
        manager = self.stream_manager
        if manager is None or manager.media is None or manager.session is None:
            if self.connection is not None and not self.connection.is_local:
                raise NotSubscribedError("This stream is not received: await session.subscribe(stream) first")
            raise NotPublishedError("This stream is not published: await session.publish(publisher) first")
        await manager.session.participation.member.reconnect(manager.media)

    async def get_quality(self) -> StreamQuality | None:
        """Return how good the media of the stream has been since the last call; None if it is neither sent nor received.

        Example:
            if quality := await subscriber.stream.get_quality():
                print("bars:", quality.level, "lost:", f"{quality.lost:.0%}")

        Source: pyvidu's own, by webrtc-stats; the rule of the level is in `StreamQuality`.
        """
        return await self.stream_manager.read_quality() if self.stream_manager is not None else None

    def __repr__(self) -> str:
        return f"Stream({self.stream_id!r})"
