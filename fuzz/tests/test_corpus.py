"""What coverage-guided fuzzing has kept: every input is parsed again, without atheris."""

from __future__ import annotations

import pytest

from fuzz.cost import Target, excesses
from fuzz.parsers import PARSERS, Parser
from pyvidu.server.media import offer, rtp, stun


@pytest.fixture(params=list(PARSERS))
def parser(request: pytest.FixtureRequest) -> Parser:
    return PARSERS[request.param]


def test_kept_inputs_break_no_promise(parser: Parser) -> None:
    kept = parser.corpus()
    assert len(kept) > 10
    for data in [*parser.seeds(), *kept]:
        parser.check(data)


def test_kept_inputs_repeated_take_linear_time_and_little_memory(parser: Parser) -> None:
    target = Target(parser.name, parser.check, [], lambda body: body)
    found = [excess for unit in parser.corpus()[::5] if unit for excess in excesses(target, unit)]
    assert found == []


def test_corpus_is_small(parser: Parser) -> None:
    assert parser.file.stat().st_size < 150_000


def test_broken_promises_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun.BindingRequest, "authenticates", lambda *_: True)
    with pytest.raises(AssertionError):
        _check("stun")
    monkeypatch.setattr(rtp, "find_extension", lambda *_: b"not in the packet")
    with pytest.raises(AssertionError):
        _check("rtp")
    monkeypatch.setattr(offer, "parse", lambda text: [][len(text)])
    with pytest.raises(IndexError):
        _check("sdp")


def _check(name: str) -> None:
    for data in PARSERS[name].seeds():
        PARSERS[name].check(data)
