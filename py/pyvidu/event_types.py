"""The bases of the objects that fire events. `event_types.pyi` has the type of the event that a handler gets, for each name.

Type checkers read that file only, Python this one only: the overloads are not part of what a page downloads.
"""

from __future__ import annotations

from typing import Any

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.event_iterator import EventIterator


class SessionEvents(EventDispatcher):
    """Fires the events in `events.SESSION_EVENTS`, and `signal:TYPE`."""

    _is_over = False

    def events(self, name: str, /, *names: str, limit: int = 1000) -> EventIterator[Any]:
        """Return an iterator of the events of one name or more that are fired from now on; see `EventIterator`.

        Several iterators each get all events. Handlers and default actions are not affected.

        Args:
            name: OpenVidu's name of the event.
            *names: further names.
            limit: how many events wait for the loop at most; one more, and the oldest is dropped.

        Raises:
            ValueError: `limit` is less than 1.

        Example:
            async for event in session.events("signal:chat"):
                print(event.data)
                break

        Source: pyvidu's own.
        """
        return EventIterator(self._feeds, (name, *names), limit, over=self._is_over)


class StreamManagerEvents(EventDispatcher):
    """Fires the events in `events.STREAM_MANAGER_EVENTS`."""


class PublisherEvents(StreamManagerEvents):
    """Fires the events in `events.PUBLISHER_EVENTS`."""
