"""Measure the structure of the code: import circles, private accesses, class names, file and function lengths, complexity.

Print every number and exit with 1 if one exceeds its limit. `make structure` runs it, as a part of `make lint`.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grimp import build_graph
from radon.complexity import cc_visit

from tools.generated import ROOT

PACKAGE = ROOT / "py" / "pyvidu"
_JAVASCRIPT_CLASS = re.compile(r"^(?:export )?class (\w+)", re.MULTILINE)
_OWN = ("self", "cls")
_BY_NAME = ("getattr", "hasattr", "setattr", "delattr", "patch")  # monkeypatch's and mock's too


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of the code. `limit` is the highest that passes; None is for information only."""

    what: str
    value: int
    limit: int | None
    where: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Return whether the number is within its limit."""
        return self.limit is None or self.value <= self.limit


def measures() -> Iterator[Measure]:
    """Yield all of them."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    circles = list(import_circles())
    yield Measure("import circles", len(circles), 0, tuple(" ".join(circle) for circle in circles))
    private = [access for path, tree in trees.items() for access in private_accesses(path, tree)]
    yield Measure("accesses to private names of another module", len(private), 10, tuple(private))
    private = [access for path in tests() for access in private_accesses(path, ast.parse(path.read_text("utf-8")))]
    yield Measure("accesses of tests to private names of another module", len(private), 11, tuple(private))
    twice = [f"{name}: {', '.join(files)}" for name, files in sorted(class_names(trees).items()) if len(files) > 1]
    yield Measure("class names that exist twice", len(twice), 0, tuple(twice))
    files = [*trees, *javascript()]
    length, longest = max(
        (len(path.read_text("utf-8").splitlines()) - documentation(trees.get(path)), path) for path in files
    )
    yield Measure("lines of the longest file, docstrings aside", length, 400, (_short(longest),))
    function, lines = max(function_lengths(trees), key=lambda item: item[1])
    yield Measure("lines of the longest function, its docstring aside", lines, 55, (function,))
    block, complexity = max(complexities(trees), key=lambda item: item[1])
    yield Measure("highest cyclomatic complexity (radon)", complexity, 15, (block,))


def import_circles() -> Iterator[list[str]]:
    """Yield the strongly connected components of the import graph, imports for type checking included."""
    graph = build_graph("pyvidu")
    for importer, imported in excused_imports():
        graph.remove_import(importer=importer, imported=imported)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:  # Tarjan's algorithm
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in imports[module]:
            if other not in number:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == number[module]:
            at = stack.index(module)
            component, stack[at:] = sorted(stack[at:]), []
            if len(component) > 1:
                found.append(component)

    for module in imports:
        if module not in number:
            visit(module)
    yield from found


def excused_imports() -> Iterator[tuple[str, str]]:
    """Yield the imports that import-linter's `acyclic_siblings` contract ignores, with its reasons, in pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["type"] == "acyclic_siblings":
            for line in contract.get("ignore_imports", ()):
                importer, _, imported = line.partition(" -> ")
                yield importer, imported


def private_accesses(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield accesses to `_x` of something else than `self`, `cls` or `super()`, unless the file defines `_x`.

    A name in a string counts too: `monkeypatch.setattr(module, "_x", ...)`, `mock.patch("module._x")` and, in the code that
    a test runs in its page, `page.python("session._x")`.
    """
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for target in targets for name in ast.walk(target)]
            defined |= {item.attr for item in names if isinstance(item, ast.Attribute) and _is_own(item.value)}
            defined |= {item.id for item in names if isinstance(item, ast.Name)}
    for line, name in _accesses(tree):
        if name.startswith("_") and not name.startswith("__") and name not in defined:
            yield f"{_short(path)}:{line} .{name}"


def class_names(trees: dict[Path, ast.Module]) -> dict[str, list[str]]:
    """Return in which files each class is defined, Python's and JavaScript's apart."""
    found: dict[str, list[str]] = defaultdict(list)
    demo = {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "web").rglob("*.py"))}
    for path, tree in {**trees, **demo}.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(_short(path))
    for path in javascript():
        for name, count in Counter(_JAVASCRIPT_CLASS.findall(path.read_text("utf-8"))).items():
            found[f"{name} (JavaScript)"] += [_short(path)] * count
    return found


def tests() -> list[Path]:
    """Return the Python files of tests, benchmarks and fuzzer."""
    found = [path for name in ("tests", "benchmarks", "fuzz", "tools/tests") for path in (ROOT / name).rglob("*.py")]
    return sorted(path for path in found if "node_modules" not in path.parts)


def javascript() -> list[Path]:
    """Return our own JavaScript files."""
    return sorted((ROOT / "web").rglob("*.js"))


def function_lengths(trees: dict[Path, ast.Module]) -> Iterator[tuple[str, int]]:
    """Yield each function and its number of lines without its docstring, which may have as many as a caller needs."""
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{_short(path)}:{node.lineno} {node.name}", lines - _docstring_lines(node)


def documentation(tree: ast.Module | None) -> int:
    """Return how many lines are docstrings; 0 for a file that is not Python's."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(tree) if tree is not None else ()
    return sum(_docstring_lines(node) for node in nodes if isinstance(node, described))


def complexities(trees: dict[Path, ast.Module]) -> Iterator[tuple[str, int]]:
    """Yield each function and its complexity; radon counts boolean operators, conditionals, comprehensions too."""
    for path in trees:
        for block in cc_visit(path.read_text("utf-8")):
            if block.letter in "FM":
                yield f"{_short(path)}:{block.lineno} {block.fullname}", block.complexity


def main() -> int:
    """Print all measures; return 1 if one exceeds its limit."""
    failed = False
    for measure in measures():
        limit = "" if measure.limit is None else f" (limit {measure.limit})"
        sys.stdout.write(f"{measure.value:5d}  {measure.what}{limit}\n")
        if not measure.passes or len(measure.where) == 1 or "-v" in sys.argv:
            sys.stdout.writelines(f"       {place}\n" for place in measure.where)
        failed = failed or not measure.passes
    return 1 if failed else 0


def _accesses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each attribute that is accessed, unless it is one of `self`, `cls` or `super()`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value, attr) if not _is_own(value):
                yield node.lineno, attr
            case ast.Call(ast.Name(function) | ast.Attribute(attr=function), arguments) if function in _BY_NAME:
                names = [item.value for item in arguments[:2] if isinstance(item, ast.Constant)]
                yield from ((node.lineno, name.rpartition(".")[2]) for name in names if isinstance(name, str))
            case ast.Call(ast.Attribute(attr="python"), [code, *_]):
                yield from ((node.lineno, name) for _, name in _accesses(ast.parse(_text(code))))


def _docstring_lines(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    text = node.body[0]
    return (text.end_lineno or text.lineno) - text.lineno + 1


def _text(code: ast.expr) -> str:
    """Return a string constant or an f-string, whose values become `x`; empty if it is neither."""
    match code:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(_text(part) or "x" for part in parts)
    return ""


def _is_own(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "super"
    return isinstance(value, ast.Name) and value.id in _OWN


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
