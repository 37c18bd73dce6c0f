"""Each `asyncio.sleep` on a real clock has a comment that says what it is the length of: a fault, or a needed quiet period.

Whatever else a test waits for, it awaits, with a deadline (`tests/waiting.py`). In virtual time no reason is needed. There
run: functions decorated with `@virtual_time`; modules all of whose asynchronous tests are; the folder `tests/simulation`; and
helpers that are imported by such modules only.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests", "benchmarks", "fuzz")
VIRTUAL = "tests.simulation"
NO_REASONS = ("noqa", "type:", "fmt:")


class Module:
    """A Python module: its sleeps, comments and imports."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree; few modules of all need it."""
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> set[str]:
        """Return the dotted names that it imports, with the names taken from modules, which may be modules too."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {item.name for item in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = (
                    f"{self._package(node.level)}.{node.module or ''}".strip(".") if node.level else node.module or ""
                )
                found |= {base, *(f"{base}.{item.name}" for item in node.names)}
        return found

    @cached_property
    def tests_in_virtual_time(self) -> bool | None:
        """Return whether all of its asynchronous tests run in virtual time; None if it has no test at all."""
        tests = [item for item in ast.walk(self.tree) if _is_test(item)]
        if not tests:
            return None
        asynchronous = [item for item in tests if isinstance(item, ast.AsyncFunctionDef)]
        return bool(asynchronous) and all(_is_virtual(item) for item in asynchronous)

    def sleeps(self) -> Iterator[ast.Call]:
        """Yield the calls of `asyncio.sleep` outside `@virtual_time`, without those that only let other tasks run."""
        if "sleep(" in self.text:
            yield from _sleeps(self.tree)

    def has_reason(self, sleep: ast.Call) -> bool:
        """Return whether there is a comment in the lines of the call, or alone on the line above."""
        lines = {sleep.lineno - 1: True, **dict.fromkeys(range(sleep.lineno, (sleep.end_lineno or 0) + 1), False)}
        return any(line in lines and (alone or not lines[line]) for line, alone in self._comments)

    @cached_property
    def _comments(self) -> set[tuple[int, bool]]:
        """Return the line of each comment, and whether it is alone there."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {
            (token.start[0], not token.line[: token.start[1]].strip())
            for token in tokens
            if token.type == tokenize.COMMENT and not token.string.lstrip("# ").startswith(NO_REASONS)
        }

    def _package(self, level: int) -> str:
        parts = list(self.path.relative_to(ROOT).parent.parts)
        return ".".join(parts[: len(parts) - level + 1])


def modules() -> dict[str, Module]:
    """Return the modules of tests, benchmarks and fuzzer, by dotted name."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    made = [Module(path, path.read_text("utf-8")) for path in paths if "node_modules" not in path.parts]
    return {module.name: module for module in made}


def in_virtual_time(name: str, all_modules: Mapping[str, Module], importing: frozenset[str] = frozenset()) -> bool:
    """Return whether everything in a module runs in virtual time, by the rules above."""
    if f"{name}.".startswith(f"{VIRTUAL}."):
        return True
    told = all_modules[name].tests_in_virtual_time
    if told is not None:
        return told
    mention = [item for item in all_modules.values() if name.rpartition(".")[2] in item.text]
    importers = [item.name for item in mention if name in item.imports and item.name not in importing]
    return bool(importers) and all(in_virtual_time(item, all_modules, importing | {name}) for item in importers)


def unexplained(all_modules: Mapping[str, Module]) -> list[str]:
    """Return the places of the sleeps on a real clock that no comment explains."""
    return [
        f"{module.path.relative_to(ROOT)}:{sleep.lineno}"
        for name, module in all_modules.items()
        for sleep in module.sleeps()
        if not module.has_reason(sleep) and not in_virtual_time(name, all_modules)
    ]


def _sleeps(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_virtual(child):
            continue
        if isinstance(child, ast.Call) and _is_sleep(child):
            yield child
        yield from _sleeps(child)


def _is_sleep(call: ast.Call) -> bool:
    match call:
        case ast.Call(ast.Attribute(ast.Name("asyncio"), "sleep") | ast.Name("sleep"), [seconds, *_]):
            return not (isinstance(seconds, ast.Constant) and seconds.value == 0)
    return False


def _is_test(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")


def _is_virtual(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(item, ast.Name) and item.id == "virtual_time" for item in function.decorator_list)


# --- the tests -------------------------------------------------------------------------------------------------------


def test_every_sleep_on_a_real_clock_says_what_it_is_the_length_of() -> None:
    assert unexplained(modules()) == []


def a_module(text: str, name: str = "tests.some") -> dict[str, Module]:
    return {name: Module((ROOT / name.replace(".", "/")).with_suffix(".py"), text)}


def test_sleep_without_a_reason_is_found_and_one_with_a_reason_or_of_no_time_is_not() -> None:
    text = """
async def test_it():
    await asyncio.sleep(1)
    await asyncio.sleep(2)  # noqa: X1
    x = 1  # not about it
    await asyncio.sleep(3)
    await sleep(seconds)
    await asyncio.sleep(0)
    await asyncio.sleep(4)  # the length of the drop
    # The length of the drop.
    await asyncio.sleep(
        5
    )
    await asyncio.gather(
        asyncio.sleep(6),  # the length of the drop
        asyncio.sleep(7),
    )
"""
    assert [place.rpartition(":")[2] for place in unexplained(a_module(text))] == ["3", "4", "6", "7", "16"]


def test_sleep_in_virtual_time_needs_no_reason() -> None:
    decorated = "@virtual_time\nasync def test_it():\n    async def later():\n        await asyncio.sleep(1)\n"
    helper = "async def helps():\n    await asyncio.sleep(1)\n"
    assert unexplained(a_module(decorated + helper)) == []
    assert len(unexplained(a_module(decorated + helper + "async def test_real(): ...\n"))) == 1
    assert unexplained(a_module(helper, "tests.simulation.some")) == []


def test_helper_runs_in_virtual_time_if_all_that_import_it_do() -> None:
    helper = a_module("async def helps():\n    await asyncio.sleep(1)\n", "tests.helper")
    virtual = a_module("from .helper import helps\n@virtual_time\nasync def test_it(): ...\n", "tests.virtual")
    real = a_module("from tests import helper\nasync def test_it(): ...\n", "tests.real")
    assert len(unexplained(helper)) == 1, "who uses it is not known"
    assert unexplained({**helper, **virtual}) == []
    assert len(unexplained({**helper, **virtual, **real})) == 1
