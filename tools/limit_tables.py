"""Write the tables of limits into `docs/server.md`, between their markers, from `pyvidu.server.limits`.

`make format` writes them; `make lint` runs this with `--check`, which only says whether they are up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from pyvidu.server.limits import KIB, MIB, Limits, MediaLimits, MessageLimits, SdpLimits
from tools.generated import ROOT, write_or_check

TARGET = ROOT / "docs" / "server.md"
TABLES: dict[str, type[Any]] = {
    "limits": Limits,
    "message limits": MessageLimits,
    "media limits": MediaLimits,
    "sdp limits": SdpLimits,
}


def content(text: str) -> str:
    """Return `text` with every table between its markers."""
    for name, cls in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->\n"
        before, _, rest = text.partition(begin)
        _, marker, after = rest.partition(end)
        if not marker:
            raise ValueError(f"{TARGET.name} has no markers for the table '{name}'")
        text = "".join([before, begin, *(f"{line}\n" for line in lines(cls)), end, after])
    return text


def lines(cls: type[Any]) -> Iterator[str]:
    """Yield the lines of a table: a row for each field."""
    yield "| limit | value | per | beyond it |"
    yield "| --- | --- | --- | --- |"
    for field in fields(cls):
        told = field.metadata
        flag = f" (`{told['flag']}`)" if told["flag"] else ""
        yield f"| `{field.name}`{flag} | {_value(field)} | {told['per']} | {told['beyond']} |"


def _value(field: Field[Any]) -> str:
    """Return the default with its unit, bytes in KiB or MiB where that is a whole number."""
    value: Any = field.default
    unit: str = field.metadata["unit"]
    if unit.startswith("bytes"):
        for size, name in ((MIB, "MiB"), (KIB, "KiB")):
            if value and value % size == 0:
                return f"{value // size:,g} {name}{unit.removeprefix('bytes')}"
    return f"{value:,g} {unit}" if isinstance(value, float) else f"{value:,} {unit}"


def main() -> int:
    """Write the tables or check them; return 1 if the check fails."""
    return write_or_check(TARGET, content(TARGET.read_text("utf-8")), "py/pyvidu/server/limits.py")


if __name__ == "__main__":
    sys.exit(main())
