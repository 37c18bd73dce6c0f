"""Commands of the network tools (`ip`, `nft`), and how their failure is reported."""

from __future__ import annotations

import os
import shutil
import subprocess

from pyvidu.testing.errors import LabError, LabUnavailableError

FOR_ROOT = "/usr/sbin:/sbin"
"""Where Debian and others keep these tools; `sudo` and `su` do not always have it in PATH."""


def find_tool(name: str) -> str | None:
    """Return the path of a network tool, or None."""
    return shutil.which(name, path=_path())


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
            env={**os.environ, "PATH": _path()},
        )
    except FileNotFoundError:
        raise LabUnavailableError(f"`{command[0]}` was not found; {INSTALL_TOOLS}") from None
    except subprocess.CalledProcessError as error:
        output = (error.stderr or error.stdout).strip()
        raise LabError(f"`{' '.join(command)}` failed (exit code {error.returncode}): {output}") from None
    return done.stdout


INSTALL_TOOLS = "install it: apt-get install iproute2 nftables (Fedora: dnf install iproute nftables)"


def _path() -> str:
    return os.pathsep.join(filter(None, (os.environ.get("PATH"), FOR_ROOT)))
