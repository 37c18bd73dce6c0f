"""Where the names in `parity.toml` come from: openvidu-browser's declarations, pyvidu's classes, `pyvidu.js`."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pyvidu
from pyvidu import events
from pyvidu.server.http.client_wheel import SERVER_HALF
from tools.generated import ROOT

HERE = Path(__file__).parent
_EVENTS = {
    "Session": events.SESSION_EVENTS,
    "StreamManager": events.STREAM_MANAGER_EVENTS,
    "Publisher": events.PUBLISHER_EVENTS,
}
_LISTENING = re.compile(r"(\w+)\.on\('([^']+)'\)")
_LITERAL = re.compile(r"'([^']*)'")


@cache
def exported(side: str) -> Mapping[str, Any]:
    """Return what `members.mjs` prints for `official`, `own` or `declared`."""
    command = ("node", HERE / "members.mjs", side)
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def official_members() -> Iterator[tuple[str, str, bool]]:
    """Yield the members of openvidu-browser as section, name, and whether they are hidden."""
    for name, thing in exported("official").items():
        if thing["runtime"]:
            yield "exports", name, False
        yield from ((name, member, told["hidden"]) for member, told in thing["members"].items() if told["own"])


def python_has(name: str) -> bool:
    """Return whether pyvidu has `name`: a class, `Class.member`, `Class.on('event')` or `'text'`."""
    if (literal := _LITERAL.fullmatch(name)) is not None:
        return literal[1] in texts()
    if (listening := _LISTENING.fullmatch(name)) is not None:
        owner, event = listening.groups()
        return event in _EVENTS[owner] or (event == "signal:TYPE" and owner == "Session")
    owner, _, member = name.partition(".")
    found = next((vars(module)[owner] for module in client_modules() if owner in vars(module)), None)
    return found is not None and (not member or member in members(found))


def javascript_has(name: str) -> bool:
    """Return whether `pyvidu.js` has `name`, in the same forms; what is inside an object is `Class.member.inner`."""
    if _LITERAL.fullmatch(name) is not None:
        return python_has(name) or name in _javascript()  # what Python says is passed on as it is
    if (listening := _LISTENING.fullmatch(name)) is not None:
        return python_has(name) or f"_tell('{listening[2]}'" in _javascript()
    owner, _, member = name.partition(".")
    thing = exported("own").get(owner)
    if thing is None or not member:
        return thing is not None and bool(thing["runtime"])
    return member in thing["members"] and not thing["members"][member]["hidden"]


def members(cls: type) -> set[str]:
    """Return the public names of a class: what it or a base defines, annotates, or sets in a method."""
    found: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.startswith("pyvidu"):
            found |= {*vars(base), *vars(base).get("__annotations__", {}), *_set_on_self(base)}
    return {name for name in found if not name.startswith("_")}


def _set_on_self(cls: type) -> Iterator[str]:
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


@cache
def client_modules() -> tuple[ModuleType, ...]:
    """Return the modules of the client that need no browser."""
    names = [module.name for module in pkgutil.walk_packages(pyvidu.__path__, "pyvidu.")]
    ours = [name for name in names if name.split(".")[1] not in SERVER_HALF and "browser" not in name]
    return (pyvidu, *map(importlib.import_module, ours))


@cache
def texts() -> frozenset[str]:
    """Return the texts in the client's code: OpenVidu's names of errors, reasons and properties are among them."""
    package = Path(pyvidu.__file__).parent
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in SERVER_HALF]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def _javascript() -> str:
    return "".join(path.read_text("utf-8") for path in sorted((ROOT / "web" / "lib").glob("*.js")))
