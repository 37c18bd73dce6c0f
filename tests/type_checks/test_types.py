"""mypy and pyright accept a program that uses every event, and report every mistake of another one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


PROGRAMS = (HERE / "uses_everything.py", HERE / "mistakes.py")


@cache
def mypy() -> dict[str, set[int]]:
    """Return the lines of each program in which mypy reports an error."""
    command = [sys.executable, "-m", "mypy", "--no-pretty", "--no-error-summary", "--no-color-output", *PROGRAMS]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert told.stderr == ""
    found = {path.name: set[int]() for path in PROGRAMS}
    for line in told.stdout.splitlines():
        if (match := re.match(r"(.+?):(\d+): error:", line)) is not None:
            found[Path(match[1]).name].add(int(match[2]))
    return found


@cache
def pyright() -> dict[str, set[int]]:
    """Return the lines of each program in which pyright reports an error."""
    command = [REPOSITORY / "node_modules/.bin/pyright", "--outputjson", "--pythonpath", sys.executable, *PROGRAMS]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    answer = json.loads(told.stdout)
    assert answer["summary"]["filesAnalyzed"] == len(PROGRAMS), told.stdout
    found = {path.name: set[int]() for path in PROGRAMS}
    for item in answer["generalDiagnostics"]:
        if item["severity"] == "error":
            found[Path(item["file"]).name].add(item["range"]["start"]["line"] + 1)
    return found


CHECKERS = pytest.mark.parametrize("checker", [mypy, pyright])


@CHECKERS
def test_program_that_uses_every_event_and_form_has_no_type_error(checker: Callable[[], dict[str, set[int]]]) -> None:
    assert checker()["uses_everything.py"] == set()


@CHECKERS
def test_type_errors_are_reported_in_the_lines_with_mistakes_and_in_no_other(
    checker: Callable[[], dict[str, set[int]]],
) -> None:
    lines = (HERE / "mistakes.py").read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# wrong: " in line}
    assert checker()["mistakes.py"] == wrong
