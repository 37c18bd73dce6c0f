"""Write `docs/reference/`: the public names of the client and of the test kit, from their docstrings and signatures.

`make format` writes the pages; `make lint` runs this with `--check`, which only says whether they are up to date.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from enum import Enum

import griffe

import pyvidu
import pyvidu.testing
from pyvidu.events import PUBLISHER_EVENTS, SESSION_EVENTS, STREAM_MANAGER_EVENTS
from tools import docstrings
from tools.docstrings import INTERNAL, Docstring, Node, documented
from tools.generated import ROOT, formatted, write_or_check
from tools.reference_pages import INDEX, PAGES, Page, pages_by_name

Kind = griffe.ParameterKind
FOLDER = ROOT / "docs" / "reference"
_SPAN = re.compile(r"`([A-Za-z_][\w.]*)(\([^`]*\))?`")
_PAGE = re.compile(r"\bdocs/([\w-]+\.md)")
_TO_PAGE = r"[\1](../\1)"
_WIDTH = 110


def contents() -> dict[str, str]:
    """Return the text of every page, by the name of its file.

    Raises:
        ValueError: a public name is on no page, or a page has one that is not public.
    """
    listed = pages_by_name()
    if wrong := set(listed) ^ set(docstrings.public_names()):
        raise ValueError(f"tools/reference_pages.py and the exported names differ in: {', '.join(sorted(wrong))}")
    texts = {page.file: _text(page.file, _page(page)) for page in PAGES}
    return {"README.md": _text("README.md", _index()), **texts}


def _text(file: str, lines: Iterator[str]) -> str:
    """Return the text of a page, with links into itself without its name."""
    text = "\n".join(lines).rstrip() + "\n"
    return formatted(text.replace(f"]({file}#", "](#"), FOLDER / file)


# --- pages -----------------------------------------------------------------------------------------------------------


def _index() -> Iterator[str]:
    yield from (INDEX, "")
    for page in PAGES:
        yield from (f"## [{page.title}]({page.file})", "", "| | |", "|---|---|")
        for name in page.names:
            node = docstrings.public_names()[name]
            yield f"| {_link(name, name)} | {_cell(_summary(node))} |"
        yield ""


def _page(page: Page) -> Iterator[str]:
    yield from (f"# {page.title}", "", _linked(page.introduction), "")
    if page.file == "errors.md":
        yield from _errors(page)
        return
    if page.file == "events.md":
        yield from (*_events(), "")
    for name in page.names:
        yield from _entry(name, docstrings.public_names()[name])


def _entry(name: str, node: Node) -> Iterator[str]:
    yield from (f"## {name}", "")
    if isinstance(node, griffe.Class):
        yield from _class(name, node)
    elif isinstance(node, griffe.Function):
        yield from _function(node, documented(node), fixture=name in docstrings.FIXTURES)
    else:
        yield from ("```python", f"{name} = {_value(name)}", "```", "")
        yield from (_linked(docstrings.one_line(node.docstring.value if node.docstring is not None else "")), "")


def _class(name: str, node: griffe.Class) -> Iterator[str]:
    told = documented(node)
    if told.args:
        shown = [item for item in node.parameters if not told.args.get(item.name, INTERNAL).startswith(INTERNAL)]
        yield from ("```python", _signature(name, shown), "```", "")
    elif "__call__" in node.members:
        name = docstrings.FIXTURE_TYPES.get(name, name)
        yield from ("```python", _signature_of(node["__call__"]).replace("__call__", name), "```", "")
    yield from _described(told, _table(name, node))
    for method in docstrings.methods(node):
        yield from (f"### {name}.{method.name}", "")
        yield from _function(method, documented(method))


def _table(name: str, node: griffe.Class) -> Iterator[str]:
    """Yield the table of the fields, attributes and properties of a class, if it has any."""
    rows = [(item, text, _default(name, item.name)) for item, text in docstrings.fields(node)]
    rows += [(item, _summary_of_property(item), "") for item in docstrings.properties(node)]
    if rows:
        has_defaults = any(default for *_, default in rows)
        yield "| | type |" + (" default |" if has_defaults else "") + " |"
        yield "|---|---|" + ("---|" if has_defaults else "") + "---|"
        for item, text, default in rows:
            kind = "" if item.annotation is None else f"`{str(item.annotation).replace('|', '&#124;')}`"
            kind = f"<code>{kind[1:-1]}</code>" if "&#124;" in kind else kind
            yield f"| `{item.name}` | {kind} |" + (f" {default} |" if has_defaults else "") + f" {_cell(text)} |"
        yield ""


def _function(node: griffe.Function, told: Docstring, *, fixture: bool = False) -> Iterator[str]:
    if not fixture:
        yield from ("```python", _signature_of(node), "```", "")
    yield from _described(told)


def _described(told: Docstring, table: Iterable[str] = ()) -> Iterator[str]:
    if told.text:
        yield from (_linked(told.text), "")
    yield from table
    for title, entries in (("Arguments", told.args), ("Raises", told.raises), ("Events", told.events)):
        public = {name: text for name, text in entries.items() if not text.startswith(INTERNAL)}
        if public:
            yield from (f"**{title}**", "")
            yield from (f"- {_linked(f'`{name}`')}: {_linked(text)}" for name, text in public.items())
            yield ""
    for example in told.examples:
        yield from ("```python", example.code, "```", "")
    if told.source:
        yield from (f"*Source: {_PAGE.sub(_TO_PAGE, told.source)}*", "")


# --- tables ----------------------------------------------------------------------------------------------------------


def _events() -> Iterator[str]:
    """Yield the table of all events, in the order of their classes."""
    yield from ("| event | fired by | class | when |", "|---|---|---|---|")
    fired_by = {"Session": SESSION_EVENTS, "StreamManager": STREAM_MANAGER_EVENTS, "Publisher": PUBLISHER_EVENTS}
    for name in pages_by_name():
        node = docstrings.public_names()[name]
        if "Event" in name and isinstance(node, griffe.Class):
            for event, when in documented(node).events.items():
                known = event.partition(":")[0]
                owners = [owner for owner, events in fired_by.items() if known in events]
                if "StreamManager" in owners:
                    owners.remove("Publisher")
                by = ", ".join(_link(owner, owner) for owner in owners)
                yield f"| `{event}` | {by} | {_link(name, name)} | {_cell(when)} |"


def _errors(page: Page) -> Iterator[str]:
    """Yield the tables of errors, the client's and the test kit's."""
    raised: dict[str, list[str]] = {}
    for name, owner in docstrings.public_names().items():
        parts = [(name, owner), *((f"{name}.{m.name}", m) for m in _methods_of(owner))]
        for path, node in parts:
            for error in documented(node).raises:
                raised.setdefault(error, []).append(_link(path, path))
    for title, module in (("The client's", pyvidu), ("The test kit's", pyvidu.testing)):
        yield from (f"## {title}", "", "| error | base | when | raised by |", "|---|---|---|---|")
        for name in page.names:
            cls = getattr(module, name, None)
            if cls is None:
                continue
            told = documented(docstrings.public_names()[name])
            text = [told.text.replace("\n\n", " "), *(f"`{item}`: {about}" for item, about in told.attributes.items())]
            if isinstance(getattr(cls, "name", None), str) and cls.name != "GENERIC_ERROR":
                text.append(f"Its `name` is `{cls.name}`.")
            base = cls.__bases__[0].__name__
            anchor = f'<a id="{name.lower()}"></a>`{name}`'
            yield f"| {anchor} | {_linked(f'`{base}`')} | {_cell(' '.join(text))} | {', '.join(raised.get(name, []))} |"
        yield ""
        for name in page.names:
            if hasattr(module, name):
                told = documented(docstrings.public_names()[name])
                for example in told.examples:
                    yield from ("```python", example.code, "```", "")
                if told.source:
                    yield from (f"*Source: {_PAGE.sub(_TO_PAGE, told.source)}*", "")


def _methods_of(node: Node) -> list[griffe.Function]:
    return list(docstrings.methods(node)) if isinstance(node, griffe.Class) else []


# --- parts of a line -------------------------------------------------------------------------------------------------


def _summary(node: Node) -> str:
    return documented(node).summary


def _summary_of_property(node: griffe.Attribute) -> str:
    """Return the whole text of a property's docstring in one line, without its "Return"."""
    return docstrings.one_line(documented(node).text).removeprefix("Return ")


def _signature_of(node: griffe.Function) -> str:
    """Return the signature, or those of its two overloads; more are for type checkers, one for each event."""
    if node.overloads and len(node.overloads) == 2:
        return "\n".join(_signature_of(item) for item in node.overloads)
    shown = [item for item in node.parameters if item.name not in ("self", "cls")]
    prefix = "async " if "async" in node.labels else "@classmethod\n" if "classmethod" in node.labels else ""
    return _signature(f"{prefix}{node.name}", shown, f" -> {node.returns}")


def _signature(name: str, parameters: list[griffe.Parameter], returns: str = "") -> str:
    """Return a signature, with one parameter a line if it is long."""
    parts: list[str] = []
    kinds = [item.kind for item in parameters]
    for index, item in enumerate(parameters):
        before = kinds[:index]
        if item.kind is Kind.keyword_only and not {Kind.var_positional, Kind.keyword_only} & set(before):
            parts.append("*")
        stars = "*" if item.kind is Kind.var_positional else "**" if item.kind is Kind.var_keyword else ""
        annotation = f": {item.annotation}" if item.annotation is not None else ""
        default = f" = {item.default}" if item.default is not None and not stars else ""
        parts.append(f"{stars}{item.name}{annotation}{default}")
        if item.kind is Kind.positional_only and kinds[index + 1 : index + 2] != [item.kind]:
            parts.append("/")
    line = f"{name}({', '.join(parts)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){returns}"])


def _default(owner: str, name: str) -> str:
    """Return the default of a field of a dataclass, as Python writes it."""
    cls = getattr(pyvidu, owner, None) or getattr(pyvidu.testing, owner, None)
    if inspect.isclass(cls) and issubclass(cls, Enum):
        return f"`{cls[name].value!r}`"
    if inspect.isclass(cls) and dataclasses.is_dataclass(cls):
        for item in dataclasses.fields(cls):
            if item.name == name and item.default is not dataclasses.MISSING:
                return f"`{item.default!r}`"
            if item.name == name and isinstance(item.default_factory, type):
                return f"`{item.default_factory.__name__}()`" if item.default_factory not in (list, dict) else ""
    return ""


def _value(name: str) -> str:
    return str(getattr(pyvidu.testing, name)).replace("typing.", "")


def _cell(text: str) -> str:
    return docstrings.one_line(_linked(text[:1].upper() + text[1:])).replace("|", "\\|")


def _linked(text: str) -> str:
    """Return `text` with a link for each public name in backticks, code blocks excepted."""

    def link(match: re.Match[str]) -> str:
        name = match[1]
        return _link(name, f"{name}{match[2] or ''}") if _address(name) else match[0]

    linked = [line if line.startswith("    ") else _SPAN.sub(link, line) for line in text.split("\n")]
    return _PAGE.sub(_TO_PAGE, "\n".join(linked))


def _link(name: str, shown: str) -> str:
    return f"[`{shown}`]({_address(name) or _address(name.partition('.')[0])})"


def _address(name: str) -> str:
    """Return where a public name, or a method of one, is described; empty for anything else."""
    owner, _, member = name.partition(".")
    page = pages_by_name().get(owner)
    if page is None:
        return ""
    node = docstrings.public_names()[owner]
    if member in {method.name for method in _methods_of(node)}:
        return f"{page.file}#{owner.lower()}{member.lower()}"
    known = {"", *_names_of(node)}
    return f"{page.file}#{owner.lower()}" if member in known else ""


def _names_of(node: Node) -> list[str]:
    """Return the names of the fields, attributes and properties of a class."""
    if not isinstance(node, griffe.Class):
        return []
    return [item.name for item in docstrings.properties(node)] + [item.name for item, _ in docstrings.fields(node)]


def main() -> int:
    """Write the pages or check them; return 1 if the check fails."""
    FOLDER.mkdir(exist_ok=True)
    source = "the docstrings of py/pyvidu"
    return max(write_or_check(FOLDER / name, text, source) for name, text in contents().items())


if __name__ == "__main__":
    sys.exit(main())
