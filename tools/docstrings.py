"""Read the docstrings of the public names, and what the code says about them, for the reference and for its tests.

A docstring has Google's sections `Args`, `Attributes` and `Raises`, and three of ours: `Events` (which events follow; of an
event class, its events), `Example` or `Example: not run, REASON`, and a last line `Source: ...` that says where a rule comes
from. A member whose docstring begins with "Not for applications" is not public, whatever its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import griffe

import pyvidu
import pyvidu.testing
from tools.generated import ROOT

INTERNAL = "Not for applications"
FIXTURES = ("browser_path", "network_lab", "playwright_driver", "open_browser", "chromium", "pyvidu_server")
FIXTURE_TYPES = {"OpenBrowser": "open_browser", "StartServer": "pyvidu_server"}

_ITEM = re.compile(r"^([A-Za-z_][\w.:]*(?:, \w+)*): +", re.MULTILINE)
_COMMENT = re.compile(r"  # (.+)$")

Node = griffe.Object | griffe.Alias


@dataclass(frozen=True, slots=True)
class Example:
    """The code of an example; `not_run` is why no test runs it, or empty."""

    code: str
    not_run: str = ""


@dataclass(slots=True)
class Docstring:
    """A docstring, in its parts."""

    text: str = ""
    args: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    raises: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    source: str = ""

    @property
    def summary(self) -> str:
        """Return the first paragraph, in one line."""
        return one_line(self.text.partition("\n\n")[0])


def parse(text: str) -> Docstring:
    """Return the parts of a docstring.

    Raises:
        ValueError: there is a section of another name.
    """
    found = Docstring()
    for section in griffe.Docstring(text).parse("google", warnings=False):
        value = section.value
        match section.kind:
            case griffe.DocstringSectionKind.text:
                _add_text(found, value)
            case griffe.DocstringSectionKind.parameters:
                found.args |= {item.name: one_line(item.description) for item in value}
            case griffe.DocstringSectionKind.attributes:
                found.attributes |= {item.name: one_line(item.description) for item in value}
            case griffe.DocstringSectionKind.raises:
                found.raises |= {str(item.annotation): one_line(item.description) for item in value}
            case griffe.DocstringSectionKind.admonition if value.kind == "events":
                found.events |= items(value.contents)
            case griffe.DocstringSectionKind.admonition if value.kind == "example":
                title = "" if section.title == "Example" else section.title or ""
                found.examples.append(Example(value.contents, title.removeprefix("not run, ")))
            case other:
                raise ValueError(f"a docstring has a section that the reference does not know: {other} in {text!r}")
    return found


def items(text: str) -> dict[str, str]:
    """Return the entries `name: description` of a section that griffe does not know."""
    parts = _ITEM.split(text)
    return {name: one_line(told) for name, told in zip(parts[1::2], parts[2::2], strict=True)}


def one_line(text: str) -> str:
    """Return `text` without its line breaks."""
    return " ".join(text.split())


def _add_text(found: Docstring, text: str) -> None:
    text, source, told = text.rpartition("Source: ") if "Source: " in text else (text, "", "")
    if source:
        found.source = one_line(told)
    found.text = f"{found.text}\n\n{text.strip()}".strip()


@cache
def package() -> griffe.Module:
    """Return the package, read from its sources."""
    loader = griffe.GriffeLoader(search_paths=[ROOT / "py"], allow_inspection=False)
    loaded = loader.load("pyvidu")
    assert isinstance(loaded, griffe.Module)
    loader.resolve_aliases()
    return loaded


@cache
def public_names() -> Mapping[str, Node]:
    """Return what the client and the test kit export, and the fixtures, by name."""
    client = {name: _target(package()[name]) for name in pyvidu.__all__ if name != "__version__"}
    kit = {name: _target(package()[f"testing.{name}"]) for name in pyvidu.testing.__all__}
    fixtures = {name: _target(package()[f"testing.fixtures.{name}"]) for name in (*FIXTURES, *FIXTURE_TYPES)}
    return client | kit | fixtures


def documented(node: Node) -> Docstring:
    """Return the docstring of `node`; without one an empty docstring."""
    return parse(node.docstring.value) if node.docstring is not None else Docstring()


def is_internal(node: Node) -> bool:
    """Return whether the docstring says that the member is not public."""
    return node.docstring is not None and node.docstring.value.startswith(INTERNAL)


def methods(cls: Node) -> Iterator[griffe.Function]:
    """Yield the public methods of a class: its own, then those that it inherits from a class that is not public itself."""
    for node in _members(cls):
        if isinstance(node, griffe.Function):
            yield node


def properties(cls: Node) -> Iterator[griffe.Attribute]:
    """Yield the public properties of a class."""
    for node in _members(cls):
        if isinstance(node, griffe.Attribute) and "property" in node.labels:
            yield node


def fields(cls: Node) -> Iterator[tuple[griffe.Attribute, str]]:
    """Yield the public fields and attributes of a class, each with its description.

    That is in `Attributes`, in a string after the field or in a comment behind it. An attribute that is assigned in a method
    is public if it is described; a field of a dataclass always.
    """
    told = _told_attributes(cls)
    for name, found in {**{k: v for base in _bases(cls) for k, v in base.members.items()}, **cls.members}.items():
        node = _target(found)
        if name.startswith("_") or not isinstance(node, griffe.Attribute) or "property" in node.labels:
            continue
        text = told.get(name) or (one_line(node.docstring.value) if node.docstring is not None else "")
        if not text and "instance-attribute" in node.labels and "dataclass" not in _labels(cls):
            continue
        if text or node.annotation is not None:
            yield node, text or _comment(node)


def _told_attributes(cls: Node) -> dict[str, str]:
    told: dict[str, str] = {}
    for base in (*_bases(cls), cls):
        told |= documented(base).attributes
    return told


def _labels(cls: Node) -> set[str]:
    return {label for base in (*_bases(cls), cls) for label in base.labels}


def _members(cls: Node) -> Iterator[Node]:
    seen: set[str] = set()
    for owner in (cls, *reversed([base for base in _bases(cls) if base.name not in public_names()])):
        for name, found in owner.members.items():
            node = _target(found)
            if name.startswith("_") or name in seen or _is_stub(node) or is_internal(node):
                continue
            seen.add(name)
            yield node


def _is_stub(node: Node) -> bool:
    """Return whether `node` is known from `event_types.pyi` only, which repeats methods with other types."""
    return (
        node.docstring is None
        and isinstance(node, griffe.Function)
        and node.parent is not None
        and bool({"SessionEvents", "StreamManagerEvents", "PublisherEvents"} & {node.parent.name})
    )


def _bases(cls: Node) -> list[Node]:
    """Return the classes of pyvidu that `cls` is derived from, the most general one first."""
    assert isinstance(cls, griffe.Class)
    return [_target(base) for base in reversed(cls.mro()) if base.path.startswith("pyvidu.")]


def _target(node: Node) -> Node:
    return node.final_target if isinstance(node, griffe.Alias) else node


def _comment(node: Node) -> str:
    match = _COMMENT.search(node.lines[0]) if node.lines else None
    return match[1] if match is not None else ""
