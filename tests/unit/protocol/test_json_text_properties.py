"""Properties of `encoded`: what it returns is JSON as browsers parse it, and it refuses what is not."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvidu.protocol.json_text import encoded

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
UNKNOWN = st.sampled_from([math.nan, math.inf, -math.inf, b"", object(), {1}, 1j])


def nested(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def refuse(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


@given(nested(LEAVES))
def test_any_json_value_is_the_same_after_encoding_and_parsing(value: object) -> None:
    assert json.loads(encoded(value, "data"), parse_constant=refuse) == value


@given(nested(LEAVES), st.lists(st.booleans(), max_size=4), UNKNOWN)
def test_value_that_json_lacks_is_refused_however_deep_it_is(beside: object, ways: list[bool], value: object) -> None:
    for is_list in ways:
        value = [beside, value] if is_list else {"beside": beside, "x": value}
    path = "".join(r"\[1\]" if is_list else r"\.x" for is_list in reversed(ways))
    with pytest.raises(ValueError, match=rf"^data{path} is "):
        encoded(value, "data")
