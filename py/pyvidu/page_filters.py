"""Filters of the page: functions of the application through which a publisher sends its video."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pyvidu.errors import CallbackError, FilterError, StreamEndedError
from pyvidu.platform import LocalMedia
from pyvidu.platform.devices import MediaStreamTrack
from pyvidu.protocol.values import FilterInfo


@dataclass(frozen=True, slots=True)
class RegisteredFilter:
    """A function from a track, and the options as keywords, to a track.

    `announced`: the server is told when it is applied.
    """

    function: Callable[..., object]
    announced: bool = True


@dataclass(frozen=True, slots=True)
class _Running:
    """A filter that runs: `given` is the copy of `raw` that its function got, `made` what it returned."""

    raw: MediaStreamTrack
    given: MediaStreamTrack
    made: MediaStreamTrack


class FilteredVideo:
    """The video of a publisher, sent through a filter of the page or as it is: its `PageFilter`.

    `media` returns its tracks; `exchange` sends another video track in place of the one that is sent, and returns that.
    """

    def __init__(
        self,
        registered: Mapping[str, RegisteredFilter],
        media: Callable[[], LocalMedia],
        exchange: Callable[[MediaStreamTrack], Awaitable[MediaStreamTrack]],
    ) -> None:
        self._registered = registered
        self._media = media
        self._exchange = exchange
        self._turn = asyncio.Lock()
        self._wanted: FilterInfo | None = None  # what the next track is sent through, too
        self._run: _Running | None = None
        self._stops = 0

    def knows(self, kind: str) -> bool:
        """Return whether it is registered."""
        return kind in self._registered

    def hides(self, kind: str) -> bool:
        """Return whether it is registered, and not announced."""
        return kind in self._registered and not self._registered[kind].announced

    async def show(self, wanted: FilterInfo | None) -> None:
        """Send the video through a filter from now on, or as it is; what it is sent through already is not started anew.

        Raises:
            CallbackError: the function of the filter raised.
            FilterError: there is no video, or the function returned no track of one.
            PropertiesError: the browser cannot send what it returned.
            StreamEndedError: the video was stopped meanwhile.
        """
        wanted = wanted if wanted is not None and self.knows(wanted.type) else None
        async with self._turn:
            if _same(wanted, self._wanted):
                return
            media = self._media()
            if not media.has_video:
                raise FilterError("This stream has no video that could be filtered")
            raw = self._run.raw if self._run is not None else media.track("video")
            if self._run is None and (wanted is None or media.has_ended("video")):
                self._wanted = wanted  # the camera is released: it runs once that is opened again
                return
            await self._send(raw, wanted)

    async def send(self, track: MediaStreamTrack) -> MediaStreamTrack:
        """Send another track, through the filter if there is one, and return the old one. Raises what `show` does."""
        async with self._turn:
            return await self._send(track, self._wanted)

    def stop(self, *, forget: bool) -> MediaStreamTrack:
        """Stop the filter, and return the track that went through it, still running; None without one.

        `forget`: the next track is sent as it is.
        """
        run, self._run = self._run, None
        self._stops += 1
        if forget:
            self._wanted = None
        if run is None:
            return None
        self._end(run)
        return run.raw

    async def _send(self, raw: MediaStreamTrack, wanted: FilterInfo | None) -> MediaStreamTrack:
        stops, run = self._stops, None
        if wanted is not None:
            run = await self._started(raw, wanted)
            if stops != self._stops:
                self._end(run)
                raise StreamEndedError("The video was stopped before its filter ran")
        earlier, self._run = self._run, run
        try:
            before = await self._exchange(run.made if run is not None else raw)
        except BaseException:
            if run is not None:
                self._end(run)
            if stops == self._stops:
                self._run = earlier
            elif earlier is not None:
                self._end(earlier)
            raise
        if earlier is not None:
            self._end(earlier)
            before = earlier.raw
        if stops != self._stops and run is not None:
            if before != raw:
                self._media().discard(before)
            raise StreamEndedError("The video was stopped before its filter ran")
        self._wanted = wanted
        return before

    async def _started(self, raw: MediaStreamTrack, wanted: FilterInfo) -> _Running:
        media = self._media()
        given = media.copy(raw)
        try:
            made = self._registered[wanted.type].function(given, **wanted.options)
            if inspect.isawaitable(made):
                made = await made
        except BaseException as error:
            media.end(given)
            if isinstance(error, asyncio.CancelledError) or not isinstance(error, Exception):
                raise
            raise CallbackError(f"The filter {wanted.type} of the page raised {error!r}") from error
        if media.kind_of(made) != "video":
            media.end(given)
            raise FilterError(
                f"The filter {wanted.type} of the page returned no MediaStreamTrack of video: {made!r:.100}"
            )
        return _Running(raw, given, made)

    def _end(self, run: _Running) -> None:
        for track in (run.given, run.made):
            self._media().end(track)


def _same(one: FilterInfo | None, other: FilterInfo | None) -> bool:
    """Return whether two filters run alike: a method that was called makes no difference."""
    if one is None or other is None:
        return one is other
    return (one.type, one.options) == (other.type, other.options)
