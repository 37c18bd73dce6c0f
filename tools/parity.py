"""Write into `README.md`, between its markers, how much of openvidu-browser is here, from `tests/interop/parity.toml`.

`make format` writes it; `make lint` runs this with `--check`, which only says whether it is up to date. Whether the table is
true is what `tests/interop/test_parity.py` tests.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.generated import ROOT, write_or_check

TABLE = ROOT / "tests" / "interop" / "parity.toml"
TARGET = ROOT / "README.md"
_BEGIN, _END = "<!-- table: parity -->\n", "<!-- end: parity -->\n"

VERDICTS = {
    "same": "the same, and a test proves it",
    "different": "different on purpose, with the reason",
    "unproved": "here, but no test of it in a page yet",
    "missing": "missing, or known to differ without a reason",
    "not here": "never here, with the reason",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one member: `section` is its class, interface or union in openvidu-browser.

    `python` and `js` are its names here, empty if there is none. `proof` is a test, `note` a reason or what is missing.
    """

    section: str
    name: str
    verdict: str
    python: str = ""
    js: str = ""
    proof: str = ""
    note: str = ""

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def is_public(self) -> bool:
        """Return whether the official client documents it: it is no hidden member that applications use all the same."""
        return not self.section.startswith("hidden.")

    @property
    def is_beside_the_official_client(self) -> bool:
        """Return whether its proof runs both libraries and compares them."""
        return self.proof.startswith("tests/interop/")


def rows() -> list[Row]:
    """Return the rows about openvidu-browser."""
    return [
        row for section, members in _sections() if not section.startswith("ours.") for row in _rows(section, members)
    ]


def own_rows() -> list[Row]:
    """Return the rows of what openvidu-browser does not have."""
    return [row for section, members in _sections() if section.startswith("ours.") for row in _rows(section, members)]


def _rows(section: str, members: dict[str, Any]) -> Iterator[Row]:
    for name, values in members.items():
        yield Row(section, name, **values)


def _sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tables; those of `hidden` and `ours` with that word before the name."""
    for name, table in tomllib.loads(TABLE.read_text("utf-8")).items():
        if name in ("hidden", "ours"):
            yield from ((f"{name}.{inner}", members) for inner, members in table.items())
        else:
            yield name, table


def lines() -> Iterator[str]:
    """Yield the lines of the summary."""
    counted = {public: Counter(row.verdict for row in rows() if row.is_public is public) for public in (True, False)}
    yield "| in `pyvidu.js` | public members | hidden ones that applications use |"
    yield "| --- | --- | --- |"
    for verdict, text in VERDICTS.items():
        yield f"| {text} | {counted[True][verdict]} | {counted[False][verdict]} |"
        if verdict == "same":
            beside = Counter(
                row.is_public for row in rows() if row.verdict == "same" and row.is_beside_the_official_client
            )
            yield f"| - of these, beside the official client in the same test | {beside[True]} | {beside[False]} |"
    yield f"| all | {counted[True].total()} | {counted[False].total()} |"


def content(text: str) -> str:
    """Return `text` with the summary between its markers."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{TARGET.name} has no markers for the summary of the parity table")
    return "".join([before, begin, *(f"{line}\n" for line in lines()), end, after])


def main() -> int:
    """Write the summary or check it, and return 1 if the check fails."""
    return write_or_check(TARGET, content(TARGET.read_text("utf-8")), "tests/interop/parity.toml")


if __name__ == "__main__":
    sys.exit(main())
