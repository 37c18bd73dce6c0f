"""One real drop, so that the soak keeps working between its rare runs."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import BrowserContext

from benchmarks.plan import Call, Cell
from benchmarks.soak.counters import PAGE, SERVER, counting_context
from benchmarks.soak.plan import Drop
from benchmarks.soak.run import ROOM, soak
from pyvidu.testing import BrowserName, NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import LabCall

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_drop_produces_a_row_with_all_counters(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> None:
    async def open_counting(name: BrowserName, **where: Any) -> BrowserContext:
        return await counting_context(await open_browser(name, **where))

    call = await LabCall.begin(network_lab, open_counting, pyvidu_server, ROOM)
    drop = Drop(Cell(Call("best", "both", "pyvidu"), "link", 2.0), dead_media=False, settle_s=0.5)
    (row,) = [row async for row in soak(call, [drop], every=1)]
    assert row.troubles == []
    assert row.media_ms is not None
    assert row.media_ms.never == 0
    assert (set(row.page), set(row.watcher), set(row.server)) == (set(PAGE), set(PAGE), set(SERVER))
    for page in (row.page, row.watcher):
        assert page["peer_connections_open"] == 2, "one for what it sends, one for what it receives"
        assert page["websockets_open"] == 1
        assert page["py_proxies"] > 0
    assert (row.server["participants"], row.server["sockets"], row.server["subscriptions"]) == (2, 2, 2)
