"""Subscriber: a remote stream that this participant receives."""

from __future__ import annotations

from typing import Any

from pyvidu.configuration import SubscriberProperties
from pyvidu.media import InboundMedia
from pyvidu.platform import Host
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager


class Subscriber(StreamManager):
    """A remote stream that is received. Made by `Session.subscribe`."""

    remote = True

    def __init__(self, host: Host, stream: Stream, properties: SubscriberProperties) -> None:
        super().__init__(host, stream)
        self.properties = properties
        self._media: InboundMedia | None = None
        self._wanted = {"audio": properties.subscribe_to_audio, "video": properties.subscribe_to_video}

    def subscribe_to_audio(self, enabled: bool) -> Subscriber:
        """Play the audio of the stream or not. This affects this participant only."""
        return self._want("audio", enabled)

    def subscribe_to_video(self, enabled: bool) -> Subscriber:
        """Show the video of the stream or not. This affects this participant only."""
        return self._want("video", enabled)

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def _media_stream(self) -> Any:
        return self._media.remote_stream if self._media is not None else None

    def _media_replaced(self, media: InboundMedia) -> None:
        self._media = media
        self._apply_wanted()
        self._show()

    def _want(self, kind: str, enabled: bool) -> Subscriber:
        self._wanted[kind] = enabled
        self._apply_wanted()
        return self

    def _apply_wanted(self) -> None:
        if self._media is not None and self._media.peer is not None:
            for kind, wanted in self._wanted.items():
                self._media.peer.enable_received(kind, wanted)

    def _dispose(self) -> None:
        """End the subscription and remove the videos."""
        self._remove_videos()
        if self.stream.stream_manager is self:  # else another subscription has replaced this one
            self.stream._detach()
            self.stream.stream_manager = None  # no longer received: a rejoin skips streams without a manager
