"""The pure tests on every Python that is here, each without anything installed: what they need is lent to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pure import suite
from tests.pure.pythons import pythons


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite and what it needs, in a folder of its own."""
    folder = tmp_path_factory.mktemp("pure")
    for place, file in suite.files():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder


@pytest.mark.parametrize("version", pythons())
def test_the_pure_tests_pass_on_python(version: str, unpacked: Path) -> None:
    done = subprocess.run(
        [pythons()[version], "-s", "-P", "-m", "pytest", *suite.arguments(unpacked / "tests")],
        env={**_plain_environment(), "PYTHONPATH": os.pathsep.join(map(str, suite.paths(unpacked)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"Python {version}:\n{done.stdout}\n{done.stderr}"


def _plain_environment() -> dict[str, str]:
    """Ours without what would bring in our own packages or plug-ins."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
