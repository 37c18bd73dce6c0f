"""The bodies of `POST /faults`: any JSON is an order within its bounds, or the error names what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvidu.server.faults.client import FaultClient, FaultRefused
from pyvidu.server.faults.orders import MAX_SECONDS, ORDERS, Silent, WrongOrder, order_of

PACE = settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
NAMES = ("kind", "participant", "seconds", "delay", "jitter", "plane", "count", "method", "close")
PLAUSIBLE = st.sampled_from(["con_x", 1, 9.5, 300, True, "both", "media", *ORDERS])
BODIES = JSON | st.dictionaries(st.sampled_from(NAMES), PLAUSIBLE | JSON)


@PACE
@given(BODIES)
def test_any_json_is_a_valid_order_or_refused_with_a_message_about_the_field(body: Any) -> None:
    problem, order = "", None
    try:
        order = order_of(json.dumps(body).encode())
    except WrongOrder as refusal:
        problem = str(refusal)
    if order is None:
        assert problem.startswith(("Parameter '", "The body is wrong: "))
        assert not problem.startswith(tuple(f"Parameter '{kind}." for kind in ORDERS)), "a kind is no field"
    else:
        assert 0 < order.seconds <= MAX_SECONDS
        assert (order.whose is None) == (order.kind == "restart")


@PACE
@given(st.binary(max_size=100))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(WrongOrder):
        order_of(body)


def test_order_without_a_kind_is_silent() -> None:
    shortest = {"participant": "con_x", "seconds": 4}
    assert order_of(json.dumps(shortest).encode()) == order_of(shortest) == Silent(participant="con_x", seconds=4)


def test_order_of_an_unknown_kind_is_refused_with_a_list_of_all_kinds() -> None:
    with pytest.raises(WrongOrder) as refused:
        order_of({"kind": "earthquake"})
    assert str(refused.value) == (
        "Parameter 'kind' is wrong: Input should be 'silent', 'dead-media', 'media-only', 'signaling-only', 'slow', "
        "'lost-notification', 'refused-resume', 'eviction' or 'restart'"
    )


def test_wrong_order_of_a_client_is_refused_before_a_request_is_sent() -> None:
    with pytest.raises(FaultRefused, match="Parameter 'delay' is wrong: Field required"):
        FaultClient("http://localhost:1").start("slow", participant="con_x", seconds=1)
