"""`on`, `once`, `off`, and what handlers may do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.events import PUBLISHER_EVENTS, SESSION_EVENTS, Event, FilterEvent, StreamEvent
from tests.virtual_time import virtual_time


def test_every_event_class_is_in_the_lists_of_event_names() -> None:
    named = {*SESSION_EVENTS.values(), *PUBLISHER_EVENTS.values()}
    assert named == set(Event.__subclasses__()) - {FilterEvent}, "whose names are those of the filter's type"


class Late(EventDispatcher):
    def _missed_events(self, name: str) -> list[Event]:
        return [Event("streamPlaying", self)] if name == "streamPlaying" else []


async def test_on_registers_handlers_as_call_and_as_decorator() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    dispatcher.on("signal", lambda event: heard.append(f"call {event.type}"))

    @dispatcher.on("signal")
    def _(event: Event) -> None:
        heard.append("decorator")

    dispatcher.emit_event(Event("signal", dispatcher))
    assert heard == ["call signal", "decorator"]


@virtual_time
async def test_handlers_without_argument_and_async_handlers_are_called() -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()
    dispatcher.on("reconnecting", lambda: heard.append("plain"))

    @dispatcher.once("reconnecting")
    async def _() -> None:
        await asyncio.sleep(0)
        heard.append("async")

    dispatcher.emit_event(Event("reconnecting", dispatcher))
    await asyncio.sleep(0.01)
    dispatcher.emit_event(Event("reconnecting", dispatcher))
    await asyncio.sleep(0.01)
    assert heard == ["plain", "async", "plain"]


async def test_off_removes_one_handler_or_all() -> None:
    heard: list[int] = []
    dispatcher = EventDispatcher()
    one, two = (lambda: heard.append(1)), (lambda: heard.append(2))
    dispatcher.on("signal", one)
    dispatcher.once("signal", two)
    dispatcher.off("signal", one)
    dispatcher.off("signal", one)
    dispatcher.emit_event(Event("signal", dispatcher))
    dispatcher.on("signal", one)
    dispatcher.off("signal")
    dispatcher.emit_event(Event("signal", dispatcher))
    assert heard == [2]


@virtual_time
async def test_exception_in_a_handler_is_logged_and_the_other_handlers_run(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    dispatcher = EventDispatcher()

    @dispatcher.on("signal")
    def _() -> None:
        raise ZeroDivisionError("plain")

    @dispatcher.on("signal")
    async def _() -> None:
        raise ZeroDivisionError("async")

    dispatcher.on("signal", lambda: heard.append("after"))
    with caplog.at_level(logging.ERROR):
        dispatcher.emit_event(Event("signal", dispatcher))
        await asyncio.sleep(0.01)
    assert heard == ["after"]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["plain", "async"]


async def test_exception_in_the_default_action_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = EventDispatcher()

    def fails() -> None:
        raise ZeroDivisionError("default")

    dispatcher.emit_event(Event("streamDestroyed", dispatcher, _default=fails))
    assert "the default action of streamDestroyed failed" in caplog.text


async def test_cancelled_error_in_a_plain_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = EventDispatcher()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    dispatcher.on("signal", lambda: future.result())
    dispatcher.emit_event(Event("signal", dispatcher))
    assert "a handler of signal failed" in caplog.text


async def test_exception_of_a_future_that_a_handler_returns_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = EventDispatcher()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    dispatcher.on("signal", lambda: future)
    dispatcher.emit_event(Event("signal", dispatcher))
    future.set_exception(ZeroDivisionError("later"))
    await asyncio.sleep(0)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["later"]


async def test_the_default_action_runs_after_the_handlers_unless_prevented() -> None:
    order: list[str] = []
    dispatcher = EventDispatcher()

    def an_event() -> Event:
        stream: Any = None
        return StreamEvent("streamDestroyed", dispatcher, stream, "unpublish", _default=lambda: order.append("default"))

    dispatcher.on("streamDestroyed", lambda: order.append("handler"))
    dispatcher.emit_event(an_event())
    dispatcher.on("streamDestroyed", lambda event: event.prevent_default())
    event = an_event()
    dispatcher.emit_event(event)
    assert event.is_default_prevented()
    assert order == ["handler", "default", "handler"]


async def test_silenced_dispatcher_fires_nothing() -> None:
    heard: list[int] = []
    dispatcher = EventDispatcher()
    dispatcher.on("signal", lambda: heard.append(1))
    dispatcher.silence(True)
    dispatcher.emit_event(Event("signal", dispatcher))
    assert heard == []


async def test_handler_registered_late_gets_the_missed_event() -> None:
    heard: list[int] = []
    late = Late()
    late.on("streamPlaying", lambda: heard.append(1))
    assert heard == [1]
