"""Browsers that lack one thing that pyvidu uses: Chromiums from which it was removed, two in a call, dropped for 9 s."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import NetworkLab, RunningServer
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, Rest
from tests.browser.drops import OUTAGE

AT_ONCE = 4  # pages, two in a call: more are too much for two cores
SMALL = json.dumps({"resolution": "160x120", "frameRate": 15})

REMOVED = {
    "RTCRtpScriptTransform": "delete window.RTCRtpScriptTransform;",
    "keyFrame": """
const setParameters = RTCRtpSender.prototype.setParameters;
RTCRtpSender.prototype.setParameters = function (parameters) { return setParameters.call(this, parameters); };
""",
    "NetworkInformation": "Object.defineProperty(Navigator.prototype, 'connection', { get: () => undefined });",
    "getSynchronizationSources": "delete RTCRtpReceiver.prototype.getSynchronizationSources;",
    "transportStatistics": """
const getStats = RTCPeerConnection.prototype.getStats;
RTCPeerConnection.prototype.getStats = async function () {
  return new Map([...(await getStats.call(this))].map(([id, report]) => {
    const { packetsReceived, requestsSent, ...others } = report;
    return [id, report.type === 'transport' || report.type === 'candidate-pair' ? others : report];
  }));
};
""",
    "blobWorkers": "",
    "AbortSignal.timeout": "delete AbortSignal.timeout;",
    "nothing": "",
}
NO_BLOB_WORKERS = """<meta http-equiv="Content-Security-Policy" content="worker-src 'self'">"""


@dataclass
class Dropped:
    """A page that was dropped: the seconds from the return until it saw the other one move, what it said, and its records."""

    back: float | BaseException
    events: list[str]
    complaints: list[str]
    missing: list[str]
    outages: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dropped(network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer) -> dict[str, Dropped]:
    server = await pyvidu_server(lab=network_lab)
    browser = await open_browser(lab=network_lab, secure_origins=server.origin)
    found: dict[str, Dropped] = {}
    for first in range(0, len(REMOVED), AT_ONCE):
        some = list(REMOVED)[first : first + AT_ONCE]
        pages = await asyncio.gather(*(opened(browser, server, missing) for missing in some))
        rooms = [f"room-{first + number // 2}" for number in range(AT_ONCE)]
        await asyncio.gather(*(joined(page, server, room) for page, room in zip(pages, rooms, strict=True)))
        await asyncio.gather(*(page.moves(20) for page in pages))
        for page in pages:
            page.clear_events()
        with network_lab.dropped("silent"):
            await asyncio.sleep(9)  # the length of the drop
        back = await asyncio.gather(*(page.moves(10) for page in pages), return_exceptions=True)
        await asyncio.gather(*(page.told("outageSettled", 10) for page in pages))
        for page, seconds in zip(pages, back, strict=True):
            complaints = [line for line in page.console if line.startswith("uncaught") or "Traceback" in line]
            support = json.loads(await page.python("import json; json.dumps(await openvidu.browser_support())"))
            missing = [name for name, there in support.items() if not there]
            outages = await page.call("outages")
            found[page.name] = Dropped(seconds, page.events(), complaints, missing, outages)
            await page.page.context.close()
    return found


async def opened(browser: Browser, server: RunningServer, missing: str) -> CallPage:
    """Open a page whose browser lacks one thing."""
    head = NO_BLOB_WORKERS if missing == "blobWorkers" else f"<script>{REMOVED[missing]}</script>"
    return await CallPage.open(browser, server, missing, head=head)


async def joined(page: CallPage, server: RunningServer, room: str) -> None:
    """Let a page join a call and publish."""
    await page.join(await Rest(server).token(room), publish=False)
    await page.call("publish", SMALL)


@pytest.mark.parametrize("missing", REMOVED)
async def test_silent_drop_of_9_s_is_survived_without(missing: str, dropped: dict[str, Dropped]) -> None:
    page = dropped[missing]
    assert isinstance(page.back, float), page.back
    assert page.back < 4
    assert [name for name in page.events if name in OUTAGE] == ["reconnecting", "reconnected"], page.outages
    assert page.events.count("streamFrozen") == page.events.count("streamRecovered")
    assert page.complaints == []
    assert page.missing == ([missing] if missing != "nothing" else [])
