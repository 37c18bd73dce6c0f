"""Which tests are pure, and what they need: pure Python all of it, taken from where it is installed already."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

TESTS = Path(__file__).resolve().parent.parent
REPOSITORY = TESTS.parent
IN_A_PAGE = PurePosixPath("/suite")
"""Where a page's file system has it."""

SUITE = (
    "unit/protocol",
    "unit/reconnection",
    "unit/signaling",
    "unit/test_event_dispatcher.py",
    "unit/test_event_iterator.py",
    "unit/test_configuration.py",
    "unit/test_connection.py",
    "unit/test_events.py",
)
"""Relative to `tests/`. What is left out needs processes, files of the repository, or the server's compiled libraries."""
NOT_PURE = (
    "unit/protocol/test_json_text_properties.py",
    "unit/protocol/test_jsonrpc_properties.py",
    "unit/reconnection/test_policy_properties.py",
    "unit/reconnection/test_rtp_monitor_properties.py",
    "unit/reconnection/test_stream_recovery_properties.py",
    "unit/reconnection/test_transition_tables.py",
)
"""Hypothesis is compiled. (The last one also reads a file of the repository.)"""
OPTIONS = ("-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider", "--quiet", "--durations=0", "--durations-min=1")

DISTRIBUTIONS = (
    "pytest", "iniconfig", "packaging", "pluggy", "pygments", "pytest-asyncio", "typing-extensions",
)  # fmt: skip
"""pytest and what it imports on Python 3.11 and newer; the client imports the standard library only."""

_COMPILED = (".so", ".pyd", ".dylib")


def files() -> Iterator[tuple[PurePosixPath, Path]]:
    """Every file that the suite needs, with its place: distributions under `site`, ours where the repository has them.

    Raises ValueError for a distribution that turns out to be compiled.
    """
    for name in DISTRIBUTIONS:
        for place, file in _files_of(distribution(name)):
            if file.suffix in _COMPILED:
                raise ValueError(f"{name} is not pure Python: {place}")
            yield PurePosixPath("site", place), file
    for folder in ("py/pyvidu", "tests/pure", "tests/unit"):
        for file in sorted(Path(REPOSITORY, folder).rglob("*.py")):
            yield PurePosixPath(file.relative_to(REPOSITORY).as_posix()), file
    for name in ("tests/__init__.py", "tests/pure/pytest.ini", "tests/virtual_time.py"):
        yield PurePosixPath(name), REPOSITORY / name


def paths(root: Path | PurePosixPath) -> list[Path | PurePosixPath]:
    """What Python has to look through, when the files lie in the folder `root`."""
    return [root / "site", root / "py", root]


def archive() -> bytes:
    """All of it as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for place, file in files():
            target.write(file, str(place))
    return packed.getvalue()


def arguments(tests: Path | PurePosixPath = TESTS) -> list[str]:
    """pytest's arguments, for a suite that lies in the folder `tests`."""
    here = [f"--rootdir={tests.parent}", "-c", str(tests / "pure" / "pytest.ini")]
    ignored = [f"--ignore={tests / name}" for name in NOT_PURE]
    return [*OPTIONS, *here, *ignored, *(str(tests / name) for name in SUITE)]


def _files_of(found: Distribution) -> Iterator[tuple[str, Path]]:
    for item in found.files or ():
        if ".." not in item.parts and "__pycache__" not in item.parts:
            yield item.as_posix(), Path(str(item.locate()))
