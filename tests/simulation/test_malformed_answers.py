"""Answers that no server should send: each awaited call fails with a typed error, nothing hangs, and the return goes on.

The answers are derived from the protocol's classes; what is tried is one field at a time, and the answer as a whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from pyvidu import ConnectionFailedError, MalformedAnswerError, OpenViduError, RequestError
from pyvidu.protocol.messages import JoinRoomResult, PublishVideoResult, SdpAnswerResult, UnpublishVideo
from tests.simulation import simulated_host
from tests.simulation.malformed import HUGE, Collected, variants
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.simulation.simulated_network import SimulatedSocket, now
from tests.virtual_time import virtual_time

Change = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns what the server sends instead of an answer."""


class ChangedAnswers(SimulatedSocket):
    """A socket on which the answers to the requests of the methods in `changes` are changed."""

    changes: dict[str, Change] = {}  # noqa: RUF012  of one test, see `changes`
    seen: dict[str, int] = {}  # noqa: RUF012

    def push(self, text: str) -> None:
        message = json.loads(text)
        change = self.changes.get(self.__dict__.setdefault("asked", {}).get(message.get("id"), ""))
        super().push(text if change is None else json.dumps({**change(message)}))

    def _receive_at_server(self, text: str) -> None:
        message = json.loads(text)
        self.seen[message["method"]] = self.seen.get(message["method"], 0) + 1
        self.__dict__.setdefault("asked", {})[message["id"]] = message["method"]
        super()._receive_at_server(text)


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Change]:
    """Return the changes of answers, by method; empty at first."""
    found: dict[str, Change] = {}
    monkeypatch.setattr(simulated_host, "SimulatedSocket", ChangedAnswers)
    monkeypatch.setattr(ChangedAnswers, "changes", found)
    monkeypatch.setattr(ChangedAnswers, "seen", {})
    return found


def fields(cls: type, *, malformed: bool) -> dict[str, Change]:
    """Return the changes of one field of a result of `cls`, by label."""

    def change(message: dict[str, Any], label: str) -> dict[str, Any]:
        result = message["result"]
        return {**message, "result": next(item.params for item in variants(cls, result) if item.label == label)}

    labels = [item.label for item in variants(cls, {}) if item.malformed == malformed]
    return {label: partial(change, label=label) for label in labels}


def _instead(**members: Any) -> Change:
    return lambda message: {"jsonrpc": "2.0", "id": message["id"], **members}


NO_RESULT: dict[str, Change] = {
    "no result": _instead(),
    "result null": _instead(result=None),
    "result a list": _instead(result=[1]),
    "result a text": _instead(result="text"),
    "result empty": _instead(result={}),
    "error a text": _instead(error="text"),
    "error a list": _instead(error=[]),
    "error empty": _instead(error={}),
    "error with a huge code": _instead(error={"code": 10**30, "message": 5}),
    "error with a huge code in its message": _instead(error={"code": 1, "message": ". Code: " + "9" * 5000}),
    "error with a huge message": _instead(error={"code": True, "message": HUGE}),
}


async def fails(awaited: Awaitable[Any]) -> OpenViduError:
    """Return the error that `awaited` fails with, at once."""
    began = now()
    with pytest.raises(OpenViduError) as failed:
        await awaited
    assert now() - began < 1
    return failed.value


def alone(call: Call) -> Participant:
    """Return a participant that has not joined yet and does not subscribe by itself."""
    ada = Participant(call.world, "ada")
    call.participants.append(ada)
    ada.session.off("streamCreated")
    return ada


@virtual_time
async def test_malformed_answer_to_join_room_fails_connect_and_leaves(
    changes: dict[str, Change], caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        await call.participant("bob")
        ada = alone(call)
        for label, change in {**fields(JoinRoomResult, malformed=True), **NO_RESULT}.items():
            changes["joinRoom"] = change
            error = await fails(ada.join(publish=False))
            assert "joinRoom" in str(error), label
            assert isinstance(error, (ConnectionFailedError, RequestError)), label
            assert ada.events() == [], label
            assert not ada.link.sockets, label
            assert not ada.host.clock.timers, label
            await asyncio.sleep(0.1)
            if isinstance(error, ConnectionFailedError):
                assert len(call.world.room.participants) == 1, label
            else:  # refused, as far as the client knows
                await asyncio.sleep(13)
        changes.clear()
        await ada.join(publish=False)
        await ada.session.signal(data="hello")
    assert collected.errors() == []


@virtual_time
async def test_odd_answer_to_join_room_connects_or_fails(
    changes: dict[str, Change], caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        await call.participant("bob")
        ada = alone(call)
        for change in fields(JoinRoomResult, malformed=False).values():
            changes["joinRoom"] = change
            try:
                await asyncio.wait_for(ada.join(publish=False), 5)
            except OpenViduError:
                assert not ada.link.sockets
            else:
                await asyncio.wait_for(ada.session.signal(data="hello"), 5)
                ada.session.disconnect()
    assert collected.errors() == []


@virtual_time
async def test_malformed_answer_to_publish_video_fails_publish(changes: dict[str, Change]) -> None:
    async with a_call() as call:
        bob, ada = await call.participant("bob"), alone(call)
        await ada.join(publish=False)
        ada.publisher = await ada.openvidu.init_publisher("me")
        for label, change in {**fields(PublishVideoResult, malformed=True), **NO_RESULT}.items():
            told = len(bob.events())
            changes["publishVideo"] = change
            error = await fails(ada.session.publish(ada.publisher))
            assert "publishVideo" in str(error), label
            assert isinstance(error, RequestError), label
            assert not ada.peers.alive, label
            changes.clear()
            await asyncio.sleep(0.1)
            if isinstance(error, MalformedAnswerError):
                assert bob.events()[told:] == ["streamCreated", "streamDestroyed(unpublish)"], label
            else:  # refused, as far as the client knows
                await ada.session.participation.member.request(UnpublishVideo())
        await ada.session.publish(ada.publisher)
        assert ada.publisher.stream.is_published


@virtual_time
async def test_malformed_answer_to_receive_video_from_fails_subscribe(changes: dict[str, Change]) -> None:
    async with a_call() as call:
        await call.participant("bob")
        ada = alone(call)
        await ada.join(publish=False)
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        for label, change in {**fields(SdpAnswerResult, malformed=True), **NO_RESULT}.items():
            changes["receiveVideoFrom"] = change
            error = await fails(ada.session.subscribe(stream, "others"))
            assert "receiveVideoFrom" in str(error), label
            assert isinstance(error, RequestError), label
            assert not ada.peers.alive, label
        changes.clear()
        await ada.session.subscribe(stream, "others")


@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("label", ["result null", "result empty", "no result", "error empty"])
@virtual_time
async def test_malformed_answer_to_reconnect_stream_is_tried_again_and_given_up_in_the_end(
    label: str, times: int, changes: dict[str, Change], caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada = await call.participant("ada")
        await call.participant("bob")
        left = times * len(ada.session.stream_managers)

        def for_a_while(message: dict[str, Any]) -> dict[str, Any]:
            nonlocal left
            left -= 1
            return NO_RESULT[label](message) if left >= 0 else message

        changes["reconnectStream"] = for_a_while
        told: list[str] = []
        for name in ("streamFrozen", "streamRecovered", "exception"):
            ada.session.on(name, lambda event: told.append(getattr(event, "name", event.type)))
        ada.link.drop("silent")
        await asyncio.sleep(4)
        ada.link.restore(dead_media=True)
        await until(lambda: "reconnected" in ada.events())
        await asyncio.sleep(15)
        assert told.count("streamFrozen") == 2
        assert told.count("streamRecovered" if times == 1 else "ICE_CONNECTION_FAILED") == 2
        await ada.session.signal(data="still there")
    assert collected.errors() == []


@pytest.mark.parametrize("method", ["ping", "connect", "videoData"])
@virtual_time
async def test_malformed_answer_to_what_a_return_asks_does_not_stop_it_for_good(
    method: str, changes: dict[str, Change], caplog: pytest.LogCaptureFixture
) -> None:
    collected = Collected(caplog)
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        for label, change in NO_RESULT.items():
            told = len(ada.log)
            ada.link.drop("link")
            await asyncio.sleep(0.5)
            waiting = asyncio.ensure_future(ada.session.signal(data=label, type="waited"))
            ChangedAnswers.seen.clear()
            changes[method] = change
            ada.link.restore()
            await asyncio.sleep(4)
            assert ChangedAnswers.seen[method], label
            changes.clear()
            await until(waiting.done, timeout=10)
            assert waiting.exception() is None, label
            assert bob.events()[-1] == "signal:waited", label
            news = [name for _, name, _ in ada.log[told:] if name != "signal:waited"]
            assert news == ["reconnecting", "reconnected"], label
    assert collected.errors() == []


@virtual_time
async def test_malformed_answer_to_a_request_without_result_settles_it(changes: dict[str, Change]) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        for label, change in NO_RESULT.items():
            changes |= {"sendMessage": change, "streamPropertyChanged": change}
            muting = ada.publisher.publish_audio(not ada.publisher.stream.audio_active)
            outcomes = await asyncio.gather(ada.session.signal(data="hello"), muting, return_exceptions=True)
            assert all(outcome is None or isinstance(outcome, RequestError) for outcome in outcomes), label
