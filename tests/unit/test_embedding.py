"""The contract between `web/lib/bridge.js` and `pyvidu.embedding`, which are written in two languages."""

from __future__ import annotations

import inspect
import logging
import re
from typing import Any

import pytest

from pyvidu import OpenVidu, SpeakingEventsOptions, embedding
from pyvidu.embedding import Embedding, Page
from pyvidu.protocol.wire import camel_case
from pyvidu.vendoring import web_dir

_BRIDGE = (web_dir() / "lib" / "bridge.js").read_text("utf-8")
_METHOD = re.compile(r"@property \{\((.*)\) => .*\} (\w+)$", re.MULTILINE)


def in_javascript(typedef: str) -> dict[str, list[str]]:
    """Return the methods of a type in bridge.js, with the names of their parameters."""
    _, _, after = _BRIDGE.partition(f"@typedef {{object}} {typedef}\n")
    body, _, _ = after.partition("*/")
    return {name: re.findall(r"(\w+):", parameters) for parameters, name in _METHOD.findall(body)}


def in_python(cls: type) -> dict[str, list[str]]:
    public = {name: member for name, member in vars(cls).items() if inspect.isfunction(member) and name[0] != "_"}
    return {name: list(inspect.signature(member).parameters)[1:] for name, member in public.items()}


def test_bridge_js_knows_every_method_that_it_may_call_and_its_parameters() -> None:
    requests = {name: [*parameters, "settle"] for name, parameters in in_javascript("Requests").items()}
    assert {**in_javascript("Calls"), **requests} == in_python(Embedding)


def test_bridge_js_provides_what_python_calls() -> None:
    names = {name: [camel_case(item) for item in parameters] for name, parameters in in_python(Page).items()}
    assert in_javascript("Page") == names


class Given:
    """A plain object of the page."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def to_py(self) -> dict[str, Any]:
        return self._fields


def test_configuration_of_the_page_is_in_milliseconds_and_what_it_has_in_excess_or_wrong_is_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host: Any = object()
    openvidu, page = OpenVidu(host), object()
    monkeypatch.setattr(embedding, "OpenVidu", lambda: openvidu)
    of_page = Embedding(page)  # type: ignore[arg-type]
    of_page.new_openvidu(1)
    with caplog.at_level(logging.WARNING):
        of_page.configure(
            1,
            Given(
                noStreamPlayingEventExceptionTimeout=9000,
                iceConnectionDisconnectedExceptionTimeout="soon",
                publisherSpeakingEventsOptions={"interval": 50},
                someNewSetting=1,
                forceMediaReconnectionAfterNetworkDrop=True,
            ),
        )
    made = openvidu.advanced_configuration
    assert made.no_stream_playing_event_exception_timeout == 9
    assert made.ice_connection_disconnected_exception_timeout == 4
    assert made.publisher_speaking_events_options == SpeakingEventsOptions(interval=0.05)
    assert made.force_media_reconnection_after_network_drop
    assert caplog.messages == [
        "someNewSetting is not supported and ignored",
        "iceConnectionDisconnectedExceptionTimeout must be a number of milliseconds above 0, not 'soon'; it is ignored",
    ]


def test_types_for_the_page_have_times_in_milliseconds() -> None:
    defaults = (web_dir() / "lib" / "defaults.js").read_text("utf-8")
    assert "[noStreamPlayingEventExceptionTimeout]   milliseconds, by default 4000" in defaults
    assert "[interval]   milliseconds, by default 100" in defaults
