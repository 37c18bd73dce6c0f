"""`pyvidu` exports every public name: all that an application writes, catches or gets."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import pytest

import pyvidu
from pyvidu.server.http.client_wheel import SERVER_HALF

PUBLIC_MODULES = {
    "pyvidu.configuration": "what is passed to `set_advanced_configuration`, `init_publisher`, `subscribe`",
    "pyvidu.connection": "the participants",
    "pyvidu.errors": "what is raised",
    "pyvidu.event_iterator": "made by `Session.events`",
    "pyvidu.events": "what handlers get",
    "pyvidu.local_recorder": "made by `init_local_recorder`",
    "pyvidu.openvidu": "where an application begins",
    "pyvidu.publisher": "made by `init_publisher`",
    "pyvidu.reconnection.outage": "`Session.outages`",
    "pyvidu.reconnection.policy": "what `reconnection=` is set to",
    "pyvidu.session": "made by `init_session`",
    "pyvidu.stream": "`StreamEvent.stream`",
    "pyvidu.stream_manager": "the base of Publisher and Subscriber",
    "pyvidu.subscriber": "made by `subscribe`",
}
"""The modules whose classes an application touches, and how. All others are inside."""

INSIDE = {
    "OutageLog": "written by the engine",
    "RecentEvidence": "kept by the engine",
    "MediaConnection": "`StreamManager.media` is for diagnostics of pyvidu itself",
    "Reason": "what an application gets is a `str`",
    "RoundTrip": "passed by the engine to its own deadlines",
    "VideoReports": "the session's, told by a publisher what has changed",
}


def public_classes(module: ModuleType) -> Iterator[type]:
    for name, found in vars(module).items():
        if inspect.isclass(found) and found.__module__ == module.__name__ and not name.startswith("_"):
            yield found


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_every_public_class_of_a_public_module_is_exported(name: str) -> None:
    module = importlib.import_module(name)
    missing = {found.__name__ for found in public_classes(module)} - set(pyvidu.__all__) - set(INSIDE)
    assert missing == set()


def test_all_lists_exactly_what_the_package_imports() -> None:
    imported = {name for name, found in vars(pyvidu).items() if inspect.isclass(found) and not name.startswith("_")}
    assert {*imported, "__version__"} == set(pyvidu.__all__)
    assert sorted(pyvidu.__all__) == pyvidu.__all__


def test_every_error_that_the_client_may_raise_is_exported() -> None:
    errors = {name for name, found in client_classes().items() if issubclass(found, pyvidu.OpenViduError)}
    assert errors - set(pyvidu.__all__) == set()


@pytest.mark.parametrize("name", [name for name in pyvidu.__all__ if inspect.isclass(getattr(pyvidu, name))])
def test_every_class_in_the_annotations_of_a_public_method_or_field_is_exported(name: str) -> None:
    words = {word for text in annotations(getattr(pyvidu, name)) for word in re.findall(r"\w+", text)}
    assert (words & set(client_classes())) - set(pyvidu.__all__) - set(INSIDE) == set()


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_any_in_a_public_signature_has_a_reason_in_a_comment(name: str) -> None:
    source = inspect.getsource(importlib.import_module(name))
    lines = source.splitlines()
    bare = [
        f"{item.lineno}: {lines[item.lineno - 1].strip()}"
        for function in public_functions(ast.parse(source))
        for annotation in [function.returns, *(argument.annotation for argument in arguments(function.args))]
        if annotation is not None
        for item in ast.walk(annotation)
        if isinstance(item, ast.Name) and item.id == "Any" and "#" not in lines[item.lineno - 1]
    ]
    assert bare == []


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef) and cls.name in pyvidu.__all__:
            for item in cls.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name[0] != "_":
                    yield item


def arguments(found: ast.arguments) -> list[ast.arg]:
    rest = [item for item in (found.vararg, found.kwarg) if item is not None]
    return [*found.posonlyargs, *found.args, *found.kwonlyargs, *rest]


def annotations(cls: type) -> Iterator[str]:
    """Yield the texts of those of fields, and of the parameters and results of public methods and properties."""
    for base in cls.__mro__:
        if base.__module__.startswith("pyvidu"):
            yield from (text for name, text in vars(base).get("__annotations__", {}).items() if name[0] != "_")
            for name, member in vars(base).items():
                function = member.fget if isinstance(member, property) else member
                if inspect.isfunction(function) and name[0] != "_":
                    yield from function.__annotations__.values()


@cache
def client_classes() -> dict[str, type]:
    """Return all classes of the client by name, those excepted that need a browser."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(pyvidu.__path__, "pyvidu."):
        if module.name.split(".")[1] not in SERVER_HALF and "browser" not in module.name:
            found |= {cls.__name__: cls for cls in public_classes(importlib.import_module(module.name))}
    return found
