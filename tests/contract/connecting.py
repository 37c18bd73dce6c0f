"""Media connections between the host and the other end of a `World`, for the tests that need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pyvidu.platform import Candidate, LocalMedia, MediaElement, PeerConnection, PeerSettings
from tests.contract.world import PeerLog, Remote, World, until

RECEIVER = PeerSettings(receive_audio=True, receive_video=True)
CONNECTED = ("connected", "completed")


@dataclass
class Connection:
    """One media connection that is up."""

    peer: PeerConnection
    log: PeerLog
    remote: Remote


def created(world: World, settings: PeerSettings = RECEIVER) -> tuple[PeerConnection, PeerLog]:
    log = PeerLog()
    log.peer = peer = world.host.peers.create(settings, log)
    return peer, log


async def camera(world: World) -> LocalMedia:
    """Return sound and video as a publisher requests them."""
    video = {"source": None, "width": {"ideal": 320}, "height": {"ideal": 240}}
    return await world.host.devices.get_user_media(audio={"source": None}, video=video)


@asynccontextmanager
async def receiving(world: World) -> AsyncIterator[Connection]:
    """Keep a connection on which sound and video arrive, shown by an element as the core does."""
    peer, log = created(world)
    element = show(world, peer)
    connection = await negotiate(world, peer, log)
    try:
        yield connection
    finally:
        peer.close()
        element.close()


@asynccontextmanager
async def sending(world: World, media: LocalMedia | None = None) -> AsyncIterator[Connection]:
    """Keep a connection that sends `media`, or else sound and video."""
    media = media or await camera(world)
    peer, log = created(world, PeerSettings(local_stream=media.stream))
    try:
        yield await negotiate(world, peer, log)
    finally:
        peer.close()
        media.stop()


def show(world: World, peer: PeerConnection) -> MediaElement:
    """Return an element that shows what `peer` receives."""
    element = world.host.elements.create(
        world.place(), "APPEND", identity="shown", mirror=False, muted=False, on_playing=lambda: None
    )
    element.show(peer.remote_stream)
    return element


async def negotiate(world: World, peer: PeerConnection, log: PeerLog) -> Connection:
    """Offer, set the answer, exchange candidates, and wait until ICE is connected."""
    remote = world.remote()
    await peer.set_answer(await remote.answer(await peer.create_offer()))
    await exchange_candidates(peer, log, remote)
    await until(lambda: peer.ice_connection_state in CONNECTED, "ICE connects")
    return Connection(peer, log, remote)


async def exchange_candidates(peer: PeerConnection, log: PeerLog, remote: Remote) -> None:
    """Give each end the other's candidates; those that are found later follow."""
    pending: set[asyncio.Task[None]] = set()

    def hand_on(candidate: Candidate) -> None:
        pending.add(asyncio.ensure_future(remote.add_candidate(candidate)))

    for candidate in log.candidates:
        hand_on(candidate)
    log.on_candidate = hand_on
    for candidate in await remote.candidates():
        await peer.add_candidate(candidate)
