"""No packet and no DNS query leaves the machine unasked: server and pages are in a network that records every attempt."""

from __future__ import annotations

import asyncio
import sys

from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, Rest


async def test_call_sends_no_request_to_other_hosts(
    network_lab: NetworkLab, open_browser: OpenBrowser, pyvidu_server: StartServer
) -> None:
    python = str(network_lab.wrap(sys.executable))
    server = await pyvidu_server(command=(python, "-m", "pyvidu.cli"), host=network_lab.guest_address, port=4443)
    rest = Rest(server)
    browser = await open_browser(lab=network_lab, secure_origins=[server.origin])
    ada, bob = await CallPage.open(browser, server, "ada"), await CallPage.open(browser, server, "bob")
    await ada.join(await rest.token("quiet"))
    await bob.join(await rest.token("quiet"))
    await asyncio.gather(ada.moves(), bob.moves())
    servers = await ada.python(
        "import json; json.dumps(session.stream_managers[0].stream.get_rtc_peer_connection().getConfiguration().to_py())"
    )
    assert network_lab.guest_address in servers, "an ICE server is named, and it is our own host"
    assert network_lab.departures() == []
