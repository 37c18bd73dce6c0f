"""The faults of a person's network, machine and page, by their names in schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.application import Person
from tests.simulation.schedule import UNNOTICED, Entry


def _drop(person: Person, entry: Entry) -> None:
    kind = entry.kind
    person.link.drop(kind)
    _later(entry.seconds, partial(_restore, person, kind, entry.option))


def _restore(person: Person, kind: str, option: str) -> None:
    if "media" in option or option == "dead":
        person.lose_media()
    if "sockets" in option:
        person.lose_sockets()
    person.link.restore(kind)


def _flapping(person: Person, entry: Entry) -> None:
    dice, at = person.link.noise, 0.0
    while at < entry.seconds:
        down, up = 0.2 + 1.3 * dice.random(), 0.2 + 2.3 * dice.random()
        _later(at, partial(person.link.drop, entry.option))
        _later(min(at + down, entry.seconds), partial(person.link.restore, entry.option))
        at += down + up


def _handover(person: Person, entry: Entry) -> None:
    link = person.link
    link.drop("link")

    def arrived() -> None:
        person.lose_media()
        person.lose_sockets()
        link.moves += 1
        link.restore("link")
        for listener in list(link.listeners):
            link.at_client(listener.network_changed)

    _later(entry.seconds, arrived)


def _vpn(person: Person, entry: Entry) -> None:
    """Move the route: what is sent from the old address arrives no more, and what is sent to it still does."""
    person.lose_media_up()
    person.link.moves += 1
    person.lose_sockets()
    if entry.option != UNNOTICED:
        for listener in list(person.link.listeners):
            person.link.at_client(listener.network_changed)


def _loss(person: Person, entry: Entry) -> None:
    _set_for(person, "loss", int(entry.option) / 100, 0.0, entry.seconds)


def _slow(person: Person, entry: Entry) -> None:
    _set_for(person, "latency", int(entry.option) / 1000, person.settings.latency, entry.seconds)


def _set_for(person: Person, what: str, value: float, usual: float, seconds: float) -> None:
    def put(number: float) -> None:
        setattr(person.link, what, number)
        person.note_reach()

    put(value)
    _later(seconds, partial(put, usual))


def _sleep(person: Person, entry: Entry) -> None:
    """Put the machine to sleep: neither network nor page works."""
    person.link.hold("up", "down")
    _freeze_page(person)

    def wake() -> None:
        person.link.release("up", "down")
        _thaw_page(person, told=True, stood_still=bool(entry.option))

    _later(entry.seconds, wake)


def _freeze(person: Person, entry: Entry) -> None:
    """Freeze the page as a browser does, whose network process goes on."""
    _freeze_page(person)
    _later(entry.seconds, partial(_thaw_page, person, told=not entry.option, stood_still=False))


def _freeze_page(person: Person) -> None:
    person.asleep += 1
    if person.asleep == 1:
        person.link.freeze()
        person.note_reach()
        for page in person.pages:
            page.clock.freeze()


def _thaw_page(person: Person, *, told: bool, stood_still: bool) -> None:
    person.asleep -= 1
    if person.asleep:
        return
    for page in person.pages:
        if page.clock.frozen:
            page.clock.thaw(stood_still=stood_still)
    if told:
        _wake_up(person)
    person.link.thaw()
    person.note_reach()


def _wake_up(person: Person) -> None:
    for listener in list(person.link.listeners):
        person.link.at_client(listener.page_woke_up)


def _throttle(person: Person, entry: Entry) -> None:
    clocks = [page.clock for page in person.pages]

    def put(throttled: bool) -> None:
        for clock in clocks:
            clock.throttle(throttled)
        person.path_changed()

    put(True)
    _later(entry.seconds, partial(put, False))


def _clock_jump(person: Person, entry: Entry) -> None:
    for page in person.pages:
        page.clock.jump(float(entry.option))
    person.path_changed()


FAULTS: dict[str, Callable[[Person, Entry], None]] = {
    **dict.fromkeys(("silent", "link", "up", "down", "media", "signaling", "portal"), _drop),
    "reset": lambda person, _entry: person.reset_sockets(),
    "half-open": lambda person, _entry: person.lose_sockets(),
    "flapping": _flapping,
    "handover": _handover,
    "vpn": _vpn,
    "loss": _loss,
    "slow": _slow,
    "sleep": _sleep,
    "freeze": _freeze,
    "throttle": _throttle,
    "clock jump": _clock_jump,
    "wall clock jump": lambda person, _entry: _wake_up(person),
}


def _later(seconds: float, what: Callable[[], Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, what)
