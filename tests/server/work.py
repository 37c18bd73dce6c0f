"""Work, counted and not timed: how many calls of functions, Python's and C's, something makes. The same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls(work: Callable[[], object]) -> int:
    """Return how many calls `work` makes. What it raises is ignored: a refusal is work too."""
    count = 0

    def counted(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(counted)
    try:
        work()
    except Exception:  # noqa: BLE001
        return count
    finally:
        sys.setprofile(None)
    return count
