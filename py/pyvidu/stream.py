"""A stream: what one participant publishes, on the side of its publisher or of a subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyvidu.errors import NotPublishedError, NotSubscribedError
from pyvidu.filters import Filter, Filtering
from pyvidu.membership import StreamState
from pyvidu.platform.devices import MediaStream, RTCPeerConnection
from pyvidu.protocol.values import VideoDimensions
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
        self.filtering = Filtering(state)  # Not for applications
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
        """Return the filter that is applied to it, or None. It is the same object until it is removed."""
        return self.filtering.current

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

    async def apply_filter(
        self,
        type: str,  # noqa: A002  OpenVidu's name
        options: Mapping[str, object] | str | None = None,
    ) -> Filter:
        """Apply a filter to the stream, one's own or, for moderators, another participant's, and return it.

        It is one of the media server, or one of the page (`OpenVidu.register_filter`), through which the own video is sent.
        The server is told of that too, so that the others see `filter`, and it must allow it: a token lists those that its
        owner may apply in `kurentoOptions.allowedFilters`. During an outage, wait for its end.

        Args:
            type: such as `GStreamerFilter`, or the name of a filter of the page.
            options: those of a filter of this type, a mapping, or the JSON text of one.

        Raises:
            FilterError: the stream has a filter already; or `type` is a virtual background of OpenVidu Pro (then `name` is
                `VIRTUAL_BACKGROUND_ERROR`); or the function of the page's filter returned no track.
            CallbackError: the function of the page's filter raised.
            PropertiesError: `type` is no text, JSON lacks a value in `options`, or the browser cannot send what the filter of
                the page makes.
            NotConnectedError: the session is not connected, or was left meanwhile.
            NotPublishedError: the stream is this participant's own and not published, and the filter is none of the page's.
            StreamEndedError: the stream was disposed of meanwhile.
            PermissionDeniedError: this participant may not.
            RequestError: the server refused: it has no such filter, or the stream has ended or has a filter there.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamPropertyChanged: `filter` with reason `applyFilter`, of everybody's session and stream managers.

        Source: openvidu-browser, `Stream.applyFilter`; filters of the page are pyvidu's.
        """
        return await self.filtering.apply(type, options)

    async def remove_filter(self) -> None:
        """Remove the filter of the stream. During an outage, wait for its end.

        Raises:
            FilterError: the stream has no filter.
            PropertiesError: the browser cannot send the video as it is.
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: this participant may not.
            RequestError: the server refused: it has applied none (the filter is gone then), or the stream has ended.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamPropertyChanged: `filter` with reason `removeFilter`, of everybody's session and stream managers.

        Source: openvidu-browser, `Stream.removeFilter`; there the reason is `applyFilter` for who has removed it, and a
        filter that the server would not remove is none any more.
        """
        await self.filtering.remove()

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
