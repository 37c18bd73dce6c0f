"""The account of a renderer's memory, from the events of a trace."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.memory_account import ITEMS, REST, accounted


def dump(pid: int, **dumps: Any) -> dict[str, Any]:
    return {"ph": "v", "pid": pid, "args": {"dumps": dumps}}


def size(mib: int) -> dict[str, Any]:
    return {"attrs": {"size": {"type": "scalar", "units": "bytes", "value": f"{mib * 2**20:x}"}}}


def test_items_and_the_rest_are_the_private_footprint_of_one_process() -> None:
    events = [
        dump(7, allocators={"malloc": size(40), "v8": size(10), "v8/main": size(8)}),
        dump(7, process_totals={"private_footprint_bytes": f"{90 * 2**20:x}"}),
        dump(8, allocators={"malloc": size(400)}, process_totals={"private_footprint_bytes": "0"}),
        {"ph": "M", "pid": 7, "name": "process_name", "args": {"name": "Renderer"}},
    ]
    found = accounted(events, 7)
    assert found["malloc"] == 40
    assert found["v8"] == 10
    assert found["blink_gc"] == 0
    assert found[REST] == 40
    assert sum(found.values()) == pytest.approx(90)
    assert set(found) == {*ITEMS, REST}
