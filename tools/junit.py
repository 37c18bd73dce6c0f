"""Read the JUnit files that pytest writes, and print the slowest tests of them all: `make slowest`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test.

    Attributes:
        test: module and name, as `tests.browser.test_call::test_mute`.
        seconds: how long it took, fixtures included.
        failure: the first line of what failed, or None.
    """

    test: str
    seconds: float
    failure: str | None


def read(file: Path) -> list[Result]:
    """Return the results in a file, in its order. Raises OSError or ET.ParseError if there is no such file."""
    cases = ET.parse(file).iter("testcase")  # noqa: S314  # pytest has written it, nobody else
    return [_result(case) for case in cases]


def _result(case: ET.Element) -> Result:
    failed = next((child for kind in ("failure", "error") for child in case.iter(kind)), None)
    failure = None if failed is None else (failed.get("message", "").splitlines() or ["no message"])[0]
    test = f"{case.get('classname', '')}::{case.get('name', '')}"
    return Result(test, float(case.get("time", 0)), failure)


def slowest(results: list[Result], shown: int = _SHOWN) -> list[Result]:
    """Return the slowest tests, the slowest first."""
    return sorted(results, key=lambda result: -result.seconds)[:shown]


def main(files: list[str]) -> int:
    """Print the slowest tests, and return 0."""
    results = [result for file in files for result in read(Path(file))]
    minutes = sum(result.seconds for result in results) / 60
    print(f"{len(results)} tests, one after another {minutes:.1f} minutes; the slowest:")
    for result in slowest(results):
        print(f"{result.seconds:7.1f} s  {result.test}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
