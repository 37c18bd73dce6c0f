"""`on`, `once` and `off` for all objects that fire events.

Why the emitter is our own: docs/decisions/0001-event-emitter.md.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from operator import is_not
from typing import Any, Self, TypeVar, overload

from pyvidu.events import Event
from pyvidu.tasks import Tasks

logger = logging.getLogger(__name__)

Handler = TypeVar("Handler", bound=Callable[..., object])


class Listener:
    """A handler, plain or async. If it takes no argument it is called without the event."""

    def __init__(self, function: Callable[..., object], *, once: bool = False) -> None:
        self.function = function
        self.once = once
        self._takes_event = _takes_an_argument(function)
        self._is_spent = False

    def call(self, event: Event, tasks: Tasks) -> None:
        """Call the handler; an async one becomes one of `tasks`. If it fails that is logged: nothing else fails with it."""
        if self._is_spent:  # an event that was fired by an earlier handler of this one has called it
            return
        self._is_spent = self.once
        try:
            result = self.function(event) if self._takes_event else self.function()
            if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
                tasks.spawn(self._finish(result, event.type))
        except (Exception, asyncio.CancelledError):  # the latter by `result()` of a cancelled task
            logger.exception("a handler of %.100s failed", event.type)

    async def _finish(self, work: Awaitable[object], name: str) -> None:
        try:
            await work
        except Exception:
            logger.exception("a handler of %.100s failed", name)


class Emitter:
    """The handlers of one object's events, by name, in the order in which they were added.

    Whoever is added or removed while an event is fired has no part in that event: a handler that an earlier one removes is
    still called, one that an earlier one adds is not yet (Node.js' EventEmitter does the same). A function that is added to
    a name again is not called twice. Functions are compared, never hashed: a JavaScript function has no hash.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[Listener, ...]] = {}  # replaced, never changed: it may be iterated over
        self._tasks = Tasks()  # keeps the async handlers that run

    def add(self, name: str, listener: Listener) -> None:
        """Add a handler, or replace the one with the same function."""
        listeners = self._listeners.get(name, ())
        if any(item.function == listener.function for item in listeners):
            replaced = (listener if item.function == listener.function else item for item in listeners)
            self._listeners[name] = tuple(replaced)
        else:
            self._listeners[name] = (*listeners, listener)

    def remove(self, name: str, function: Callable[..., object] | None = None) -> None:
        """Remove the handler with this function, or all handlers of `name`; an unknown one is ignored."""
        self._keep(name, lambda item: function is not None and item.function != function)

    def fire(self, name: str, event: Event) -> None:
        """Call the handlers of `name`."""
        for listener in self._listeners.get(name, ()):
            if listener.once:
                self._keep(name, partial(is_not, listener))
            self.call(listener, event)

    def call(self, listener: Listener, event: Event) -> None:
        """Call one handler, added or not."""
        listener.call(event, self._tasks)

    def count(self, name: str) -> int:
        """Return how many handlers `name` has."""
        return len(self._listeners.get(name, ()))

    def _keep(self, name: str, wanted: Callable[[Listener], bool]) -> None:
        kept = tuple(filter(wanted, self._listeners.pop(name, ())))
        if kept:
            self._listeners[name] = kept


class EventDispatcher:
    """Base of Session, Publisher and Subscriber.

    Handlers are called in the order in which they were added, with the event or, if they take no argument, without it. Async
    handlers run as tasks. What a handler raises is logged; the other handlers run all the same.
    """

    def __init__(self) -> None:
        self._emitter = Emitter()
        self._feeds = Emitter()  # of iterators: `off` does not remove them
        self._silenced = False

    @overload
    def on(self, name: str) -> Callable[[Handler], Handler]: ...
    @overload
    def on(self, name: str, handler: Callable[..., object]) -> Self: ...
    def on(self, name: str, handler: Callable[..., object] | None = None) -> object:
        """Call `handler` at every event `name`, and return this object, so that calls can be chained.

        Handlers are called in the order in which they were added. A function that is added to a name again is not called
        twice. What a handler raises is logged, and the other handlers run all the same.

        Args:
            name: OpenVidu's name of the event, such as `streamCreated`.
            handler: a plain or async function that takes the event or nothing; an async one runs as a task. None: return a
                decorator, which adds the decorated function and returns it.

        Example:
            @session.on("reconnecting")
            def show_banner(event):
                print("Trying to reconnect, because of", event.outage.witness)

            session.on("reconnected", lambda: print("Back")).on("sessionDisconnected", lambda event: print(event.reason))

        Source: openvidu-browser, `EventDispatcher.on`.
        """
        return self._listen(name, handler, once=False)

    @overload
    def once(self, name: str) -> Callable[[Handler], Handler]: ...
    @overload
    def once(self, name: str, handler: Callable[..., object]) -> Self: ...
    def once(self, name: str, handler: Callable[..., object] | None = None) -> object:
        """Call `handler` at the next event `name` only. What it returns is as for `on`.

        Args:
            name: OpenVidu's name of the event.
            handler: as for `on`.

        Source: openvidu-browser, `EventDispatcher.once`.
        """
        return self._listen(name, handler, once=True)

    def off(self, name: str, handler: Callable[..., object] | None = None) -> Self:
        """Remove handlers, and return this object. An unknown handler is ignored.

        Args:
            name: OpenVidu's name of the event.
            handler: a function that was added; None removes every handler of `name`.

        Source: openvidu-browser, `EventDispatcher.off`.
        """
        self._emitter.remove(name, handler)
        return self

    def emit_event(self, event: Event, *names: str) -> None:
        """Not for applications: fire `event` under its type, or under `names`, then run its default action.

        Never raises: neither a handler nor the browser, in a default action, can stop what pyvidu does next.
        """
        if not self._silenced:
            for emitter in (self._feeds, self._emitter):
                for name in names or (event.type,):
                    emitter.fire(name, event)
        try:
            event.call_default_behavior()
        except Exception:
            logger.exception("the default action of %s failed", event.type)

    def silence(self, silenced: bool) -> None:
        """Not for applications: fire no event from now on, or fire events again."""
        self._silenced = silenced

    def _listen(self, name: str, handler: Callable[..., object] | None, *, once: bool) -> object:
        def decorate(function: Handler) -> Handler:
            self._add(name, Listener(function, once=once))
            return function

        if handler is None:
            return decorate
        self._add(name, Listener(handler, once=once))
        return self

    def _add(self, name: str, listener: Listener) -> None:
        missed = self._missed_events(name)
        if not (listener.once and missed):
            self._emitter.add(name, listener)
        for event in missed:
            self._emitter.call(listener, event)

    def _missed_events(self, name: str) -> list[Event]:
        """Return the past events with which a handler of `name` that is added now is called."""
        return []


def _takes_an_argument(handler: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):  # a JavaScript function, which ignores surplus arguments
        return True
    return any(item.kind not in (item.KEYWORD_ONLY, item.VAR_KEYWORD) for item in parameters)
