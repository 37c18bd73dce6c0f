"""Parsing of JSON text from other participants, with a limit on nesting.

CPython only refuses deep nesting, but in a browser it ends the page's whole Python runtime (about 4,000 levels overflow the
stack of Pyodide 314 in Chromium 156), and any participant may send that.
"""

from __future__ import annotations

import json
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


def _depth(text: str) -> int:
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest
