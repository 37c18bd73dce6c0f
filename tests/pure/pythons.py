"""Which Pythons are on this machine."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = 11, 14


@functools.cache
def pythons() -> dict[str, str]:
    """`3.N` and the executable of each Python from 3.11 to 3.14 that is on the path or that pyenv keeps; ours among them."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    for minor in range(OLDEST, NEWEST + 1):
        version = f"3.{minor}"
        candidates = [shutil.which(f"python{version}"), *_kept_by_pyenv(version)]
        works = (str(candidate) for candidate in candidates if candidate and _is(version, candidate))
        if version not in found and (executable := next(works, None)):
            found[version] = executable
    return dict(sorted(found.items()))


def _kept_by_pyenv(version: str) -> list[Path]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return sorted(root.glob(f"versions/{version}*/bin/python{version}"))


def _is(version: str, executable: str | Path) -> bool:
    """Whether it is what it is called: pyenv puts names on the path behind which there is nothing."""
    asked = [str(executable), "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return False
    return done.stdout.strip() == version
