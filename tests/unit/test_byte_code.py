"""Byte code of an archive of Python sources, as it is made for the browser's standard library."""

from __future__ import annotations

import io
import sys
import traceback
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from pyvidu.vendoring.byte_code import compiled

SOURCES = {
    "made.py": '"""Docstring."""\n\ndef fail():\n    """Docstring."""\n    raise ValueError("seen")\n',
    "folder/__init__.py": "def empty():\n    '''Docstring.'''\n\nassert not __doc__, 'assertions stay'\n",
    "folder/data.txt": "data",
}


def archive(sources: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, text in sources.items():
            target.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "library.zip"
    path.write_bytes(compiled(archive(SOURCES), str(path)))
    monkeypatch.syspath_prepend(str(path))
    for name in ("made", "folder"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return path


def imported(name: str) -> ModuleType:
    return __import__(name)


def test_archive_has_byte_code_instead_of_sources_and_other_files_as_they_are(library: Path) -> None:
    with zipfile.ZipFile(library) as packed:
        assert packed.namelist() == ["made.pyc", "folder/__init__.pyc", "folder/data.txt"]
        assert packed.read("folder/data.txt") == b"data"


def test_modules_are_imported_from_it_without_docstrings(library: Path) -> None:
    made, folder = imported("made"), imported("folder")
    assert (made.__doc__, made.fail.__doc__, folder.empty.__doc__) == (None, None, None)
    assert folder.empty() is None


def test_traceback_names_the_file_and_the_line_of_the_source(library: Path) -> None:
    with pytest.raises(ValueError, match="seen") as caught:
        imported("made").fail()
    (frame,) = (frame for frame in traceback.extract_tb(caught.value.__traceback__) if frame.name == "fail")
    assert (frame.filename, frame.lineno) == (f"{library}/made.py", 5)


def test_failing_assertion_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "asserting.zip"
    path.write_bytes(compiled(archive({"asserting.py": "assert False, 'kept'"}), str(path)))
    monkeypatch.syspath_prepend(str(path))
    with pytest.raises(AssertionError, match="kept"):
        imported("asserting")


def test_equal_sources_make_equal_bytes() -> None:
    assert compiled(archive(SOURCES), "/lib") == compiled(archive(SOURCES), "/lib")
