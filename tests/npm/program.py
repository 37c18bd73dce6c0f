"""A TypeScript program that names every member in `parity.toml`, generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.interop.names import exported
from tools import parity
from tools.parity import Row

PACKAGE = "openvidu-browser"


def program() -> tuple[str, dict[int, list[Row]]]:
    """Return the program, and by the number of a line, from 1, the rows that it is about."""
    found = [row for row in parity.rows() if row.is_public]
    about: dict[int, list[Row]] = {}
    lines = [f"import * as library from '{PACKAGE}';", "declare function use(...anything: unknown[]): void;"]
    for name in sorted({row.section for row in found} - {"exports"}):
        lines.append(f"import {{ {name} }} from '{PACKAGE}';")
        about[len(lines)] = [row for row in found if row.section == name]
    for row in found:
        lines.append(_use(row))
        about[len(lines)] = [row]
    return "\n".join([*lines, ""]), about


def _use(row: Row) -> str:
    """Return a statement with the member."""
    thing: Mapping[str, Any] = exported("official").get(row.section, {})
    name, owner = row.name, row.section
    if owner == "exports":
        return f"use(library.{name});"
    if thing["kind"] == "union":
        return f"{{ const text: {owner} = '{name}'; use(text); }}"
    if thing["kind"] == "enum":
        return f"{{ const value: {owner} = {owner}.{name}; use(value); }}"
    if owner.endswith("EventMap"):
        target = owner.removesuffix("EventMap")
        event = name.replace("${string}", "chat")
        return f"(object: library.{target}) => object.on('{event}', (event: {owner}['{event}']) => use(event));"
    path = "?.".join(name.split("."))
    return f"(object: {owner}) => use(object.{path});"
