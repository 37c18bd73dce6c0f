"""What pyvidu in a page has recorded about its outages, for a test outside the page.

The page needs nothing for it, whether it uses `pyvidu.js` or Python: the script `WATCH_OUTAGES`, which runs before the page's
own, leaves an object to which pyvidu hands a function for each session.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyvidu.testing.arguments import check_number
from pyvidu.testing.errors import OutageTimeoutError

if TYPE_CHECKING:
    from playwright.async_api import Page

Outages = list[dict[str, Any]]
"""Records as JSON has them; `Outage.to_dict` and docs/reconnection.md say what is in one."""

# `platform/browser/inspection.py` calls `add`.
WATCH_OUTAGES = """
globalThis.pyviduTesting ??= {
  readers: [],
  add(reader) { this.readers.push(reader); },
  outages() { return this.readers.flatMap((reader) => JSON.parse(reader())); },
};
"""

_READ = "() => JSON.stringify(globalThis.pyviduTesting?.outages() ?? [])"
_ENDED = (
    "(count) => (globalThis.pyviduTesting?.outages() ?? []).filter((outage) => outage.end !== null).length >= count"
)


async def read_outages(page: Page) -> Outages:
    """Return the outages of all sessions of a page since it was loaded, the current one with `end` None.

    Args:
        page: one of a browser that the fixture `open_browser` opened.

    Source: pyvidu's own.
    """
    found: Outages = json.loads(await page.evaluate(_READ))
    return found


async def wait_for_outage(page: Page, *, count: int = 1, timeout: float = 30.0) -> dict[str, Any]:
    """Wait until outages of a page have ended, and return the last of these, as `Outage.to_dict` has it.

    Args:
        page: one of a browser that the fixture `open_browser` opened.
        count: how many, since the page was loaded.
        timeout: in seconds.

    Raises:
        OutageTimeoutError: they have not ended by then; the message has what was recorded so far.
        WrongArgumentError: `count` or `timeout` is no positive number.

    Example: not run, it needs a page in a call
        outage = await wait_for_outage(page, timeout=20)
        assert outage["end"] == "reconnected"

    Source: pyvidu's own.
    """
    from playwright.async_api import TimeoutError as PlaywrightTimeoutError

    check_number("count", count, unit="a number of outages", least=1, most=10_000)
    check_number("timeout", timeout, unit="seconds", least=0.001, most=3600)
    try:
        await page.wait_for_function(_ENDED, arg=count, timeout=timeout * 1000, polling=50)
    except PlaywrightTimeoutError:
        recorded = json.dumps(await read_outages(page), ensure_ascii=False)
        raise OutageTimeoutError(
            f"{count} outages had not ended within {timeout:g} s; recorded are: {recorded}"
        ) from None
    return [outage for outage in await read_outages(page) if outage["end"] is not None][count - 1]
