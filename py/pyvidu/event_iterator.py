"""Events as an asynchronous iterator: `async for event in session.events("signal")`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, Self, TypeVar

from pyvidu.event_dispatcher import Emitter, Listener
from pyvidu.events import Event

E = TypeVar("E", bound=Event)

END = "sessionDisconnected"


class EventIterator(AsyncIterator[E], Generic[E]):
    """Events in the order in which they are fired, from the moment in which this was made. Made by `Session.events`.

    It ends with `sessionDisconnected`, which it yields before if that is one of its names; of a session that is over it
    yields nothing. An event's default action does not wait for the loop; to prevent it use a handler. When the loop is left,
    or after `aclose()`, no more events are collected.

    Example:
        events = session.events("reconnecting", "reconnected", "sessionDisconnected", limit=10)
        await session.connect(token)
        session.disconnect()
        async for event in events:
            print(event.type)

    Source: pyvidu's own; the iteration is that of Python's asynchronous iterators.
    """

    def __init__(self, emitter: Emitter, names: tuple[str, ...], limit: int, *, over: bool) -> None:
        # The emitter refers to the inbox, not to this object, which is therefore garbage as soon as a loop is left.
        self._inbox = _Inbox(limit)
        self._emitter = emitter
        self._names = names
        if limit < 1:
            raise ValueError(f"limit is how many events may wait, at least 1, not {limit}")
        if over:
            self._inbox.close()
            return
        for name in names:
            emitter.add(name, Listener(self._inbox.put))
        emitter.add(END, Listener(self._inbox.close))

    @property
    def dropped(self) -> int:
        """Return how many events were dropped because more than `limit` waited."""
        return self._inbox.dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._inbox.events:
            if self._inbox.is_closed:
                self._remove()
                raise StopAsyncIteration
            self._inbox.changed.clear()
            await self._inbox.changed.wait()
        # Only events of the names come in, and their classes are known by their names.
        return self._inbox.events.popleft()  # type: ignore[return-value]

    async def aclose(self) -> None:
        """End the iteration and discard the events that wait."""
        self._remove()
        self._inbox.events.clear()
        self._inbox.close()

    def __del__(self) -> None:
        self._remove()

    def _remove(self) -> None:
        for name in self._names:
            self._emitter.remove(name, self._inbox.put)
        self._emitter.remove(END, self._inbox.close)


class _Inbox:
    def __init__(self, limit: int) -> None:
        self.events: deque[Event] = deque()
        self.dropped = 0
        self.is_closed = False
        self.changed = asyncio.Event()
        self._limit = limit

    def put(self, event: Event) -> None:
        if self.is_closed or (self.events and self.events[-1] is event):  # fired under two of the names
            return
        if len(self.events) == self._limit:
            self.events.popleft()
            self.dropped += 1
        self.events.append(event)
        self.changed.set()

    def close(self) -> None:
        self.is_closed = True
        self.changed.set()
