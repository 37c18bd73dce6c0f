"""Run the tests of every project under `examples/` with installed wheels: what `make examples` does.

pyvidu and each project are built and installed in a fresh virtual environment, with their requirements in locked versions;
the project's tests run in a copy of them, outside this repository. Arguments go to pytest.
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
    projects = sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))
    with tempfile.TemporaryDirectory(prefix="pyvidu-examples-") as name:
        wheel = _build(ROOT, Path(name, "wheel"))
        codes = [_test(project, wheel, Path(name, project.name), arguments) for project in projects]
    return int(any(codes))


def _test(project: Path, wheel: Path, folder: Path, arguments: list[str]) -> int:
    began = time.monotonic()
    own_wheel = _build(project, folder / "wheel")
    python = _install(folder, f"{wheel}[testing]", f"{own_wheel}[test]")
    print(f"{project.name}: installed in {time.monotonic() - began:.0f} s", flush=True)
    here = folder / "project"
    here.mkdir()
    shutil.copy(project / "pyproject.toml", here)
    shutil.copytree(project / "tests", here / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    # The browser runtime of the checkout, where there is one already; otherwise `pyvidu vendor` would have to fetch it.
    runtime = os.environ.get("PYVIDU_VENDOR_DIR") or str(ROOT / "static" / "vendor")
    reports = ROOT / "tests" / "artifacts" / project.name
    command = [str(python), "-m", "pytest", f"--pyvidu-reports={reports}", *arguments]
    return subprocess.run(command, cwd=here, env={**os.environ, "PYVIDU_VENDOR_DIR": runtime}, check=False).returncode


def _build(project: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(project)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = into.glob("*.whl")
    return wheel


def _install(folder: Path, *requirements: str) -> Path:
    """Install in a virtual environment of its own, by this one's pip, and return its Python."""
    environment, constraints = folder / "venv", folder / "constraints.txt"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    constraints.write_text(_versions(), "ascii")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", "--constraint", str(constraints), *requirements], check=True
    )
    return python


def _versions() -> str:
    """Return the lock without its hashes: pip would want hashes of everything, of our own wheels too."""
    return "".join(f"{line}\n" for line in re.findall(r"^[\w.-]+==[^\\\n]+", LOCK.read_text("utf-8"), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
