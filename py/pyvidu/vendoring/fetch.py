"""The work of `pyvidu vendor`: fetches the locked browser runtime with npm and pip and lays it out for a web server.

The result is a folder with `pyodide/` (the runtime with its standard library as byte code, the wheels beside it, a lock that
lists just them), `pyscript/` and `echarts/` (for the demo's timelines), and beside each file that shrinks enough a gzipped
copy, beside Pyodide's also one in brotli. It appears complete or not at all.
"""

from __future__ import annotations

import errno
import gzip
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from pyvidu.vendoring.errors import VendorError
from pyvidu.vendoring.locations import default_vendor_dir
from pyvidu.vendoring.lock import LOCKS, NPM_FILES, WHEELS_FILE, rewritten_pyodide_lock, runtime_stamp
from pyvidu.vendoring.node import run_node

PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
CHARTS_FILE = "echarts.esm.min.mjs"
STAMP_FILE = ".stamp"
_PYTHON_OF_PYODIDE = "3.14"
_MAX_RENAMES = 10


def is_vendored(into: Path) -> bool:
    """Return whether `into` holds the browser runtime that this version of pyvidu needs."""
    try:
        return (into / STAMP_FILE).read_text("ascii") == runtime_stamp()
    except FileNotFoundError:
        return False


def vendor(into: Path | None = None, report: Callable[[str], object] = lambda _: None) -> Path:
    """Make sure that `into` (default: `default_vendor_dir()`) holds the browser runtime, and return it.

    Does nothing when it is there already. May run several times at once: the first to finish installs it. `report` is
    called with each step. Raises VendorError when npm or pip is missing, a download fails or `into` holds other files.
    """
    into = (into or default_vendor_dir()).absolute()
    if is_vendored(into):
        return into
    if into.exists() and not into.is_dir():
        raise VendorError(f"{into} is a file, not a folder to put the browser runtime into.")
    if into.is_dir() and any(into.iterdir()) and not (into / STAMP_FILE).is_file():
        raise VendorError(f"{into} holds other files. Name an empty folder, or delete it and try again.")
    into.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=into.parent, ignore_cleanup_errors=True) as scratch:
        downloads, layout = Path(scratch, "downloads"), Path(scratch, "layout")
        downloads.mkdir()
        report("fetching Pyodide, PyScript and ECharts with npm")
        _npm_ci(downloads)
        report("fetching the browser's Python packages with pip")
        wheels = _pip_download(downloads / "wheels")
        report("laying out and compressing")
        _lay_out(downloads / "node_modules", wheels, layout)
        _put_in_place(layout, into, Path(scratch))
    return into


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise VendorError("npm was not found: install Node.js 20 or newer (it brings npm) and try again.")
    for name in NPM_FILES:
        shutil.copy(LOCKS / name, folder / name)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder, "npm")


def _pip_download(folder: Path) -> list[Path]:
    if find_spec("pip") is None:
        raise VendorError(f"pip is missing in {sys.prefix}: install it there (python -m ensurepip) and try again.")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", _PYTHON_OF_PYODIDE]
    command += ["--dest", str(folder), "--requirement", str(LOCKS / WHEELS_FILE)]
    _run(command, folder.parent, "pip")
    return sorted(folder.glob("*.whl"))


def _run(command: list[str], folder: Path, tool: str) -> None:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        last_output = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise VendorError(f"{tool} could not fetch the browser runtime (exit code {done.returncode}):\n{last_output}")


def _lay_out(node_modules: Path, wheels: Iterable[Path], layout: Path) -> None:
    pyodide, pyscript, charts = layout / "pyodide", layout / "pyscript", layout / "echarts"
    pyodide.mkdir(parents=True)
    charts.mkdir()
    for name in PYODIDE_FILES:
        shutil.copyfile(node_modules / "pyodide" / name, pyodide / name)
    copied = [Path(shutil.copyfile(wheel, pyodide / wheel.name)) for wheel in wheels]
    lock = rewritten_pyodide_lock(node_modules / "pyodide" / "pyodide-lock.json", copied)
    (pyodide / "pyodide-lock.json").write_text(lock, "utf-8")
    shutil.copytree(node_modules / "@pyscript" / "core" / "dist", pyscript, ignore=shutil.ignore_patterns("*.map"))
    shutil.copyfile(node_modules / "echarts" / "dist" / CHARTS_FILE, charts / CHARTS_FILE)
    run_node("byte_code.mjs", pyodide)
    for path in [path for path in layout.rglob("*") if path.is_file()]:
        _gzip_if_smaller(path)
    run_node("brotli.mjs", "10", *(path.with_suffix("") for path in pyodide.glob("*.gz")))
    (layout / STAMP_FILE).write_text(runtime_stamp(), "ascii")


def _gzip_if_smaller(path: Path) -> None:
    """Write a `.gz` beside a file that shrinks by more than a tenth: aiohttp serves it to clients that accept it."""
    raw = path.read_bytes()
    packed = gzip.compress(raw, compresslevel=9, mtime=0)
    if len(packed) < 0.9 * len(raw):
        path.with_name(path.name + ".gz").write_bytes(packed)


def _put_in_place(layout: Path, into: Path, scratch: Path) -> None:
    """Rename `layout` to `into`. Keep the same runtime if another run installed it first; move an older one away."""
    for attempt in range(_MAX_RENAMES):
        try:
            layout.rename(into)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        if is_vendored(into):
            return
        try:
            into.rename(scratch / f"replaced-{attempt}")
        except FileNotFoundError:
            continue  # another run has just moved it away
    raise VendorError(f"{into} kept changing while it was being replaced; try again.")
