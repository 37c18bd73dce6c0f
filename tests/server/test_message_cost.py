"""What the text of one message of a hostile client may cost before it is understood: work in proportion to its length."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyvidu.protocol.json_text import DEEPEST, loads
from pyvidu.protocol.jsonrpc import LONGEST_NAME, MalformedMessage, Request, decode
from tests.server.work import calls

SIBLINGS = ("", '"]}",', '"\\\\",', '"\\"[",', '"é",', "[[],{}],", '[{"a":[[{}]]}],[],')
HOSTILE: dict[str, Callable[[int], str]] = {
    "open arrays": lambda count: "[" * count,
    "open objects": lambda count: '{"":' * count,
    "pairs": lambda count: f"[{'[],' * count}[]]",
    "towers": lambda count: f"[{('[' * 9 + ']' * 9 + ',') * (count // 9)}[]]",
    "empty strings": lambda count: "[" + '"",' * count + "[]]" + "[" * 300,
    "escapes": lambda count: '["' + '\\"[' * count + '"]' + "[" * 300,
    "surrogates": lambda count: '["\ud800",' * count,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_depth_of_json_is_found_without_looking_at_every_bracket(shape: str) -> None:
    once, twice = (calls(lambda size=size: loads(HOSTILE[shape](size))) for size in (10_000, 20_000))  # type: ignore[misc]
    assert twice <= 2.2 * once
    assert twice <= 8_000  # of 20,000 brackets; "towers", the worst of them


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(DEEPEST - 3, DEEPEST + 3))
def test_json_is_refused_exactly_beyond_the_depth_limit(seed: int, levels: int) -> None:
    chance = random.Random(seed)
    head, tail = "", ""
    for level in range(levels - 1):
        sibling = chance.choice(SIBLINGS if level < DEEPEST / 2 else SIBLINGS[:5])  # none is the deepest
        opening, closing = chance.choice([("[" + sibling, "]"), ('{"x":', "}")])
        head, tail = head + opening, closing + tail
    text = f"{head}[]{tail}"
    if levels > DEEPEST:
        with pytest.raises(ValueError, match="nested deeper"):
            loads(text)
    else:
        assert loads(text) == json.loads(text)


@pytest.mark.parametrize("part", ["[],", '{"a":1},', "1,", "1.5,", '"",', "[[[]]],"])
def test_text_with_more_elements_than_a_message_has_is_refused_before_it_is_parsed(part: str) -> None:
    text = '{"id":1,"method":"echo","params":{"x":[' + part * 6_000 + "0]}}"
    with pytest.raises(MalformedMessage, match="more than 4096 members and elements"):
        decode(text, most=4_096)
    assert calls(lambda: decode(text, most=4_096)) < 60
    assert isinstance(decode(text), Request)


def test_brackets_and_commas_in_a_string_are_no_elements() -> None:
    message = json.dumps({"to": [], "data": '[{,"\\' * 8_000})
    text = json.dumps({"id": 1, "method": "sendMessage", "params": {"message": message}})
    assert decode(text, most=4_096) == Request(1, "sendMessage", {"message": message})


@pytest.mark.parametrize("request_id", ["x" * 101, 2**64, -(2**64)])
def test_request_with_a_long_id_is_malformed_and_its_id_is_not_kept(request_id: int | str) -> None:
    with pytest.raises(MalformedMessage, match="'id' has more than") as refused:
        decode(Request(request_id, "echo").encode())
    assert refused.value.id is None


def test_request_with_a_long_method_is_refused_by_its_id() -> None:
    assert decode(Request(7, "m" * LONGEST_NAME).encode()) == Request(7, "m" * LONGEST_NAME)
    with pytest.raises(MalformedMessage, match="'method' has more than") as refused:
        decode(Request(7, "m" * 1000).encode())
    assert (refused.value.id, refused.value.code) == (7, -32601)
