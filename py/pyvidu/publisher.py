"""Publisher: the local stream (camera, microphone or screen), before, while and after it is published."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pyvidu.configuration import PublisherProperties
from pyvidu.errors import PropertiesError
from pyvidu.events import Event, StreamEvent, StreamPropertyChangedEvent
from pyvidu.media import InboundMedia
from pyvidu.platform import Host, LocalMedia
from pyvidu.protocol.messages import PublishVideo, StreamInfo, StreamPropertyChanged, video_dimensions
from pyvidu.protocol.reasons import Reason
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager

if TYPE_CHECKING:
    from pyvidu.membership import Membership


class Publisher(StreamManager):
    """A local stream. Made by `OpenVidu.init_publisher`, sent by `Session.publish`.

    Events beside those of `StreamManager`: `streamCreated` once it is published, `streamDestroyed` when it ends,
    `screenShareEnded` when the user stops sharing the screen in the browser.
    """

    def __init__(self, host: Host, media: LocalMedia, properties: PublisherProperties) -> None:
        width, height = media.video_size
        info = StreamInfo(
            id="",
            has_audio=media.has_audio,
            has_video=media.has_video,
            audio_active=media.has_audio and properties.publish_audio,
            video_active=media.has_video and properties.publish_video,
            type_of_video=_type_of_video(properties) if media.has_video else None,
            frame_rate=properties.frame_rate,
            video_dimensions=video_dimensions(width, height) if media.has_video else None,
        )
        super().__init__(host, Stream(None, info))
        self.properties = properties
        self.access_allowed = True
        self._local = media
        self._mirror = properties.mirror and info.type_of_video != "SCREEN"
        media.enable("audio", self.stream.audio_active)
        media.enable("video", self.stream.video_active)
        if info.type_of_video == "SCREEN":
            media.when_video_ends(lambda: self._emit(Event("screenShareEnded", self)))

    def publish_audio(self, enabled: bool) -> asyncio.Future[None]:
        """Unmute or mute the microphone, at once. Await the result to know that the others have been notified.

        During an outage they are notified after it.
        """
        return self._set_active("audio", enabled)

    def publish_video(self, enabled: bool) -> asyncio.Future[None]:
        """Show or black out the video, at once. Await the result to know that the others have been notified."""
        return self._set_active("video", enabled)

    async def replace_track(self, track: Any) -> None:
        """Send `track`, a MediaStreamTrack (as of `OpenVidu.get_user_media`), in place of the one of its kind.

        The old track is stopped. Nothing is renegotiated, muted stays muted. Return when the others have been notified.

        Raises:
            PropertiesError: it is no track, there is none of its kind to replace, or the browser cannot send it.
        """
        kind = self._local.kind_of(track)
        if not (kind and getattr(self.stream, f"has_{kind}")):
            raise PropertiesError(f"This publisher has no {kind or 'such'} track that could be replaced")
        stream, before, size = self.stream, self._local.label(kind), dict(self.stream.video_dimensions)
        old = self._local.exchange(track)
        self._local.enable(kind, getattr(stream, f"{kind}_active"))
        try:
            if stream._media is not None:
                await stream._media.replace_track(track)
        except OSError as error:
            self._local.exchange(old)
            raise PropertiesError(f"The {kind} track could not be replaced: {error}") from None
        self._local.discard(old)
        self._listen_anew()
        labels = {"label": self._local.label(kind)}, {"label": before}
        changes: list[tuple[str, Any, Any]] = [(f"{kind}Track", *labels)]
        width, height = self._local.video_size
        if kind == "video" and (width, height) != (size["width"], size["height"]):
            stream.video_dimensions = {"width": width, "height": height}
            changes.append(("videoDimensions", stream.video_dimensions, size))
        for name, new, was in changes:
            membership = self._changed(name, new, was, "trackReplaced")
            if membership is not None:
                told = video_dimensions(**new) if name == "videoDimensions" else new
                await membership.request(StreamPropertyChanged(stream.stream_id, name, told, "trackReplaced"))

    def dispose(self) -> None:
        """Stop the tracks and remove the videos. It also ends a publisher that was never published."""
        self.disable_speaking_events()
        self._local.stop()
        self._remove_videos()

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def _media_stream(self) -> Any:
        return self._local.stream

    def _media_replaced(self, media: InboundMedia) -> None:
        """Do nothing: a publisher receives no media."""

    def _description(self) -> PublishVideo:
        """Return the current `publishVideo`, without its offer."""
        stream = self.stream
        return PublishVideo(
            sdp_offer="",
            do_loopback=False,
            has_audio=stream.has_audio,
            has_video=stream.has_video,
            audio_active=stream.audio_active,
            video_active=stream.video_active,
            type_of_video=stream.type_of_video,
            frame_rate=stream.frame_rate or -1,
            video_dimensions=video_dimensions(**stream.video_dimensions) if stream.has_video else None,
        )

    def _ended(self, reason: Reason) -> None:
        """Handle the end of publishing: fire `streamDestroyed`, whose default action disposes of the stream."""
        stream = self.stream
        stream._detach()
        if stream.connection is not None:
            stream.connection.stream = None
        self._emit(StreamEvent("streamDestroyed", self, stream, reason, cancelable=True, _default=self.dispose))
        stream.stream_id = ""

    def _set_active(self, kind: str, enabled: bool) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        attribute = f"{kind}_active"
        before = getattr(self.stream, attribute)
        if before == enabled or not getattr(self.stream, f"has_{kind}"):
            done: asyncio.Future[None] = loop.create_future()
            done.set_result(None)
            return done
        setattr(self.stream, attribute, enabled)
        self._local.enable(kind, enabled)
        membership = self._changed(f"{kind}Active", enabled, before, f"publish{kind.capitalize()}")
        if membership is not None:
            return membership.in_background(membership.tell_active(self.stream, kind))
        done = loop.create_future()
        done.set_result(None)
        return done

    def _changed(self, name: str, new: Any, old: Any, reason: str) -> Membership | None:
        """Fire `streamPropertyChanged`; return the membership in which to notify the others, or None."""
        membership = self.stream._membership if self.stream.is_published else None
        for target in (self, membership.session if membership is not None else None):
            if target is not None:
                event = StreamPropertyChangedEvent("streamPropertyChanged", target, self.stream, name, new, old, reason)
                target._emit(event)
        return membership

    def _missed_events(self, name: str) -> list[Event]:
        if name == "streamCreated" and self.stream.is_published:
            return [StreamEvent("streamCreated", self, self.stream)]
        return super()._missed_events(name)


def _type_of_video(properties: PublisherProperties) -> str:
    if properties.video_source == "screen":
        return "SCREEN"
    if properties.video_source is None or isinstance(properties.video_source, (bool, str)):
        return "CAMERA"
    return "CUSTOM"  # a MediaStreamTrack that the page supplies
