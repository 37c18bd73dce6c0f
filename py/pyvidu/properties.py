"""Properties as an application passes them: in a mapping with OpenVidu's names and units, or as Python's keywords.

A class of properties is a dataclass. Its fields accept what their type says, and what the functions here add to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pyvidu.errors import PropertiesError
from pyvidu.protocol.wire import camel_case

logger = logging.getLogger(__name__)

T = TypeVar("T")


def seconds(default: float, longest: float = 600.0) -> Any:
    """Return a field for a time: in seconds as a keyword, in milliseconds in a mapping.

    A keyword above `longest` is refused: somebody meant milliseconds.
    """
    return field(default=default, metadata={"longest": longest})


def accepting(default: Any, text: str, accepts: Callable[[Any], bool]) -> Any:
    """Return a field for what `accepts` returns True for; `text` is what an error says is accepted."""
    return field(default=default, metadata={"text": text, "accepts": accepts})


def grouped(cls: type, text: str, accepts: Callable[[Any], bool]) -> Any:
    """Return such a field for a `cls` that consists of groups of numbers; a mapping of mappings is accepted too."""
    return field(default_factory=cls, metadata={"text": text, "accepts": accepts, "groups": cls})


def nested(cls: type) -> Any:
    """Return a field for a `cls`, another class of properties, which may be given as a mapping too."""
    return field(default_factory=cls, metadata={"nested": True})


def without_effect(why: str) -> Any:
    """Return a field, None by default, for a property of OpenVidu that has no effect here: setting it warns once."""
    return field(default=None, metadata={"without_effect": why})


def is_text(value: object) -> bool:
    """Return whether `value` is a text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_number(value: object) -> bool:
    """Return whether `value` is a finite int or float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def configured(
    cls: type[T],
    mapping: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
    base: T | None = None,
    *,
    inside: str = "",
) -> T:
    """Return a `cls` made from a mapping and from keywords, which take precedence, on top of `base`.

    `inside` is what an error's property names begin with.

    Raises:
        PropertiesError: a name that does not exist, or a value that its property does not accept.
    """
    if not isinstance(mapping, Mapping | None):
        raise PropertiesError(f"{cls.__name__} is given as a mapping or by keywords, not as {_shown(mapping)}")
    hints, whole = get_type_hints(cls), inside.rstrip(".") or cls.__name__
    known: dict[str, Field[Any]] = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    official = {camel_case(name): item for name, item in known.items()}
    values = {}
    for name, value in (mapping or {}).items():
        if name in known and name not in official:
            raise PropertiesError(
                f"{inside}{name} is a keyword's spelling: pass {name}=... (times in seconds), or in a mapping "
                f"{camel_case(name)} (times in milliseconds)"
            )
        item = _of_name(whole, official, name)
        given = _in_seconds(inside + name, value) if "longest" in item.metadata else value
        values[item.name] = _checked(item, hints[item.name], inside + name, given)
    for name, value in keywords.items():
        item = _of_name(whole, known, name)
        if "longest" in item.metadata:
            _check_seconds(inside + name, value, item.metadata["longest"])
        values[name] = _checked(item, hints[name], inside + name, value)
    return cls(**values) if base is None else replace(base, **values)  # type: ignore[type-var]


@cache
def warn_without_effect(name: str, why: str) -> None:
    """Log, once in the life of the page, that a property has no effect.

    By `logging`, as everything else that pyvidu reports: a page's console shows both that and `warnings`, but with those an
    application that turns warnings into errors would fail in the middle of a call, and one that configures its log would
    miss them.
    """
    logger.warning("%s has no effect: %s", name, why)


def _grouped(cls: Any, groups: Mapping[str, Any], inside: str) -> Any:
    """Return a `cls` made from a mapping of mappings, with times in milliseconds."""
    known = {item.name: item for item in fields(cls)}
    made = {}
    for name, numbers in groups.items():
        group: Any = _of_name(inside, known, name).default_factory
        if not isinstance(numbers, Mapping):
            raise PropertiesError(f"{inside}.{name} must be a mapping, not {_shown(numbers)}")
        official = {camel_case(item.name): item for item in fields(group)}
        given = {}
        for key, value in numbers.items():
            item = _of_name(f"{inside}.{name}", official, key)
            is_time = "float" in str(item.type) and value is not None
            given[item.name] = _in_seconds(f"{inside}.{name}.{key}", value) if is_time else value
        try:
            made[name] = group(**given)
        except ValueError as error:
            raise PropertiesError(f"{inside}.{name}: {error}") from None
    return cls(**made)


def _of_name(whole: str, known: Mapping[str, Field[Any]], name: str) -> Field[Any]:
    if name in known:
        return known[name]
    from difflib import get_close_matches  # only after a mistake: no other page loads it

    near = get_close_matches(str(name), known, 1)
    raise PropertiesError(
        f"{whole} has no {name}; " + (f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}")
    )


def _in_seconds(name: str, value: Any) -> float:
    """Return a time of a mapping, where it is in milliseconds. Below 1 somebody meant seconds."""
    _check_time(name, value, "milliseconds")
    if value < 1:
        raise PropertiesError(
            f"{name} is in milliseconds, and {value:g} is less than 1: did you mean {value * 1000:g}?"
        )
    return float(value) / 1000


def _check_seconds(name: str, value: Any, longest: float) -> None:
    _check_time(name, value, "seconds")
    if value > longest:
        raise PropertiesError(
            f"{name} is in seconds, and {value:g} is more than {longest:g}: did you mean {value / 1000:g}?"
        )


def _check_time(name: str, value: Any, unit: str) -> None:
    if not is_number(value) or value <= 0:
        raise PropertiesError(f"{name} must be a number of {unit} above 0, not {_shown(value)}")


def _checked(item: Field[Any], hint: Any, name: str, value: Any) -> Any:
    if "groups" in item.metadata and isinstance(value, Mapping):
        value = _grouped(item.metadata["groups"], value, name)
    if "nested" in item.metadata:
        if isinstance(value, Mapping):
            return configured(hint, value, {}, inside=f"{name}.")
        if isinstance(value, hint):
            return configured(
                hint, None, {part.name: getattr(value, part.name) for part in fields(hint)}, inside=f"{name}."
            )
    accepts = item.metadata.get("accepts")
    if not (_fits(hint, value) if accepts is None else accepts(value)):
        raise PropertiesError(f"{name} must be {item.metadata.get('text') or _described(hint)}, not {_shown(value)}")
    if "without_effect" in item.metadata and value is not None:
        warn_without_effect(name, item.metadata["without_effect"])
    return value


def _fits(hint: Any, value: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return any(_fits(choice, value) for choice in get_args(hint))
    if kind is Literal:
        return isinstance(value, str) and value in get_args(hint)
    return is_number(value) if kind is float else kind is Any or isinstance(value, kind)


_DESCRIPTIONS = {bool: "True or False", float: "a number", str: "a text", NoneType: "None"}


def _described(hint: Any) -> str:
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return " or ".join(_described(choice) for choice in get_args(hint))
    if kind is Literal:
        return f"one of {', '.join(get_args(hint))}"
    return _DESCRIPTIONS.get(kind) or f"a {kind.__name__}"


def _shown(value: object) -> str:
    """Return a value for a message. What it contains is not shown: ICE servers contain passwords."""
    simple = value is None or isinstance(value, (str, int, float))
    return f"{value!r:.100}" if simple else f"this {type(value).__name__}"
