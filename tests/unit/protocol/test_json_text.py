"""JSON text from other parties, how deeply it may be nested; and JSON text for them, which has nothing that JSON lacks."""

from __future__ import annotations

import json
import math

import pytest

from pyvidu.protocol.json_text import DEEPEST, decoded, encoded, loads
from pyvidu.protocol.messages import parse_dimensions


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, nested(DEEPEST + 1), nested(DEEPEST + 1).encode()])
def test_too_deeply_nested_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        loads(text)


@pytest.mark.parametrize(
    "value",
    [
        json.loads(nested(DEEPEST)),
        [[]] * 1000,
        {"sdp": "[" * 10_000, "escaped": '\\"[' * 1000, "tail\\": "{"},
        "[" * 1000 + '"' + "\\",
    ],
)
def test_long_json_within_the_depth_limit_is_parsed(value: object) -> None:
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize("text", ['"[' * 150 + "\\", '["' + "[" * 1000, b"\xff[", "", '"' * 10_001])
def test_malformed_json_raises_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own sentence
        loads(text)


def test_too_deeply_nested_values_of_other_participants_are_not_parsed() -> None:
    assert parse_dimensions("[" * 100_000) is None
    assert decoded("[" * 100_000) == "[" * 100_000
    assert decoded("true") is True


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "data is nan"),
        ({"scores": [1, 2.5, math.inf]}, r"data\.scores\[2\] is inf"),
        ([{"a": ({"b": -math.inf},)}], r"data\[0\]\.a\[0\]\.b is -inf"),
        ({"when": object()}, r"data\.when is of type object"),
        ({"raw": b"x"}, r"data\.raw is of type bytes"),
        ({(1, 2): 3}, "data has a key that is no text"),
        ({math.nan: 3}, "data: "),
    ],
)
def test_value_that_json_lacks_is_named(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        encoded(value, "data")


def test_value_that_contains_itself_is_named() -> None:
    ring: list[object] = [1]
    ring.append({"again": ring})
    with pytest.raises(ValueError, match=r"^data\[1\]\.again contains itself$"):
        encoded(ring, "data")
