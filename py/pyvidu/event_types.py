"""The bases of the objects that fire events. `event_types.pyi` has the type of the event that a handler gets, for each name.

Type checkers read that file only, Python this one only: the overloads are not part of what a page downloads.
"""

from __future__ import annotations

from pyvidu.event_dispatcher import EventDispatcher


class SessionEvents(EventDispatcher):
    """Fires the events in `events.SESSION_EVENTS`, and `signal:TYPE`."""


class StreamManagerEvents(EventDispatcher):
    """Fires the events in `events.STREAM_MANAGER_EVENTS`."""


class PublisherEvents(StreamManagerEvents):
    """Fires the events in `events.PUBLISHER_EVENTS`."""
