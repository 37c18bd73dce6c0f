"""Parsing of JSON text from other participants, with a limit on nesting, and writing of what they can parse.

CPython only refuses deep nesting, but in a browser it ends the page's whole Python runtime (about 4,000 levels overflow the
stack of Pyodide 314 in Chromium 156), and any participant may send that.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

DEEPEST = 200
"""Largest number of nested arrays and objects; OpenVidu's own messages have seven."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]+|\\.)*"?|[\[\]{}]', re.DOTALL)


def loads(text: str | bytes, **options: Any) -> Any:
    """Parse `text` as `json.loads` does, with its `options`.

    Raises:
        ValueError: it is no JSON (in UTF-8), or nested deeper than `DEEPEST`.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return json.loads(text, **options)


def decoded(value: Any) -> Any:
    """Return what `value` encodes if it is JSON text, else itself."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except ValueError:
        return value


def encoded(value: Any, name: str) -> str:
    """Return `value` as `JSON.stringify` would write it.

    Raises:
        ValueError: it has something that JSON lacks. The message says what and where: `name.scores[3] is nan`.
    """
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(_lacking(value, name, ()) or f"{name}: {error}") from None


def _lacking(value: Any, path: str, around: tuple[int, ...]) -> str:
    """Return where JSON lacks something that is in `value`, and what; empty if it lacks nothing."""
    if isinstance(value, (dict, list, tuple)):
        if id(value) in around:
            return f"{path} contains itself"
        around = (*around, id(value))
        if isinstance(value, dict):
            parts = [(f"{path}.{key}", item) for key, item in value.items()]
            if not all(isinstance(key, (str, int, float, type(None))) for key in value):
                return f"{path} has a key that is no text"
        else:
            parts = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        return next(filter(None, (_lacking(item, part, around) for part, item in parts)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} is {value!r}"
    return "" if isinstance(value, (str, int, float, type(None))) else f"{path} is of type {type(value).__name__}"


def _depth(text: str) -> int:
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest
