"""JSON text from other parties: how deeply it may be nested."""

from __future__ import annotations

import json

import pytest

from pyvidu.membership.room_state import decoded
from pyvidu.protocol.json_text import DEEPEST, loads
from pyvidu.protocol.messages import parse_dimensions


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, nested(DEEPEST + 1), nested(DEEPEST + 1).encode()])
def test_what_is_nested_too_deep_for_a_browser_is_refused_before_it_is_parsed(text: str | bytes) -> None:
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
def test_what_is_long_and_not_deep_is_read_as_ever(value: object) -> None:
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize("text", ['"[' * 150 + "\\", '["' + "[" * 1000, b"\xff[", "", '"' * 10_001])
def test_what_is_no_json_is_a_value_error_however_it_ends(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own sentence
        loads(text)


def test_values_that_other_participants_wrote_are_read_no_deeper() -> None:
    assert parse_dimensions("[" * 100_000) is None
    assert decoded("[" * 100_000) == "[" * 100_000
    assert decoded("true") is True
