"""Applications whose handlers fail, leave or call back in, in every event that is fired in an outage and after it.

Whatever they do, the return completes, requests that wait settle, and nothing is left open.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pyvidu import OpenViduError
from pyvidu.events import SESSION_EVENTS
from tests.simulation.malformed import Collected
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.simulation.simulated_host import FakeElement
from tests.virtual_time import virtual_time

ENDS = ("reconnected", "rejoined", "sessionDisconnected")
RETURN = (
    "reconnecting", "reconnectionAttempt", "reconnected", "connectionCreated", "connectionDestroyed", "streamCreated",
    "streamDestroyed", "streamPropertyChanged", "signal", "recordingStarted", "recordingStopped", "streamFrozen",
    "streamRecovered", "exception", "networkQualityLevelChanged", "connectionPropertyChanged", "outageSettled",
    "streamVideoPaused", "streamVideoResumed",
)  # fmt: skip
REJOIN = (
    "reconnecting", "reconnectionAttempt", "rejoined", "outageSettled", "connectionCreated", "streamCreated",
    "streamDestroyed",
)  # fmt: skip
SPOKEN = ("publisherStartSpeaking", "publisherStopSpeaking")  # about loudness only
OF_OTHERS = ("connectionInterrupted", "connectionRestored")  # test_others_are_told.py
PRO = ("broadcastStarted", "broadcastStopped", "speechToTextMessage")  # OpenVidu Pro's: our server sends none

Act = Callable[[Participant, Any], Any]


def raises(_ada: Participant, _event: Any) -> None:
    raise ZeroDivisionError("planted")


async def raises_later(_ada: Participant, _event: Any) -> None:
    await asyncio.sleep(0.01)
    raise ZeroDivisionError("planted")


async def raises_at_once(_ada: Participant, _event: Any) -> None:
    raise ZeroDivisionError("planted")


def asks_a_cancelled_task(_ada: Participant, _event: Any) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    future.result()  # raises CancelledError, which is no Exception


def disconnects(ada: Participant, _event: Any) -> None:
    ada.session.disconnect()


async def disconnects_later(ada: Participant, _event: Any) -> None:
    await asyncio.sleep(0)
    ada.session.disconnect()


async def unpublishes(ada: Participant, _event: Any) -> None:
    await ada.session.unpublish(ada.publisher)


async def subscribes_again(ada: Participant, _event: Any) -> None:
    for connection in list(ada.session.remote_connections.values()):
        if connection.stream is not None:
            await ada.session.subscribe(connection.stream, "others")


async def unsubscribes(ada: Participant, _event: Any) -> None:
    for manager in ada.session.stream_managers:
        if manager.remote:
            await ada.session.unsubscribe(manager)


def stops_reconnecting(ada: Participant, _event: Any) -> None:
    ada.session.stop_reconnecting()


def reconnects_now(ada: Participant, _event: Any) -> None:
    ada.session.reconnect_now()


def mutes_and_signals_once(ada: Participant, event: Any) -> None:
    if event.type == "signal:handler" or (
        event.type == "streamPropertyChanged" and event.stream is ada.publisher.stream
    ):
        return  # its own
    ada.publisher.publish_audio(not ada.publisher.stream.audio_active)
    signalling = asyncio.ensure_future(ada.session.signal(data="from a handler", type="handler"))
    signalling.add_done_callback(lambda done: done.cancelled() or done.exception())


def removes_every_handler(ada: Participant, event: Any) -> None:
    ada.session.off("signal" if event.type.startswith("signal:") else event.type)  # that of the type is called next


async def joins_again(ada: Participant, _event: Any) -> None:
    await ada.session.connect(await ada.fresh_token())


FAILS = (raises, raises_later, raises_at_once, asks_a_cancelled_task)
LEAVES = (disconnects, disconnects_later, stops_reconnecting)
IN_EVERY_EVENT = (
    *FAILS, subscribes_again, unsubscribes, reconnects_now, mutes_and_signals_once, removes_every_handler, joins_again
)  # fmt: skip
IN_ONE_EVENT = (disconnects, disconnects_later, stops_reconnecting, unpublishes, subscribes_again)


def push(person: Participant, method: str, **params: Any) -> None:
    peer: Any = next(item.peer for item in person.world.room.participants if item.id == person.id)
    text = json.dumps({"jsonrpc": "2.0", "method": method, "params": params})
    peer.delivery_log.notified(text)
    if peer.socket.open:
        peer.socket.transport.send(text)


async def eventful_outage(call: Call, ada: Participant, bob: Participant, dave: Participant) -> asyncio.Task[None]:
    """Let `ada` drop, every kind of notification be missed, and `ada` send a signal meanwhile; return its task."""
    ada.link.drop("link")
    await asyncio.sleep(0.1)
    waiting = asyncio.ensure_future(ada.session.signal(data="waited", type="waited"))
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    push(ada, "recordingStarted", id="rec", name="a recording")
    push(ada, "recordingStopped", id="rec", name="a recording", reason="recordingStoppedByServer")
    push(ada, "networkQualityLevelChanged", connectionId=bob.id, newValue=2, oldValue=5)
    push(ada, "connectionPropertyChanged", property="record", newValue=True)
    for forwarded in (False, True):
        bobs = bob.publisher.stream.stream_id
        push(ada, "videoForwardingChanged", connectionId=bob.id, streamId=bobs, forwarded=forwarded, reason="bandwidth")
    await bob.publisher.publish_audio(False)
    dave.session.disconnect()
    await call.participant("carol")
    await bob.session.signal(data="hello", type="hello")
    return waiting


async def check_after(ada: Participant, bob: Participant, waiting: asyncio.Task[None], act: Act) -> None:
    """Check that the outage ended once, that what waited has settled, and that signals pass if the session goes on."""
    await until(waiting.done, timeout=15)
    await asyncio.sleep(6)
    outages, ends = len(ada.events("reconnecting")), ada.events(*ENDS)
    if act in LEAVES and ada.events("sessionDisconnected"):
        assert ends[-1].startswith("sessionDisconnected")
        assert isinstance(waiting.exception(), OpenViduError) or waiting.exception() is None
        assert not ada.session.participation.is_member
        assert not ada.peers.alive
        assert outages <= len(ends) <= outages + 1
        return
    assert len(ends) == outages
    assert ada.session.participation.is_up
    assert waiting.exception() is None
    for sender, receiver in ((ada, bob), (bob, ada)):
        heard: list[str] = []
        receiver.session.on("signal:check", lambda event, heard=heard: heard.append(event.data))
        await sender.session.signal(data=sender.name, type="check")
        await until(lambda heard=heard: bool(heard), timeout=1)


def assert_one_error_for_each(done: Counter[str], collected: Collected, act: Act) -> None:
    """Assert that each failure of a handler was logged once, as an error, and nothing else."""
    errors = collected.errors()
    if act in FAILS:
        assert Counter(text.split()[3].partition(":")[0] for text in errors) == done  # "a handler of NAME failed"
    else:
        assert errors == []


async def a_return(names: tuple[str, ...], act: Act, collected: Collected) -> None:
    """Run an outage in which `ada` does `act` in the events `names`."""
    async with a_call() as call:
        ada, bob, dave = [await call.participant(person) for person in ("ada", "bob", "dave")]
        done = perform(ada, names, act)
        FakeElement.plays = "exception" not in names
        waiting = await eventful_outage(call, ada, bob, dave)
        await asyncio.sleep(2)
        ada.link.restore(dead_media=True)
        await check_after(ada, bob, waiting, act)
        FakeElement.plays = True
        if len(names) > 1 and act in (subscribes_again, unsubscribes):
            done.setdefault("exception", 0)  # a subscription that has been replaced need not play
        ada.session.off("streamDestroyed")  # no more of them, at the end of the call
        ada.session.off("sessionDisconnected")
    assert {*done} == {*names}
    assert not ada.host.clock.timers
    assert_one_error_for_each(done, collected, act)


async def a_rejoin(names: tuple[str, ...], act: Act, collected: Collected) -> None:
    """Run an outage that ends in a rejoin, in which `ada` does `act` in the events `names`."""
    async with a_call() as call:
        ada, bob, dave = [await call.participant(person) for person in ("ada", "bob", "dave")]
        ada.openvidu.set_advanced_configuration(rejoin=ada.fresh_token)
        done = perform(ada, names, act)
        waiting = await eventful_outage(call, ada, bob, dave)
        await asyncio.sleep(13)
        ada.link.restore()
        await until(waiting.done, timeout=15)
        await asyncio.sleep(6)
        ends = ada.events(*ENDS)
        if act not in LEAVES:
            assert ends == ["rejoined"]
            await ada.session.signal(data="back")
        elif not (act is stops_reconnecting and ends == ["rejoined"]):  # which does nothing after an outage
            assert ends[-1].startswith("sessionDisconnected")
            assert not ada.publisher.stream.is_published
            assert not ada.peers.alive
        ada.session.off("streamDestroyed")
        ada.session.off("sessionDisconnected")
    assert {*done} == {*names}
    assert not ada.host.clock.timers
    assert_one_error_for_each(done, collected, act)


def perform(ada: Participant, names: tuple[str, ...], act: Act) -> Counter[str]:
    """Let `ada` do `act` in the events `names`; return how often it has."""
    done: Counter[str] = Counter()

    def handle(event: Any, name: str) -> Any:
        done[name] += 1
        return act(ada, event)

    for name in names:
        ada.session.on(name, partial(handle, name=name))
    return done


@pytest.mark.parametrize("act", IN_EVERY_EVENT, ids=lambda act: act.__name__)
@virtual_time
async def test_handlers_of_every_event_do_not_stop_the_return(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    await a_return(RETURN, act, Collected(caplog))


@pytest.mark.parametrize("act", IN_ONE_EVENT, ids=lambda act: act.__name__)
@pytest.mark.parametrize("name", RETURN)
@virtual_time
async def test_handler_of_one_event_does_not_stop_the_return(
    name: str, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    await a_return((name,), act, Collected(caplog))


@pytest.mark.parametrize("act", IN_EVERY_EVENT, ids=lambda act: act.__name__)
@virtual_time
async def test_handlers_of_every_event_do_not_stop_the_rejoin(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    await a_rejoin(REJOIN, act, Collected(caplog))


@pytest.mark.parametrize("act", IN_ONE_EVENT, ids=lambda act: act.__name__)
@pytest.mark.parametrize("name", REJOIN)
@virtual_time
async def test_handler_of_one_event_does_not_stop_the_rejoin(
    name: str, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    await a_rejoin((name,), act, Collected(caplog))


def test_every_event_of_a_session_is_tried() -> None:
    assert {*RETURN, *REJOIN, *SPOKEN, *PRO, *OF_OTHERS, "sessionDisconnected"} == SESSION_EVENTS.keys()
