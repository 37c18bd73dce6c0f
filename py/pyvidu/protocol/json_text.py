"""JSON text from somebody else. A browser's Python does not survive what CPython only refuses: deep nesting ends the page's
whole runtime (about 4,000 levels overflow the stack of Pyodide 314 in Chromium 156), and any participant may send that.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 200
"""Levels of arrays and objects; OpenVidu's own messages have seven."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]+|\\.)*"?|[\[\]{}]', re.DOTALL)


def loads(text: str | bytes, **options: Any) -> Any:
    """`json.loads`, `options` and all.

    Raises:
        ValueError: it is no JSON (in UTF-8), or nested deeper than `DEEPEST`.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return json.loads(text, **options)


def _depth(text: str) -> int:
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest
