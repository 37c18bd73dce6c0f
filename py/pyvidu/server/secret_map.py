"""Values found by a secret, in a time that says nothing about how much of a guessed secret is right."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

_KEY = secrets.token_bytes(32)  # of this process


def digest(secret: str) -> bytes:
    """What stands for `secret` in a comparison. Half a surrogate pair, which JSON can spell, is a character too."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=32).digest()


def same(given: str, expected: str) -> bool:
    """Whether two secrets are the same, in constant time."""
    return hmac.compare_digest(digest(given), digest(expected))


class SecretMap(Generic[V]):
    """A mapping whose keys are secrets. It keeps their keyed digests only."""

    def __init__(self) -> None:
        self._values: dict[bytes, V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __setitem__(self, secret: str, value: V) -> None:
        self._values[digest(secret)] = value

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._values.values()))

    def get(self, secret: str) -> V | None:
        """The value of that secret."""
        return self._values.get(digest(secret))

    def pop(self, secret: str) -> V | None:
        """The value of that secret, which is taken out."""
        return self._values.pop(digest(secret), None)

    def clear(self) -> None:
        """Takes everything out."""
        self._values.clear()
