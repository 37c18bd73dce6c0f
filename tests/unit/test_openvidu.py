"""`OpenVidu`: what it hands to tests that watch its page."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pyvidu import OpenVidu, Session
from pyvidu.reconnection.outage import Outage


def test_tests_that_watch_a_page_read_each_sessions_outages_and_keep_none_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: list[Callable[[], str]] = []
    host: Any = SimpleNamespace(offer_outages=offered.append)
    openvidu = OpenVidu(host)
    session, _other = openvidu.init_session(), openvidu.init_session()
    (read, read_other) = offered
    outage = Outage(began_at=0.0, witness="rtp silent")
    of_session = {id(session): [outage]}
    monkeypatch.setattr(Session, "outages", property(lambda session: of_session.get(id(session), [])))
    assert json.loads(read()) == [outage.to_dict()]
    assert json.loads(read_other()) == []
    del session
    gc.collect()
    assert json.loads(read()) == []
