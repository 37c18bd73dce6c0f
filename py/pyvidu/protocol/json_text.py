"""Parsing of JSON text from other participants, with a limit on nesting, and writing of what they can parse.

CPython only refuses deep nesting, but in a browser it ends the page's whole Python runtime (about 4,000 levels overflow the
stack of Pyodide 314 in Chromium 156), and any participant may send that.
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 200
"""Largest number of nested arrays and objects; OpenVidu's own messages have seven."""

_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_LEVELS_AT_ONCE = 4


def loads(text: str | bytes, *, most: int | None = None, **options: Any) -> Any:
    """Parse `text` as `json.loads` does, with its `options`.

    Raises:
        ValueError: it is no JSON (in UTF-8), nested deeper than `DEEPEST`, or has more than `most` members and elements.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if most is not None and _elements(text) > most and _elements(_outside_strings(text)) > most:
        raise ValueError(f"more than {most} members and elements")
    if text.count("[") + text.count("{") > DEEPEST and _is_too_deep(text):
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


def _is_too_deep(text: str) -> bool:
    """Return whether a JSON text is nested deeper than `DEEPEST`; of what is no JSON, up to where it stops to be JSON.

    In whole-text operations, because anybody may send the text: per bracket only where the nesting goes up and down again by
    more than `_LEVELS_AT_ONCE`. Measured on 50 KiB (CPython 3.11): 0.2 to 2.2 ms, the parser takes 0.8 to 3.0 ms. Without a
    scan CPython's parser raises `RecursionError` in time, but Pyodide ends, and what is accepted has to be written again.
    """
    brackets = _outside_strings(text).encode("utf-8", "surrogatepass").translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    if brackets.count(b"[") <= DEEPEST:
        return False
    if not 0 <= brackets.find(b"]") <= DEEPEST:
        return True
    for _ in range(_LEVELS_AT_ONCE):  # each time without the innermost level
        brackets = brackets.replace(b"[]", b"")
    depth = _LEVELS_AT_ONCE
    for group in brackets.replace(b"][", b"] [").split():
        rise = group.count(b"[")
        if depth + rise > DEEPEST:
            return True
        depth += 2 * rise - len(group)
    return False


def _elements(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _outside_strings(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    return "".join(text.split('"')[::2])
