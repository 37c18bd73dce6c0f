"""What the commands that write generated files share."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def write_or_check(target: Path, wanted: str, source: str) -> int:
    """Write `wanted` into `target`; with `--check` only say whether it is there, and return 1 if it is not.

    `source` says what the file is made from.
    """
    if "--check" not in sys.argv:
        target.write_text(wanted, "utf-8")
        return 0
    if target.is_file() and target.read_text("utf-8") == wanted:
        return 0
    sys.stderr.write(f"{target.relative_to(ROOT)} differs from {source}: run `make format`.\n")
    return 1
