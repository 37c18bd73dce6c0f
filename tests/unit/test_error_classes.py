"""The classes of errors: what is exported, their names, and that none but them is raised."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyvidu
from pyvidu import errors
from pyvidu.vendoring import package_dir, web_dir

CLASSES = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, errors.OpenViduError)]
_JAVASCRIPT = (web_dir() / "lib" / "errors.js").read_text("utf-8")
_OPENVIDUS_NAMES = re.findall(r"^ +([A-Z_]+): '\1',$", _JAVASCRIPT, re.MULTILINE)


def sources() -> list[Path]:
    return [*package_dir().rglob("*.py"), *(web_dir() / "demo").glob("*.py")]


def made(source: Path) -> Iterator[int]:
    """Yield the lines in which a file makes an error of the base class, to raise it or to pass it on."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        match node:
            case ast.Call(ast.Name("OpenViduError") | ast.Attribute(attr="OpenViduError")):
                yield node.lineno
            case ast.Raise(ast.Name("OpenViduError") | ast.Attribute(attr="OpenViduError")):
                yield node.lineno


def test_base_class_of_errors_is_raised_nowhere() -> None:
    assert [f"{source}:{line}" for source in sources() for line in made(source)] == []


@pytest.mark.parametrize("code", ["raise OpenViduError('x')", "raise errors.OpenViduError", "f(OpenViduError(x))"])
def test_error_of_the_base_class_is_found_however_it_is_made(tmp_path: Path, code: str) -> None:
    file = tmp_path / "code.py"
    file.write_text(code)
    assert [*made(file)] == [1]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_is_exported_described_and_has_one_of_openvidus_names(cls: type[errors.OpenViduError]) -> None:
    assert getattr(pyvidu, cls.__name__) is cls
    assert cls.__name__ in pyvidu.__all__
    assert inspect.getdoc(cls)
    assert cls.name in _OPENVIDUS_NAMES
