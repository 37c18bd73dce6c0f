"""The router with aiortc's peers on the other end: calls, renegotiation, ends of calls, races, refusals."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.ice_lite import Address, IceSession, SharedPorts
from pyvidu.server.media.router import MediaRouter
from tests.server.media.media_client import Client
from tests.server.media.media_rig import MediaTraffic
from tests.waiting import until

Make = Callable[[], Client]


async def published(router: MediaRouter, client: Make, stream: str = "s", owner: str = "ada") -> Client:
    publisher = client().sends()
    await publisher.accept(await router.publish(owner, stream, await publisher.offer()))
    return publisher


async def subscribed(router: MediaRouter, client: Make, stream: str = "s", name: str = "bob") -> Client:
    subscriber = client().receives()
    await subscriber.accept(await router.subscribe(name, stream, await subscriber.offer()))
    return subscriber


async def test_published_video_and_audio_arrive_at_a_subscriber(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    subscriber = await subscribed(router, client)
    frames = await subscriber.frames(10)
    assert [(frame.width, frame.height) for frame in frames] == [(320, 240)] * 10
    assert len({bytes(frame.planes[0])[:64] for frame in frames}) > 5
    assert all(earlier.pts < later.pts for earlier, later in itertools.pairwise(frames))
    assert await subscriber.frames(3, "audio")
    stream = router.statistics().streams["s"]
    assert (stream.owner, stream.connected) == ("ada", True)
    assert stream.tracks["video"].codec == "vp8"
    assert stream.subscribers["bob"].packets_forwarded > 10


async def test_republished_stream_arrives_over_the_same_subscriber_connection(
    router: MediaRouter, client: Make
) -> None:
    former = await published(router, client)
    subscriber = await subscribed(router, client)
    await subscriber.frames(3)
    again = client().sends()
    await again.accept(await router.republish("s", await again.offer()))
    await asyncio.wait_for(former.closed.wait(), 5)
    await subscriber.frames(10)
    assert subscriber.connection.connectionState == "connected"
    await until(lambda: router.statistics().peer_connections == 2)


async def test_old_endpoint_is_forwarded_until_the_new_one_is_connected(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    subscriber = await subscribed(router, client)
    await subscriber.frames(3)
    await router.republish("s", await client().sends().offer())  # its answer never arrives
    await subscriber.frames(10)
    await router.republish("s", await client().sends().offer())
    await subscriber.frames(10)
    await until(lambda: router.statistics().peer_connections == 3)


async def returned(router: MediaRouter, client: Make) -> Client:
    publisher = client().sends_and_receives()
    await publisher.accept(await router.publish("ada", "s", await publisher.offer(), loopback=True))
    return publisher


async def test_publisher_that_wants_its_stream_back_gets_it_on_the_same_connection(
    router: MediaRouter, client: Make
) -> None:
    publisher = await returned(router, client)
    subscriber = await subscribed(router, client)
    own, others = await asyncio.gather(publisher.frames(10), subscriber.frames(10))
    assert [(frame.width, frame.height) for frame in (*own, *others)] == [(320, 240)] * 20
    assert await publisher.frames(3, "audio")
    statistics = router.statistics()
    assert statistics.peer_connections == 2
    assert set(statistics.streams["s"].subscribers) == {"ada", "bob"}
    again = client().sends_and_receives()
    await again.accept(await router.republish("s", await again.offer()))
    await asyncio.gather(again.frames(5), subscriber.frames(5))
    await asyncio.wait_for(publisher.closed.wait(), 5)
    await until(lambda: router.statistics().peer_connections == 2)
    only_sends = client().sends()
    await only_sends.accept(await router.republish("s", await only_sends.offer()))
    await subscriber.frames(5)
    assert set(router.statistics().streams["s"].subscribers) == {"bob"}
    await router.leave("ada")
    assert router.statistics().peer_connections == 0


async def test_stream_comes_back_only_if_the_publisher_asked_for_it_and_receives(
    router: MediaRouter, client: Make
) -> None:
    quiet = client().sends_and_receives()
    answer = await router.publish("ada", "s", await quiet.offer())
    assert "a=sendrecv" not in answer
    deaf = client().sends()
    answer = await router.publish("bob", "t", await deaf.offer(), loopback=True)
    assert "a=sendrecv" not in answer
    assert not router.statistics().streams["t"].subscribers


async def test_a_second_subscribe_replaces_the_first(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    first = await subscribed(router, client)
    await first.frames(2)
    second = await subscribed(router, client)
    await second.frames(5)
    await asyncio.wait_for(first.closed.wait(), 5)
    await until(lambda: router.statistics().peer_connections == 2)


async def test_unpublish_ends_the_subscribers_connections(router: MediaRouter, client: Make) -> None:
    publisher = await published(router, client)
    subscriber = await subscribed(router, client)
    await subscriber.frames(2)
    await router.unpublish("s")
    assert router.statistics().streams == {}
    assert router.statistics().peer_connections == 0
    await asyncio.wait_for(asyncio.gather(publisher.closed.wait(), subscriber.closed.wait()), 5)
    await router.unpublish("s")


async def test_leave_ends_the_streams_and_subscriptions_of_the_participant(router: MediaRouter, client: Make) -> None:
    await published(router, client, "ada's", "ada")
    await published(router, client, "bob's", "bob")
    await subscribed(router, client, "ada's", "bob")
    await subscribed(router, client, "bob's", "ada")
    watcher = await subscribed(router, client, "bob's", "eve")
    await watcher.frames(2)
    await router.leave("ada")
    statistics = router.statistics()
    assert set(statistics.streams) == {"bob's"}
    assert set(statistics.streams["bob's"].subscribers) == {"eve"}
    assert statistics.peer_connections == 2
    await watcher.frames(5)
    await router.unsubscribe("eve", "bob's")
    assert router.statistics().peer_connections == 1
    await router.unsubscribe("eve", "bob's")


async def test_refused_calls_change_no_state(router: MediaRouter, client: Make) -> None:
    await published(router, client)
    subscriber = await subscribed(router, client)
    await subscriber.frames(2)
    before = router.statistics().peer_connections
    good, receiving = await client().sends().offer(), await client().receives().offer()
    for refused in (
        router.publish("ada", "s", good),
        router.publish("ada", "new", "v=0"),
        router.publish("ada", "new", receiving),
        router.republish("s", "nonsense"),
        router.republish("s", receiving),
        router.republish("unknown", good),
        router.subscribe("bob", "unknown", receiving),
        router.subscribe("bob", "s", good),
        router.subscribe("bob", "s", receiving.replace("VP8", "VP9")),
    ):
        with pytest.raises(MediaServerError):
            await refused
    assert router.statistics().peer_connections == before
    await subscriber.frames(5)


def recorded_destinations(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Return a list that receives the destination of every datagram, of all UDP sockets that are opened from now on."""
    sent: list[Address] = []
    loop = asyncio.get_running_loop()
    create = loop.create_datagram_endpoint

    async def create_recorded(*args: Any, **options: Any) -> Any:
        transport, protocol = await create(*args, **options)
        send = transport.sendto

        def record(data: bytes, address: Address) -> None:
            sent.append(address)
            send(data, address)

        monkeypatch.setattr(transport, "sendto", record)
        return transport, protocol

    monkeypatch.setattr(loop, "create_datagram_endpoint", create_recorded)
    return sent


async def test_no_packet_is_sent_to_the_candidates_of_an_offer(
    router: MediaRouter, client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = client().sends()
    offer = await publisher.offer()
    sent = recorded_destinations(monkeypatch)
    victims = (
        "203.0.113.9 9999 typ host",
        "4b1d0e2c.local 9999 typ host",
        "127.0.0.1 9 typ srflx raddr 0.0.0.0 rport 0",
    )
    lines = "".join(f"a=candidate:9{index} 1 udp 2130706431 {victim}\r\n" for index, victim in enumerate(victims))
    answer = await router.publish("ada", "s", offer.replace("a=rtcp-mux\r\n", f"a=rtcp-mux\r\n{lines}"))
    assert sent == []
    await publisher.accept(answer)
    await until(lambda: router.statistics().streams["s"].connected)
    assert {address[0] for address in sent} == {"127.0.0.1"}
    assert 9 not in {address[1] for address in sent}


class Gate:
    """Holds all calls of routers at their one await."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        really = SharedPorts.open

        async def slow(ports: SharedPorts) -> Any:
            self.waiting += 1
            await self.open.wait()
            return await really(ports)

        monkeypatch.setattr(SharedPorts, "open", slow)


@pytest.mark.parametrize("ending", ["leave", "unpublish", "unsubscribe", "owner leaves", "close"])
async def test_subscribe_interrupted_by_an_ending_is_refused_and_leaves_no_connection(
    router: MediaRouter, client: Make, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    await published(router, client)
    offer = await client().receives().offer()
    gate = Gate(monkeypatch)
    call = asyncio.create_task(router.subscribe("bob", "s", offer))
    await until(lambda: gate.waiting)
    match ending:
        case "leave":
            await router.leave("bob")
        case "unpublish":
            await router.unpublish("s")
        case "unsubscribe":
            await router.unsubscribe("bob", "s")
        case "owner leaves":
            await router.leave("ada")
        case _:
            await router.close()
    gate.open.set()
    with pytest.raises(MediaServerError):
        await call
    assert all(not stream.subscribers for stream in router.statistics().streams.values())
    assert router.statistics().peer_connections <= 1


async def test_second_of_two_concurrent_publishes_is_refused(
    router: MediaRouter, client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = [await client().sends().offer() for _ in range(2)]
    gate = Gate(monkeypatch)
    calls = [asyncio.create_task(router.publish("ada", "s", offer)) for offer in offers]
    await until(lambda: gate.waiting == 2)
    gate.open.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {str, MediaServerError}
    assert router.statistics().peer_connections == 1


async def test_concurrent_calls_leave_no_connections_or_ice_sessions(router: MediaRouter, client: Make) -> None:
    publisher, subscriber = await client().sends().offer(), await client().receives().offer()
    before = {id(item) for item in gc.get_objects() if isinstance(item, IceSession)}
    calls: list[Any] = []
    for index in range(10):
        calls += [
            router.publish("ada", f"s{index % 3}", publisher),
            router.subscribe("bob", f"s{index % 3}", subscriber),
            router.republish(f"s{index % 3}", publisher),
            router.subscribe("eve", f"s{index % 3}", subscriber),
            router.leave("bob"),
            router.unpublish(f"s{(index + 1) % 3}"),
        ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} <= {str, MediaServerError, type(None)}
    await router.leave("ada")
    await until(lambda: router.statistics().peer_connections == 0)
    gc.collect()
    assert [item for item in gc.get_objects() if isinstance(item, IceSession) and id(item) not in before] == []


async def test_after_close_every_call_is_refused(router: MediaRouter, client: Make) -> None:
    offer = await client().sends().offer()
    await router.close()
    with pytest.raises(MediaServerError, match="closed"):
        await router.publish("ada", "s", offer)
    await router.close()


async def test_new_connection_of_a_dropping_participant_drops_too_until_dropping_ends(
    router: MediaRouter, traffic: MediaTraffic, client: Make
) -> None:
    await published(router, client)
    traffic.drop("bob", True)
    subscriber = await subscribed(router, client)
    with pytest.raises(TimeoutError):
        await subscriber.frames(1, patience=0.7)
    traffic.drop("bob", False)
    await subscriber.frames(3)


async def test_key_frame_request_reaches_the_publisher_and_unknown_streams_are_ignored(
    router: MediaRouter, client: Make
) -> None:
    await published(router, client)
    subscriber = await subscribed(router, client)
    await subscriber.frames(2)
    requested = -1
    while (before := router.statistics().streams["s"]).key_frames_requested > requested:
        requested = before.key_frames_requested
        await asyncio.sleep(0.4)  # longer than the requests of the start are coalesced
    router.request_key_frame("s")
    router.request_key_frame("unknown")
    await until(lambda: router.statistics().streams["s"].tracks["video"].key_frames > before.tracks["video"].key_frames)
    assert router.statistics().streams["s"].key_frames_requested == before.key_frames_requested + 1
