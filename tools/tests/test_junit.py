"""What is read from the files that pytest writes, by a run of pytest itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.flakes import failed_tests, row
from tools.junit import Result, main, read, slowest

TESTS = """
import pytest

def test_passes(): pass
def test_fails(): assert 1 == 2, "numbers differ"
def test_is_skipped(): pytest.skip("not here")

@pytest.fixture
def broken():
    raise OSError("no network")

def test_has_no_fixture(broken): pass
"""


@pytest.fixture(scope="module")
def junit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tests")
    (folder / "test_four.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=junit.xml", "test_four.py"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return folder / "junit.xml"


def test_results_have_the_names_and_first_lines_of_failures(junit: Path) -> None:
    failures = {result.test: result.failure for result in read(junit)}
    assert failures == {
        "test_four::test_passes": None,
        "test_four::test_fails": "AssertionError: numbers differ",
        "test_four::test_is_skipped": None,
        "test_four::test_has_no_fixture": 'failed on setup with "OSError: no network"',
    }


def test_slowest_come_first() -> None:
    results = [Result("a", 1.0, None), Result("b", 3.0, None), Result("c", 2.0, None)]
    assert [result.test for result in slowest(results, 2)] == ["b", "c"]


def test_command_prints_how_many_there_are_and_how_long_each_took(
    junit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(junit)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 tests, ")
    assert len(lines) == 5


def test_failed_tests_are_named_by_their_file_or_else_the_run_is(junit: Path, tmp_path: Path) -> None:
    assert failed_tests(junit, 1) == ["test_four::test_fails", "test_four::test_has_no_fixture"]
    assert failed_tests(tmp_path / "none.xml", 3) == ["the run itself, exit code 3"]
    assert failed_tests(tmp_path / "none.xml", 0) == []


def test_row_of_the_table_counts_each_failure() -> None:
    assert row("2026-11-26", "abc", 20, []) == "| 2026-11-26 | abc | 20 | none |  |\n"
    failed = row("2026-11-26", "abc", 20, ["a::b", "c::d", "a::b"])
    assert failed == "| 2026-11-26 | abc | 20 | `a::b` (2 x), `c::d` (1 x) | not known yet |\n"
