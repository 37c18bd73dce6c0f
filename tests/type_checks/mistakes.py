"""Mistakes that type checkers report: in each line that is marked `wrong`, and in no other. It is never run."""

# pyright: strict

from __future__ import annotations

from typing import assert_type

from pyvidu import (
    Publisher,
    ReconnectedEvent,
    ReconnectingEvent,
    Session,
    SignalEvent,
    StreamEvent,
    StreamManager,
    Subscriber,
)


def resumed(event: ReconnectedEvent) -> None: ...


async def created(event: StreamEvent) -> None: ...


def two(event: StreamEvent, other: int) -> None: ...


def session_mistakes(session: Session) -> None:
    session.on("reconnecting", resumed)  # wrong: the handler of another event
    session.on("reconnectign", resumed)  # wrong: a misspelt name, which would be that of a signal
    session.on("streamCreated", two)  # wrong: a second parameter
    session.on("streamCreated", "created")  # wrong: no function
    session.once("signal:chat", created)  # wrong: the handler of another event
    session.on("streamCreated", lambda event: event.outage)  # wrong: no such field
    session.on("reconnected", created).on("reconnected", resumed)  # wrong: an async handler of another event
    session.on("streamCreated")(resumed)  # wrong: the handler of another event
    session.off(1)  # wrong: no name

    @session.on("reconnecting")  # wrong: the handler of another event
    def _(event: SignalEvent) -> None: ...


def manager_mistakes(publisher: Publisher, subscriber: Subscriber, manager: StreamManager) -> None:
    subscriber.on("streamCreated", created)  # wrong: an event of publishers and sessions
    manager.on("screenShareEnded", lambda: None)  # wrong: an event of publishers
    publisher.on("reconnecting", lambda: None)  # wrong: an event of sessions
    publisher.on("streamPlayign", lambda: None)  # wrong: a misspelt name
    publisher.off("signal")  # wrong: an event of sessions
    subscriber.once("streamPlaying", resumed)  # wrong: the handler of another event


async def iterator_mistakes(session: Session) -> None:
    session.events()  # wrong: no name
    async for event in session.events("reconnecting"):
        event.stream.filter()  # wrong: no such field
    async for either in session.events("reconnecting", "signal"):
        either.outage.to_dict()  # wrong: a signal has none
    with session.connect("token"):  # wrong: it must be `async with`
        pass


def field_mistakes(event: ReconnectingEvent) -> None:
    assert_type(event.target, StreamManager)  # wrong: it is the session
    event.outage.seconds()  # wrong: no such field
    event.stream.filter()  # wrong: no such field
