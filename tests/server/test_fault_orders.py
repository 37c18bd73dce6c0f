"""The bodies of `POST /faults`: any JSON is an order within its bounds, or the error names what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvidu.server.faults.http import order_of
from pyvidu.server.faults.orders import MAX_SECONDS, ORDERS

PACE = settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
NAMES = ("kind", "participant", "seconds", "delay", "jitter", "plane", "count", "method", "close")
PLAUSIBLE = st.sampled_from(["con_x", 1, 9.5, 300, True, "both", "media", *ORDERS])
BODIES = JSON | st.dictionaries(st.sampled_from(NAMES), PLAUSIBLE | JSON)


@PACE
@given(BODIES)
def test_any_json_is_an_order_or_told_what_is_wrong(body: Any) -> None:
    problem, order = None, None
    try:
        order = order_of(json.dumps(body).encode())
    except web.HTTPBadRequest as refusal:
        problem = json.loads(refusal.text or "")["message"]
    if order is None:
        assert problem.startswith(("Parameter '", "The body is wrong: "))
    else:
        assert 0 < order.seconds <= MAX_SECONDS
        assert (order.whose is None) == (order.kind == "restart")


@PACE
@given(st.binary(max_size=100))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(web.HTTPBadRequest):
        order_of(body)


def test_the_shortest_order_is_silent() -> None:
    assert order_of(b'{"participant": "con_x", "seconds": 4}').kind == "silent"
