"""A fake that records the calls of its methods: a listener or an owner of any class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Reports:
    """Records which of its methods are called, and with what. `reactions` are called in a report, by its name."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.reactions: dict[str, Callable[..., object]] = {}

    def __getattr__(self, name: str) -> Any:
        def report(*arguments: Any, **more: Any) -> None:
            self.calls.append((name, *arguments, *more.values()))
            if name in self.reactions:
                self.reactions[name](*arguments, **more)

        return report

    @property
    def names(self) -> list[str]:
        """Return the names of the calls so far."""
        return [name for name, *_ in self.calls]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of each call of `name`."""
        return [tuple(arguments) for called, *arguments in self.calls if called == name]
