"""What pyvidu uses of a browser and can do without (docs/browsers.md)."""

from __future__ import annotations

import json

from pyvidu.platform.browser.functions import functions


async def browser_support() -> dict[str, bool]:
    """Return what this browser has, and what not."""
    support: dict[str, bool] = json.loads(await functions.support())
    return support
