"""Subscriber: a remote stream that this participant receives."""

from __future__ import annotations

from collections.abc import Callable

from pyvidu.configuration import AdvancedConfiguration, SubscriberProperties
from pyvidu.media import MediaConnection
from pyvidu.membership import RemoteStream
from pyvidu.platform import Host
from pyvidu.platform.devices import MediaStream
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager


class Subscriber(StreamManager):
    """A remote stream that is received. Made by `Session.subscribe`.

    Attributes:
        properties: the `SubscriberProperties` that it was made with.

    Source: openvidu-browser 2.32, `Subscriber`.
    """

    remote = True

    def __init__(
        self,
        host: Host,
        stream: Stream,
        properties: SubscriberProperties,
        settings: Callable[[], AdvancedConfiguration] = AdvancedConfiguration,
    ) -> None:
        super().__init__(host, stream, settings)
        stream.heard.update(audio=True, video=True)
        self.properties = properties
        self.remote_stream = RemoteStream(stream.state, self._media_replaced)
        self._wanted = {"audio": properties.subscribe_to_audio, "video": properties.subscribe_to_video}

    @property
    def media_stream(self) -> MediaStream | None:
        """Return the browser's MediaStream, None before the first negotiation. A renegotiation replaces it."""
        return self.remote_stream.media_stream

    @property
    def media(self) -> MediaConnection | None:
        """Not for applications: return the current media connection, for diagnostics; None before and after."""
        return self.remote_stream.media

    def subscribe_to_audio(self, enabled: bool) -> Subscriber:
        """Play the audio of the stream or not, and return this object. It affects this participant only, and lasts.

        Args:
            enabled: False silences it, whatever its publisher does, and `Stream.audio_active` is False.

        Source: openvidu-browser, `Subscriber.subscribeToAudio`; there it ends when the publisher turns the audio on.
        """
        return self._want("audio", enabled)

    def subscribe_to_video(self, enabled: bool) -> Subscriber:
        """Show the video of the stream or not, and return this object. It affects this participant only, and lasts.

        Args:
            enabled: False blacks it out, whatever its publisher does, and `Stream.video_active` is False.

        Source: openvidu-browser, `Subscriber.subscribeToVideo`; there it ends when the publisher turns the video on.
        """
        return self._want("video", enabled)

    def dispose(self) -> None:
        """Remove the videos. `Session.unsubscribe` does this too, and ends the subscription.

        Events:
            videoElementDestroyed: for each of its videos.
        """
        self.stop_watching_speech()
        self._media_ended()
        self.remove_all_videos()
        if self.stream.stream_manager is self:  # else another subscription has replaced this one
            self.stream.stream_manager = None

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def _media_replaced(self) -> None:
        self._apply_wanted()
        self._show()

    def _want(self, kind: str, enabled: bool) -> Subscriber:
        self._wanted[kind] = self.stream.heard[kind] = enabled
        self._apply_wanted()
        return self

    def video_turned_on(self) -> None:
        """Not for applications: show the video, which was off when it was subscribed to."""
        self._apply_wanted()

    def _apply_wanted(self) -> None:
        for kind, wanted in self._wanted.items():
            # An element waits for the first frame of a video, and its sound with it, unless the track is disabled.
            off = kind == "video" and not self.stream.state.video_active
            self.remote_stream.enable(kind, wanted and not off)
