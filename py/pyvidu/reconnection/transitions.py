"""Transition tables: (state, event, guard) -> (next state, effects), as data.

An event is an instance of a class, e.g. a piece of evidence, or a member of an enum, e.g. a timer. A table only says which
row applies; whoever owns it enters the row's next state and runs its effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

Owner = TypeVar("Owner")
S = TypeVar("S", bound=Enum)
A = TypeVar("A")

EventKind = type | Enum


@dataclass(frozen=True, slots=True)
class Row(Generic[Owner, S, A]):
    """One row of a table. Build it with `row`, which documents the fields."""

    states: tuple[S, ...]
    events: tuple[EventKind, ...]
    guard: Callable[[Owner, Any, float], bool] | None
    next: S | None
    effects: tuple[Callable[[Owner, Any, float], Sequence[A]], ...]

    def matches(self, state: S, kind: EventKind) -> bool:
        """Return whether the row is about `state` and events of `kind`, whatever its guard says."""
        return (not self.states or state in self.states) and any(_covers(mine, kind) for mine in self.events)


def row(
    states: S | tuple[S, ...],
    events: EventKind | tuple[EventKind, ...],
    guard: Callable[[Owner, Any, float], bool] | None,
    next_state: S | None,
    *effects: Callable[[Owner, Any, float], Sequence[A]],
) -> Row[Owner, S, A]:
    """Return a row.

    `states`: in which it applies; () for any. `events`: to which, classes (subclasses count; `object` is any event) or
    members of enums. `guard`: a method of the owner that must return True, or None. `next_state`: the state that is entered,
    also if it is the same one; None if the state stays. `effects`: methods of the owner that are called in this order, after
    the state was entered, and return actions. Guards and effects are called with the owner, the event and the time.
    """
    return Row(
        states if isinstance(states, tuple) else (states,),
        events if isinstance(events, tuple) else (events,),
        guard,
        next_state,
        effects,
    )


class Table(Generic[Owner, S, A]):
    """Rows that are tried in order: the first one applies whose state, event and guard match."""

    def __init__(self, states: type[S], *rows: Row[Owner, S, A]) -> None:
        """Make a table for all of `states`.

        Raises:
            ValueError: the last row is not the default (any state, any event, no guard), or another row can never apply for
                one of its states and events, since an earlier row without a guard does.
        """
        if not rows or rows[-1].states or rows[-1].events != (object,) or rows[-1].guard is not None:
            raise ValueError("the last row of a transition table must be the default")
        self.states = states
        self.rows = rows
        self._found: dict[tuple[S, EventKind], tuple[Row[Owner, S, A], ...]] = {}
        for problem in self._never_reached():
            raise ValueError(problem)

    def find(self, owner: Owner, state: S, event: object, now: float) -> Row[Owner, S, A]:
        """Return the row that applies to `event` in `state`."""
        kind = event if isinstance(event, Enum) else type(event)
        rows = self._found.get((state, kind))
        if rows is None:
            rows = self._found[state, kind] = tuple(item for item in self.rows if item.matches(state, kind))
        return next(item for item in rows if item.guard is None or item.guard(owner, event, now))

    def _never_reached(self) -> Iterator[str]:
        """Yield each state and event of a row, except the default, to which an earlier one without a guard applies."""
        taken: dict[S, list[EventKind]] = {state: [] for state in self.states}
        for number, item in enumerate(self.rows[:-1], start=1):
            for state in item.states or self.states:
                for event in item.events:
                    if any(_covers(kind, event) for kind in taken[state]):
                        yield f"row {number} is never reached for {event} in {state}: an earlier row without a guard is"
                if item.guard is None:
                    taken[state] += item.events


def _covers(kind: EventKind, other: EventKind) -> bool:
    """Return whether `kind` matches everything that `other` matches."""
    if isinstance(kind, type):
        return issubclass(other, kind) if isinstance(other, type) else isinstance(other, kind)
    return kind is other
