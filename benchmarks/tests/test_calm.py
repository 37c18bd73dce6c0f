"""What counts as a false alarm, and what is reported apart."""

from __future__ import annotations

from benchmarks.calm import Alarm, alarms, page_report
from benchmarks.measure import Happened, Trace


def test_false_alarm_right_after_an_event_loop_stall_is_marked_as_stalled() -> None:
    trace = Trace(
        events=(
            Happened(90.0, "reconnecting"),  # before the measurement began
            Happened(110.0, "reconnecting"),
            Happened(110.2, "reconnected"),
            Happened(120.0, "streamFrozen"),
            Happened(130.0, "exception", "ICE_CONNECTION_DISCONNECTED"),
        ),
        stalls=((118.0, 118.3), (128.0, 128.2)),
        outages=({"witness": "late pong"},),
    )
    assert alarms("ada", trace, [(109.0, 109.1)], 100.0) == [
        Alarm("ada", 10.0, "reconnecting", "late pong", stalled=False),
        Alarm("ada", 20.0, "streamFrozen", "", stalled=True),
        Alarm("ada", 30.0, "exception", "ICE_CONNECTION_DISCONNECTED", stalled=False),
    ]


def test_report_counts_late_pongs_and_the_slowest_one() -> None:
    trace = Trace(
        requests=((1.0, "ping"), (2.0, "ping"), (2.5, "videoData"), (3.0, "ping")), pongs=((1.0, 1.1), (2.0, 3.25))
    )
    report = page_report(trace, 3.0)
    assert (report["pings"], report["pongs_after_1_s"], report["slowest_pong_ms"]) == (3, 1, 1250)
