"""Write `py/pyvidu/event_types.pyi`: `on`, `once`, `off`, `events`, with one overload for each event class and form.

The names and classes are those of `pyvidu.events`. `make format` writes the file; `make lint` runs this with `--check`, which
only says whether it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from pyvidu.events import PUBLISHER_EVENTS, SESSION_EVENTS, STREAM_MANAGER_EVENTS, Event
from tools.generated import ROOT, formatted, write_or_check

TARGET = ROOT / "py" / "pyvidu" / "event_types.pyi"
_OBJECTS: Mapping[str, tuple[str, Mapping[str, type[Event]]]] = {
    "SessionEvents": ("EventDispatcher", SESSION_EVENTS),
    "StreamManagerEvents": ("EventDispatcher", STREAM_MANAGER_EVENTS),
    "PublisherEvents": ("StreamManagerEvents", PUBLISHER_EVENTS),
}
_HEAD = '''\
"""The types of events by name. Do not edit: `make format` writes this file, from py/pyvidu/events.py.

A handler is plain or async, and takes the event or nothing. That a name begins with `signal:` cannot be expressed, so a
session takes any other `str` for one. Two mistakes are therefore not noticed: a misspelt name, and another event's name, with
a handler that takes nothing or a `SignalEvent`.
"""

# `EventDispatcher` takes any name and any handler; that is narrowed here on purpose. And the literal names are `str`
# too, but come first: the first overload that matches is meant.
# mypy: disable-error-code="override, overload-overlap"

from collections.abc import Callable
from typing import Literal, Protocol, Self, TypeVar, overload

from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.event_iterator import EventIterator
from pyvidu.events import (
'''
_DECORATOR = '''
_E = TypeVar("_E", bound=Event)
_R = TypeVar("_R")

class Decorator(Protocol[_E]):
    """What `on(name)` and `once(name)` return: adds the decorated handler and returns it."""

    @overload
    def __call__(self, handler: Callable[[_E], _R], /) -> Callable[[_E], _R]: ...
    @overload
    def __call__(self, handler: Callable[[], _R], /) -> Callable[[], _R]: ...
'''


def content() -> str:
    """Return the text of the file."""
    used: set[type[Event]] = {Event, *SESSION_EVENTS.values(), *PUBLISHER_EVENTS.values()}
    classes = sorted(cls.__name__ for cls in used)
    lines = [_HEAD.rstrip("\n"), *(f"    {name}," for name in classes), ")", _DECORATOR.rstrip("\n")]
    for name, (base, events) in _OBJECTS.items():
        lines += ["", *_object(name, base, events)]
    return formatted("\n".join(lines), TARGET)


def _object(name: str, base: str, events: Mapping[str, type[Event]]) -> Iterator[str]:
    has_signals = "signal" in events
    yield f"class {name}({base}):"
    for method in ("on", "once"):
        for event_class, literal in _by_class(events):
            yield "    @overload"
            yield _method(method, [f"name: {literal}"], f"Decorator[{event_class}]")
            yield "    @overload"
            yield _method(method, [f"name: {literal}", f"handler: Callable[[{event_class}], object]"], "Self")
        if has_signals:  # `signal:TYPE`
            yield "    @overload"
            yield _method(method, ["name: str"], "Decorator[SignalEvent]")
            yield "    @overload"
            yield _method(method, ["name: str", "handler: Callable[[SignalEvent], object]"], "Self")
        yield "    @overload"
        yield _method(method, [f"name: {_any_of(events, has_signals)}", "handler: Callable[[], object]"], "Self")
    if has_signals:
        yield from _iterators(events)
    handler = "handler: Callable[..., object] | None = None"
    yield _method("off", [f"name: {_any_of(events, has_signals)}", handler], "Self")


def _iterators(events: Mapping[str, type[Event]]) -> Iterator[str]:
    limit = "limit: int = 1000"
    for event_class, literal in _by_class(events):
        yield "    @overload"
        yield _method("events", [f"name: {literal}", "/", f"*names: {literal}", limit], f"EventIterator[{event_class}]")
    yield "    @overload"
    yield _method("events", ["name: str", "/", "*", limit], "EventIterator[SignalEvent]")
    yield "    @overload"
    yield _method("events", ["name: str", "/", "*names: str", limit], "EventIterator[Event]")


def _method(name: str, parameters: list[str], returns: str) -> str:
    return f"    def {name}(self, {', '.join(parameters)}) -> {returns}: ..."


def _by_class(events: Mapping[str, type[Event]]) -> Iterator[tuple[str, str]]:
    """Yield each class of events, with the type of its names."""
    for cls in dict.fromkeys(events.values()):
        yield cls.__name__, _literal(name for name, other in events.items() if other is cls)


def _any_of(events: Mapping[str, type[Event]], has_signals: bool) -> str:
    return "str" if has_signals else _literal(events)


def _literal(names: Iterable[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"Literal[{quoted}]"


def main() -> int:
    """Write the file or check it; return 1 if the check fails."""
    return write_or_check(TARGET, content(), "py/pyvidu/events.py")


if __name__ == "__main__":
    sys.exit(main())
