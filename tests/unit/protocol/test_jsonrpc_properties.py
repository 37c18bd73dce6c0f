"""A property of `decode`: any JSON gives a message or raises `MalformedMessage`, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pyvidu.protocol.jsonrpc import MalformedMessage, decode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_decode_of_any_json_raises_at_most_malformed_message(value: object) -> None:
    with suppress(MalformedMessage):
        decode(json.dumps(value))
