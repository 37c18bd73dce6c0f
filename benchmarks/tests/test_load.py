"""Six in a room, two of them real browsers: what must hold on any machine. `make bench-server` prints the numbers."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from benchmarks.load import LIGHT, Load
from pyvidu.testing.fixtures import StartServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_browsers_and_four_light_callers_all_receive_each_other(
    chromium: Browser, pyvidu_server: StartServer
) -> None:
    contexts = [await chromium.new_context() for _ in range(2)]
    load = Load(await pyvidu_server("--log-level", "warning"), contexts)
    await load.carry(4.0, settling=0.0)
    everybody = [*load.browsers, *load.light]
    assert [len(streams) for streams in everybody] == [LIGHT + 1] * (LIGHT + 2)
    for streams in everybody:
        assert all(stream["frames"] > 0 and stream["audio_packets"] > 0 for stream in streams)
    assert all(stream["begins_with_key_frame"] for streams in load.light for stream in streams)
    assert load.row["missed"] + max(0, load.row["lost_browsers"]) <= load.row["dropped_by_the_kernel"], load.row
