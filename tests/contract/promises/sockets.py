"""WebSockets: what is told, in which order, and that nothing is told after `close()`."""

from __future__ import annotations

from typing import Any

from pyvidu.platform import Socket
from tests.contract.world import SocketLog, World, quiet, until


def opened(world: World, log: SocketLog | None = None) -> tuple[Socket, SocketLog]:
    log = log or SocketLog()
    return world.host.sockets.open(world.server().web_socket, log), log


async def connected(world: World) -> tuple[Socket, SocketLog]:
    socket, log = opened(world)
    await until(lambda: log.is_open, "the socket opens")
    return socket, log


async def test_socket_opens_in_the_background(world: World) -> None:
    socket, log = opened(world)
    assert not socket.is_open
    assert log.events == []
    await until(lambda: log.events, "it is told")
    assert log.events == [("opened", True)]
    assert log.told_by == {id(socket)}
    assert socket.is_open
    socket.close()


async def test_messages_arrive_in_order_in_both_directions(world: World) -> None:
    socket, log = await connected(world)
    sent = [str(number) for number in range(100)]
    for text in sent:
        socket.send(text)
    await until(lambda: len(log.texts) >= 100, "all come back")
    assert log.texts == sent
    assert (await world.seen()).messages == sent
    socket.close()


async def test_long_text_of_all_planes_arrives_unchanged(world: World) -> None:
    socket, log = await connected(world)
    text = "Zoë, 東京, 🎥 \u2028\x00 " * 5_000
    socket.send(text)
    await until(lambda: log.texts, "it comes back")
    assert log.texts == [text]
    socket.close()


async def test_message_sent_before_the_socket_is_open_is_dropped(world: World) -> None:
    socket, log = opened(world)
    socket.send("too early")
    await until(lambda: log.is_open, "the socket opens")
    socket.send("in time")
    await until(lambda: log.texts, "it comes back")
    assert log.texts == (await world.seen()).messages == ["in time"]
    socket.close()


async def test_message_sent_when_told_of_the_opening_arrives(world: World) -> None:
    log = SocketLog()
    log.on_open = lambda socket: socket.send("at once")
    socket, _ = opened(world, log)
    await until(lambda: log.texts, "it comes back")
    assert log.events == [("opened", True), ("received", "at once")]
    socket.close()


async def test_refused_socket_closes_with_1006_and_never_opens(world: World) -> None:
    log = SocketLog()
    socket = world.host.sockets.open(world.server("refusing").web_socket, log)
    assert log.events == []
    await until(lambda: log.closed, "it is told")
    await quiet()
    assert log.events == [("closed", 1006, "", False)]
    assert log.told_by == {id(socket)}
    assert not socket.is_open
    socket.send("nobody is there")
    socket.close()


async def test_socket_to_a_silent_server_stays_unopened_until_it_is_closed(world: World) -> None:
    log = SocketLog()
    socket = world.host.sockets.open(world.server("silent").web_socket, log)
    await quiet(0.3)
    assert not socket.is_open
    socket.close()
    await quiet()
    assert log.events == []


async def test_address_that_is_none_of_a_web_socket_raises(world: World) -> None:
    log = SocketLog()
    try:
        world.host.sockets.open("mailto:ada@example.org", log)
    except OSError:
        pass
    else:
        raise AssertionError("it is opened")
    await quiet()
    assert log.events == []


async def test_close_by_the_server_is_told_once_with_code_and_reason(world: World) -> None:
    socket, log = await connected(world)
    socket.send("first")
    socket.send("close 4001 bye for now")
    await until(lambda: log.closed, "it is told")
    await quiet()
    assert log.events[1:] == [("received", "first"), ("closed", 4001, "bye for now", False)]
    assert not socket.is_open
    socket.send("too late")
    socket.close()
    await quiet()
    assert (await world.seen()).messages == ["first", "close 4001 bye for now"]


async def test_connection_that_breaks_is_told_as_1006(world: World) -> None:
    socket, log = await connected(world)
    socket.send("abort")
    await until(lambda: log.closed, "it is told")
    assert log.events[1:] == [("closed", 1006, "", False)]
    socket.close()


async def test_nothing_is_told_after_close(world: World) -> None:
    socket, log = await connected(world)
    socket.send("send 200")
    await until(lambda: log.texts, "the first comes")
    socket.close()
    told = list(log.events)
    assert not socket.is_open
    await quiet()
    assert log.events == told


async def test_nothing_is_told_after_close_while_opening(world: World) -> None:
    socket, log = opened(world)
    socket.close()
    await quiet()
    assert log.events == []
    assert not socket.is_open


async def test_socket_closed_when_told_of_the_opening_or_a_message_tells_nothing_more(world: World) -> None:
    log = SocketLog()
    log.on_open = lambda socket: socket.close()
    opened(world, log)
    await until(lambda: log.events, "it is told of the opening")
    await quiet()
    assert log.events == [("opened", True)]

    def close_it(socket: Socket, text: str) -> None:
        if text == "3":
            socket.close()

    socket, log = await connected(world)
    log.on_text = close_it
    socket.send("send 10")
    await until(lambda: "3" in log.texts, "the messages come")
    await quiet()
    assert log.texts == ["1", "2", "3"]


async def test_what_was_sent_before_close_arrives_and_then_its_code_and_reason(world: World) -> None:
    socket, _ = await connected(world)
    sent = [f"{number}" for number in range(20)]
    for text in sent:
        socket.send(text)
    socket.close(4007, "done")
    socket.send("too late")

    await _until_closed_at_the_server(world)
    seen = await world.seen()
    assert seen.messages == sent
    assert seen.closes == [(4007, "done")]


async def test_close_without_a_code_is_a_normal_closure(world: World) -> None:
    socket, _ = await connected(world)
    socket.close()
    await _until_closed_at_the_server(world)
    assert (await world.seen()).closes == [(1000, "")]


async def test_socket_is_closed_twice_without_harm(world: World) -> None:
    socket, log = await connected(world)
    socket.close(4007, "first")
    socket.close(4008, "second")
    await _until_closed_at_the_server(world)
    assert (await world.seen()).closes == [(4007, "first")]
    assert log.events == [("opened", True)]


async def test_sockets_do_not_get_each_others_messages(world: World) -> None:
    pairs = [await connected(world) for _ in range(3)]
    for number, (socket, _) in enumerate(pairs):
        socket.send(f"of {number}")
    await until(lambda: all(log.texts for _, log in pairs), "all come back")
    assert [log.texts for _, log in pairs] == [["of 0"], ["of 1"], ["of 2"]]
    pairs[0][0].close()
    pairs[1][0].send("more")
    await until(lambda: len(pairs[1][1].texts) == 2, "the others go on")
    for socket, _ in pairs:
        socket.close()


async def _until_closed_at_the_server(world: World) -> None:
    seen: list[Any] = []
    for _ in range(300):
        seen = (await world.seen()).closes
        if seen:
            return
        await quiet(0.02)
    raise AssertionError("the server is not told")
