"""`pyvidu.js` beside openvidu-browser in one Node process: what needs no server, no browser and no Python is the same."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tools.parity import rows

_SCRIPT = Path(__file__).parent / "both_in_node.mjs"
MISSING = {row.name for row in rows() if row.section == "exports" and row.verdict == "missing"}
OWN_EXPORTS = {"configure": "function", "boot": "function", "ready": "object"}


@cache
def answers() -> dict[str, dict[str, Any]]:
    """Return what both clients answer, by the name of the question and then by client."""
    told = subprocess.run(["node", _SCRIPT], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    found: dict[str, dict[str, Any]] = json.loads(told.stdout)
    return found


def test_pyvidu_js_exports_what_openvidu_browser_exports() -> None:
    both = answers()["exports"]
    expected = {name: kind for name, kind in both["official"].items() if name not in MISSING}
    assert len(both["official"]) == 31
    assert both["own"] == {**expected, **OWN_EXPORTS}


SAME = (
    "enums",
    "events",
    "error",
    "newSession",
    "classes",
    "listeners",
    "signals",
    "connecting",
    "newPublisher",
    "devices",
    "doneWithoutAnAnswer",
)


@pytest.mark.parametrize("question", SAME)
def test_both_clients_give_the_same_answer(question: str) -> None:
    both = answers()[question]
    assert both["own"] == both["official"]


def test_handler_added_twice_is_called_twice_and_off_removes_it_as_often_as_it_was_added() -> None:
    # The official client forgets the first of the two: it is called for ever.
    assert answers()["listenerAddedTwice"] == {"official": [2, 1], "own": [2, 0]}
