"""Commands of the network tools (`ip`, `nft`), and how their failure is reported."""

from __future__ import annotations

import subprocess


class LabError(Exception):
    """The network lab could not be made, or an operation on it failed; the message states why."""


def run(*command: str, stdin: str | None = None) -> str:
    """Run a network tool and return what it printed. Raises LabError with the tool's error output."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=None if stdin else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise LabError(f"`{' '.join(command)}` failed: {error.stderr.strip()}") from None
    return done.stdout
