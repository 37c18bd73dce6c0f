"""A UDP socket beside other work of the loop: a turn of the loop takes as long as the slowest of what is in it."""

from __future__ import annotations

import asyncio
import socket

from pyvidu.server.media.udp_port import UdpPort


async def test_hundred_waiting_datagrams_take_few_turns_of_the_loop() -> None:
    received: list[bytes] = []
    loop = asyncio.get_running_loop()
    _, port = await loop.create_datagram_endpoint(
        lambda: UdpPort(lambda _, data, __: received.append(data)), local_addr=("127.0.0.1", 0)
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(100):
            sender.sendto(b"%d" % number, ("127.0.0.1", port.number))
        for _ in range(6):
            await asyncio.sleep(0)  # one turn
    assert received == [b"%d" % number for number in range(100)]
    port.close()
    await port.closed


async def test_port_that_is_closed_in_the_middle_of_a_burst_receives_no_more() -> None:
    received: list[bytes] = []
    loop = asyncio.get_running_loop()

    def receive(port: UdpPort, data: bytes, _: object) -> None:
        received.append(data)
        port.close()

    _, port = await loop.create_datagram_endpoint(lambda: UdpPort(receive), local_addr=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(10):
            sender.sendto(b"x", ("127.0.0.1", port.number))
        await port.closed
    assert received == [b"x"]
