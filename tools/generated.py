"""What the commands that write generated files share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def formatted(text: str, target: Path) -> str:
    """Return the text of a file as `ruff format` writes it: of Python, or of the Python in a Markdown page."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(target), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


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
