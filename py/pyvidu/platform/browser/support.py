"""What pyvidu uses of a browser and can do without (docs/browsers.md)."""

from __future__ import annotations

import json
from typing import Any

from pyvidu.platform.browser.functions import functions


async def statistics(peer: Any) -> dict[str, float]:
    """Return what `Host.statistics` returns, from `getStats`."""
    counters: dict[str, float] = json.loads(await functions.statistics(peer))
    return counters


async def browser_support() -> dict[str, bool]:
    """Return what this browser has, and what not."""
    support: dict[str, bool] = json.loads(await functions.support())
    return support
