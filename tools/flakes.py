"""Run the tests with browsers and networks many times and add what failed to `docs/flakiness.md`: `make flakes RUNS=20`.

The causes are written there by hand.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from tools.generated import ROOT
from tools.junit import read

PAGE = ROOT / "docs" / "flakiness.md"
_JUNIT = ROOT / "tests" / "artifacts" / "junit" / "browsers.xml"
_RUN = "the run itself"


def main(arguments: list[str]) -> int:
    """Run them as often as the argument says; return 0 if nothing failed."""
    runs = int(arguments[0])
    failures: list[str] = []
    for number in range(1, runs + 1):
        failed = run_once()
        failures += failed
        print(f"run {number} of {runs}: {', '.join(failed) or 'nothing failed'}", flush=True)
    with PAGE.open("a", encoding="utf-8") as page:
        page.write(row(datetime.now(UTC).strftime("%Y-%m-%d"), _commit(), runs, failures))
    return int(bool(failures))


def run_once() -> list[str]:
    """Run `make test-browsers` once and return the names of the tests that failed."""
    _JUNIT.unlink(missing_ok=True)
    done = subprocess.run(["make", "--no-print-directory", "test-browsers"], cwd=ROOT, check=False)
    return failed_tests(_JUNIT, done.returncode)


def failed_tests(junit: Path, exit_code: int) -> list[str]:
    """Return the names of the tests that failed; a run that failed without one is named itself."""
    try:
        failed = list(dict.fromkeys(result.test for result in read(junit) if result.failure is not None))
    except (OSError, ET.ParseError):
        failed = []
    return failed or ([f"{_RUN}, exit code {exit_code}"] if exit_code else [])


def row(date: str, commit: str, runs: int, failures: list[str]) -> str:
    """Return a line of the table."""
    times = ", ".join(f"`{name}` ({count} x)" for name, count in Counter(failures).most_common())
    return f"| {date} | {commit} | {runs} | {times or 'none'} | {'not known yet' if failures else ''} |\n"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=9"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
