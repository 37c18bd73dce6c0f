"""Malformed variants of the messages of the protocol, derived from their classes, and what a client knows, for comparison."""

from __future__ import annotations

import dataclasses
import gc
import logging
import types
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import pytest

from pyvidu import OpenViduError, Session
from pyvidu.protocol import notifications
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import camel_case

NOTIFICATIONS = {
    item.method: item
    for item in vars(notifications).values()
    if isinstance(item, type) and issubclass(item, Call) and item.__module__ == notifications.__name__
}
"""Every notification of the protocol, by method."""

HUGE = "x" * 200_000


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


ODD: Mapping[type, tuple[Any, ...]] = {
    str: ("", HUGE, "NaN", "null", '{"width":1e999,"height":1}', "[" * 5000, "\u0000\ud800"),
    int: (-1, 10**30),
    float: (-1, 10**30, -1e308),
    bool: (),
}
"""Values of the right type that no server sends."""

OF_ANOTHER_TYPE: tuple[Any, ...] = ("text", 3, 0.5, True, {}, {"a": 1}, [], [None], _nested(150))


class Variant(NamedTuple):
    """A message with one unusual field, or none that is usual. `malformed`: the client must ignore it."""

    label: str
    params: Any
    malformed: bool
    key: str  # that the warning has to name


def variants(cls: type, whole: Mapping[str, Any]) -> Iterator[Variant]:
    """Return every variant of the well-formed message `whole` of `cls`, the fields of nested values included."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        key, hint = camel_case(field.name), hints[field.name]
        required = _is_required(field)
        others = {name: value for name, value in whole.items() if name != key}
        yield Variant(f"{key} missing", others, required, key)
        yield Variant(f"{key} null", {**others, key: None}, required, key)
        allowed = _types_of(hint)
        for value in OF_ANOTHER_TYPE:
            if not _is_one_of(value, allowed):
                yield Variant(f"{key} {_short(value)}", {**others, key: value}, malformed=True, key=key)
        for kind in allowed:
            for value in ODD.get(kind, ()):
                yield Variant(f"{key} {_short(value)}", {**others, key: value}, malformed=False, key=key)
            if get_origin(kind) is list:
                yield from _of_items(key, get_args(kind)[0], others, whole.get(key) or [{}])


def without_parameters(cls: type) -> Iterator[Variant]:
    """Return the variants of a notification whose parameters are no object; null is the same as none."""
    for value in ([], [1, 2], "text", 5, True, HUGE):
        yield Variant(f"params {_short(value)}", value, malformed=True, key="params")
    required = next((field.name for field in dataclasses.fields(cls) if _is_required(field)), None)
    yield Variant("params null", None, required is not None, camel_case(required or ""))


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _of_items(key: str, item: type, others: Mapping[str, Any], whole: list[Any]) -> Iterator[Variant]:
    """Return the variants in which one item of the list `key` is unusual, after a usual one."""
    unusual: tuple[Any, ...] = (None, "text", 3, [], True)
    for value in unusual:
        yield Variant(f"{key}[1] {_short(value)}", {**others, key: [whole[0], value]}, malformed=True, key=key)
    if dataclasses.is_dataclass(item):
        for label, value, malformed, inner in variants(item, whole[0]):
            yield Variant(f"{key}[1].{label}", {**others, key: [whole[0], value]}, malformed, inner)


def _types_of(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [kind for kind in get_args(hint) if kind is not type(None)]
    return [hint]


def _is_one_of(value: object, allowed: list[Any]) -> bool:
    for kind in allowed:
        if kind is Any:
            return True
        if get_origin(kind) is list:
            if isinstance(value, list) and not value:
                return True
        elif kind is float:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return True
        elif isinstance(kind, type) and not dataclasses.is_dataclass(kind) and type(value) is kind:
            return True
    return False


def _short(value: object) -> str:
    if isinstance(value, str) and len(value) > 100:
        return f"a text of {len(value)}"
    text = ascii(value)
    return text if len(text) < 30 else f"{text[:20]}... ({len(text)})"


def usual(cls: type, own: str, other: str, stream: str) -> dict[str, Any]:
    """Return the parameters of a well-formed notification that would change something.

    `own` and `other` are connection ids, `stream` is the id of the other's stream.
    """
    known: dict[str, Any] = {
        "id": other, "connectionId": other, "streamId": stream, "senderConnectionId": other, "from": other,
        "streams": [{"id": f"str_CAM_new_{other}", "hasAudio": True, "hasVideo": True, "videoDimensions": "{}"}],
        "property": "audioActive", "newValue": "false", "type": "signal:x", "endpointName": stream,
    }  # fmt: skip
    of_method: dict[str, dict[str, Any]] = {
        "participantJoined": {"id": "con_new"},
        "participantEvicted": {"connectionId": own},
        "participantUnpublished": {"connectionId": own},
        "connectionPropertyChanged": {"property": "role", "newValue": "MODERATOR"},
        "networkQualityLevelChanged": {"newValue": 3},
    }
    known |= of_method.get(cls.method, {})  # type: ignore[attr-defined]
    hints = get_type_hints(cls)
    plain = {str: "text", int: 1, float: 1.5, bool: True, Any: "text"}
    return {
        camel_case(field.name): known.get(camel_case(field.name), plain.get(_types_of(hints[field.name])[0]))
        for field in dataclasses.fields(cls)
    }


class Collected:
    """What was logged: the warnings of pyvidu, and every error, those that only the event loop has caught included."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        self._caplog = caplog
        self._seen = 0

    def clear(self) -> None:
        """Forget the warnings so far."""
        self._seen = len(self._caplog.records)

    @property
    def warnings(self) -> list[str]:
        """Return the warnings since `clear`."""
        new = self._caplog.records[self._seen :]
        return [record.getMessage() for record in new if record.levelno == logging.WARNING]

    def errors(self) -> list[str]:
        """Return all errors; those of tasks that nobody awaited are logged when they are collected."""
        gc.collect()
        errors = [record for record in self._caplog.records if record.levelno > logging.WARNING]
        return [
            f"{record.getMessage()[:300]} {record.exc_info or ''}"
            for record in errors
            # The test's own handler: it subscribes to streams that do not exist or have ended meanwhile.
            if not (record.exc_info and isinstance(record.exc_info[1], OpenViduError))
        ]

    def assert_no_errors(self) -> None:
        """Assert that nothing was logged as an error but what the media server reported."""
        assert [text for text in self.errors() if not text.startswith("the media server reports")] == []


def knowledge(session: Session) -> dict[str, Any]:
    """Return what a client knows of its room and itself: equal before and after a message that is ignored."""
    own, room = session.connection, session.participation.room
    assert own is not None
    assert room is not None
    return {
        "own": dataclasses.asdict(own.state),
        "published": own.stream.stream_id if own.stream is not None else None,
        "others": {name: dataclasses.asdict(state) for name, state in room.participants.items()},
        "connections": {
            name: (item.connection_id, item.data, item.stream.stream_id if item.stream is not None else None)
            for name, item in session.remote_connections.items()
        },
        "managers": [
            (id(item), item.stream.stream_id, id(item.media), id(item.media.peer) if item.media is not None else 0)
            for item in session.stream_managers
        ],
    }
