"""The emitter: what is called, in which order, when handlers are added and removed in between."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.events import Event


class JavaScriptFunction:
    """As Python sees it: it has no hash and no signature."""

    __hash__ = None  # type: ignore[assignment]
    __signature__ = "none"  # makes `inspect.signature` raise

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def __call__(self, *arguments: object) -> None:
        self.calls.append(arguments)

    def __eq__(self, other: object) -> bool:
        return self is other


class Playing(EventDispatcher):
    """Has fired `streamPlaying` twice already."""

    def _missed_events(self, name: str) -> list[Event]:
        return [Event(name, self), Event(name, self)] if name == "streamPlaying" else []


def fire(dispatcher: EventDispatcher) -> None:
    dispatcher.emit_event(Event("signal", dispatcher))


def test_on_and_once_return_the_object_with_a_handler_and_without_one_a_decorator_that_returns_the_function() -> None:
    dispatcher = EventDispatcher()

    def handler() -> None: ...

    assert dispatcher.on("signal", handler).once("reconnected", handler).off("signal") is dispatcher
    assert dispatcher.on("signal")(handler) is handler
    assert dispatcher.once("signal")(handler) is handler


def test_handler_removed_by_an_earlier_one_while_the_event_is_fired_is_still_called() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    second = partial(heard.append, "second")
    dispatcher.on("signal", lambda: dispatcher.off("signal", second)).on("signal", second)
    fire(dispatcher)
    fire(dispatcher)
    assert heard == ["second"]


def test_handler_added_while_the_event_is_fired_is_called_from_the_next_event_on() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    dispatcher.once("signal", lambda: dispatcher.on("signal", lambda: heard.append("added")))
    fire(dispatcher)
    assert heard == []
    fire(dispatcher)
    assert heard == ["added"]


def test_once_handler_is_called_once_when_an_earlier_handler_fires_the_event_again() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    dispatcher.once("signal", lambda: fire(dispatcher))
    dispatcher.once("signal", lambda: heard.append("once"))
    fire(dispatcher)
    assert heard == ["once"]


def test_once_handler_that_adds_itself_again_is_called_at_every_event() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()

    def again() -> None:
        heard.append("called")
        dispatcher.once("signal", again)

    dispatcher.once("signal", again)
    for _ in range(3):
        fire(dispatcher)
    assert heard == ["called"] * 3


def test_function_added_twice_is_called_once_in_its_first_place() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    first = partial(heard.append, "first")
    dispatcher.once("signal", first).on("signal", lambda: heard.append("second")).on("signal", first)
    fire(dispatcher)
    fire(dispatcher)
    assert heard == ["first", "second"] * 2, "the last call counts: it is no `once` any more"


def test_functions_without_hash_and_signature_are_called_with_the_event_and_can_be_removed() -> None:
    dispatcher = EventDispatcher()
    one, two = JavaScriptFunction(), JavaScriptFunction()
    dispatcher.on("signal", one).on("signal", two).off("signal", two)
    dispatcher.emit_event(event := Event("signal", dispatcher))
    assert (one.calls, two.calls) == ([(event,)], [])


def test_late_handler_gets_all_missed_events_and_a_late_once_handler_the_first_and_no_other() -> None:
    heard: list[str] = []
    playing = Playing()
    playing.on("streamPlaying", lambda: heard.append("on")).once("streamPlaying", lambda: heard.append("once"))
    assert heard == ["on", "on", "once"]
    playing.emit_event(Event("streamPlaying", playing))
    assert heard == ["on", "on", "once", "on"]


async def test_running_async_handlers_are_not_garbage_collected() -> None:
    dispatcher = EventDispatcher()

    @dispatcher.on("signal")
    async def _() -> None:
        await asyncio.get_running_loop().create_future()  # nothing but this task refers to it

    before = set(asyncio.all_tasks())
    fire(dispatcher)
    await asyncio.sleep(0)
    gc.collect()
    running = asyncio.all_tasks() - before
    assert len(running) == 1
    for task in running:
        task.cancel()
