"""Write `web/lib/defaults.js`: the names, types and defaults of properties, from `pyvidu.configuration`.

A page reads some of them before Python runs (`publisher.stream.videoActive`), so JavaScript cannot ask Python for them.
`make format` writes the file; `make lint` runs this with `--check`, which only says whether it is up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pyvidu.configuration import (
    AdvancedConfiguration,
    InsertMode,
    PublisherProperties,
    SpeakingEventsOptions,
    SubscriberProperties,
)
from pyvidu.protocol.wire import camel_case
from pyvidu.reconnection.policy import MediaPolicy, ReconnectionPolicy
from tools.generated import ROOT, write_or_check

TARGET = ROOT / "web" / "lib" / "defaults.js"
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
    settings = [*_typedef(SpeakingEventsOptions), *_typedef(AdvancedConfiguration)]
    groups = {item.name: _names(item.default_factory) for item in fields(ReconnectionPolicy)}
    switches = [camel_case(item.name) for item in fields(MediaPolicy) if isinstance(item.default, bool)]
    return "\n".join(
        [
            _HEAD,
            *settings,
            *_constant("RECONNECTION", groups),
            f"export const RECONNECTION_SWITCHES = Object.freeze({_literal(switches)});\n",
            *properties,
            *_constant("VideoInsertMode", modes),
        ]
    )


def _names(group: Any) -> list[str]:
    return [camel_case(item.name) for item in fields(group)]


def _typedef(cls: type[Any]) -> Iterator[str]:
    """Yield a type in which every property is optional. Times are in milliseconds, as in OpenVidu."""
    hints = get_type_hints(cls)
    yield "/**"
    yield f" * @typedef {{object}} {cls.__name__}"
    for field in fields(cls):
        hint = hints[field.name]
        yield f" * @property {{{_type(hint)}}} [{camel_case(field.name)}]{_time(field)}"
    yield " */"
    yield ""


def _time(field: Field[Any]) -> str:
    """Return what a comment says of a time: its default in OpenVidu's unit."""
    default: Any = field.default
    return f"   milliseconds, by default {default * 1000:g}" if "longest" in field.metadata else ""


def _properties(cls: type[PublisherProperties | SubscriberProperties]) -> Iterator[str]:
    """Yield a type, and a constant with the properties that have a default; none of them is a time."""
    yield from _typedef(cls)
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
    if get_origin(annotation) is Callable:
        return "(() => Promise<unknown>)"
    if get_origin(annotation) is Sequence:
        return f"{_type(get_args(annotation)[0])}[]"
    if get_origin(annotation) is Mapping:
        return "Record<string, unknown>"
    if annotation is ReconnectionPolicy:
        return "Record<string, Record<string, number | boolean | null>>"
    if annotation is SpeakingEventsOptions:
        return SpeakingEventsOptions.__name__
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(_type(member) for member in get_args(annotation))
    return _TYPES[annotation]


def _literal(value: object) -> str:
    return json.dumps(value).replace('"', "'")


def main() -> int:
    """Write the file or check it; return 1 if the check fails."""
    return write_or_check(TARGET, content(), "py/pyvidu/configuration.py")


if __name__ == "__main__":
    sys.exit(main())
