"""The contract between `web/lib/bridge.js` and `pyvidu.embedding`, which are written in two languages."""

from __future__ import annotations

import inspect
import re

from pyvidu.embedding import Embedding, Page
from pyvidu.protocol.wire import camel_case
from pyvidu.vendoring import web_dir

_BRIDGE = (web_dir() / "lib" / "bridge.js").read_text("utf-8")
_METHOD = re.compile(r"@property \{\((.*)\) => .*\} (\w+)$", re.MULTILINE)


def in_javascript(typedef: str) -> dict[str, list[str]]:
    """Return the methods of a type in bridge.js, with the names of their parameters."""
    _, _, after = _BRIDGE.partition(f"@typedef {{object}} {typedef}\n")
    body, _, _ = after.partition("*/")
    return {name: re.findall(r"(\w+):", parameters) for parameters, name in _METHOD.findall(body)}


def in_python(cls: type) -> dict[str, list[str]]:
    public = {name: member for name, member in vars(cls).items() if inspect.isfunction(member) and name[0] != "_"}
    return {name: list(inspect.signature(member).parameters)[1:] for name, member in public.items()}


def test_bridge_js_knows_every_method_that_it_may_call_and_its_parameters() -> None:
    requests = {name: [*parameters, "settle"] for name, parameters in in_javascript("Requests").items()}
    assert {**in_javascript("Calls"), **requests} == in_python(Embedding)


def test_bridge_js_provides_what_python_calls() -> None:
    names = {name: [camel_case(item) for item in parameters] for name, parameters in in_python(Page).items()}
    assert in_javascript("Page") == names
