"""`async for event in session.events(...)`: what it yields, when it ends, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import aclosing

import pytest

from pyvidu.event_iterator import EventIterator
from pyvidu.event_types import SessionEvents
from pyvidu.events import Event

NAMES = ("signal", "signal:chat", "reconnected", "sessionDisconnected")


class FiredEvents(SessionEvents):
    """Fires what a test tells it to, and counts who waits for events."""

    def fire(self, *names: str, default: Callable[[], None] | None = None) -> Event:
        event = Event(names[0], self, cancelable=default is not None, _default=default)  # type: ignore[arg-type]
        self.emit_event(event, *names)
        return event

    @property
    def listeners(self) -> int:
        return sum(self._feeds.count(name) for name in NAMES)


async def kinds(events: EventIterator[Event]) -> list[str]:
    return [event.type async for event in events]


async def test_events_of_the_names_are_yielded_in_order_until_the_session_ends() -> None:
    fired = FiredEvents()
    events = fired.events("signal", "reconnected")
    for name in ("signal", "reconnecting", "reconnected", "signal", "sessionDisconnected", "signal"):
        fired.fire(name)
    assert await kinds(events) == ["signal", "reconnected", "signal"]
    assert await kinds(events) == []
    assert fired.listeners == 0


async def test_session_disconnected_is_the_last_event_if_it_was_asked_for() -> None:
    fired = FiredEvents()
    events = fired.events("sessionDisconnected", "signal")
    fired.fire("signal")
    fired.fire("sessionDisconnected")
    assert await kinds(events) == ["signal", "sessionDisconnected"]


async def test_iterator_of_a_session_that_is_over_ends_at_once() -> None:
    class Over(FiredEvents):
        _is_over = True

    over = Over()
    assert await kinds(over.events("signal")) == []
    assert over.listeners == 0


async def test_event_that_is_fired_under_two_of_the_names_is_yielded_once() -> None:
    fired = FiredEvents()
    events = fired.events("signal", "signal:chat")
    fired.fire("signal:chat", "signal")
    fired.fire("sessionDisconnected")
    assert await kinds(events) == ["signal:chat"]


async def test_waiting_loop_gets_events_as_they_are_fired() -> None:
    fired = FiredEvents()
    reading = asyncio.create_task(kinds(fired.events("signal", "reconnected")))
    await asyncio.sleep(0)
    fired.fire("signal")
    await asyncio.sleep(0)
    fired.fire("reconnected")
    fired.fire("sessionDisconnected")
    assert await reading == ["signal", "reconnected"]


async def test_more_events_than_the_limit_drop_the_oldest_and_are_counted() -> None:
    fired = FiredEvents()
    events = fired.events("signal", "reconnected", limit=2)
    for name in ("signal", "signal", "signal", "reconnected"):
        fired.fire(name)
    assert events.dropped == 2
    assert [(await anext(events)).type for _ in range(2)] == ["signal", "reconnected"]
    fired.fire("signal")
    fired.fire("sessionDisconnected")
    assert await kinds(events) == ["signal"]
    assert events.dropped == 2


@pytest.mark.parametrize("limit", [0, -1])
async def test_limit_below_one_is_refused(limit: int) -> None:
    fired = FiredEvents()
    with pytest.raises(ValueError, match="at least 1"):
        fired.events("signal", limit=limit)
    assert fired.listeners == 0


async def test_events_before_the_loop_begins_are_not_lost() -> None:
    fired = FiredEvents()
    events = fired.events("signal")
    fired.fire("signal")
    assert (await anext(events)).type == "signal"


async def test_several_iterators_each_get_all_events() -> None:
    fired = FiredEvents()
    iterators = [fired.events("signal") for _ in range(3)]
    fired.fire("signal")
    fired.fire("sessionDisconnected")
    assert [await kinds(events) for events in iterators] == [["signal"]] * 3


async def test_default_actions_and_handlers_run_without_waiting_for_the_loop() -> None:
    fired = FiredEvents()
    ran: list[str] = []
    fired.on("signal", lambda: ran.append("handler"))
    events = fired.events("signal")
    fired.fire("signal", default=lambda: ran.append("default"))
    assert ran == ["handler", "default"]
    (await anext(events)).prevent_default()  # too late, and harmless
    assert ran == ["handler", "default"]


async def test_off_without_a_handler_does_not_end_an_iterator() -> None:
    fired = FiredEvents()
    events = fired.events("signal")
    fired.off("signal").off("sessionDisconnected")
    fired.fire("signal")
    fired.fire("sessionDisconnected")
    assert await kinds(events) == ["signal"]


async def test_nothing_is_left_after_break() -> None:
    fired = FiredEvents()
    fired.fire("signal")
    asyncio.get_running_loop().call_soon(fired.fire, "signal")
    async for _ in fired.events("signal"):
        assert fired.listeners == 2
        break
    assert fired.listeners == 0


async def test_nothing_is_left_after_aclose_and_a_waiting_loop_ends() -> None:
    fired = FiredEvents()
    events = fired.events("signal")
    reading = asyncio.create_task(kinds(events))
    await asyncio.sleep(0)
    await events.aclose()
    assert await reading == []
    assert fired.listeners == 0


async def test_nothing_is_left_after_the_block_of_aclosing() -> None:
    fired = FiredEvents()
    async with aclosing(fired.events("signal")) as events:
        fired.fire("signal")
        await anext(events)
        fired.fire("signal")
    assert fired.listeners == 0
    assert await kinds(events) == []


async def test_nothing_is_left_after_cancellation() -> None:
    fired = FiredEvents()

    async def read() -> None:
        async for _ in fired.events("signal"):
            raise AssertionError("nothing was fired")

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    assert fired.listeners == 2
    reading.cancel()
    await asyncio.wait([reading])
    del reading
    gc.collect()
    assert fired.listeners == 0


async def test_nothing_is_left_of_an_iterator_that_nobody_refers_to() -> None:
    fired = FiredEvents()
    fired.events("signal")
    gc.collect()
    assert fired.listeners == 0


async def test_waiting_for_the_next_event_may_time_out_and_go_on() -> None:
    fired = FiredEvents()
    events = fired.events("signal")
    waiting = asyncio.create_task(events.__anext__())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    fired.fire("signal")
    assert (await anext(events)).type == "signal"


async def test_one_event_can_be_awaited_without_a_variable() -> None:
    fired = FiredEvents()
    asyncio.get_running_loop().call_soon(fired.fire, "reconnected")
    assert (await anext(fired.events("reconnected"))).type == "reconnected"
    assert fired.listeners == 0
