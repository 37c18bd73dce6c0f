"""Every public name has a docstring with the parts that a caller needs, as far as a program can tell.

What a call raises is known from the code: its own `raise` statements, those of the private methods and functions of its
module that it calls, and what stands for a request to the server or for options that are checked.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe
import pytest

import pyvidu
import pyvidu.testing
from pyvidu.events import PUBLISHER_EVENTS, SESSION_EVENTS
from tools import docstrings
from tools.docstrings import Node, documented, public_names

EVENTS = {*SESSION_EVENTS, *PUBLISHER_EVENTS, "signal:TYPE"}
CLASSES = {name: node for name, node in public_names().items() if isinstance(node, griffe.Class)}
CALLS: dict[str, griffe.Function] = {
    **{name: node for name, node in public_names().items() if isinstance(node, griffe.Function)},
    **{f"{name}.{item.name}": item for name, node in CLASSES.items() for item in docstrings.methods(node)},
}

REQUEST = {"RequestError", "RequestTimeoutError", "QueueFullError", "NotConnectedError", "SessionLostError"}
KNOWN = {
    "request": REQUEST,
    "member": {"NotConnectedError"},
    "configured": {"PropertiesError"},
    "local_stream.tell": REQUEST,
    "local_stream.tell_active": REQUEST,
    "member.unsubscribe": REQUEST,
    "check_name": {"WrongArgumentError"},
    "check_number": {"WrongArgumentError"},
    "check_file": {"WrongArgumentError"},
    "check_open": {"LabError"},
}
"""What is raised where these are called, or read: other modules have the `raise` statement."""

EXCEPT = {
    "chromium_flags": "what it is given was checked by `launch_browser`",
    "NetworkLab": "its methods raise LabError as its class says",
}


def is_error(node: Node) -> bool:
    cls = getattr(pyvidu, node.name, None) or getattr(pyvidu.testing, node.name, None)
    return inspect.isclass(cls) and issubclass(cls, Exception)


def is_fixture(name: str) -> bool:
    return name in docstrings.FIXTURES


@pytest.mark.parametrize("name", public_names())
def test_public_name_has_a_docstring_that_says_where_its_rules_come_from(name: str) -> None:
    node = public_names()[name]
    assert node.docstring is not None
    assert documented(node).summary
    if isinstance(node, griffe.Attribute) or is_fixture(name):
        return
    if not is_error(node) or name == "OpenViduError":
        assert documented(node).source, "a last line `Source: ...`"


@pytest.mark.parametrize("name", CALLS)
def test_docstring_names_every_parameter_and_no_other(name: str) -> None:
    if is_fixture(name):
        return
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    taken = [
        f"{stars.get(item.kind or griffe.ParameterKind.keyword_only, '')}{item.name}" for item in CALLS[name].parameters
    ]
    assert list(documented(CALLS[name]).args) == [item for item in taken if item not in ("self", "cls")]


@pytest.mark.parametrize("name", CALLS)
def test_public_method_has_a_docstring(name: str) -> None:
    assert documented(CALLS[name]).summary


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_and_property_is_described_and_nothing_else(name: str) -> None:
    node = CLASSES[name]
    fields = {item.name: text for item, text in docstrings.fields(node)}
    assert [field for field, text in fields.items() if not text] == []
    assert [item.name for item in docstrings.properties(node) if not documented(item).summary] == []
    assert set(documented(node).attributes) - set(fields) == set()


@pytest.mark.parametrize("name", [*CALLS, *CLASSES])
def test_named_events_and_errors_exist(name: str) -> None:
    told = documented(CALLS[name] if name in CALLS else CLASSES[name])
    assert set(told.events) - EVENTS == set()
    errors = {*public_names(), *dir(builtins)}
    assert set(told.raises) - errors == set()
    assert [error for error in told.raises if error in CLASSES and not is_error(CLASSES[error])] == []


def test_every_event_is_described_by_its_own_class() -> None:
    of_classes = {
        event: name for name, node in CLASSES.items() if name.endswith("Event") for event in documented(node).events
    }
    expected = {event: cls.__name__ for event, cls in {**SESSION_EVENTS, **PUBLISHER_EVENTS}.items()}
    assert of_classes == {**expected, "signal:TYPE": "SignalEvent"}


# --- what is raised --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CALLS if name.partition(".")[0] not in EXCEPT])
def test_docstring_names_every_error_that_the_code_of_the_call_raises(name: str) -> None:
    node = CALLS[name]
    told = documented(node)
    named = {*told.raises, *(word for text in told.raises.values() for word in re.findall(r"\w+Error\b", text))}
    assert (
        raised_by(Path(str(node.filepath)), node.parent.name if "." in name and node.parent else "", node.name) - named
        == set()
    )


def test_errors_that_helpers_raise_are_found(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "class A:\n"
        "    def call(self):\n        self._help()\n        make()\n        self.member.request(1)\n"
        "    def _help(self):\n        raise ValueError\n"
        "def make():\n    try:\n        raise KeyError(1)\n    except KeyError:\n        raise TypeError from None\n"
    )
    assert raised_by(file, "A", "call") == {"ValueError", "TypeError", "NotConnectedError", *REQUEST}


def raised_by(file: Path, owner: str, name: str) -> set[str]:
    """Return the classes of the errors that a function of a file raises."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    functions = _functions(file)

    def visit(owner: str, name: str) -> None:
        if (owner, name) in seen or (owner, name) not in functions:
            return
        seen.add((owner, name))
        for item in _walk(functions[owner, name]):
            match item:
                case ast.Raise(ast.Call(ast.Name(error)) | ast.Name(error)):
                    found.add(error)
                case ast.Call(ast.Attribute(ast.Name("self"), method)) if method.startswith("_"):
                    visit(owner, method)
                case ast.Call(ast.Name(function)):
                    visit("", function)
                    found.update(KNOWN.get(function, ()))
            if isinstance(item, ast.Attribute):
                found.update(KNOWN.get(item.attr, ()))
                found.update(KNOWN.get(ast.unparse(item).removeprefix("self."), ()))

    visit(owner, name)
    return found & {*public_names(), *dir(builtins)}


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs in the call itself: no inner function, and of a `try` with handlers its errors only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Try) and child.handlers:
            for part in (*child.handlers, *child.orelse, *child.finalbody):
                yield from _walk(part)
            yield from (item for part in child.body for item in _walk_part(part) if not isinstance(item, ast.Raise))
            continue
        yield child
        yield from _walk(child)


def _walk_part(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    yield from _walk(node)


@cache
def _functions(file: Path) -> dict[tuple[str, str], Any]:
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found: dict[tuple[str, str], Any] = {("", item.name): item for item in tree.body if isinstance(item, kinds)}
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef):
            found |= {(cls.name, item.name): item for item in cls.body if isinstance(item, kinds)}
    return found
