"""The filter of a stream: what an application calls on it, and the requests that change it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pyvidu.errors import (
    FilterError,
    MalformedAnswerError,
    NotConnectedError,
    PermissionDeniedError,
    PropertiesError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
)
from pyvidu.membership import StreamState
from pyvidu.properties import is_text
from pyvidu.protocol import json_text
from pyvidu.protocol.codes import Code
from pyvidu.protocol.filter_messages import (
    AddFilterEventListener,
    ApplyFilter,
    ExecFilterMethod,
    FilterEventListener,
    RemoveFilter,
    RemoveFilterEventListener,
)
from pyvidu.protocol.values import FilterInfo, FilterMethod

FilterCall = ApplyFilter | RemoveFilter | ExecFilterMethod | FilterEventListener
_NO_FILTER = (Code.FILTER_NOT_APPLIED, Code.USER_NOT_FOUND)


class FilterRoom(Protocol):
    """The room in which a stream is published, as far as its filter needs it."""

    async def filter_request(self, call: FilterCall, *, repeatable: bool = True, ignore: tuple[int, ...] = ()) -> None:
        """Send a request about a stream. Raises NotConnectedError: the session is over; NotPublishedError: it has no id."""

    def in_background(self, coroutine: Coroutine[object, object, None]) -> asyncio.Future[None] | None:
        """Run `coroutine` to its end; a failure is logged. None: the session is over."""


class PageFilter(Protocol):
    """The filters of the page, which run in it: those of a publisher."""

    def knows(self, kind: str) -> bool:
        """Return whether `kind` is the name of one."""

    def hides(self, kind: str) -> bool:
        """Return whether `kind` is one of which the server is not told."""

    async def show(self, wanted: FilterInfo | None) -> None:
        """Send the video through a filter from now on; as it is for None, and for one that is none of the page's."""


class Filter:
    """The filter of a stream: one of the media server, or one of the page (`OpenVidu.register_filter`).

    `Stream.apply_filter` returns it, `Stream.filter` is it while it is applied. It stays the same object when a method is
    called, whoever calls it.

    Attributes:
        type: such as `GStreamerFilter`, or the name under which the page has registered it.
        options: those of its `type`, as OpenVidu documents them.
        last_exec_method: the last method that was called, a `FilterMethod`, or None.

    Example: not run, it needs a media server with filters
        from pyvidu import Publisher

        async def turn_grey(publisher: Publisher) -> None:
            grey = await publisher.stream.apply_filter("GStreamerFilter", {"command": "videobalance saturation=0.0"})
            await grey.exec_method("setElementProperty", {"propertyName": "saturation", "propertyValue": "0.5"})
            await publisher.stream.remove_filter()

    Source: openvidu-browser 2.32, `Filter`. There it is another object, without its listeners, once another participant has
    called a method.
    """

    def __init__(self, type: str, options: Mapping[str, object] | None = None) -> None:  # noqa: A002  OpenVidu's name
        self.type = type
        self.options = dict(options or {})
        self.last_exec_method: FilterMethod | None = None
        self.handlers: dict[str, Callable[..., object]] = {}  # Not for applications: of its events, by type
        self.owner: Filtering | None = None  # Not for applications

    async def exec_method(self, method: str, params: Mapping[str, object] | str | None = None) -> None:
        """Call a method of the filter; moderators, and who publishes the stream. During an outage, wait for its end.

        Args:
            method: one that a filter of this type has.
            params: its parameters, a mapping, or the JSON text of one.

        Raises:
            FilterError: the filter was removed, or is one of the page's: those have no methods.
            PropertiesError: JSON lacks a value in `params`.
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: this participant may not.
            RequestError: the server refused: `params` are no object, or the filter has no such method.
            RequestTimeoutError: the server did not answer in time.
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been called or not.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamPropertyChanged: `filter` with reason `execFilterMethod`, of everybody's session and stream managers.

        Source: openvidu-browser, `Filter.execMethod`; there `last_exec_method` has the parameters as a text for
        who has called.
        """
        await self._owner("methods").exec_method(self, method, params)

    async def add_event_listener(self, event_type: str, handler: Callable[..., object]) -> None:
        """Call `handler` with a `FilterEvent` at every event `event_type` of the filter; moderators, and who publishes the
        stream. It ends with the filter, and with an eviction: after `rejoined` add it again.

        Args:
            event_type: one that a filter of this type fires, such as `CodeFound`.
            handler: plain or async; it takes the event or nothing, and replaces the one that there was.

        Raises:
            FilterError: the filter was removed, or is one of the page's: those fire no events.
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: this participant may not.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Source: openvidu-browser, `Filter.addEventListener`.
        """
        await self._owner("events").listen(self, event_type)
        self.handlers[event_type] = handler

    async def remove_event_listener(self, event_type: str) -> None:
        """Call the handler of `event_type` no more.

        Args:
            event_type: what was passed to `add_event_listener`.

        Raises:
            FilterError: the filter was removed.
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: this participant may not.
            RequestError: the server refused: nobody listens to that.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Source: openvidu-browser, `Filter.removeEventListener`.
        """
        await self._owner("events").leave(self, event_type)
        self.handlers.pop(event_type, None)

    def _owner(self, what: str) -> Filtering:
        if self.owner is None or self.owner.current is not self:
            raise FilterError(f"This {self.type} is no filter of a stream any more: use Stream.filter")
        if self.owner.runs_here(self.type):
            raise FilterError(f"{self.type} is a filter of the page, which has no {what}")
        return self.owner

    def __repr__(self) -> str:
        return f"Filter({self.type!r}, {self.options!r})"


class Filtering:
    """Changes the filter of one stream, one change after another.

    `room` is where it is published, None before. `page` has the filters of the page, of a publisher only. `report` is called
    with the new filter, the old one and the reason, once the server has accepted a change. Who publishes the stream takes a
    `turn` too: what is published has the filter that there is.
    """

    def __init__(self, state: StreamState) -> None:
        self.room: FilterRoom | None = None
        self.page: PageFilter | None = None
        self.report: Callable[[Filter | None, Filter | None, str], None] = lambda _new, _old, _reason: None
        self._state = state
        self.turn = asyncio.Lock()
        self._current: Filter | None = None

    @property
    def current(self) -> Filter | None:
        """Return the filter that the stream has now."""
        info, known = self._state.filter, self._current
        if info is None:
            self._current = None
        elif known is None or (known.type, known.options) != (info.type, info.options):
            self._current = self._made(info)
        else:
            known.last_exec_method = info.last_exec_method
        return self._current

    def before(self, info: FilterInfo | None) -> Filter | None:
        """Return a filter that the stream had, for `old_value` of an event."""
        return self._made(info) if info is not None else None

    def runs_here(self, kind: str) -> bool:
        """Return whether `kind` is a filter of the page, which sends the stream."""
        return self.page is not None and self.page.knows(kind)

    async def apply(self, kind: str, options: Mapping[str, object] | str | None) -> Filter:
        """Apply a filter; see `Stream.apply_filter`."""
        if not is_text(kind):
            raise PropertiesError(f"apply_filter takes the type of a filter, a text, not {kind!r:.100}")
        if kind.startswith("VB:") and not self.runs_here(kind):
            raise FilterError(
                f"pyvidu has no {kind:.100}: publish a track of your own with a virtual background instead",
                "VIRTUAL_BACKGROUND_ERROR",
            )
        text = _text(options, "options of a filter")
        async with self.turn:
            if self._state.filter is not None:
                raise FilterError(f"There is a filter on stream {self._state.id} already: remove it first")
            wanted, changes = FilterInfo(kind, _parsed(text)), self._state.filter_changes
            if self._is_told_of(kind) or not self.runs_here(kind):
                await self._apply_at_server(kind, text)
            if self.page is not None:
                try:
                    await self.page.show(wanted)
                except BaseException as error:
                    undone = self._undo(kind)
                    if undone is not None and not isinstance(error, asyncio.CancelledError):
                        await asyncio.wait([undone])  # whoever applies another one next finds none
                    raise
            self._now(wanted, "applyFilter", changes)
        return self.current or self._made(wanted)  # None: somebody has removed it meanwhile

    async def remove(self) -> None:
        """Remove the filter; see `Stream.remove_filter`."""
        async with self.turn:
            info, changes = self._state.filter, self._state.filter_changes
            if info is None:
                raise FilterError(f"Stream {self._state.id} has no filter that could be removed")
            if self._is_told_of(info.type):
                ignore = _NO_FILTER if self.runs_here(info.type) else ()
                try:
                    await self._request(RemoveFilter(self._state.id), "remove its filter", ignore=ignore)
                except RequestError as error:
                    if error.code == Code.FILTER_NOT_APPLIED:  # it was passed on only, or removed while we were away
                        self._state.filter = None
                    raise
            if self.page is not None:
                await self.page.show(None)
            self._now(None, "removeFilter", changes)

    async def exec_method(self, own: Filter, method: str, params: Mapping[str, object] | str | None) -> None:
        """Call a method of the filter `own`; see `Filter.exec_method`."""
        text, changes = _text(params, "parameters of a filter's method"), self._state.filter_changes
        await self._request(ExecFilterMethod(self._state.id, method, text), "call its methods", repeatable=False)
        if self.current is own and self._state.filter is not None:
            last = FilterMethod(method, _parsed(text))
            self._now(replace(self._state.filter, last_exec_method=last), "execFilterMethod", changes)

    async def listen(self, own: Filter, event_type: str) -> None:
        """Ask for the events of a type."""
        await self._request(AddFilterEventListener(self._state.id, event_type), "listen to its events")

    async def leave(self, own: Filter, event_type: str) -> None:
        """Ask for the events of a type no more. A repeated request finds no listener."""
        ignore = (Code.FILTER_LISTENER_NOT_FOUND,) if event_type in own.handlers else ()
        call = RemoveFilterEventListener(self._state.id, event_type)
        await self._request(call, "stop listening to its events", ignore=ignore)

    def told(self) -> None:
        """Run, or run no more, a filter of the page: another participant or the server has changed what the stream has."""
        if self.page is not None and self.room is not None:
            self.room.in_background(self.follow())

    async def follow(self) -> None:
        """Send the video through the filter that the stream has, if that is one of the page's."""
        async with self.turn:
            if self.page is not None:
                await self.page.show(self._state.filter)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _is_told_of(self, kind: str) -> bool:
        """Return whether the server is told of a filter; of that of an unpublished stream it is by publishing."""
        return bool(self._state.id) and not (self.page is not None and self.page.hides(kind))

    def _made(self, info: FilterInfo) -> Filter:
        made = Filter(info.type, info.options)
        made.last_exec_method, made.owner = info.last_exec_method, self
        return made

    def _now(self, new: FilterInfo | None, reason: str, changes: int) -> None:
        """Note what the server has accepted, unless it has told of something newer since there were so many `changes`."""
        if changes == self._state.filter_changes:
            old, self._state.filter = self._state.filter, new
            self.report(self.current, self.before(old), reason)

    async def _apply_at_server(self, kind: str, text: str) -> None:
        call = ApplyFilter(kind, self._state.id, text)
        while True:
            try:
                return await self._request(call, "apply a filter", repeatable=False)
            except RequestOutcomeUnknown:  # it may be applied: apply it once
                await self._request(RemoveFilter(self._state.id), "apply a filter", ignore=_NO_FILTER)
            except (RequestTimeoutError, MalformedAnswerError, asyncio.CancelledError):
                self._undo(kind)
                raise

    def _undo(self, kind: str) -> asyncio.Future[None] | None:
        """Remove a filter at the server that may be applied there; return the task of it, if there is something to do."""
        if self.room is None or not self._is_told_of(kind):
            return None
        return self.room.in_background(self.room.filter_request(RemoveFilter(self._state.id), ignore=_NO_FILTER))

    async def _request(
        self, call: FilterCall, what: str, *, repeatable: bool = True, ignore: tuple[int, ...] = ()
    ) -> None:
        if self.room is None:
            raise NotConnectedError("This stream is in no session: await session.connect(token), then publish it")
        try:
            await self.room.filter_request(call, repeatable=repeatable, ignore=ignore)
        except RequestError as error:
            if error.code != Code.UNAUTHORIZED:
                raise
            raise PermissionDeniedError(
                f"This participant may not {what}: that needs the role MODERATOR, or a stream of its own and a token whose "
                "allowedFilters name the filter"
            ) from error


def _text(value: Mapping[str, object] | str | None, what: str) -> str:
    """Return a mapping as JSON, and a text as it is. Raises PropertiesError: JSON lacks a value, or it is something else."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping | None):
        raise PropertiesError(f"The {what} are a mapping, not {value!r:.100}")
    try:
        return json_text.encoded(dict(value or {}), what)
    except ValueError as error:
        raise PropertiesError(f"The {what} cannot be sent as JSON: {error}") from None


def _parsed(text: str) -> Any:
    """Return what the server has accepted as an object, as the others get it."""
    found = json_text.decoded(text)
    return found if isinstance(found, dict) else {}
