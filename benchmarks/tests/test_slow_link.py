"""The link of the RTT sweep has the configured delay."""

from __future__ import annotations

import subprocess

import pytest

from benchmarks.faults import drop
from benchmarks.plan import FIRST_DOWN_S, FIRST_UP_S, Call, Cell
from pyvidu.testing import NetworkLab, lab_unavailable_reason

_ASK = """
import socket, sys, time
def ask():
    began = time.monotonic()
    try: socket.create_connection((sys.argv[1], 9), 5)
    except ConnectionRefusedError: pass
    return time.monotonic() - began
ask()  # the first one also asks for the hardware address
print(min(ask() for _ in range(3)))
"""


@pytest.mark.skipif(lab_unavailable_reason() is not None, reason=str(lab_unavailable_reason()))
def test_slow_link_has_its_round_trip_time_and_is_removed_afterwards() -> None:
    with NetworkLab(rtt=0.08) as lab:
        took = float(lab.run("python3", "-c", _ASK, lab.host_address))
        interface = f"pvlab{lab.namespace.rpartition('-')[2]}h"
        assert interface in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert 0.079 < took < 0.5
    assert interface not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("fault", ["link", "silent", "handover", "media-only", "signaling-only", "flapping", "twice"])
async def test_every_fault_is_applied_verified_and_removed(network_lab: NetworkLab, fault: str) -> None:
    cell = Cell(Call("plain", "none", "pyvidu"), fault, 0.5)  # type: ignore[arg-type]
    address = network_lab.guest_address
    found = await drop(network_lab, cell)
    before = FIRST_DOWN_S + FIRST_UP_S if fault == "twice" else 0
    assert 0.4 < found.removed - found.applied - before < 3
    assert float(network_lab.run("python3", "-c", _ASK, network_lab.host_address)) < 1
    assert (network_lab.guest_address != address) == (fault == "handover")
