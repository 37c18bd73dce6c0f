"""One real trial, so that the bench keeps working between its rare runs."""

from __future__ import annotations

import pytest

from benchmarks.plan import BROWSERS, Browser, Call, Cell, schedule
from benchmarks.run import run_blocks
from benchmarks.trial import TrialRecord
from benchmarks.world import World
from pyvidu.testing import NetworkLab

# Without received RTP Firefox, which tells of no interface that goes down, learns of it by a late pong.
DETECTED_MS: dict[Browser, float] = {"chromium": 2000, "firefox": 5000}


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_link_drop_of_two_seconds_is_measured_from_end_to_end(
    browser: Browser, network_lab: NetworkLab
) -> None:
    cell = Cell(Call("plain", "send", "pyvidu", browser=browser), "link", 2)
    records: list[TrialRecord] = []
    async with World.make(network_lab, browsers=[browser]) as world:
        troubles = await run_blocks(world, schedule({cell: 1}, 1), peer="openvidu-browser", keep=records.append)
    assert troubles == []
    (record,) = records
    found = record.numbers
    assert found.end == "reconnected"
    assert found.detect_ms is not None
    assert found.detect_ms < DETECTED_MS[browser]
    assert found.signaling_ms is not None
    assert found.signaling_ms < 5000
    assert found.outbound_ms == pytest.approx(2500, abs=2500)
    assert found.inbound_ms is None
    assert record.page.outages, "the page's own record of the outage is kept"
    assert 1.9 < record.fault.removed - record.fault.applied < 4
