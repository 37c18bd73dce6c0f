"""Notifications that no server should send: during a call, held back in an outage, and while the room is being joined.

They are derived from the protocol's classes, so a new notification is tested without being named here. A malformed one
changes nothing and causes one warning; whatever arrives, the call and the return go on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.simulation import simulated_host
from tests.simulation.malformed import (
    HUGE,
    NOTIFICATIONS,
    Collected,
    Variant,
    knowledge,
    usual,
    variants,
    without_parameters,
)
from tests.simulation.simulated_call import Participant, a_call, until
from tests.simulation.simulated_network import SimulatedSocket
from tests.virtual_time import virtual_time

METHODS = pytest.mark.parametrize("method", NOTIFICATIONS)

# What only a look at the value shows: the method, what is usual besides, and unusual values of a field.
WRONG_VALUES: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("streamPropertyChanged", {"property": "audioActive"}, "newValue",
     ["banana", "", "null", "NaN", 3, 10**30, [], {}, HUGE, "[" * 5000]),
    ("streamPropertyChanged", {"property": "videoActive"}, "newValue", ["banana", 0, "1"]),
    ("streamPropertyChanged", {"property": "videoDimensions"}, "newValue",
     ['{"width":1e999,"height":1}', '{"width":NaN,"height":1}', "{}", '"x"', "null", "[]", 5, HUGE, True,
      '{"width":-1,"height":2}', '{"width":"640","height":480}', '{"width":true,"height":480}', {"width": 640},
      {"width": 10**30, "height": 480}]),
    ("streamPropertyChanged", {"property": "videoTrack"}, "newValue", ["x", 5, [], {}, {"label": 5}]),
    ("streamPropertyChanged", {"property": "filter"}, "newValue", ["x", 5, [1], {"options": {}}, {"type": 5}, HUGE]),
    ("connectionPropertyChanged", {"property": "role"}, "newValue", ["", "BOSS", 5, [], {}, True, HUGE]),
    ("connectionPropertyChanged", {"property": "record"}, "newValue", ["maybe", 5, [], {}, HUGE]),
    ("networkQualityLevelChanged", {}, "newValue", [-1, 6, 10**30]),
    ("iceCandidate", {}, "sdpMLineIndex", [-1, 10**30]),
]  # fmt: skip


def text_of(method: str, params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


def push(person: Participant, text: str) -> None:
    """Let the server send a notification to `person`: counted, and replayed if it is missed, as any other."""
    peer: Any = next(item.peer for item in person.world.room.participants if item.id == person.id)
    peer.delivery_log.notified(text)
    if peer.socket.open:
        peer.socket.transport.send(text)


def all_variants(method: str, own: str, other: str, stream: str) -> list[Variant]:
    """Return the variants of a notification, the malformed ones first, which the client ignores."""
    whole = usual(NOTIFICATIONS[method], own, other, stream)
    cls = NOTIFICATIONS[method]
    found = [*variants(cls, whole), *without_parameters(cls)]
    for told, known, key, values in WRONG_VALUES:
        if told == method:
            found += [
                Variant(f"{key} {value!r:.30}", {**whole, **known, key: value}, malformed=True, key=key)
                for value in values
            ]
    unknown = {
        key: f"{value}_unknown" for key, value in whole.items() if key in ("connectionId", "streamId", "id", "from")
    }
    found += [
        Variant(f"unknown {key}", {**whole, key: value}, malformed=False, key=key) for key, value in unknown.items()
    ]
    return sorted(found, key=lambda variant: not variant.malformed)


def is_harmless(method: str, variant: Variant, own: str) -> bool:
    """Return whether the session goes on after a well-formed notification."""
    ends = method == "masterNodeCrashedNotification" or (
        method == "participantEvicted" and variant.params.get("connectionId") == own
    )
    return not ends


def variants_of(method: str, ada: Participant, bob: Participant) -> tuple[list[Variant], list[Variant]]:
    """Return the malformed variants, and the odd ones that are well-formed and do not end the session."""
    found = all_variants(method, ada.id, bob.id, bob.publisher.stream.stream_id)
    odd = [item for item in found if not item.malformed and is_harmless(method, item, ada.id)]
    return [item for item in found if item.malformed], odd


async def assert_signals_pass(ada: Participant, bob: Participant) -> None:
    """Assert that each receives a signal of the other, once."""
    for sender, receiver in ((ada, bob), (bob, ada)):
        heard: list[str] = []
        receiver.session.once("signal:check", lambda event, heard=heard: heard.append(event.data))
        await sender.session.signal(data=sender.name, type="check")
        await until(lambda heard=heard: bool(heard), timeout=1)
        assert heard == [sender.name]


def assert_warned(warnings: list[str], method: str, variant: Variant) -> None:
    assert len(warnings) == 1, (variant.label, [text[:200] for text in warnings])
    assert method in warnings[0], variant.label
    assert variant.key in warnings[0], (variant.label, warnings[0][:200])
    assert len(warnings[0]) < 400, variant.label


@METHODS
@virtual_time
async def test_unusual_notification_in_a_call_leaves_the_call_as_it_was(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        malformed, odd = variants_of(method, ada, bob)
        for variant in malformed:
            before, told = knowledge(ada.session), len(ada.log)
            collected.clear()
            push(ada, text_of(method, variant.params))
            await asyncio.sleep(0.01)
            assert knowledge(ada.session) == before, variant.label
            assert ada.events()[told:] == [], variant.label
            assert_warned(collected.warnings, method, variant)
        await assert_signals_pass(ada, bob)
        for variant in odd:
            push(ada, text_of(method, variant.params))
            await asyncio.sleep(0.01)
            assert ada.session.participation.is_member, variant.label
            await assert_signals_pass(ada, bob)
    collected.assert_no_errors()


@METHODS
@virtual_time
async def test_unusual_notification_that_was_missed_in_an_outage_does_not_stop_the_return(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        for missed, are_malformed in zip(variants_of(method, ada, bob), (True, False), strict=True):
            before, told = knowledge(ada.session), len(ada.log)
            collected.clear()
            ada.link.drop("link")
            await until(lambda: not ada.session.participation.is_up)
            waiting = asyncio.ensure_future(ada.session.signal(data="waited", type="waited"))
            await asyncio.sleep(0.1)
            for variant in missed:
                push(ada, text_of(method, variant.params))
            await bob.session.signal(data="after all of them", type="missed")
            ada.link.restore()
            await until(lambda: ada.session.participation.is_up, timeout=10)
            await asyncio.wait_for(waiting, timeout=2)
            await assert_signals_pass(ada, bob)
            if are_malformed:
                assert knowledge(ada.session) == before
                signals = ["signal:missed", "signal:waited", "signal:check", "signal:check"]
                assert ada.events()[told:] == ["reconnecting", "reconnected", *signals]
                assert len(collected.warnings) == len(missed)
                for variant, warning in zip(missed, collected.warnings, strict=True):
                    assert_warned([warning], method, variant)
    collected.assert_no_errors()


class Interrupted(SimulatedSocket):
    """A socket on which the server sends `texts` right before the answer to `joinRoom`."""

    texts: Callable[[dict[str, Any]], Iterable[str]] = staticmethod(lambda _result: ())

    def push(self, text: str) -> None:
        result = json.loads(text).get("result") or {}
        for unusual in type(self).texts(result) if "finalUserId" in result else ():
            super().push(unusual)
        super().push(text)


@pytest.mark.parametrize("are_malformed", [True, False])
@METHODS
@virtual_time
async def test_unusual_notification_before_the_answer_to_join_room_does_not_stop_the_joining(
    method: str, are_malformed: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        bob = await call.participant("bob")
        sent: list[Variant] = []

        def texts(result: dict[str, Any]) -> list[str]:
            found = all_variants(method, result["id"], bob.id, bob.publisher.stream.stream_id)
            sent[:] = [
                item for item in found
                if item.malformed == are_malformed and (are_malformed or is_harmless(method, item, result["id"]))
            ]  # fmt: skip
            return [text_of(method, variant.params) for variant in sent]

        monkeypatch.setattr(simulated_host, "SimulatedSocket", Interrupted)
        monkeypatch.setattr(Interrupted, "texts", staticmethod(texts))
        collected.clear()
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        await ada.join(publish=False)
        monkeypatch.undo()
        if are_malformed:
            assert ada.events() == ["connectionCreated", "connectionCreated", "streamCreated"]
            assert list(ada.session.remote_connections) == [bob.id]
            assert ada.session.connection.role == "PUBLISHER"
            assert len(collected.warnings) == len(sent)
            for variant, warning in zip(sent, collected.warnings, strict=True):
                assert_warned([warning], method, variant)
        await assert_signals_pass(ada, bob)
    collected.assert_no_errors()


@virtual_time
async def test_messages_that_are_no_notifications_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        for text in ("", "{", "null", "[]", '{"method":5}', '{"method":null,"params":{}}', '{"id":[],"method":"x"}', "NaN",
                     '{"method":"participantLeft","params":{"connectionId":1e999}}', "[" * 100_000, '{"id":true,"result":1}',
                     '{"id":1,"method":"participantLeft","params":{}}', '{"method":"' + HUGE + '"}',
                     '{"method":"brandNew","params":[1]}', '{"method":"brandNew","params":null}'):  # fmt: skip
            before, told = knowledge(ada.session), len(ada.log)
            push(ada, text)
            await asyncio.sleep(0.01)
            assert knowledge(ada.session) == before
            assert ada.events()[told:] == []
            await assert_signals_pass(ada, bob)
    collected.assert_no_errors()


@pytest.mark.parametrize("kind", ["sessionDisconnected", "error", "streamDestroyed", ""])
@virtual_time
async def test_signal_with_the_name_of_an_event_fires_signal_only(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        heard: list[str] = []
        for name in (kind or "other", "signal", f"signal:{kind}"):
            ada.session.on(name, lambda _event, name=name: heard.append(name))
        push(ada, text_of("sendMessage", {"type": kind, "data": "x", "from": bob.id}))
        await asyncio.sleep(0.01)
        assert heard == (["signal", f"signal:{kind}"] if kind else ["signal"])
    collected.assert_no_errors()
