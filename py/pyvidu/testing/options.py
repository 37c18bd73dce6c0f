"""The options that the plugin adds to pytest, and the recorder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyvidu.testing.recorder import Recorder

REPORTS = "--pyvidu-reports"
REQUIRE_LAB = "--pyvidu-require-lab"
HEADED = "--pyvidu-headed"

_RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()


def add_options(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("pyvidu", "tests of calls (pyvidu)")
    group.addoption(
        REPORTS,
        metavar="FOLDER",
        default="pyvidu-reports",
        help="Where a failed test gets a folder with its server logs, and console, outages and picture of its pages; below "
        "pytest's root folder, unless absolute. Default: pyvidu-reports",
    )
    group.addoption(
        REQUIRE_LAB,
        action="store_true",
        help="Fail the tests that need a network lab where none can be made, in place of skipping them: for CI.",
    )
    group.addoption(HEADED, action="store_true", help="Show the browsers.")


def recorder_of(config: pytest.Config) -> Recorder:
    """Return the recorder of this run."""
    from pyvidu.testing.recorder import Recorder

    if _RECORDER not in config.stash:
        config.stash[_RECORDER] = Recorder(config.rootpath / Path(config.getoption(REPORTS)))
    return config.stash[_RECORDER]
