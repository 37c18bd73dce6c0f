"""Write `web/lib/defaults.js`: the names, types and defaults of properties, from `pyvidu.configuration`.

A page reads some of them before Python runs (`publisher.stream.videoActive`), so JavaScript cannot ask Python for them.
`make format` writes the file; `make lint` runs this with `--check`, which only says whether it is up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pyvidu.configuration import InsertMode, PublisherProperties, SubscriberProperties
from pyvidu.protocol.wire import camel_case

TARGET = Path(__file__).parent.parent / "web" / "lib" / "defaults.js"
_HEAD = """\
// Names, types and defaults of properties. Do not edit: `make format` writes this file, from py/pyvidu/configuration.py.
"""
_TYPES: dict[object, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    NoneType: "null",
    Any: "unknown",
}


def content() -> str:
    """Return the text of the file."""
    modes = {mode: mode for mode in get_args(InsertMode)}
    properties = [*_properties(PublisherProperties), *_properties(SubscriberProperties)]
    return "\n".join([_HEAD, *properties, *_constant("VideoInsertMode", modes)])


def _properties(cls: type[PublisherProperties | SubscriberProperties]) -> Iterator[str]:
    """Yield a type, in which every property is optional, and a constant with those that have a default."""
    hints = get_type_hints(cls)
    yield "/**"
    yield f" * @typedef {{object}} {cls.__name__}"
    for field in fields(cls):
        yield f" * @property {{{_type(hints[field.name])}}} [{camel_case(field.name)}]"
    yield " */"
    yield ""
    defaults = {camel_case(field.name): field.default for field in fields(cls) if field.default is not None}
    yield from _constant(f"DEFAULT_{cls.__name__.removesuffix('Properties').upper()}_PROPERTIES", defaults)


def _constant(name: str, values: Mapping[str, object]) -> Iterator[str]:
    yield f"export const {name} = Object.freeze({{"
    for key, value in values.items():
        yield f"  {key}: {_literal(value)},"
    yield "});"
    yield ""


def _type(annotation: object) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(_literal(value) for value in get_args(annotation))
    if get_origin(annotation) is UnionType:
        return " | ".join(_type(member) for member in get_args(annotation))
    return _TYPES[annotation]


def _literal(value: object) -> str:
    return json.dumps(value).replace('"', "'")


def main() -> int:
    """Write the file or check it; return 1 if the check fails."""
    wanted = content()
    if "--check" in sys.argv:
        if TARGET.read_text("utf-8") != wanted:
            sys.stderr.write("web/lib/defaults.js differs from py/pyvidu/configuration.py: run `make format`.\n")
            return 1
        return 0
    TARGET.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
