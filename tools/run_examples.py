"""Run the tests of every project under `examples/` with an installed wheel: what `make examples` does.

Each project is copied and installed in a fresh virtual environment, with the locked versions of its requirements.
Arguments go to pytest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.txt"


def main(arguments: list[str]) -> int:
    """Return 0 if the tests of all examples pass."""
    with tempfile.TemporaryDirectory(prefix="pyvidu-examples-") as name:
        folder = Path(name)
        _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT), quiet=True)
        (wheel,) = folder.glob("*.whl")
        codes = [_test(project, wheel, folder, arguments) for project in _projects()]
    return int(any(codes))


def _projects() -> list[Path]:
    return sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))


def _test(project: Path, wheel: Path, folder: Path, arguments: list[str]) -> int:
    began = time.monotonic()
    here, environment = folder / project.name, folder / f"{project.name}-venv"
    shutil.copytree(project, here, ignore=shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache"))
    venv.create(environment, with_pip=True)
    python = str(environment / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    constraints = folder / "constraints.txt"
    constraints.write_text(_versions(), "ascii")
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    # The example names pyvidu as from an index: the wheel that is installed before satisfies that.
    _run(*install, "--constraint", str(constraints), f"{wheel}[testing]", "hatchling", "editables", cwd=here)
    _run(*install, "--no-build-isolation", ".[test]", cwd=here)
    print(f"{project.name}: installed in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    # The browser runtime of the checkout, where there is one already; otherwise `pyvidu vendor` fetches it.
    runtime = os.environ.get("PYVIDU_VENDOR_DIR") or str(ROOT / "static" / "vendor")
    env = {**os.environ, "PYVIDU_VENDOR_DIR": runtime}
    reports = ROOT / "tests" / "artifacts" / project.name
    command = [python, "-m", "pytest", f"--pyvidu-reports={reports}", *arguments]
    return subprocess.run(command, cwd=here, env=env, check=False).returncode


def _versions() -> str:
    """Return the lock without its hashes: pip would want hashes of everything, of our own wheel too."""
    return "".join(f"{line}\n" for line in re.findall(r"^[\w.-]+==[^\\\n]+", LOCK.read_text("utf-8"), re.MULTILINE))


def _run(*command: str, cwd: Path | None = None, quiet: bool = False) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL if quiet else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
