"""Write the engine's transition tables into `docs/reconnection.md`, between their markers, with what guards and steps mean.

`make format` writes them; `make lint` runs this with `--check`, which only says whether they are up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from pyvidu.reconnection.stream_recovery import StreamRecovery
from pyvidu.reconnection.supervisor import Supervisor
from pyvidu.reconnection.transitions import EventKind, Row, Table
from tools.generated import ROOT, write_or_check

TARGET = ROOT / "docs" / "reconnection.md"
TABLES: dict[str, Table[Any, Any, Any]] = {"supervisor": Supervisor.TABLE, "stream": StreamRecovery.TABLE}


def content(text: str) -> str:
    """Return `text` with every table between its markers."""
    for name, table in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->\n"
        before, _, rest = text.partition(begin)
        _, marker, after = rest.partition(end)
        if not marker:
            raise ValueError(f"{TARGET.name} has no markers for the table '{name}'")
        text = "".join([before, begin, *(f"{line}\n" for line in lines(table)), end, after])
    return text


def lines(table: Table[Any, Any, Any]) -> Iterator[str]:
    """Yield the lines of a table, and of those that explain its guards and steps."""
    yield from _table(("state", "event", "if", "next state", "steps"), (_cells(row) for row in table.rows))
    yield ""
    guards = dict.fromkeys(row.guard for row in table.rows if row.guard is not None)
    yield from _table(("if", "means"), ((_words(guard), _meaning(guard)) for guard in guards))
    yield ""
    effects = dict.fromkeys(effect for row in table.rows for effect in row.effects)
    yield from _table(("step", "means"), ((_words(effect), _meaning(effect)) for effect in effects))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(head)
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |".replace("  ", " ")


def _cells(row: Row[Any, Any, Any]) -> Iterator[str]:
    yield ", ".join(state.name for state in row.states) or "any"
    yield ", ".join(_event(kind) for kind in row.events)
    yield _words(row.guard) if row.guard is not None else ""
    yield row.next.name if row.next is not None else "(stays)"
    yield ", ".join(_words(effect) for effect in row.effects)


def _event(kind: EventKind) -> str:
    """Return the name of a class, or what a member of an enum is, by the enum's last word: "timer: hang"."""
    if isinstance(kind, Enum):
        return f"{re.findall('[A-Z][a-z]*', type(kind).__name__)[-1].lower()}: {kind.value}"
    return "anything else" if kind is object else kind.__name__


def _words(function: Callable[..., object]) -> str:
    return function.__name__.strip("_").replace("_", " ")


def _meaning(function: Callable[..., object]) -> str:
    text = " ".join((function.__doc__ or "").split()).removeprefix("Return whether ")
    return text[:1].lower() + text[1:].removesuffix(".")


def main() -> int:
    """Write the tables or check them; return 1 if the check fails."""
    return write_or_check(TARGET, content(TARGET.read_text("utf-8")), "the engine's transition tables")


if __name__ == "__main__":
    sys.exit(main())
