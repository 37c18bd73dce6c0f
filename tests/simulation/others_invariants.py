"""The invariants of what the others are told of an outage, where the server does not tell (profile `kurento`)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from tests.simulation.application import Page
from tests.simulation.invariant import RETURN, Invariant
from tests.simulation.simulated_media import SimulatedPeer
from tests.simulation.simulated_network import now

TOLD = 3.0  # seconds of silence within which it is told
SHORT = 1.0  # seconds: a shorter silence is not told
RESTORED = 0.5  # seconds after the return
POLLED = 0.1  # seconds within which a page finds that RTP arrives
CALM = 14.0  # seconds for which a page must have had no trouble of its own to judge others
MOST = 3  # of one participant in a minute


class OthersAreTold(Invariant):
    name = "others are told"
    sentence = (
        f"Where the server does not tell, a page gets `connectionInterrupted` within {TOLD:g} s after a publisher's RTP "
        f"stopped, and `connectionRestored` within {RESTORED:g} s after it flows again. (If its rhythm was known, its sound "
        "or camera is on, it did nothing else in between, it was not told of three times in the last minute, and the page "
        f"has had no trouble of its own for {CALM:g} s.)"
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._acted_at: dict[tuple[Page, str], float] = {}
        self.interrupted_at: dict[tuple[Page, str], deque[float]] = {}

    def told(self, page: Page, name: str, event: Any) -> None:
        if name == "signal" and event.from_connection is not None:
            self._acted_at[page, event.from_connection.connection_id] = now()
        elif name == "streamPropertyChanged":
            self._acted_at[page, event.stream.connection.connection_id] = now()
        elif name == "connectionInterrupted":
            times = self.interrupted_at.setdefault((page, event.connection.connection_id), deque(maxlen=MOST))
            times.append(now())

    def flow_changed(self, page: Page, peer: SimulatedPeer) -> None:
        connection = self._publisher_at(page, peer)
        if self.world.plan.profile != "kurento" or connection is None or not page.undisturbed_for(CALM):
            return
        if peer.receives_rtp and connection.is_interrupted:
            asyncio.get_running_loop().call_later(RESTORED, self._look_for_return, page, peer, now())
        elif not peer.receives_rtp and peer.was_known and connection.stream.state.flows:
            asyncio.get_running_loop().call_later(TOLD, self._look_for_silence, page, peer, now())

    def _look_for_silence(self, page: Page, peer: SimulatedPeer, since: float) -> None:
        connection = self._publisher_at(page, peer)
        fine = page.undisturbed_for(CALM) and peer.path_works_for(CALM) and peer.flows_since == since
        if connection is None or not fine or not connection.stream.state.flows:
            return
        key = page, connection.connection_id
        times = self.interrupted_at.get(key, deque())
        often = len(times) == MOST and times[0] > now() - 60
        if not connection.is_interrupted and not often and self._acted_at.get(key, 0) < since:
            self.wrong(f"{page.name} is not told that {connection.connection_id} has been silent for {TOLD:g} s")

    def _look_for_return(self, page: Page, peer: SimulatedPeer, since: float) -> None:
        connection = self._publisher_at(page, peer)
        fine = page.undisturbed_for(CALM) and peer.receives_rtp and peer.flows_since == since
        if connection is not None and fine and connection.is_interrupted:
            self.wrong(f"{page.name} is not told that {connection.connection_id} is heard again")

    def _publisher_at(self, page: Page, peer: SimulatedPeer) -> Any:
        """Return the connection whose stream is received on `peer`, if it still is."""
        numbers = self.world.server.media.subscribers
        for connection in page.session.remote_connections.values() if page.connected and not peer.closed else ():
            stream = connection.stream
            if stream is not None and numbers.get((page.id, stream.stream_id)) == peer.number:
                return connection
        return None


class OthersAreToldRarely(Invariant):
    name = "others are told rarely"
    sentence = (
        f"`connectionInterrupted` and `connectionRestored` alternate for each participant. {RETURN:g} s after the return "
        "nobody is interrupted who is there. Where the server does not tell, nobody is interrupted whose RTP arrives at the "
        "server (unless the path from there broke meanwhile), or arrived here within the last "
        f"{SHORT:g} s, or more than {MOST} times in a minute by one membership."
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._interrupted: set[tuple[Page, str]] = set()
        self._times: dict[tuple[Page, str], deque[float]] = {}
        self._flows_since: dict[tuple[Page, int], float] = {}
        self._heard_at: dict[tuple[Page, int], float] = {}

    def flow_changed(self, page: Page, peer: SimulatedPeer) -> None:
        key = page, peer.number
        if peer.receives_rtp:
            self._flows_since.setdefault(key, now())
        elif now() - self._flows_since.pop(key, now()) > POLLED:  # what flows for less may be missed
            self._heard_at[key] = now()

    def told(self, page: Page, name: str, event: Any) -> None:
        if name == "rejoined":
            self._times = {key: times for key, times in self._times.items() if key[0] is not page}
        if name not in ("connectionInterrupted", "connectionRestored"):
            return
        connection = event.connection
        key, began = (page, connection.connection_id), name == "connectionInterrupted"
        if connection.is_interrupted is not began or (key in self._interrupted) is began:
            self.wrong(f"{page.name} is told {name} of {connection.connection_id}, which changes nothing")
        self._interrupted ^= {key}
        if began and self.world.plan.profile == "kurento":
            self._judge(page, connection)

    def _judge(self, page: Page, connection: Any) -> None:
        router = self.world.server.media
        stream_id = connection.stream.stream_id
        times = self._times.setdefault((page, connection.connection_id), deque(maxlen=MOST))
        if len(times) == MOST and times[0] > now() - 60 + 1e-6:
            self.wrong(f"{page.name} is told of {connection.connection_id} for the fourth time in a minute")
        times.append(now())
        source = router.peers.get(router.publishers.get(stream_id, -1))
        peer = router.peers.get(router.subscribers.get((page.id, stream_id), -1))
        if peer is None:
            return
        if peer.receives_rtp:
            if now() - peer.flows_since > POLLED and page.clock.on_time_for(SHORT):
                self.wrong(f"{page.name} is told that {connection.connection_id} is silent, whose RTP it gets")
        elif source is not None and source.sends(True):
            stopped = self._heard_at.get((page, peer.number), peer.flows_since)  # as far as polls tell
            if peer.path_works_for(0) or peer.path_since <= stopped:
                self.wrong(f"{page.name} is told that {connection.connection_id} is silent, whose RTP the server gets")
        elif now() - self._heard_at.get((page, peer.number), 0) < SHORT and page.clock.on_time_for(SHORT):
            self.wrong(f"{page.name} is told that {connection.connection_id} is silent, whose RTP it has just got")

    def stable(self) -> None:
        for page in self.world.connected:
            for identity, connection in page.session.remote_connections.items():
                room, stream = self.world.room, connection.stream
                there = room is not None and room.find(identity) is not None
                known = stream is None or (room is not None and room.owner_of(stream.stream_id) is not None)
                if connection.is_interrupted and there and known:  # else see `RoomStateAgrees`
                    self.wrong(f"{page.name} shows {identity} as interrupted")
