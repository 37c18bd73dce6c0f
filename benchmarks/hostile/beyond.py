"""What participants and strangers send to the media ports beyond the tables of limits."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct

import pylibsrtp

from benchmarks.hostile.media import Call, Peer, send_from
from benchmarks.hostile.signaling import OFFER
from benchmarks.hostile.target import Attack, Target, call
from benchmarks.light.peers import OPUS, VP8
from pyvidu.server.media import rtcp, rtp, stun


async def pending(target: Target) -> None:
    """300 subscriptions of one participant to one stream, of which none is ever established."""
    running = Call(target)
    await running.begin()
    ws = await target.member()
    for _ in range(300):
        offer = await Peer(running.certificate).offer()
        await call(ws, "receiveVideoFrom", sender=running.stream, sdpOffer=offer)
        await call(ws, "unsubscribeFromVideo", sender=running.stream)


async def negotiations(target: Target) -> None:
    """A participant that publishes and unpublishes a hundred times."""
    ws = await target.member()
    options = {"sdpOffer": OFFER.read_text(), "doLoopback": False, "hasAudio": True, "hasVideo": True}
    for _ in range(100):
        await call(ws, "publishVideo", **options)
        await call(ws, "unpublishVideo")


async def strangers(target: Target) -> None:
    """60,000 datagrams of noise, of STUN, DTLS and RTP, from a hundred sockets that nobody knows."""
    running = await _call(target)
    server = running.ada.connection.server
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
    heads = (b"", b"\x00\x01\x00\x00\x21\x12\xa4\x42", b"\x16\xfe\xff", b"\x80\x60", b"\x81\xc9\x00\x07")
    for number in range(60_000):
        with contextlib.suppress(BlockingIOError):
            sockets[number % 100].sendto(heads[number % 5] + secrets.token_bytes(200), server)
        await _paced(number)
    for one in sockets:
        one.close()


async def wrong_checks(target: Target) -> None:
    """30,000 checks with the right user name and a wrong password, half of them from the publisher's address."""
    running = await _call(target)
    eve = await running.subscriber()
    name, _ = eve.connection.remote
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for number in range(30_000):
        username = f"{name}:{eve.connection.ufrag}"
        check = stun.binding_request(username, "wrong", secrets.token_bytes(12), nominates=True)
        if number % 2:
            eve.connection.send(check)
        else:
            send_from(raw, target.addresses[0], eve.connection.server, check)
        await _paced(number)
    raw.close()


async def spoofed_packets(target: Target) -> None:
    """30,000 unauthentic RTP, RTCP and DTLS packets with the addresses of the call's publishers."""
    running = await _call(target)
    server = running.ada.connection.server
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    heads = (b"\x80\x60", b"\x81\xc9\x00\x07", b"\x17\xfe\xfd\x00\x01", b"\x15\xfe\xfd\x00\x00")
    for number in range(30_000):
        send_from(raw, target.addresses[number % len(target.addresses)], server, heads[number % 4] + bytes(120))
        await _paced(number)
    raw.close()


async def moves(target: Target) -> None:
    """A publisher and a subscriber that move to another port twenty times a second, for 10 s."""
    running = await _call(target)
    eve = await running.subscriber()
    for _ in range(200):
        await running.ada.connection.move()
        await eve.connection.move()
        await asyncio.sleep(0.05)  # twenty a second


async def odd_packets(target: Target) -> None:
    """20,000 RTP packets with jumping numbers, extensions of 1 kB, too much padding, to all in the call."""
    running = await _call(target)
    ssrcs, connection = running.ada.ssrcs, running.ada.connection
    await asyncio.sleep(1)  # for the call to subscribe
    for number in range(20_000):
        jump = number * (1, 7919, 32768, -3)[number % 4] & 0xFFFF
        kind, ssrc = ((VP8, ssrcs["video"]), (OPUS, ssrcs["audio"]))[number % 3 == 0]
        block = rtp.extension_block(secrets.token_bytes(1000 if number % 50 == 0 else 4))
        body = b"\x90\x80" + jump.to_bytes(2, "big") + bytes(20)
        packet = rtp.RtpPacket(kind, True, jump, jump << 16, ssrc, body, 255, rtp.ONE_BYTE_EXTENSIONS, block)
        with contextlib.suppress(pylibsrtp.Error):  # ours sends none whose number is far before that of the call's own
            connection.send_rtp(rtp.serialize(packet))
        await _paced(number)


async def odd_reports(target: Target) -> None:
    """20,000 RTCP packets of a subscriber: impossible losses, foreign SSRCs, BYEs, feedback of noise."""
    eve = await (await _call(target)).subscriber()
    for number in range(20_000):
        block = rtcp.ReportBlock(eve.ssrc, 255, 0x7FFFFF, number << 16, 0xFFFFFFFF, number, 1)
        kinds = (
            rtcp.receiver_report(1, [block] * 31),
            rtcp.nack(1, number, list(range(0, 60_000, 17))[:300]),
            rtcp.bye(eve.ssrc) + rtcp.sender_report(eve.ssrc, ntp=1, timestamp=1, packets=1, octets=1, name="x" * 200),
            rtcp.transport_feedback(1, eve.ssrc, secrets.token_bytes(400)),
            struct.pack("!BBHI", 0x81, 206, 1, 1) * 100,
        )
        eve.connection.send_rtcp(kinds[number % len(kinds)])
        await _paced(number)


async def _call(target: Target) -> Call:
    running = Call(target)
    await running.begin()
    return running


async def _paced(number: int) -> None:
    if number % 50 == 0:
        await asyncio.sleep(0.01)  # 5,000 a second, at most


ATTACKS: tuple[Attack, ...] = (
    pending, negotiations, strangers, wrong_checks, spoofed_packets, moves, odd_packets, odd_reports,
)  # fmt: skip
