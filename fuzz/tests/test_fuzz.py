"""A short run of `make fuzz`, and that a run which finds a crash reports it."""

from __future__ import annotations

import logging

import pytest

from fuzz import media, run, sockets
from fuzz.media import fuzz_media
from fuzz.mutator import Mutator
from fuzz.run import fuzz
from fuzz.sockets import fuzz_sockets
from pyvidu.server.http.listener import TcpListener
from pyvidu.server.media import offer, rtp
from pyvidu.server.media.stream import ForwardedStream
from pyvidu.server.rooms.room import Room


def test_40000_malformed_inputs_cause_no_crash() -> None:
    inputs, crashes = fuzz(40_000, seed=2)
    assert inputs == 40_000
    assert crashes == []


def test_5000_malformed_offers_and_packets_cause_no_crash_and_do_not_disturb_a_call() -> None:
    inputs, crashes = fuzz_media(5_000, seed=2)
    assert inputs == 5_000
    assert crashes == []


def test_2000_broken_requests_and_frames_over_real_sockets_cause_no_crash() -> None:
    inputs, crashes = fuzz_sockets(2_000, seed=2)
    assert inputs == 2_000
    assert crashes == []


def test_error_behind_a_real_socket_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvidu.server.http.rest.rest_json.session_json", lambda *_, **__: {"not json": object()})
    assert any("not JSON serializable" in found for found in fuzz_sockets(500)[1])


def test_connections_that_are_left_behind_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 1.0)
    monkeypatch.setattr(TcpListener, "closed", lambda *_: None)
    assert any("connections are left" in found for found in fuzz_sockets(50)[1])


def test_exception_in_the_offer_parser_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "_split", lambda sdp: [sdp.split("\r\n", 50)[49:]])
    with pytest.raises(AssertionError, match="publishVideo was answered"):  # even the healthy call is refused
        fuzz_media(10)


def test_exception_in_the_packet_parser_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(rtp, "rtx_original", crash)
    assert any("planted" in found for found in fuzz_media(1_000)[1])


def test_stalled_call_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "PATIENCE", 0.3)
    monkeypatch.setattr(ForwardedStream, "forward", lambda *_: None)
    assert any("stood still" in found for found in fuzz_media(100)[1])


def test_exception_in_a_request_handler_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(Room, "signal", crash)
    assert any("planted" in found for found in fuzz(2_000)[1])


def test_exception_in_the_rest_api_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvidu.server.http.rest.rest_json.session_json", lambda *_, **__: {"not json": object()})
    assert any("not JSON serializable" in found for found in fuzz(2_000)[1])


def test_memory_that_grows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([100, 100 + run.MAX_GROWTH + 1, 100 + run.MAX_GROWTH + 1])
    monkeypatch.setattr(run, "resident", lambda: next(sizes))
    assert any("memory grew" in found for found in fuzz(100)[1])


def test_same_seed_produces_the_same_inputs() -> None:
    value = {"id": 1, "params": {"token": "x", "list": [1, 2, {"a": None}]}}
    first, second = (Mutator(7), Mutator(7))
    many = [(first.json(value, ["con_x"]), second.json(value, ["con_x"])) for _ in range(500)]
    assert all(repr(a) == repr(b) for a, b in many)
    assert len({repr(a) for a, _ in many}) > 100
    assert first.damaged(b"some bytes") == second.damaged(b"some bytes")


def test_run_restores_the_logging_configuration() -> None:
    before = list(logging.getLogger().handlers)
    fuzz(200)
    assert logging.getLogger().handlers == before
    assert logging.getLogger("pyvidu.server.events").level == logging.NOTSET
