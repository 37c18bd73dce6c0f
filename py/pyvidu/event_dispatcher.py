"""`on`, `once` and `off` for all objects that fire events.

The emitter is pyee's; this module adds the handling of failed handlers, missed events and default actions.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar, overload

from pyee.asyncio import AsyncIOEventEmitter

from pyvidu.events import Event

logger = logging.getLogger(__name__)

Handler = TypeVar("Handler", bound=Callable[..., Any])


class _Emitter(AsyncIOEventEmitter):
    """An emitter that logs the exception of a future that a handler returned."""

    def _emit_handle_potential_error(self, event: str, error: Any) -> None:
        if event == "error":  # pyee's event for it
            logger.error("a handler of the application failed", exc_info=error)


class _Handler:
    """A handler with or without an event parameter. Equal to any other wrapper of the same function, for `off`.

    A handler that fails, plain or async, is logged: neither the others nor whatever fired the event fail with it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._takes_event = _takes_an_argument(function)

    def __call__(self, event: Event) -> Any:
        try:
            result = self.function(event) if self._takes_event else self.function()
        except (Exception, asyncio.CancelledError):  # the latter by `result()` of a cancelled task
            logger.exception("a handler of %.100s failed", event.type)
            return None
        return self._finish(result, event) if inspect.iscoroutine(result) else result

    async def _finish(self, work: Coroutine[Any, Any, Any], event: Event) -> None:
        try:
            await work
        except Exception:
            logger.exception("a handler of %.100s failed", event.type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handler) and other.function == self.function

    def __hash__(self) -> int:
        try:
            return hash(self.function)
        except TypeError:  # a JavaScript function is not hashable
            return 0


def _takes_an_argument(handler: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):  # a JavaScript function, which ignores surplus arguments
        return True
    return any(item.kind not in (item.KEYWORD_ONLY, item.VAR_KEYWORD) for item in parameters)


class EventDispatcher:
    """Base of Session, Publisher and Subscriber.

    `on(name, handler)` returns the handler, `on(name)` is a decorator. Handlers are called in the order in which they were
    added, with the event or, if they take no argument, without it. Async handlers run as tasks.
    """

    def __init__(self) -> None:
        self._emitter: _Emitter | None = None
        self._silenced = False

    @overload
    def on(self, name: str) -> Callable[[Handler], Handler]: ...
    @overload
    def on(self, name: str, handler: Handler) -> Handler: ...
    def on(self, name: str, handler: Handler | None = None) -> Any:
        """Call `handler` at every event `name`."""
        return self._listen(self._events().on, name, handler)

    @overload
    def once(self, name: str) -> Callable[[Handler], Handler]: ...
    @overload
    def once(self, name: str, handler: Handler) -> Handler: ...
    def once(self, name: str, handler: Handler | None = None) -> Any:
        """Call `handler` at the next event `name` only."""
        return self._listen(self._events().once, name, handler)

    def off(self, name: str, handler: Callable[..., Any] | None = None) -> None:
        """Remove `handler`, or every handler of `name`. An unknown handler is ignored."""
        if handler is None:
            self._events().remove_all_listeners(name)
            return
        with suppress(KeyError):
            self._events().remove_listener(name, _Handler(handler))

    def emit_event(self, event: Event, *names: str) -> None:
        """Fire `event` under its type, or under `names`, then run its default action. pyvidu itself calls this.

        Never raises: neither a handler nor the browser, in a default action, can stop what pyvidu does next.
        """
        if not self._silenced and self._emitter is not None:
            for name in names or (event.type,):
                self._emitter.emit(name, event)
        try:
            event.call_default_behavior()
        except Exception:
            logger.exception("the default action of %s failed", event.type)

    def silence(self, silenced: bool) -> None:
        """Fire no event from now on, or fire events again. pyvidu itself calls this."""
        self._silenced = silenced

    def _listen(self, add: Callable[..., Any], name: str, handler: Handler | None) -> Any:
        def listen(function: Handler) -> Handler:
            wrapped = _Handler(function)
            add(name, wrapped)
            for event in self._missed_events(name):
                # pyee has no public call that runs one handler, a coroutine function included, with its error handling.
                self._events()._emit_run(wrapped, (event,), {})
            return function

        return listen if handler is None else listen(handler)

    def _missed_events(self, name: str) -> list[Event]:
        """Return the past events with which a handler of `name` that is added now is called."""
        return []

    def _events(self) -> _Emitter:
        if self._emitter is None:
            self._emitter = _Emitter()
        return self._emitter
