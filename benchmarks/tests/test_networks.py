"""The benchmark of everyday networks: each can be made and ended, and traces become the numbers of the table."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator

import pytest

from benchmarks.measure import Fault, Happened, Trace
from benchmarks.networks.measure import stalled_trial, trial_of
from benchmarks.networks.rows import NETWORKS
from pyvidu.testing import NetworkLab, lab_unavailable_reason
from pyvidu.testing.inside import call_inside


@pytest.fixture(scope="module")
def lab() -> Iterator[NetworkLab]:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab(router=True) as lab:
        yield lab


@pytest.mark.parametrize("name", NETWORKS)
async def test_each_network_can_be_made_and_is_ended_by_restore(lab: NetworkLab, name: str) -> None:
    await NETWORKS[name].fault(lab, 5.1 if name == "slow-return" else 0.1)
    lab.restore()
    with socket.create_server((lab.host_address, 0)) as listening:
        call_inside(lab.namespace, lambda: socket.create_connection(listening.getsockname(), 2)).close()


FAULT = Fault(100.0, 109.0)
PAGE = Trace(
    events=(
        Happened(90.0, "exception"),
        Happened(104.5, "reconnecting"),
        Happened(109.2, "reconnected"),
        Happened(109.5, "streamFrozen"),
    ),
    frames={"video-1": (99.9, 100.1, 109.4, 110.9)},
    requests=((99.0, "reconnectStream"), (109.6, "reconnectStream")),
)
PEER = Trace(frames={"video-2": (99.5, 110.5)})


def test_holes_begin_with_the_last_frame_and_the_first_event_counts_as_told() -> None:
    found = trial_of("uplink", "pyvidu", "best", FAULT, PAGE, PEER, until=111.0, stalled=False)
    assert (found.told_ms, found.told_what) == (4500.0, "reconnecting")
    assert (found.see_hole_ms, found.seen_hole_ms) == (9300.0, 11000.0)
    assert (found.see_back_ms, found.seen_back_ms) == (400.0, 1500.0)
    assert (found.reconnecting, found.frozen, found.exceptions, found.renegotiated) == (1, 1, 0, 1)
    assert found.end == "reconnected"


def test_page_that_sees_nothing_any_more_has_a_hole_until_the_end_and_is_back_after_20_s() -> None:
    found = trial_of("uplink", "pyvidu", "best", FAULT, PAGE, Trace(), until=131.0, stalled=False)
    assert (found.seen_hole_ms, found.seen_back_ms) == (31000.0, 20000.0)


def test_fault_that_stays_has_no_return() -> None:
    found = trial_of("nat-udp", "pyvidu", "best", FAULT, PAGE, PEER, until=111.0, stalled=False)
    assert (found.see_back_ms, found.seen_back_ms) == (None, None)


@pytest.mark.parametrize(
    ("network", "stall", "counts"),
    [
        ("uplink", (150.0, 150.3), True),
        ("uplink", (150.0, 150.2), False),
        ("asleep-8", (150.0, 150.3), False),
        ("asleep-8", (700.5, 700.8), True),
        ("asleep-30", (700.5, 700.8), False),
        ("loss-25-600", (104.0, 104.3), True),
        ("loss-25-600", (150.0, 150.3), False),
        ("loss-25-600", (696.0, 696.3), True),
        ("loss-25-600", (701.0, 701.3), True),
    ],
)
def test_stall_counts_where_something_is_timed(network: str, stall: tuple[float, float], counts: bool) -> None:
    fault = Fault(100.0, 700.0)
    assert stalled_trial(network, fault, 705.0, Trace(), [stall]) is counts


def test_page_that_sleeps_does_not_stall() -> None:
    page = Trace(stalls=((100.0, 701.0),))
    assert not stalled_trial("asleep-8", Fault(100.0, 700.0), 705.0, page)
    assert stalled_trial("uplink", Fault(100.0, 700.0), 705.0, page)


def test_names_are_unique() -> None:
    rows = [dataclasses.astuple(row)[:2] for row in NETWORKS.values()]
    assert len(set(rows)) == len(rows)
