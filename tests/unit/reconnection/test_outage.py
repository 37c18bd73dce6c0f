"""The record of an outage: its contents, its export and its text."""

from __future__ import annotations

import json

import pytest

from pyvidu.reconnection.evidence import (
    AttemptClosed,
    AttemptOpened,
    PongReceived,
    RtpSilent,
    ServerUnreachable,
    SocketClosed,
    WentOffline,
)
from pyvidu.reconnection.outage import (
    Attempt,
    Outage,
    OutageEntry,
    OutageLog,
    RecentEvidence,
    StreamRecord,
    StreamStep,
    StreamStepName,
)
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.supervisor import Supervisor


def an_outage() -> Outage:
    """Return an outage: three attempts in nine seconds, then one stream healthy and one renegotiated."""
    outage = Outage(100.0, "rtp silent", began=1_793_540_795.112)
    outage.note(100.0, "verdict", "signaling plane down: rtp silent", "down")
    outage.note_attempt(100.0)
    outage.note_dropped(103.0, "no answer in time")
    outage.note_attempt(104.0)
    outage.note_evidence(104.01, AttemptClosed(1006))
    outage.note_attempt(109.0)
    outage.note_evidence(109.1, AttemptOpened())
    outage.finish(109.2, "reconnected")
    outage.note_stream(109.3, "str_a", "healthy", "frames move")
    outage.note_stream(109.5, "str_b", "frozen", "nothing moves")
    outage.note_stream(109.5, "str_b", "renegotiating", "attempt 1: nothing moves")
    outage.note_stream(109.8, "str_b", "connected")
    outage.note_stream(110.0, "str_b", "healthy", "frames move")
    return outage


def test_attempts_have_times_and_results() -> None:
    assert an_outage().tries == [Attempt(0, 3, "dropped"), Attempt(4, 4.01, "closed"), Attempt(9, 9.2, "resumed")]
    assert an_outage().attempts == 3


def test_new_attempt_ends_the_previous_one() -> None:
    outage = Outage(0, "offline")
    outage.note_attempt(0)
    outage.note_attempt(0.7)
    assert outage.tries == [Attempt(0, 0.7, "dropped"), Attempt(0.7)]


def test_an_attempt_that_only_opened_has_no_end_yet() -> None:
    outage = Outage(0, "offline")
    outage.note_attempt(0)
    outage.note_evidence(0.1, AttemptOpened())
    assert outage.tries == [Attempt(0, None, "opened")]


def test_attempt_is_dropped_if_the_session_continues_on_the_old_socket() -> None:
    outage = Outage(0, "late pong")
    outage.note_attempt(0)
    outage.finish(2, "reconnected")
    assert outage.tries == [Attempt(0, 2, "dropped")]


def test_opened_attempt_of_a_lost_session_is_dropped() -> None:
    outage = Outage(0, "offline")
    outage.note_attempt(0)
    outage.note_evidence(14, AttemptOpened())
    outage.finish(14.1, "sessionDisconnected")
    assert outage.tries[-1].result == "dropped"


def test_drop_without_an_attempt_adds_no_entry() -> None:
    outage = Outage(0, "socket closed")
    outage.note_dropped(1, "no answer in time")
    assert outage.entries == []


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (SocketClosed(1006), "socket closed (code 1006)"),
        (SocketClosed(1001, "going away"), "socket closed (code 1001, reason going away)"),
        (PongReceived(0), "pong received (number 0)"),
        (ServerUnreachable(at_once=True), "server unreachable (at once)"),
        (ServerUnreachable(at_once=False), "server unreachable"),
        (WentOffline(), "went offline"),
    ],
)
def test_evidence_entry_has_a_text_and_a_name(evidence: SocketClosed, words: str) -> None:
    outage = Outage(0, "offline")
    outage.note_evidence(1.5, evidence)
    assert outage.entries == [OutageEntry(1.5, "evidence", words, type(evidence).__name__)]


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([], None),
        (["healthy"], "healthy"),
        (["paused"], "paused"),
        (["frozen"], "frozen"),
        (["frozen", "renegotiating"], None),
        (["frozen", "renegotiating", "connected"], None),
        (["frozen", "renegotiating", "failed"], None),
        (["frozen", "renegotiating", "connected", "healthy"], "renegotiated"),
        (["renegotiating", "connected", "paused"], "renegotiated"),
        (["frozen", "renegotiating", "connected", "frozen"], "frozen"),
        (["frozen", "renegotiating", "given up"], "frozen"),
    ],
)
def test_a_streams_outcome_follows_from_its_steps(steps: list[StreamStepName], outcome: str | None) -> None:
    assert StreamRecord([StreamStep(0, step) for step in steps]).outcome == outcome


def test_stream_steps_are_recorded_per_stream_and_in_the_entries() -> None:
    outage = an_outage()
    assert [item.step for item in outage.streams["str_b"].steps] == ["frozen", "renegotiating", "connected", "healthy"]
    assert outage.streams["str_a"].steps == [StreamStep(9.3, "healthy", "frames move")]
    assert outage.entries[-1] == OutageEntry(10.0, "stream", "str_b: healthy (frames move)", "healthy", "str_b")
    assert outage.entries[-2].text == "str_b: connected again"


def test_export_has_the_documented_format() -> None:
    told = json.loads(an_outage().to_json())
    assert told == an_outage().to_dict()
    assert {key: value for key, value in told.items() if key not in ("tries", "streams", "entries")} == {
        "format": 2,
        "began": 1_793_540_795.112,
        "witness": "rtp silent",
        "told": False,
        "attempts": 3,
        "end": "reconnected",
        "duration": 9.2,
    }
    assert told["tries"][0] == {"at": 0, "until": 3, "result": "dropped"}
    assert told["streams"]["str_a"] == {
        "outcome": "healthy",
        "steps": [{"at": 9.3, "step": "healthy", "because": "frames move"}],
    }
    down = {"at": 0, "kind": "verdict", "name": "down", "stream": "", "text": "signaling plane down: rtp silent"}
    assert told["entries"][0] == down


def test_str_of_a_finished_outage_is_one_line() -> None:
    line = "outage of 9.2 s, first seen: rtp silent, 3 attempts, reconnected, str_a healthy, str_b renegotiated"
    assert str(an_outage()) == line


def test_str_of_a_current_outage() -> None:
    outage = Outage(0, "offline")
    outage.note_attempt(0)
    assert str(outage) == "outage in progress, first seen: offline, 1 attempt"


def test_record_begins_with_the_evidence_of_the_10_s_before_the_verdict() -> None:
    log = OutageLog(calendar=lambda: 1_700_000_000.1234)
    supervisor = Supervisor(ReconnectionPolicy(), 100.0, lambda: 0.5, log)
    supervisor.handle(WentOffline(), 100.0)
    supervisor.handle(PongReceived(0), 105.0)
    supervisor.handle(PongReceived(1), 108.0)
    supervisor.handle(RtpSilent(), 111.5)
    supervisor.handle(SocketClosed(1006), 112.0)
    (outage,) = log.outages
    assert outage.began == 1_700_000_000.123
    told = [(entry.at, entry.name) for entry in outage.entries if entry.kind == "evidence"]
    assert told == [(-4, "PongReceived"), (-0.5, "RtpSilent"), (0, "SocketClosed")]


def test_recent_evidence_is_returned_only_once() -> None:
    prelude = RecentEvidence()
    prelude.note(100.0, WentOffline())
    assert prelude.take(101.0) == [(100.0, WentOffline())]
    assert prelude.take(102.0) == []


def test_a_log_finishes_the_current_outage_once() -> None:
    log = OutageLog(calendar=lambda: 0.0)
    assert not log.finish(1.0, "rejoined")
    outage = log.begin(1.0, "offline", [])
    assert log.finish(3.0, "rejoined")
    assert not log.finish(5.0, "sessionDisconnected")
    assert (outage.end, outage.duration) == ("rejoined", 2.0)


def test_a_log_keeps_the_last_hundred_outages() -> None:
    log = OutageLog(calendar=lambda: 0.0)
    for number in range(150):
        log.begin(number, "offline", [])
        assert log.finish(number, "reconnected")
    assert [outage.began_at for outage in log.outages] == list(range(50, 150))
