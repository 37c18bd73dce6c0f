"""From traces to numbers: times count from the fault or from the return, and what did not happen is `never`."""

from __future__ import annotations

import pytest

from benchmarks.measure import NEVER, Fault, Happened, Numbers, Trace, false_alarms, numbers, stalled
from benchmarks.plan import Call, Cell

SILENT = Cell(Call("plain", "both", "pyvidu"), "silent", 9)
FAULT = Fault(100.0, 109.0)


def _numbers(page: Trace, peer: Trace | None = None, cell: Cell = SILENT) -> Numbers:
    return numbers(cell, FAULT, page, peer or Trace(), until=130.0)


def _told(*events: tuple[float, str]) -> Trace:
    return Trace(events=[Happened(at, name) for at, name in events])


def test_detection_counts_from_the_fault_and_the_return_from_its_removal() -> None:
    found = _numbers(_told((100.7, "reconnecting"), (109.25, "reconnected")))
    assert (found.detect_ms, found.signaling_ms, found.end) == (700, 250, "reconnected")


def test_first_frame_is_measured_from_the_return_and_earlier_frames_are_ignored() -> None:
    found = _numbers(Trace(frames={"v": [99.9, 109.3, 109.35]}), Trace(frames={"v": [100.01, 109.6]}))
    assert (found.inbound_ms, found.outbound_ms) == (300, 600)


def test_of_several_streams_the_last_one_counts() -> None:
    assert _numbers(Trace(frames={"a": [109.1], "b": [109.9]})).inbound_ms == 900
    assert _numbers(Trace(frames={"a": [109.1], "b": [100.0]})).inbound_ms == NEVER


@pytest.mark.parametrize("late", [120.1, 140.0])
def test_events_after_more_than_20_s_count_as_never(late: float) -> None:
    assert _numbers(_told((late, "reconnecting"))).detect_ms == NEVER
    assert _numbers(Trace(frames={"v": [late + 9]})).inbound_ms == NEVER


def test_undetected_outage_has_no_signaling_time() -> None:
    found = _numbers(Trace())
    assert (found.detect_ms, found.signaling_ms, found.end) == (NEVER, None, "")


def test_outage_without_an_end_has_a_signaling_time_of_never() -> None:
    assert _numbers(_told((101.0, "reconnecting"))).signaling_ms == NEVER


def test_eviction_ends_an_outage() -> None:
    found = _numbers(_told((101.0, "reconnecting"), (110.5, "sessionDisconnected")))
    assert (found.signaling_ms, found.end) == (1500, "sessionDisconnected")


def test_under_a_flapping_link_the_last_outage_counts() -> None:
    events = _told((100.1, "reconnecting"), (101.2, "reconnected"), (103.1, "reconnecting"), (109.4, "reconnected"))
    found = _numbers(events, cell=Cell(SILENT.call, "flapping", 9))
    assert (found.detect_ms, found.signaling_ms) == (100, 400)


def test_reconnection_before_the_return_of_the_network_has_a_time_of_zero() -> None:
    assert _numbers(_told((100.5, "reconnecting"), (108.0, "reconnected"))).signaling_ms == 0


def test_a_media_only_drop_has_no_detection() -> None:
    found = _numbers(_told((101.0, "reconnecting")), cell=Cell(SILENT.call, "media-only", 9))
    assert (found.detect_ms, found.signaling_ms, found.inbound_ms) == (None, None, NEVER)


def test_only_requests_of_the_trial_count() -> None:
    sent = [(99.0, "ping"), (101.0, "ping"), (109.2, "connect"), (109.9, "reconnectStream"), (131.0, "ping")]
    found = _numbers(Trace(requests=sent, sockets=[101.0], fetches=[99.0, 102.0]))
    assert (found.requests, found.renegotiated, found.sockets, found.fetches) == (3, 1, 1, 1)


def test_outage_reported_before_the_fault_is_a_false_alarm() -> None:
    page = _told((98.0, "reconnecting"), (99.0, "reconnected"), (101.0, "reconnecting"), (109.1, "reconnected"))
    assert false_alarms(page, FAULT.applied) == 1
    assert _numbers(page).detect_ms == 1000


def test_trial_with_an_event_loop_stall_above_250_ms_is_stalled() -> None:
    assert stalled(100, 120, [], [(105.0, 105.3)])
    assert not stalled(100, 120, [(105.0, 105.2)])
    assert not stalled(100, 120, [(98.0, 99.0)], [(121.0, 122.0)])
