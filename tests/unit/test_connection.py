"""Connections: which one is local, and what a role allows."""

from __future__ import annotations

import logging

import pytest

from pyvidu.connection import Capabilities, Connection
from pyvidu.membership import ParticipantState, StreamState
from pyvidu.protocol.messages import JoinRoomResult, ParticipantInfo, StreamInfo
from pyvidu.protocol.values import FilterInfo


@pytest.mark.parametrize("role", ["", "PUBLISHER"])
def test_connection_is_local_because_it_joined_here_whatever_its_role(role: str) -> None:
    own = ParticipantState.local(JoinRoomResult("con_a", "rpc", [], role=role))
    other = ParticipantState.of(ParticipantInfo("con_b"))
    other.role = role
    assert Connection(own).is_local
    assert not Connection(other).is_local


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("", Capabilities()),
        ("SUBSCRIBER", Capabilities(subscribe=True)),
        ("PUBLISHER", Capabilities(publish=True, subscribe=True)),
        ("MODERATOR", Capabilities(force_disconnect=True, force_unpublish=True, publish=True, subscribe=True)),
    ],
)
def test_role_determines_the_capabilities(role: str, allowed: Capabilities) -> None:
    assert Capabilities.of(role) == allowed


def test_stream_whose_filter_cannot_be_read_has_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert StreamState.of(StreamInfo("str_CAM_b", filter={"type": 5}), "con_b").filter is None
    assert "the filter of stream str_CAM_b cannot be read: 'type' has a value of another type" in caplog.text
    assert StreamState.of(StreamInfo("str_CAM_b", filter={"type": "x"}), "con_b").filter == FilterInfo("x")
