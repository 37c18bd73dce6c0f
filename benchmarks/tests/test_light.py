"""Light participants can join: the crowd by pyvidu's own core, the senders by the bare protocol with media."""

from __future__ import annotations

import re

from benchmarks.light.process import LightProcess
from pyvidu.testing import start_server
from tests.browser.calls import Rest


async def test_a_crowd_and_a_sender_join_and_leave() -> None:
    server = await start_server()
    try:
        rest = Rest(server)
        crowd = await LightProcess.start("crowd", [await rest.token("light") for _ in range(3)])
        senders = await LightProcess.start("senders", [await rest.token("light")])
        # Each has asked once whether it can read what the server answers to a probe.
        assert await crowd.ask("report") == {"told": [[], [], []], "sockets": 3, "probes": 3}
        await senders.stop()
        await crowd.stop()
        published = [line for line in server.log if re.search(r'"method": "publishVideo"', line)]
        assert len(published) == 1
    finally:
        await server.stop()
