"""The common base of Publisher and Subscriber: one stream and the video elements that show it."""

from __future__ import annotations

from typing import Any

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.events import Event, PublisherSpeakingEvent, StreamManagerEvent, VideoElementEvent
from pyvidu.media import InboundMedia
from pyvidu.platform import Host, MediaElement
from pyvidu.speaking import INTERVAL, SILENCE, THRESHOLD, SpeechWatch, Turn
from pyvidu.stream import Stream


class StreamManager(EventDispatcher):
    """Owns the video elements of `stream`.

    Events: `videoElementCreated`, `videoElementDestroyed`, `streamPlaying`, `streamPropertyChanged`, and, if enabled,
    `publisherStartSpeaking`, `publisherStopSpeaking` and `streamAudioVolumeChange`. A handler added after
    the video was created or began to play is called at once.
    """

    remote = False

    def __init__(self, host: Host, stream: Stream) -> None:
        super().__init__()
        self.stream = stream
        self.videos: list[MediaElement] = []
        self._host = host
        self._playing = False
        stream.stream_manager = self

    @property
    def id(self) -> str:
        """Return the id of the first video element, or an empty string."""
        return self.videos[0].id if self.videos else ""

    def create_video_element(self, target: Any, insert_mode: str = "APPEND") -> Any:
        """Create a `<video>` at `target` (an element or its id) that shows the stream, and return it.

        Raises:
            PropertiesError: there is no such target.
        """
        video = self._host.elements.create(
            target,
            insert_mode,
            identity=f"{'remote' if self.remote else 'local'}-video-{self.stream.stream_id or 'undefined'}",
            mirror=self._mirror,
            muted=not self.remote,
            on_playing=self._began_to_play,
        )
        return self._show_in(video)

    def add_video_element(self, element: Any) -> Any:
        """Show the stream in an existing `<video>` of the page, and return it."""
        video = self._host.elements.adopt(
            element, mirror=self._mirror, muted=not self.remote, on_playing=self._began_to_play
        )
        return self._show_in(video)

    def enable_speaking_events(self, *, interval: int = INTERVAL, threshold: float = THRESHOLD) -> None:
        """Fire `publisherStartSpeaking` and `publisherStopSpeaking` from now on, on this object and its session.

        `interval` is in milliseconds, `threshold` in decibels below full scale. A further call replaces both.
        """
        self._speech_options = (interval, threshold)
        self._watch_speech()

    def enable_volume_events(self) -> None:
        """Fire `streamAudioVolumeChange` from now on, when the loudness of the stream has changed.

        Its value is `{"newValue", "oldValue"}`, in decibels below full scale. The loudness is read at the interval of the
        speaking events, which this enables too.
        """
        self._volume = SILENCE if self._volume is None else self._volume
        if self._speech_options is None:
            self.enable_speaking_events()

    def disable_speaking_events(self) -> None:
        """Stop firing speaking events and `streamAudioVolumeChange`."""
        self._speech_options = self._volume = None
        self._stop_watching_speech()

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    _mirror = False
    _speech: SpeechWatch | None = None
    _speech_options: tuple[int, float] | None = None  # None: speaking events are disabled
    _volume: float | None = None  # the last one reported, in decibels; None: volume events are disabled

    def _watch_speech(self) -> None:
        self._stop_watching_speech()
        if self._speech_options is not None:
            self._speech = SpeechWatch(self._host, self._media_stream, self._turn, self._level, *self._speech_options)

    def _stop_watching_speech(self) -> None:
        if self._speech is not None:
            self._speech.close()
            self._speech = None

    def _turn(self, turn: Turn) -> None:
        connection, membership = self.stream.connection, self.stream._membership
        for target in (self, membership.session if membership is not None else None):
            if target is not None and connection is not None:
                target._emit(PublisherSpeakingEvent(turn, target, connection, self.stream.stream_id))

    def _level(self, decibels: float) -> None:
        before = self._volume
        if before is not None and decibels != before:
            self._volume = decibels
            value = {"newValue": decibels, "oldValue": before}
            self._emit(StreamManagerEvent("streamAudioVolumeChange", self, value))

    def _listen_anew(self) -> None:
        if self._speech is not None:
            self._speech.listen_anew()

    def _media_stream(self) -> Any:
        raise NotImplementedError

    def _media_replaced(self, media: InboundMedia) -> None:
        raise NotImplementedError

    def _show_in(self, video: MediaElement) -> Any:
        self.videos.append(video)
        media_stream = self._media_stream()
        if media_stream is not None:
            video.show(media_stream)
        self._emit(VideoElementEvent("videoElementCreated", self, video.element))
        return video.element

    def _show(self) -> None:
        self._listen_anew()
        for video in self.videos:
            video.show(self._media_stream())

    def _began_to_play(self) -> None:
        if not self._playing:
            self._playing = True
            self._emit(StreamManagerEvent("streamPlaying", self))

    def _remove_videos(self) -> None:
        videos, self.videos = self.videos, []
        for video in videos:
            video.close()
            self._emit(VideoElementEvent("videoElementDestroyed", self, video.element))

    def _missed_events(self, name: str) -> list[Event]:
        if name == "streamPlaying" and self._playing:
            return [StreamManagerEvent("streamPlaying", self)]
        if name == "videoElementCreated":
            return [VideoElementEvent("videoElementCreated", self, video.element) for video in self.videos]
        return []
