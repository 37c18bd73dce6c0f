"""What a page downloads is the code of the sources, in the same lines, and nothing else."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

from pyvidu.server.http.client_wheel import client_sources
from pyvidu.server.http.stripped import stripped
from pyvidu.vendoring import package_dir

SOURCES = [path for path in client_sources(package_dir()) if path.suffix == ".py"]


class _WithoutStrings(ast.NodeTransformer):
    """Removes statements that are nothing but a string or `...`."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        value = node.value
        return None if isinstance(value, ast.Constant) and isinstance(value.value, str | type(...)) else node


def without_ends(source: str) -> str:
    """Return the syntax tree with the lines of its nodes only: the end of a function is that of its docstring, if alone."""
    tree = _WithoutStrings().visit(ast.parse(source))
    return "\n".join(f"{type(node).__name__} {getattr(node, 'lineno', '')}" for node in ast.walk(tree))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(package_dir()).as_posix())
def test_stripped_module_has_the_same_code_in_the_same_lines_without_comments_and_docstrings(path: Path) -> None:
    source = path.read_text("utf-8")
    found = stripped(source)
    assert without_ends(found) == without_ends(source)
    assert [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(found).readline)
        if token.type == tokenize.COMMENT
    ] == []
    described = [
        n for n in ast.walk(ast.parse(found)) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [node.name for node in described if ast.get_docstring(node) is not None] == []
    assert len(found.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("x = 1  # one\n", "x = 1\n"),
        ('def f():\n    """Do it."""\n', "def f():\n    ...\n"),
        ('def f():\n    """Do.\n\n    More.\n    """\n', "def f():\n\n\n\n    ...\n"),
        ('def f():\n    """Do."""\n    return "#no"\n', 'def f():\n\n    return "#no"\n'),
        ('class A:\n    x: int\n    """ß."""\n    y = """kept"""\n', 'class A:\n    x: int\n\n    y = """kept"""\n'),
        ('def f(): """Do."""\n', "def f(): ...\n"),
        ('"""A module."""\nx = 1\n', "\nx = 1\n"),
    ],
)
def test_only_comments_and_strings_that_stand_alone_are_removed(source: str, left: str) -> None:
    assert stripped(source) == left
    compile(left, "left", "exec")
