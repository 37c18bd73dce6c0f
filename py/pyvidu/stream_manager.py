"""The common base of Publisher and Subscriber: one stream and the video elements that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pyvidu.configuration import AdvancedConfiguration, SpeakingEventsOptions
from pyvidu.event_types import StreamManagerEvents
from pyvidu.events import Event, PublisherSpeakingEvent, StreamManagerEvent, VideoElementEvent
from pyvidu.media import MediaConnection
from pyvidu.platform import Host, MediaElement
from pyvidu.platform.devices import Element, MediaStream, VideoElement
from pyvidu.properties import configured
from pyvidu.quality import StreamQuality, quality
from pyvidu.speaking import SILENCE, SpeechWatch, Turn, VolumeChange
from pyvidu.stream import Stream

if TYPE_CHECKING:
    from pyvidu.session import Session


class StreamManager(StreamManagerEvents):
    """The base of `Publisher` and `Subscriber`: one stream, and the `<video>` elements that show it.

    Events: `videoElementCreated`, `videoElementDestroyed`, `streamPlaying`, `streamPropertyChanged`, `streamFrozen`,
    `streamRecovered`, and, if enabled, `publisherStartSpeaking`, `publisherStopSpeaking` and `streamAudioVolumeChange`. A
    handler of `videoElementCreated` or `streamPlaying` that is added later is called at once.

    Attributes:
        stream: the `Stream`.
        session: the `Session` in which it is published or subscribed to, None before.
        is_playing: whether a video of it has begun to play.

    Source: openvidu-browser 2.32, `StreamManager`; `streamFrozen` and `streamRecovered` are pyvidu's.
    """

    remote = False

    def __init__(
        self, host: Host, stream: Stream, settings: Callable[[], AdvancedConfiguration] = AdvancedConfiguration
    ) -> None:
        super().__init__()
        self.stream = stream
        self.videos: list[MediaElement] = []
        self.session: Session | None = None
        self.is_playing = False
        self._host = host
        self._settings = settings
        self._counted: Mapping[str, float] = {}  # at the last reading of the quality
        stream.stream_manager = self

    @property
    def media_stream(self) -> MediaStream | None:
        """Return the browser's MediaStream, or None."""
        raise NotImplementedError

    @property
    def media(self) -> MediaConnection | None:
        """Not for applications: return the current media connection, for diagnostics; None before and after."""
        raise NotImplementedError

    @property
    def id(self) -> str:
        """Return the id of the first video element, or an empty string."""
        return self.videos[0].id if self.videos else ""

    def create_video_element(self, target: Element | str, insert_mode: str = "APPEND") -> VideoElement:
        """Create a `<video>` that shows the stream, and return it.

        A `Publisher`'s is muted, and a camera's mirrored unless `PublisherProperties.mirror` is False.

        Args:
            target: an element of the page, or the id of one.
            insert_mode: where, relative to `target`: `APPEND` (its last child), `PREPEND`, `BEFORE`, `AFTER` or `REPLACE`.

        Raises:
            PropertiesError: there is no such target, or no such mode.

        Events:
            videoElementCreated: before the call returns.
            streamPlaying: when the first video of the stream can play, also when it can do so again.

        Example:
            video = subscriber.create_video_element("others", "PREPEND")

        Source: openvidu-browser, `StreamManager.createVideoElement`.
        """
        video: MediaElement = self._host.elements.create(
            target,
            insert_mode,
            identity=f"{'remote' if self.remote else 'local'}-video-{self.stream.stream_id or 'undefined'}",
            mirror=self._is_mirrored,
            muted=self._is_muted,
            on_playing=lambda: self._can_play(video),
        )
        return self._show_in(video)

    def add_video_element(self, element: VideoElement) -> VideoElement:
        """Show the stream in an existing `<video>` of the page, and return it.

        Args:
            element: the `<video>`. It is not removed when the stream ends.

        Events:
            videoElementCreated: before the call returns.
            streamPlaying: when the first video of the stream can play, also when it can do so again.

        Source: openvidu-browser, `StreamManager.addVideoElement`.
        """
        video: MediaElement = self._host.elements.adopt(
            element, mirror=self._is_mirrored, muted=self._is_muted, on_playing=lambda: self._can_play(video)
        )
        return self._show_in(video)

    def update_publisher_speaking_events_options(
        self, options: Mapping[str, object] | None = None, **keywords: object
    ) -> None:
        """Set how the loudness of this stream is measured, in place of `AdvancedConfiguration`'s numbers; at once, if it is
        being measured.

        Args:
            options: a mapping with OpenVidu's names of `SpeakingEventsOptions`, `interval` in milliseconds.
            **keywords: fields of `SpeakingEventsOptions`, `interval` in seconds. What is not named stays.

        Raises:
            PropertiesError: `interval` is no number above 0 or more than 10 s, or `threshold` is no number.

        Example:
            publisher.update_publisher_speaking_events_options(threshold=-40)

        Source: openvidu-browser, `StreamManager.updatePublisherSpeakingEventsOptions`.
        """
        self._own_speech = configured(SpeakingEventsOptions, options, keywords, base=self._speech_numbers)
        if self._speech is not None:
            self._speech.change(self._own_speech)

    def enable_speaking_events(self, *, interval: float | None = None, threshold: float | None = None) -> None:
        """Detect speech in this stream from now on. Numbers that are given are as those of
        `update_publisher_speaking_events_options`.

        Args:
            interval: the seconds between two measurements, at most 10.
            threshold: what is louder is speech, in decibels below full scale (0 is the loudest, -200 silence).

        Raises:
            PropertiesError: `interval` is no number above 0 or more than 10 s, or `threshold` is no number.

        Events:
            publisherStartSpeaking: of this object and its session: two of three measurements were louder.
            publisherStopSpeaking: of both: ten in a row were not.

        Example:
            publisher.on("publisherStartSpeaking", lambda: print("speaking"))
            publisher.enable_speaking_events(threshold=-40)

        Source: OpenVidu's speech detection, which is that of the hark library.
        """
        given = {"interval": interval, "threshold": threshold}
        if named := {name: value for name, value in given.items() if value is not None}:
            self.update_publisher_speaking_events_options(None, **named)
        self._tells_speech = True
        self.watch_speech()

    def enable_volume_events(self) -> None:
        """Report the loudness of this stream from now on.

        It is read at the interval of the speaking events, which this enables too.

        Events:
            streamAudioVolumeChange: when the loudness has changed; its value is a `VolumeChange`.

        Source: openvidu-browser, `streamAudioVolumeChange`.
        """
        self._volume = SILENCE if self._volume is None else self._volume
        if not self._tells_speech:
            self.enable_speaking_events()

    def disable_speaking_events(self) -> None:
        """Stop firing speaking events and `streamAudioVolumeChange`."""
        self._tells_speech, self._volume = False, None
        self.stop_watching_speech()

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    followers: tuple[Callable[[MediaStream | None], None], ...] = ()
    """Not for applications: called with the MediaStream when it or a track was replaced, with None when it has ended."""

    _is_mirrored = False
    _is_muted = False
    _speech: SpeechWatch | None = None
    _own_speech: SpeakingEventsOptions | None = None  # None: the numbers are those of the configuration
    _tells_speech = False
    _volume: float | None = None  # the last one reported, in decibels; None: volume events are disabled

    @property
    def _shown(self) -> MediaStream | None:
        """Return what the videos show."""
        return self.media_stream

    @property
    def _speech_numbers(self) -> SpeakingEventsOptions:
        return self._own_speech or self._settings().publisher_speaking_events_options

    async def read_quality(self) -> StreamQuality | None:
        """Not for applications: see `Stream.get_quality`."""
        peer = self.stream.get_rtc_peer_connection()
        if peer is None or self._host.statistics is None:
            return None
        before, self._counted = self._counted, await self._host.statistics(peer)
        return quality(before, self._counted, frozen=self.stream.state.frozen)

    @property
    def watches_speech(self) -> bool:
        """Not for applications: return whether speaking events are enabled and the stream has not ended."""
        return self._speech is not None

    def watch_speech(self) -> None:
        """Not for applications: measure the loudness of the stream from now on, if speaking events are enabled."""
        self.stop_watching_speech()
        if self._tells_speech:
            self._speech = SpeechWatch(
                self._host, lambda: self.media_stream, self._turn, self._level, self._speech_numbers
            )

    def stop_watching_speech(self) -> None:
        """Not for applications: stop measuring, because the stream has ended; `watch_speech` goes on."""
        if self._speech is not None:
            self._speech.close()
            self._speech = None

    def _turn(self, turn: Turn) -> None:
        connection = self.stream.connection
        targets: tuple[StreamManager | Session | None, ...] = (self.session, self)
        for target in targets:
            if target is not None and connection is not None:
                target.emit_event(PublisherSpeakingEvent(turn, target, connection, self.stream.stream_id))

    def _level(self, decibels: float) -> None:
        before = self._volume
        if before is not None and decibels != before:
            self._volume = decibels
            self.emit_event(StreamManagerEvent("streamAudioVolumeChange", self, VolumeChange(decibels, before)))

    def _media_changed(self) -> None:
        if self._speech is not None:
            self._speech.listen_anew()
        for follow in self.followers:
            follow(self.media_stream)

    def _media_ended(self) -> None:
        for follow in self.followers:
            follow(None)

    def _show_in(self, video: MediaElement) -> VideoElement:
        self.videos.append(video)
        if self._shown is not None:
            video.show(self._shown)
        self.emit_event(VideoElementEvent("videoElementCreated", self, video.element))
        return video.element

    def _show(self) -> None:
        self._media_changed()
        for video in self.videos:
            video.show(self._shown)

    def _can_play(self, video: MediaElement) -> None:
        if self.videos and video is self.videos[0]:
            self.is_playing = True
            self.emit_event(StreamManagerEvent("streamPlaying", self))

    def remove_all_videos(self) -> None:
        """Not for applications: end all videos."""
        videos, self.videos = self.videos, []
        for video in videos:
            video.close()
            self.emit_event(VideoElementEvent("videoElementDestroyed", self, video.element))

    def _missed_events(self, name: str) -> list[Event]:
        if name == "streamPlaying" and self.is_playing:
            return [StreamManagerEvent("streamPlaying", self)]
        if name == "videoElementCreated":
            return [VideoElementEvent("videoElementCreated", self, video.element) for video in self.videos]
        return []
