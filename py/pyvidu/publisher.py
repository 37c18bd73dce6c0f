"""Publisher: the local stream (camera, microphone or screen), before, while and after it is published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from pyvidu.configuration import AdvancedConfiguration, PublisherProperties, described_filter
from pyvidu.errors import PropertiesError, StreamEndedError
from pyvidu.event_types import PublisherEvents
from pyvidu.events import Event, StreamEvent, StreamManagerEvent, StreamPropertyChangedEvent
from pyvidu.filters import Filter
from pyvidu.media import MediaConnection
from pyvidu.membership import LocalStream, StreamState
from pyvidu.page_filters import FilteredVideo, RegisteredFilter
from pyvidu.platform import Host, LocalMedia
from pyvidu.platform.devices import MediaStream, MediaStreamTrack
from pyvidu.protocol.messages import video_dimensions
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.values import TrackInfo, VideoDimensions
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.video_reports import VideoReports

Acquire = Callable[[PublisherProperties], Awaitable[LocalMedia]]
"""Opens the devices that the properties name; raises DeviceError."""


class Publisher(PublisherEvents, StreamManager):
    """A local stream. Made by `OpenVidu.init_publisher`, sent by `Session.publish`.

    Events beside those of `StreamManager`: `streamCreated` once it is published, `streamDestroyed` when it ends,
    `screenShareEnded` when the user stops sharing the screen in the browser.

    Attributes:
        properties: the `PublisherProperties` that it was made with.
        access_allowed: True: the user has given access to the devices.
        is_disposed: whether its tracks were stopped; `Session.publish` opens its devices anew.

    Source: openvidu-browser 2.32, `Publisher`.
    """

    video_reports: VideoReports | None = None  # Not for applications: those of the session that publishes it

    def __init__(
        self,
        host: Host,
        media: LocalMedia,
        properties: PublisherProperties,
        acquire: Acquire,
        settings: Callable[[], AdvancedConfiguration] = AdvancedConfiguration,
        filters: Mapping[str, RegisteredFilter] | None = None,
    ) -> None:
        state = StreamState(
            has_audio=media.has_audio,
            has_video=media.has_video,
            audio_active=media.has_audio and properties.publish_audio,
            video_active=media.has_video and properties.publish_video,
            type_of_video=_type_of_video(properties) if media.has_video else None,
            frame_rate=properties.frame_rate,
            video_dimensions=VideoDimensions(*media.video_size) if media.has_video else VideoDimensions(),
            filter=described_filter(properties.filter),
        )
        super().__init__(host, Stream(state), settings)
        self.properties = properties
        self.access_allowed = True
        self.local_stream = LocalStream(state, media, simulcast=properties.video_simulcast)
        self.is_disposed = False
        self._filtered = FilteredVideo(
            {} if filters is None else filters, lambda: self._local, partial(self._exchange, "video")
        )
        self.local_stream.hides = self._filtered.hides
        self.stream.filtering.page, self.stream.filtering.report = self._filtered, self._filter_changed
        self._acquire = acquire
        self._opening: asyncio.Task[None] | None = None  # of a video track that was stopped
        self._mirror = properties.mirror and state.type_of_video != "SCREEN" and not media.shows_screen
        self.local_stream.changed = self._returned
        self._use(media)

    @property
    def media_stream(self) -> MediaStream:
        """Return the browser's MediaStream: that of the devices, or what the server sends back (`subscribe_to_remote`)."""
        received = self.local_stream.media_stream
        return self._local.stream if received is None else received

    @property
    def is_subscribed_to_remote(self) -> bool:
        """Return whether `subscribe_to_remote` was called."""
        return self.local_stream.loopback

    @property
    def media(self) -> MediaConnection | None:
        """Not for applications: return the current media connection, for diagnostics; None before and after."""
        return self.local_stream.media

    def publish_audio(self, enabled: bool) -> asyncio.Future[None]:
        """Unmute or mute the microphone, at once.

        Await the result to know that the others have been notified; during an outage that is after it.

        Args:
            enabled: False mutes.

        Raises:
            PropertiesError: `enabled` is no bool.
            RequestError: the server refused, when awaited. Here the microphone is muted all the same.
            RequestTimeoutError: the server did not answer in time, when awaited.
            QueueFullError: during an outage 1000 changes of properties wait already, when awaited.
            NotConnectedError: the session was left meanwhile, when awaited.
            SessionLostError: the session ended meanwhile, when awaited.

        Events:
            streamPropertyChanged: `audioActive`, of the session and the publisher once the server has accepted it, and of the
                others. Before the stream is published there is none.

        Example:
            publisher.publish_audio(False)  # muted from here on
            await publisher.publish_audio(True)  # and now the others know, too

        Source: openvidu-browser, `Publisher.publishAudio`.
        """
        return self._set_active("audio", enabled)

    def publish_video(self, enabled: bool, resource: bool | MediaStreamTrack = False) -> asyncio.Future[None]:
        """Show or black out the video, at once; a camera that was released is opened again first.

        Await the result to know that the others have been notified; during an outage that is after it.

        Args:
            enabled: False sends black frames.
            resource: with `enabled` False, whether to release the camera too; with True, the MediaStreamTrack to send in
                place of one that has ended.

        Raises:
            PropertiesError: `enabled` is no bool, `resource` is no track of video, or the browser cannot send it.
            DeviceError: the camera could not be opened again, when awaited; the video stays off.
            StreamEndedError: the publisher was disposed of meanwhile, when awaited.
            RequestError: the server refused, when awaited. Here the video is black all the same.
            RequestTimeoutError: the server did not answer in time, when awaited.
            QueueFullError: during an outage 1000 changes of properties wait already, when awaited.
            NotConnectedError: the session was left meanwhile, when awaited.
            SessionLostError: the session ended meanwhile, when awaited.

        Events:
            streamPropertyChanged: `videoActive`, of the session and the publisher once the server has accepted it, and of the
                others. Before the stream is published there is none.

        Source: openvidu-browser, `Publisher.publishVideo`; black frames are what a disabled track is, in the Media Capture
        specification.
        """
        if enabled is True and not self.stream.video_active and self._local.has_ended("video"):
            if self._opening is None or self._opening.done():
                self._opening = asyncio.ensure_future(self._open_video(resource))
            shielded = asyncio.shield(self._opening)
            shielded.add_done_callback(lambda done: done.cancelled() or done.exception())
            return shielded
        told = self._set_active("video", enabled)
        if enabled is False and resource is True and self.stream.has_video:
            raw = self._filtered.stop(forget=False)
            self._local.discard(self._local.track("video") if raw is None else raw, asked=True)
        return told

    def subscribe_to_remote(self, value: bool = True) -> None:
        """Show the stream as the others get it, once it is published, in place of what the devices give.

        Call it before `Session.publish`, and before the videos are created: they are neither mirrored nor muted then, and
        show nothing before. While the network is down they show a still picture.

        Args:
            value: False: show the local stream again, once it is published again.

        Raises:
            PropertiesError: `value` is no bool.

        Source: openvidu-browser, `Publisher.subscribeToRemote`.
        """
        if not isinstance(value, bool):
            raise PropertiesError(f"subscribe_to_remote takes True or False, not {value!r:.100}")
        self.local_stream.loopback = value

    async def replace_track(self, track: MediaStreamTrack) -> None:
        """Send another track in place of the one of its kind, and return when the others have been notified.

        The old track is stopped, unless the application supplied it. Nothing is renegotiated, muted stays muted.

        Args:
            track: a MediaStreamTrack, as of `OpenVidu.get_user_media`.

        Raises:
            PropertiesError: it is no track, there is none of its kind to replace, or the browser cannot send it.
            CallbackError: a filter of the page runs, and raised; the track is not replaced.
            FilterError: likewise, and returned no track of video.
            StreamEndedError: likewise, and the publisher was disposed of meanwhile.
            RequestError: the server refused to notify the others. The track is sent.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 changes of properties wait already.
            NotConnectedError: the session was left meanwhile.
            SessionLostError: the session ended meanwhile.

        Events:
            streamPropertyChanged: `audioTrack` or `videoTrack`, and `videoDimensions` if the size is another.

        Example:
            stream = await openvidu.get_user_media(audio_source=False)
            await publisher.replace_track(stream.getVideoTracks()[0])

        Source: openvidu-browser, `Publisher.replaceTrack`; webrtc-pc, `RTCRtpSender.replaceTrack`.
        """
        kind = self._local.kind_of(track)
        if not (kind and getattr(self.stream, f"has_{kind}")):
            raise PropertiesError(f"This publisher has no {kind or 'such'} track that could be replaced")
        state, before, size = self.stream.state, self._local.label(kind), self.stream.video_dimensions
        self._local.discard(await (self._filtered.send(track) if kind == "video" else self._exchange(kind, track)))
        self._media_changed()
        tracks = TrackInfo(self._local.label(kind)), TrackInfo(before)
        changes: list[tuple[str, object, object]] = [(f"{kind}Track", *tracks)]
        new_size = VideoDimensions(*self._local.video_size)
        if kind == "video" and new_size != size:
            state.video_dimensions = new_size
            changes.append(("videoDimensions", new_size, size))
        if kind == "video" and self.video_reports is not None:
            self.video_reports.track_replaced(self.stream)
        for one in [self._tell(name, new, was, "trackReplaced") for name, new, was in changes]:
            await one

    def dispose(self) -> None:
        """Stop the tracks and remove the videos. It also ends a publisher that was never published.

        Tracks that the application supplied go on: they are the application's, and may be in use elsewhere.

        Events:
            videoElementDestroyed: for each of its videos.
        """
        self.disable_speaking_events()
        self.dispose_media()
        self.remove_all_videos()

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def dispose_media(self) -> None:
        """Not for applications: stop the tracks; the videos stay."""
        self.is_disposed = True
        if (raw := self._filtered.stop(forget=True)) is not None:
            self._local.discard(raw)
        self._local.stop()
        self._media_ended()

    async def reopen(self) -> None:
        """Not for applications: open the devices anew, after `dispose`. Raises DeviceError."""
        media = await self._acquire(self.properties)
        self.is_disposed = False
        self._use(media)
        if media.has_video:
            self.stream.state.video_dimensions = VideoDimensions(*media.video_size)
        self.stream.state.filter = described_filter(self.properties.filter)
        try:
            await self.start_filter()
        except BaseException:
            self.dispose_media()
            raise
        self._show()

    @property
    def _shown(self) -> MediaStream | None:
        waits = self.local_stream.loopback and self.local_stream.media_stream is None
        return None if waits else self.media_stream

    @property
    def _is_mirrored(self) -> bool:  # type: ignore[override]
        return self._mirror and not self.local_stream.loopback

    @property
    def _is_muted(self) -> bool:  # type: ignore[override]
        return not self.local_stream.loopback

    def _returned(self) -> None:
        """Show what the server sends back."""
        if self.local_stream.media_stream is not None:
            self._show()

    async def start_filter(self) -> None:
        """Not for applications: run the filter of the properties, if it is one of the page's.

        Raises CallbackError, FilterError.
        """
        await self.stream.filtering.follow()

    def _use(self, media: LocalMedia) -> None:
        """Make `media` what is sent and shown."""
        state = self.stream.state
        self._local = self.local_stream.source = media
        media.enable("audio", state.audio_active)
        media.enable("video", state.video_active)
        if state.type_of_video == "SCREEN":
            media.when_video_ends(lambda: self.emit_event(StreamManagerEvent("screenShareEnded", self)))
        if media.has_video:
            media.hint("detail" if state.type_of_video == "SCREEN" else "motion")
            media.when_resized(self._resized, screen=state.type_of_video == "SCREEN")

    async def _open_video(self, track: MediaStreamTrack) -> None:
        """Send `track`, or another of the camera, in place of the one that has ended, and turn the video on."""
        if not track or isinstance(track, bool):
            own = isinstance(self.properties.video_source, (bool, str))
            source = self.properties.video_source if own else None  # a track of the application has ended for good
            media = await self._acquire(replace(self.properties, audio_source=False, video_source=source))
            track = media.track("video")
        if self._local.kind_of(track) != "video":
            raise PropertiesError("publish_video takes a MediaStreamTrack of video")
        if self.is_disposed:
            self._local.discard(track)
            raise StreamEndedError("The publisher was disposed of before its camera was open again")
        try:
            await self._filtered.send(track)
        except BaseException:
            self._local.discard(track)
            raise
        self._media_changed()
        await self._set_active("video", True)

    async def _exchange(self, kind: str, track: MediaStreamTrack) -> MediaStreamTrack:
        """Send another track of a kind, return the old one. Raises PropertiesError: the browser cannot; it is as before."""
        old = self._local.exchange(track)
        active = f"{kind}_active"
        self._local.enable(kind, getattr(self.stream.state, active))
        try:
            await self.local_stream.replace_track(track)
        except (OSError, asyncio.CancelledError) as error:
            self._local.exchange(old)
            self._local.enable(kind, getattr(self.stream.state, active))  # it may have been muted meanwhile
            if isinstance(error, OSError):
                raise PropertiesError(f"The {kind} track could not be replaced: {error}") from None
            self.local_stream.send_again(old)
            raise
        return old

    def _filter_changed(self, new: Filter | None, old: Filter | None, reason: str) -> None:
        """Fire `streamPropertyChanged`; show and tell what the filter of the page has changed."""
        self._media_changed()
        self._changed("filter", new, old, reason)
        size, before = VideoDimensions(*self._local.video_size), self.stream.video_dimensions
        if size.width and size != before:
            self.stream.state.video_dimensions = size
            self._tell("videoDimensions", size, before, "trackReplaced")

    def ended(self, reason: Reason) -> None:
        """Not for applications: end the publishing, and fire `streamDestroyed`, whose default action disposes of the
        stream.
        """
        self.stop_watching_speech()
        filtering = self.stream.filtering
        if filtering.current is not None and not filtering.runs_here(filtering.current.type):
            self.stream.state.filter = described_filter(
                self.properties.filter
            )  # what the server applies ends with the stream
        if self.stream.connection is not None:
            self.stream.connection.stream = None
        self.emit_event(
            StreamEvent("streamDestroyed", self, self.stream, reason, cancelable=True, _default=self.dispose)
        )

    def _set_active(self, kind: str, enabled: bool) -> asyncio.Future[None]:
        if not isinstance(enabled, bool):
            raise PropertiesError(f"publish_{kind} takes True or False, not {enabled!r:.100}")
        state, attribute = self.stream.state, f"{kind}_active"
        before = getattr(state, attribute)
        if before != enabled and getattr(state, f"has_{kind}"):
            setattr(state, attribute, enabled)
            self._local.enable(kind, enabled)
            changed = partial(self._changed, f"{kind}Active", enabled, before, f"publish{kind.capitalize()}")
            return self.local_stream.tell_active(kind, changed)
        nobody_to_tell: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        nobody_to_tell.set_result(None)
        return nobody_to_tell

    def _tell(self, name: str, new: object, old: object, reason: str) -> asyncio.Future[None]:
        """Notify the others of a new value, then fire `streamPropertyChanged`; at once if the stream is not published."""
        changed = partial(self._changed, name, new, old, reason)
        value = video_dimensions(new.width, new.height) if isinstance(new, VideoDimensions) else new
        told = self.local_stream.tell(name, value, reason, changed)
        if not self.stream.is_published:
            changed()
        return told

    def _resized(self) -> None:
        """Notify the others that the device was turned, or a shared window has another size."""
        new, old = VideoDimensions(*self._local.video_size), self.stream.video_dimensions
        if new != old and self.stream.is_published:
            self.stream.state.video_dimensions = new
            screen = self.stream.type_of_video == "SCREEN"
            self._tell("videoDimensions", new, old, "screenResized" if screen else "deviceRotated")

    def _changed(self, name: str, new: object, old: object, reason: str) -> None:
        """Fire `streamPropertyChanged`."""
        if self.video_reports is not None and name != "filter" and not name.endswith("Track"):
            self.video_reports.changed(self.stream)
        for target in (self.session if self.stream.is_published else None, self):
            if target is not None:
                target.emit_event(
                    StreamPropertyChangedEvent("streamPropertyChanged", target, self.stream, name, new, old, reason)
                )

    def _missed_events(self, name: str) -> list[Event]:
        if name == "streamCreated" and self.stream.is_published:
            return [StreamEvent("streamCreated", self, self.stream)]
        return super()._missed_events(name)


def _type_of_video(properties: PublisherProperties) -> str:
    if properties.shares_screen:
        return "SCREEN"
    if properties.video_source is None or isinstance(properties.video_source, (bool, str)):
        return "CAMERA"
    return "CUSTOM"  # a MediaStreamTrack that the page supplies
