"""Fuzzing of the real media router: broken offers, and broken STUN, DTLS, RTP and RTCP packets at its ports.

Hostile participants join normally and then break the offers of a real connection, the records of its handshake, and what
they send once it is encrypted. Sockets outside any connection send to the same ports. Meanwhile a light publisher and a
light subscriber have a call on the same server, which must lose nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import struct
from typing import Any

from benchmarks import processes
from benchmarks.light.connection import HOST, LightConnection
from benchmarks.light.peers import OPUS, RTX, VP8, LightPublisher, LightSubscriber
from benchmarks.light.recording import payloads, record
from fuzz.mutator import Mutator
from fuzz.transcripts import PUBLISHER_OFFER, SUBSCRIBER_OFFER
from fuzz.watch import MAX_GROWTH, resident, watching
from pyvidu.server.app import SERVER, create_app
from pyvidu.server.config import ServerConfig
from pyvidu.server.limits import MediaLimits
from pyvidu.server.media import rtcp, rtp
from pyvidu.server.media.dtls_srtp import Certificate
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.media.router import MediaRouter
from pyvidu.server.rooms.room import Room
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties
from pyvidu.server.traffic import DirectTraffic
from tests.server.server_world import SECRET, Client, publish_params
from tests.waiting import until

BATCH = 40  # inputs between two turns of the loop
LOOK = 10 * BATCH  # inputs between two checks of the healthy call
HOSTILE = 3
_LIFE = 800  # inputs, about, until a hostile participant is replaced
PATIENCE = 10.0  # seconds until an expected event counts as missing; it takes milliseconds
_NUMBERS = ("0", "-1", "65536", "4294967296", "9" * 400, "", "\x00", "*", "%", "0x10", "127", "128", "1e9")


# Inputs are sent as fast as they can be handled: none may be left out for its rate.
_UNLIMITED = MediaLimits(
    ingress=1 << 40,
    ingress_burst=1 << 40,
    feedback=1 << 40,
    feedback_burst=1 << 40,
    packets=1 << 40,
    packets_burst=1 << 40,
)


class WatchedRouter(MediaRouter):
    """A router that records every exception of an offer, other than a refusal, as a crash."""

    def __init__(self, crashes: list[str]) -> None:
        super().__init__(host_addresses=[HOST], limits=_UNLIMITED)
        self._crashes = crashes

    async def publish(self, owner: str, stream_id: str, sdp_offer: str, *, loopback: bool = False) -> str:
        with self._watched(sdp_offer):
            return await super().publish(owner, stream_id, sdp_offer, loopback=loopback)

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        with self._watched(sdp_offer):
            return await super().republish(stream_id, sdp_offer)

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        with self._watched(sdp_offer):
            return await super().subscribe(subscriber, stream_id, sdp_offer)

    def forwarded_ssrcs(self, owner: str) -> list[int]:
        """Return the SSRCs with which the streams of `owner` are forwarded."""
        streams = [stream for stream in self._streams.values() if stream.owner == owner]
        subscribers = [subscriber for stream in streams for subscriber in stream.subscribers.values()]
        return [track.ssrc for subscriber in subscribers for track in subscriber.tracks.values()]

    @contextlib.contextmanager
    def _watched(self, sdp_offer: str) -> Any:
        try:
            yield
        except MediaServerError:
            raise
        except Exception as error:
            self._crashes.append(f"{sdp_offer[:2000]!r}: {error!r}")
            raise


class Served:
    """What a `Client` needs: a server, and the room that it joins."""

    def __init__(self, server: Any, name: str) -> None:
        self.rooms, self.signaling, self.traffic = server.rooms, server.signaling, DirectTraffic()
        self.room: Room = server.rooms.create(SessionProperties(custom_session_id=name))

    def token(self) -> str:
        """Return a fresh token."""
        return str(self.rooms.issue_token(self.room, ConnectionProperties(), "ws://localhost:4443").url)


async def ask(client: Client, method: str, **params: Any) -> Any:
    """Send a request and return its response. The router needs a few turns of the loop."""
    number = client.send(method, **params)
    return await answered(client, number)


async def succeed(client: Client, method: str, **params: Any) -> Any:
    """Send a request and return its result. Raises AssertionError with the answer when it is refused."""
    answer = await ask(client, method, **params)
    assert "result" in (answer or {}), f"{method} was answered {answer}"
    return answer["result"]


async def answered(client: Client, number: int) -> Any:
    """Return the response to a request that was sent, or None once the socket is closed. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while client.socket.open:
            for message in client.transport.sent:
                if message.get("id") == number:
                    return message
            await asyncio.sleep(0.001)  # between two looks
    return None


class Hostile:
    """A participant with a real connection in each direction, over which it sends broken data."""

    def __init__(self, served: Served, certificate: Certificate, recording: Any) -> None:
        self.client = Client(served)  # type: ignore[arg-type]
        self.stream = ""
        self.pending: list[int] = []
        self.records: list[bytes] = []
        self.publisher = LightPublisher(certificate, recording)
        self.subscriber = LightSubscriber(certificate)
        for connection in (self.publisher.connection, self.subscriber.connection):
            self._listen(connection)

    def _listen(self, connection: LightConnection) -> None:
        send = connection.send

        def record(datagram: bytes) -> None:
            if datagram and 19 < datagram[0] < 64 and len(self.records) < 30:
                self.records.append(datagram)
            send(datagram)

        connection.send = record  # type: ignore[method-assign]

    async def enter(self, victim: str) -> None:
        """Join, publish, and subscribe to a victim's stream."""
        await self.client.join()
        offer = await self.publisher.offer()
        result = await succeed(self.client, "publishVideo", **publish_params(sdpOffer=offer))
        self.stream = result["id"]
        await self.publisher.accept(result["sdpAnswer"])
        offer = await self.subscriber.offer()
        result = await succeed(self.client, "receiveVideoFrom", sender=victim, sdpOffer=offer)
        await self.subscriber.accept(result["sdpAnswer"])

    async def leave(self) -> None:
        """Close the connections, and leave the room if the socket is still open."""
        await self.publisher.close()
        await self.subscriber.close()
        if self.client.socket.open:
            await ask(self.client, "leaveRoom")


class MediaRun:
    """Feeds the server the inputs of one seed."""

    def __init__(self, seed: int) -> None:
        self.crashes: list[str] = []
        self.count = 0
        self.answers = 0
        self._mutator = Mutator(seed)
        self._random: random.Random = self._mutator.random
        self._router = WatchedRouter(self.crashes)
        app = create_app(ServerConfig(secret=SECRET, log_level="error"), make_media=lambda _: self._router)
        self._server = app[SERVER]
        self._certificate, self._recording = Certificate(), record(width=160, height=120, seconds=2, bit_rate=100_000)
        self._hostile: list[Hostile] = []
        self._victim = ""
        self._callers: list[Client] = []

    async def __call__(self, inputs: int) -> None:
        """Send so many inputs."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.crashes.append(f"loop: {context}"))
        healthy, hostile = Served(self._server, "healthy"), Served(self._server, "hostile")
        publisher, subscriber, _ = await self._call(healthy)
        victims = await self._call(hostile)
        stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(HOST, 0))
        dropped, memory = processes.kernel_drops(), 0
        while self.count < inputs:
            await self._renew(hostile, victims[2])
            for _ in range(min(BATCH, inputs - self.count)):
                self.count += 1
                self._offer() if self._random.random() < 0.15 else self._datagram(stranger)
            await asyncio.sleep(0)
            if self.count % LOOK == 0:
                await self._look(subscriber)
            if not memory and self.count >= inputs // 5:
                memory = resident()
        await self._look(subscriber)
        dropped = processes.kernel_drops() - dropped
        missed = subscriber.received.missed - subscriber.received.recovered
        if missed > dropped:
            self.crashes.append(f"the healthy call missed {missed} packets, the kernel dropped {dropped}")
        if resident() - memory > MAX_GROWTH:
            self.crashes.append(f"memory grew by {(resident() - memory) / 2**20:.0f} MiB")
        for participant in self._hostile:
            await participant.leave()
        for peer in (publisher, subscriber, *victims[:2]):
            await peer.close()
        stranger.close()
        self._server.signaling.close()
        await self._server.tasks.close()
        await self._router.close()
        if (left := self._router.statistics().peer_connections) != 0:
            self.crashes.append(f"{left} connections were left behind")

    async def _call(self, healthy: Served) -> tuple[LightPublisher, LightSubscriber, str]:
        ada, bob = Client(healthy), Client(healthy)  # type: ignore[arg-type]
        publisher, subscriber = (
            LightPublisher(self._certificate, self._recording),
            LightSubscriber(self._certificate),
        )
        await ada.join()
        await bob.join()
        self._callers += [ada, bob]
        result = await succeed(ada, "publishVideo", **publish_params(sdpOffer=await publisher.offer()))
        await publisher.accept(result["sdpAnswer"])
        offer = await subscriber.offer()
        answer = await succeed(bob, "receiveVideoFrom", sender=result["id"], sdpOffer=offer)
        await subscriber.accept(answer["sdpAnswer"])
        return publisher, subscriber, str(result["id"])

    async def _look(self, subscriber: LightSubscriber) -> None:
        """Check that the healthy call goes on and that every offer was answered."""
        frames, sound = subscriber.received.frames, subscriber.received.audio_packets
        try:
            await until(
                lambda: subscriber.received.frames != frames and subscriber.received.audio_packets != sound,
                PATIENCE,
                every=0.005,
            )
        except AssertionError:
            self.crashes.append(f"the healthy call stood still after {self.count} inputs")
        for caller in self._callers:  # a client that sends nothing for 12 s is evicted
            caller.clear()
            try:
                await ask(caller, "ping", interval=5000)
            except TimeoutError:
                self.crashes.append("a ping of the healthy call was not answered")
        for participant in self._hostile:
            for number in participant.pending:
                try:
                    self.answers += "result" in (await answered(participant.client, number) or {})
                except TimeoutError:
                    self.crashes.append(f"request {number} was not answered")
            participant.pending.clear()
            participant.client.clear()

    async def _renew(self, served: Served, victim: str) -> None:
        for participant in self._hostile:
            if not participant.client.socket.open or self._random.random() < BATCH * HOSTILE / _LIFE / HOSTILE:
                for number in participant.pending:
                    await answered(participant.client, number)
                await participant.leave()
                self._hostile.remove(participant)
                break
        self._victim = victim
        while len(self._hostile) < HOSTILE:
            self._hostile.append(Hostile(served, self._certificate, self._recording))
            await self._hostile[-1].enter(victim)

    # --- offers ------------------------------------------------------------------------------------------------------

    def _offer(self) -> None:
        participant, kind = self._random.choice(self._hostile), self._random.randrange(4)
        stream = self._random.choice([self._victim, *(other.stream for other in self._hostile)])
        if kind == 0:
            request = ("reconnectStream", {"stream": participant.stream, "sdpString": self._broken(PUBLISHER_OFFER)})
        elif kind == 1:
            request = ("reconnectStream", {"stream": stream, "sdpOffer": self._broken(SUBSCRIBER_OFFER)})
        elif kind == 2:
            request = ("receiveVideoFrom", {"sender": stream, "sdpOffer": self._broken(SUBSCRIBER_OFFER)})
        else:
            participant.pending.append(participant.client.send("unpublishVideo"))
            request = ("publishVideo", publish_params(sdpOffer=self._broken(PUBLISHER_OFFER)))
        participant.pending.append(participant.client.send(request[0], **request[1]))

    def _broken(self, offer: str) -> str:
        chance, lines = self._random.random(), offer.split("\r\n")
        if chance < 0.1:
            return offer  # unbroken, so that other inputs meet connections in every state
        if chance < 0.25:
            return self._mutator.damaged(offer.encode()).decode("utf-8", "replace")
        other = self._random.choice((PUBLISHER_OFFER, SUBSCRIBER_OFFER)).split("\r\n")
        for _ in range(self._random.choice((1, 1, 1, 2, 5, 20))):
            at = self._random.randrange(len(lines))
            kind = self._random.randrange(6)
            if kind == 0:
                del lines[at]
            elif kind == 1:
                lines.insert(at, self._random.choice(lines))
            elif kind == 2:
                lines.insert(at, self._random.choice(other))
            elif kind == 3:
                lines[at:at] = [lines[at]] * self._random.choice((2, 40, 1000))
            elif kind == 4:
                words = lines[at].replace(":", " : ").split(" ")
                words[self._random.randrange(len(words))] = self._random.choice(_NUMBERS)
                lines[at] = " ".join(words).replace(" : ", ":")
            else:
                lines[at] = self._mutator.damaged(lines[at].encode()).decode("utf-8", "replace")
            if not lines:
                break
        return "\r\n".join(lines)

    # --- packets -----------------------------------------------------------------------------------------------------

    def _datagram(self, stranger: asyncio.DatagramTransport) -> None:
        participant = self._random.choice(self._hostile)
        connection: LightConnection = self._random.choice((participant.publisher, participant.subscriber)).connection
        chance = self._random.random()
        if chance < 0.15:
            data = connection.check()
        elif chance < 0.3 and participant.records:
            data = self._random.choice(participant.records)
        elif chance < 0.35:
            data = secrets.token_bytes(self._random.randrange(1500))
        elif chance < 0.45:
            data = bytes([self._random.choice((128, 129, 144, 191))]) + self._packet(participant)[1:]  # unencrypted
        else:
            self._decrypted(participant)
            return
        if self._random.random() < 0.9:
            data = self._mutator.damaged(data)
        if self._random.random() < 0.3:
            stranger.sendto(data, connection.server)
        else:
            connection.send(data)

    def _decrypted(self, participant: Hostile) -> None:
        """Pass a packet to one of the participant's connections as if it had just been decrypted."""
        transports = self._router.connections(participant.client.id)
        if not transports:
            return
        data = self._packet(participant)
        if self._random.random() < 0.6:
            data = self._mutator.damaged(data)
        try:
            self._random.choice(transports)._packet(data)
        except Exception as error:  # noqa: BLE001 - any exception is a crash
            self.crashes.append(f"{data[:500]!r}: {error!r}")

    def _packet(self, participant: Hostile) -> bytes:
        """Return a whole packet from the participant's own SSRC, with arbitrary numbers."""
        number = self._random.choice((self._random.randrange(65536), self.count & 0xFFFF, self.count * 90 & 0xFFFF))
        own = self._random.choice(list(participant.publisher.ssrcs.values()))
        kind = self._random.randrange(9)
        if kind < 4:
            payload_type = self._random.choice((VP8, VP8, RTX, OPUS))
            body = self._random.choice(payloads(self._random.choice(self._recording.video), number))
            extension = rtp.one_byte_extension(3, struct.pack("!H", number))
            return rtp.serialize(
                rtp.RtpPacket(payload_type, True, number, 3000 * number & 0xFFFFFFFF, own, body, 0,
                              rtp.ONE_BYTE_EXTENSIONS, rtp.extension_block(extension))
            )  # fmt: skip
        source = self._random.choice([*self._router.forwarded_ssrcs(participant.client.id), own])
        if kind == 4:
            return rtcp.sender_report(own, ntp=number << 40, timestamp=number, packets=1, octets=1, name="x" * 20)
        if kind == 5:
            return rtcp.nack(1, source, list(range(number, number + 500, self._random.choice((1, 17)))))
        if kind == 6:
            return rtcp.picture_loss(1, source) + rtcp.bye(own)
        if kind == 7:
            return rtcp.bandwidth_estimate(1, self._random.choice((0, 50_000, 10**6, 2**60)), [source])
        block = rtcp.ReportBlock(source, self._random.randrange(256), number, number, number, number, number)
        return rtcp.receiver_report(1, [block] * self._random.choice((1, 31)))


def fuzz_media(inputs: int, seed: int = 1) -> tuple[int, list[str]]:
    """Return the number of inputs sent, and the crashes."""
    crashes: list[str] = []
    with watching(crashes):
        run = MediaRun(seed)
        asyncio.run(run(inputs))
    if inputs > 2_000 and not run.answers:
        crashes.append("not one of the broken offers was good enough to be answered: nothing was proved")
    return run.count, run.crashes + crashes
