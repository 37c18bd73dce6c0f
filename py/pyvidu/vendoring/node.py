"""Node.js, which runs the browser's Python outside of a browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pyvidu.vendoring.errors import VendorError
from pyvidu.vendoring.lock import LOCKS

_LONGEST_LINE = 400  # Node quotes the source line of an error, and Pyodide's is its whole file


def run_node(script: str, *arguments: Path | str) -> None:
    """Run a script of this folder. Raises VendorError."""
    node = shutil.which("node")
    if node is None:
        raise VendorError("Node.js was not found: install Node.js 20 or newer and try again.")
    command = [node, str(LOCKS / script), *map(str, arguments)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        lines = [
            line for line in (done.stderr or done.stdout).splitlines() if line.strip() and len(line) < _LONGEST_LINE
        ]
        raise VendorError(f"{script} failed (exit code {done.returncode}):\n" + "\n".join(lines[-12:]))
