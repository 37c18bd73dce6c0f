"""Transition tables: which row applies, and which tables are refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import pytest

from pyvidu.reconnection.transitions import Table, row


class Light(Enum):
    RED = auto()
    GREEN = auto()
    OFF = auto()


class Timer(Enum):
    SWITCH = auto()
    SLEEP = auto()


@dataclass
class Pressed:
    seconds: float


class PressedTwice(Pressed):
    pass


class Lamp:
    def __init__(self) -> None:
        self.works = True

    def is_long(self, event: Pressed, now: float) -> bool:
        return event.seconds > 1

    def works_now(self, event: object, now: float) -> bool:
        return self.works

    def blink(self, event: object, now: float) -> list[str]:
        return [f"blink at {now}"]


DEFAULT = row((), object, None, None)
TABLE = Table(
    Light,
    row(Light.RED, Timer.SWITCH, Lamp.works_now, Light.GREEN, Lamp.blink),
    row(Light.RED, Timer.SWITCH, None, Light.OFF),
    row((Light.RED, Light.GREEN), (PressedTwice, Timer.SLEEP), None, Light.OFF),
    row((), Pressed, Lamp.is_long, Light.RED),
    DEFAULT,
)


def test_first_row_whose_state_event_and_guard_match_applies() -> None:
    lamp = Lamp()
    found = TABLE.find(lamp, Light.RED, Timer.SWITCH, 1.0)
    assert found.next is Light.GREEN
    assert [text for effect in found.effects for text in effect(lamp, Timer.SWITCH, 1.0)] == ["blink at 1.0"]
    lamp.works = False
    assert TABLE.find(lamp, Light.RED, Timer.SWITCH, 1.0).next is Light.OFF


def test_row_lists_several_states_and_events_and_means_subclasses_too() -> None:
    lamp = Lamp()
    assert TABLE.find(lamp, Light.GREEN, Timer.SLEEP, 0.0).next is Light.OFF
    assert TABLE.find(lamp, Light.GREEN, PressedTwice(2.0), 0.0).next is Light.OFF
    assert TABLE.find(lamp, Light.OFF, PressedTwice(2.0), 0.0).next is Light.RED


def test_default_row_applies_to_everything_else() -> None:
    lamp = Lamp()
    assert TABLE.find(lamp, Light.OFF, Pressed(0.1), 0.0) is DEFAULT
    assert TABLE.find(lamp, Light.GREEN, Timer.SWITCH, 0.0) is DEFAULT


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (row(Light.RED, object, None, None),),
        (row((), Pressed, None, None),),
        (row((), object, Lamp.works_now, None),),
    ],
    ids=["no row", "one state only", "one event only", "guarded"],
)
def test_table_without_a_default_row_is_refused(rows: tuple) -> None:
    with pytest.raises(ValueError, match="must be the default"):
        Table(Light, *rows)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (row(Light.RED, Timer.SWITCH, None, None), row(Light.RED, Timer.SWITCH, Lamp.works_now, Light.OFF)),
        (row(Light.RED, Pressed, None, None), row((Light.GREEN, Light.RED), PressedTwice, None, Light.OFF)),
        (row((), Timer, None, None), row(Light.RED, (Pressed, Timer.SWITCH), None, Light.OFF)),
        (row((), object, None, None), row(Light.RED, Pressed, None, Light.OFF)),
    ],
    ids=["same", "subclass", "any member", "any event"],
)
def test_table_with_a_row_that_can_never_apply_is_refused(earlier: object, later: object) -> None:
    with pytest.raises(ValueError, match=r"row 2 is never reached for .* in Light.RED"):
        Table(Light, earlier, later, DEFAULT)
    Table(Light, later, earlier, DEFAULT)
