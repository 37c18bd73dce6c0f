"""A mapping from secrets to values; the time of a lookup does not depend on how much of a guessed secret is right."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

_KEY = secrets.token_bytes(32)  # of this process


def digest(secret: str) -> bytes:
    """Return the keyed digest to compare instead of `secret`. A lone surrogate, which JSON can contain, is accepted."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=32).digest()


def same(given: str, expected: str) -> bool:
    """Return whether two secrets are the same, in constant time."""
    return hmac.compare_digest(digest(given), digest(expected))


class SecretMap(Generic[V]):
    """A mapping whose keys are secrets. It stores only their keyed digests."""

    def __init__(self) -> None:
        self._values: dict[bytes, V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __setitem__(self, secret: str, value: V) -> None:
        self._values[digest(secret)] = value

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._values.values()))

    def get(self, secret: str) -> V | None:
        """Return the value of `secret`, or None."""
        return self._values.get(digest(secret))

    def pop(self, secret: str) -> V | None:
        """Remove and return the value of `secret`, or None."""
        return self._values.pop(digest(secret), None)

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
