"""Conversion between wire objects (camelCase JSON) and typed values (snake_case dataclasses).

Absent and null mean the same on OpenVidu's wire, so None is never written. Unknown keys are ignored: a newer server may
send more.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class WireError(ValueError):
    """A wire object lacks a key or carries a value of another type; the message names the key (`streams[0].id`)."""


class MissingKey(WireError):
    """A mandatory `key` is missing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"'{key}' is missing")
        self.key = key


class _Field(NamedTuple):
    name: str
    key: str
    type: Any
    required: bool


def from_wire(cls: type[T], value: object) -> T:
    """Return a `cls` made from the wire object `value`.

    Raises:
        WireError: `value` is no object, a mandatory key is missing, or a value has another type.
    """
    if not isinstance(value, Mapping):
        raise WireError(f"{cls.__name__} is not an object")
    return _made(cls, value, "")


def to_wire(value: Any) -> Any:
    """Return the wire form of a value: dataclasses become objects without their None fields."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.key, getattr(value, field.name)) for field in _schema(type(value)))
        return {key: to_wire(item) for key, item in pairs if item is not None}
    if isinstance(value, Mapping):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    return value


def camel_case(name: str) -> str:
    """Convert `audio_active` to `audioActive`; a trailing underscore (`from_`) is dropped."""
    head, *tail = name.rstrip("_").split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


@cache
def _schema(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _Field(
            item.name,
            camel_case(item.name),
            hints[item.name],
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(cls)
    )


def _made(cls: type[T], value: Mapping[str, Any], path: str) -> T:
    arguments = {}
    for field in _schema(cls):  # type: ignore[arg-type]
        item = value.get(field.key)
        if item is not None:
            arguments[field.name] = _checked(field.type, item, f"{path}{field.key}")
        elif field.required:
            raise MissingKey(f"{path}{field.key}")
    return cls(**arguments)


def _checked(expected: Any, value: Any, key: str) -> Any:
    if expected is Any:
        return value
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(expected), value, key)
    if origin is list:
        if not isinstance(value, list):
            raise WireError(f"'{key}' is not a list")
        return [_checked(get_args(expected)[0], item, f"{key}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        expected = dict
    if is_dataclass(expected) and isinstance(value, Mapping):
        return _made(expected, value, f"{key}.")  # type: ignore[arg-type]
    if expected is float:
        expected = (int, float)
    if (isinstance(value, bool) and expected is not bool) or not isinstance(value, expected):
        raise WireError(f"'{key}' has a value of another type: {type(value).__name__}")
    return value


def _one_of(choices: tuple[Any, ...], value: Any, key: str) -> Any:
    problem: WireError | None = None
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return _checked(choice, value, key)
        except WireError as error:
            problem = error
    assert problem is not None
    raise problem
