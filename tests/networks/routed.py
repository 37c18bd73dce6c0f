"""A call of which one participant is behind a router, as fixtures: what the tests of everyday networks have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from pyvidu.testing import BrowserName, NetworkLab, lab_unavailable_reason
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.drops import DroppedCall


@pytest.fixture(scope="module")
def routed_lab() -> Iterator[NetworkLab]:
    """Give a lab whose guest is behind a router with NAT."""
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab(router=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def guest_browser() -> BrowserName:
    """Give the browser of Ada, who is behind the router; a module may have another."""
    return "chromium"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def routed_call(
    routed_lab: NetworkLab, guest_browser: BrowserName, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> AsyncIterator[DroppedCall]:
    """Give a call: Ada is behind the router, Bob is not and has Chromium."""
    browsers: tuple[BrowserName, BrowserName] = (guest_browser, "chromium")
    yield await DroppedCall.begin(routed_lab, open_browser, pyvidu_server, "networks", browsers=browsers)
    routed_lab.restore()
    assert routed_lab.departures() == [], "neither the page nor its browser talks to anybody else"
