"""The local stream and the received streams of a participant, each with its media connection.

They outlive their media connections, which a renegotiation replaces, and their membership, which a rejoin replaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from pyvidu.media import MediaConnection, MediaPlane
from pyvidu.platform import LocalMedia
from pyvidu.protocol.messages import Call, PublishVideo, StreamPropertyChanged, video_dimensions

from .records import StreamState


class StreamOwner(Protocol):
    """The membership in which a stream is published or received."""

    media_plane: MediaPlane

    def request(self, call: Call) -> Coroutine[object, object, None]:
        """Send a request whose result is not needed."""

    def in_background(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run `coroutine` to its end."""


class StreamMedia:
    """Base of both directions: a stream and its current media connection, which the owner's media plane watches.

    `changed` is called when another MediaStream is received.
    """

    def __init__(self, state: StreamState) -> None:
        self.state = state
        self.owner: StreamOwner | None = None
        self.changed: Callable[[], None] = lambda: None
        self._media: MediaConnection | None = None

    @property
    def media(self) -> MediaConnection | None:
        """Return the media connection, None before and after."""
        return self._media

    def attach(self, owner: StreamOwner, media: MediaConnection) -> None:
        """Replace the media connection by `media`."""
        self.detach()
        self.owner, self._media = owner, media
        owner.media_plane.add(media, frozen=self.state.frozen, video_sent=self.state.video_sent)

    def detach(self) -> None:
        """Close the media connection, if there is one."""
        media, self._media = self._media, None
        if media is not None:
            if self.owner is not None:
                self.owner.media_plane.remove(media)
            media.close()

    @property
    def media_stream(self) -> Any:
        """Return the received MediaStream, None before the first negotiation and if nothing is to be received."""
        return self._media.remote_stream if self._media is not None else None

    # --- MediaListener -----------------------------------------------------------------------------------------------

    def media_stream_changed(self, media: MediaConnection) -> None:
        """Report the new peer connection to the media plane, and the new MediaStream."""
        if self.owner is not None:
            self.owner.media_plane.peer_replaced(media)
        if media is self._media:
            self.changed()

    def media_ice_state(self, media: MediaConnection, state: str) -> None:
        """Pass the ICE state to the media plane, which decides what to do."""
        if self.owner is not None:
            self.owner.media_plane.ice_state_changed(media, state)


class LocalStream(StreamMedia):
    """A stream that this participant publishes or may publish. `source` has its tracks.

    `simulcast`: whether its video is sent in several encodings; None leaves that to the server. `loopback`: the server is to
    send it back, from when it is published next.
    """

    def __init__(self, state: StreamState, source: LocalMedia, *, simulcast: bool | None = None) -> None:
        super().__init__(state)
        self.source = source
        self.simulcast = simulcast
        self.loopback = False
        self.hides: Callable[[str], bool] = lambda _type: False  # whether a type of filter is kept from the others

    @property
    def is_published(self) -> bool:
        """Return whether it is published: it has an id from the server."""
        return bool(self.state.id)

    def description(self) -> PublishVideo:
        """Return the current `publishVideo`, without its offer."""
        state, size, told = self.state, self.state.video_dimensions, self.state.filter
        return PublishVideo(
            sdp_offer="",
            do_loopback=self.loopback,
            has_audio=state.has_audio,
            has_video=state.has_video,
            audio_active=state.audio_active,
            video_active=state.video_active,
            type_of_video=state.type_of_video,
            frame_rate=state.frame_rate or -1,
            video_dimensions=video_dimensions(size.width, size.height) if state.has_video else None,
            filter=None if told is None or self.hides(told.type) else {"type": told.type, "options": told.options},
        )

    async def replace_track(self, track: Any) -> None:
        """Send another track of the same kind. Raises OSError if the browser cannot."""
        if self._media is not None:
            await self._media.replace_track(track)

    def send_again(self, track: Any) -> None:
        """Send `track` again, whose replacement was cancelled: the browser may have carried that out."""
        if self.owner is not None and self._media is not None:
            self.owner.in_background(self._media.replace_track(track))

    def tell_active(self, kind: str, answered: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Notify the others whether `kind` (`audio` or `video`) is active; see `tell`."""
        value = getattr(self.state, f"{kind}_active")
        return self.tell(f"{kind}Active", value, "publishAudio" if kind == "audio" else "publishVideo", answered)

    def tell(
        self, name: str, value: object, reason: str, answered: Callable[[], None] | None = None
    ) -> asyncio.Future[None]:
        """Notify the others that the property `name` has a new value, if the stream is published.

        Call `answered` once the server has accepted it. Whoever cancels the result stops waiting for it, nothing else.
        """
        if self.owner is None or not self.is_published:
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            told.set_result(None)
            return told
        owner, call = self.owner, StreamPropertyChanged(self.state.id, name, value, reason)

        async def send() -> None:
            await owner.request(call)
            if answered is not None:
                answered()

        told = asyncio.shield(owner.in_background(send()))
        told.add_done_callback(lambda done: done.cancelled() or done.exception())  # the owner logs it
        return told


class RemoteStream(StreamMedia):
    """A remote stream that is received."""

    def __init__(self, state: StreamState, changed: Callable[[], None]) -> None:
        super().__init__(state)
        self.changed = changed

    def enable(self, kind: str, enabled: bool) -> None:
        """Play `kind` (`audio` or `video`) or not."""
        if self._media is not None and self._media.peer is not None:
            self._media.peer.enable_received(kind, enabled)
