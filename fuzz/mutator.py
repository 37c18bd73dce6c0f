"""Breaks what real clients send, first as JSON, then as bytes. The same seed gives the same result."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

_ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**64), 10**400, 0.5, -0.0, 1e308, "", " ", "\x00", "\ud800",
    "null", "{}", "[]", "[" * 500, "con_", "str_CAM_x_con_", "str_", "tok_", "../..", "%00", "'\"<>", "x" * 3000, [], {},
    [[]], {"": {}}, [None], {"to": 3}, "🙂", "__proto__", "constructor",
]  # fmt: skip
_BYTES = [
    b"", b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\\ud800", b"\r\n", b"\r\n\r\n", b"NaN",
    b"-Infinity", b"1e999", b"9" * 5000, b"[" * 2000, b'{"a":' * 2000, b" ", b"\xed\xa0\x80", b"null",
]  # fmt: skip


class Mutator:
    """Draws from one random stream; `seed` reproduces everything."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def json(self, value: Any, known: list[str]) -> Any:
        """Return a copy of `value` with parts replaced, removed, doubled or renamed. `known` are live ids and secrets."""
        broken = copy.deepcopy(value)
        for _ in range(self.random.choice((1, 1, 1, 2, 4))):
            place = self._place(broken)
            if place is None:
                return self._odd(known)
            container, key = place
            self.random.choice(self._changes)(self, container, key, known)
        return broken

    def damaged(self, text: bytes) -> bytes:
        """Return `text` with bytes flipped, removed, inserted or repeated."""
        data = bytearray(text)
        for _ in range(self.random.choice((1, 1, 2, 6))):
            at = self.random.randrange(len(data) + 1)
            kind = self.random.randrange(5)
            if kind == 0 and at < len(data):
                data[at] ^= 1 << self.random.randrange(8)
            elif kind == 1:
                del data[at : at + self.random.choice((1, 4, 40))]
            elif kind == 2:
                data[at:at] = self.random.choice(_BYTES)
            elif kind == 3:
                data[at:at] = data[at : at + self.random.choice((1, 8, 64))]
            else:
                del data[at:]
        return bytes(data)

    def text(self, value: Any) -> bytes:
        """Return `value` as JSON, including values that no JSON encoder would write."""
        return json.dumps(value, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")

    def _place(self, value: Any) -> tuple[Any, Any] | None:
        places: list[tuple[Any, Any]] = []
        stack = [value]
        while stack:
            item = stack.pop()
            keys: Any = list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
            for key in keys:
                places.append((item, key))
                stack.append(item[key])
        return self.random.choice(places) if places else None

    def _odd(self, known: list[str]) -> Any:
        if known and self.random.random() < 0.25:
            return self.random.choice(known)
        return copy.deepcopy(self.random.choice(_ODD))

    def _replace(self, container: Any, key: Any, known: list[str]) -> None:
        container[key] = self._odd(known)

    def _remove(self, container: Any, key: Any, known: list[str]) -> None:
        del container[key]

    def _wrap(self, container: Any, key: Any, known: list[str]) -> None:
        container[key] = self.random.choice(([container[key]], {"x": container[key]}, str(container[key])[:5000]))

    def _rename(self, container: Any, key: Any, known: list[str]) -> None:
        if isinstance(container, dict):
            container[str(self._odd(known))[:40]] = container.pop(key)

    def _break_text(self, container: Any, key: Any, known: list[str]) -> None:
        if isinstance(container[key], str):
            container[key] = self.damaged(container[key].encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    _changes: tuple[Callable[..., None], ...] = (_replace, _replace, _remove, _wrap, _rename, _break_text)
