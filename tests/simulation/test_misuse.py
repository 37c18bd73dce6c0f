"""Calls in a state in which they make no sense: each fails with an error of its own and changes nothing."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from pyvidu import (
    AlreadyConnectedError,
    AlreadyPublishedError,
    LocalStreamError,
    NotPublishedError,
    PropertiesError,
    StreamEndedError,
)
from tests.simulation.simulated_call import Participant, a_call
from tests.virtual_time import virtual_time


@virtual_time
async def test_second_connect_fails_and_leaves_the_first_one_alone() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        with pytest.raises(AlreadyConnectedError, match="call disconnect"):
            await ada.session.connect(await ada.fresh_token())
        assert ada.events("sessionDisconnected") == []
        await ada.session.signal(data="still here")


@virtual_time
async def test_second_publisher_of_a_session_is_refused() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        with pytest.raises(AlreadyPublishedError, match="unpublish it first"):
            await ada.session.publish(await ada.openvidu.init_publisher())
        assert bob.events("streamCreated", "streamDestroyed") == ["streamCreated"]


@virtual_time
async def test_publisher_of_another_session_is_refused_and_goes_on_there() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob", publish=False)
        assert ada.publisher is not None
        media = ada.publisher.media
        with pytest.raises(AlreadyPublishedError, match="another session"):
            await bob.session.publish(ada.publisher)
        assert ada.publisher.media is media
        assert ada.publisher.session is ada.session


@virtual_time
async def test_publisher_that_is_not_published_here_cannot_be_unpublished() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        other = await ada.openvidu.init_publisher()
        with pytest.raises(NotPublishedError, match="publish it first"):
            await ada.session.unpublish(other)


@virtual_time
async def test_own_stream_and_ended_streams_cannot_be_subscribed_to() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        assert ada.publisher is not None
        assert bob.publisher is not None
        with pytest.raises(LocalStreamError):
            await ada.session.subscribe(ada.publisher.stream)
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        assert stream is not None
        await bob.session.unpublish(bob.publisher)
        await call.participant("eve", publish=False)
        with pytest.raises(StreamEndedError, match=f"{stream.stream_id} has ended"):
            await ada.session.subscribe(stream)


@virtual_time
async def test_metadata_that_json_lacks_fails_connect_before_anything_is_sent() -> None:
    async with a_call() as call:
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        token = await ada.fresh_token()
        for data, problem in (
            ({"level": math.nan}, r"metadata\.level is nan"),
            ({"call": call}, "metadata.call is of type Call"),
        ):
            with pytest.raises(PropertiesError, match=problem):
                await ada.session.connect(token, data)
        assert not ada.link.sockets
        await ada.session.connect(token, {"level": 1.5})
        assert ada.session.connection is not None
        assert ada.session.connection.data == '{"level":1.5}'


@virtual_time
async def test_muting_takes_nothing_but_a_bool() -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        assert ada.publisher is not None
        wrong: list[Any] = [math.nan, "no", None, 0]
        for value in wrong:
            with pytest.raises(PropertiesError, match="publish_audio takes True or False"):
                ada.publisher.publish_audio(value)
        assert ada.publisher.stream.audio_active


@virtual_time
async def test_signal_takes_openvidus_options_as_a_mapping_or_as_keywords() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        heard: list[tuple[str, str]] = []
        bob.session.on("signal", lambda event: heard.append((event.signal_type, event.data)))
        others = ada.session.remote_connections
        await ada.session.signal({"data": "one", "to": list(others.values()), "type": "chat"})
        await ada.session.signal(data="two", to=others.values())
        await ada.session.signal({"type": "signal:chat"}, data="three")
        await ada.session.signal()
        await asyncio.sleep(0.5)
        assert heard == [("chat", "one"), ("signal", "two"), ("chat", "three"), ("signal", "")]


@virtual_time
async def test_signal_with_wrong_options_is_refused_and_not_sent() -> None:
    async with a_call() as call:
        ada, bob = await call.participant("ada"), await call.participant("bob")
        wrong: list[tuple[Any, dict[str, Any], str]] = [
            ({"dat": "x"}, {}, r"SignalOptions has no dat; did you mean data\?$"),
            ({"data": math.nan}, {}, "^data must be a text, not nan$"),
            (None, {"data": 0}, "^data must be a text, not 0$"),
            (None, {"data": {"x": 1}}, "^data must be a text, not this dict$"),
            (None, {"to": [bob.id]}, "^to must be a list of Connections, not this list$"),
            (None, {"to": bob.session.connection}, "^to must be a list of Connections, not this Connection$"),
            (None, {"type": 5}, "^type must be a text, not 5$"),
            ("hello", {}, "given as a mapping or by keywords, not as 'hello'$"),
        ]
        for options, keywords, problem in wrong:
            with pytest.raises(PropertiesError, match=problem):
                await ada.session.signal(options, **keywords)
        await asyncio.sleep(0.5)
        assert bob.events("signal") == []


@pytest.mark.parametrize("interval", [0, 100, "0.1", math.nan])
@virtual_time
async def test_interval_of_speaking_events_is_in_seconds(interval: Any) -> None:
    async with a_call() as call:
        ada = await call.participant("ada")
        assert ada.publisher is not None
        with pytest.raises(PropertiesError, match=r"interval (is in|must be a number of) seconds"):
            ada.publisher.enable_speaking_events(interval=interval)
        assert not ada.publisher.watches_speech


@virtual_time
async def test_subscribe_refuses_properties_before_anything_is_requested() -> None:
    async with a_call() as call:
        await call.participant("bob")
        ada = Participant(call.world, "ada")
        call.participants.append(ada)
        ada.session.off("streamCreated")
        await ada.join(publish=False)
        (stream,) = (item.stream for item in ada.session.remote_connections.values())
        assert stream is not None
        with pytest.raises(PropertiesError, match=r"^insertMode must be one of AFTER"):
            await ada.session.subscribe(stream, "others", {"insertMode": "append"})
        assert not ada.peers.made
