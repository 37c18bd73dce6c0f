"""Executables of browsers: the one that an environment variable names, and whether one starts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pyvidu.testing.errors import BrowserNotFoundError


def chosen_by(variable: str) -> Path | None:
    """Return the executable that an environment variable names, if it is set.

    Raises BrowserNotFoundError if that one does not start.
    """
    if not (named := os.environ.get(variable)):
        return None
    if not works(Path(named)):
        raise BrowserNotFoundError(
            f"{variable} names {named}, which does not start: name another executable, or unset the variable."
        )
    return Path(named)


def on_path(names: Iterable[str]) -> Iterable[Path]:
    """Yield the commands of these names that are on PATH."""
    for name in names:
        if found := shutil.which(name):
            yield Path(found)


def works(executable: Path) -> bool:
    """Return whether it starts: distributions also ship a launcher that only prints where to get the browser."""
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
