"""The invariants of media: what arrives is shown, what is healthy is left alone, what was frozen recovers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Any

from pyvidu import MediaPolicy, Outage
from pyvidu.reconnection.standstill import ROUNDING
from pyvidu.server.signaling.rpc_session import ReceivedRequest
from tests.simulation.application import Page
from tests.simulation.invariant import RETURN, Invariant
from tests.simulation.simulated_media import SimulatedPeer
from tests.simulation.simulated_network import HELD_UP, now

MOVES = 0.95  # seconds within which a stream that flows again is decoded; a browser alone takes one at least
LEARNING = 12.0  # seconds for which a page must have run on time to know the rhythm of its streams
BACK = 25.0  # seconds within which a dead path is replaced: 15 until an attempt counts as failed, 5 until the next one
WITNESSED = 1.5  # seconds within which silence of all RTP leads to `reconnecting`; 2 or more without it
UNHEARD = 2.0  # seconds within which a dead way up leads to `reconnecting` where the server reports it; 4 without
SIGNALING_DEAD = 2.5  # seconds within which dead TCP leads to `reconnecting` while RTP flows; 5 without probes
QUICK = 0.1  # seconds: three of these round trips are a probe's
SLOW = 0.8  # seconds: a pong that late is no evidence yet
CALM = 14.0  # seconds
OWNERSHIP = 120.0  # seconds, for which ownership checks may find that another socket has the session
HEALTHY = 5.0  # seconds for which a path has carried packets both ways that need no other
SHORT = 2.0  # seconds
DEAD_SOONEST = 1.3  # seconds after which a path may be found dead: silence of 0.3, and nothing at all in another one
DOUBTED = 10.0  # seconds after an outage in which no probe hastens a verdict
CALM_BEFORE = 3.0  # seconds of a network that worked, before it drops
DECIDED = 2.0  # seconds before signaling is lost: a path that has returned since may have been found frozen
DEAD_TOLD = (
    1.7  # seconds within which `streamFrozen` tells that nothing arrives by UDP; 5.3 without the other paths' counters
)
MISSED = 1.0  # seconds: the server looks for half of one
SETTLED = 30.0  # seconds: 15 until an attempt counts as failed, and three checks of 4 s each (`media.decode_window`)
RENEGOTIATIONS_PER_MINUTE = 30  # of one stream by one client
ATTEMPTS = MediaPolicy().retries


class StreamsFlow(Invariant):
    name = "streams flow"
    sentence = (
        f"{RETURN:g} s after the return RTP arrives of every stream that a client subscribes to, muted or not. (A "
        "subscription that the server never answered on profile `kurento` has failed with an error and is not counted.)"
    )

    def stable(self) -> None:
        for page in self.world.connected:
            for connection in page.session.remote_connections.values():
                stream = connection.stream
                if stream is None or stream.stream_id in page.unwanted:
                    continue
                if self.world.room is None or self.world.room.owner_of(stream.stream_id) is None:
                    continue  # whether it may be seen is checked by `RoomStateAgrees`
                if stream.stream_id in page.subscribers:
                    if not self.world.server.media.flows(page.id, stream.stream_id):
                        self.wrong(
                            f"{page.name} receives no RTP of {stream.stream_id}: {self.world.why_silent(page, stream)}"
                        )
                elif stream.stream_id not in page.refused:
                    self.wrong(f"{page.name} is not subscribed to {stream.stream_id} and got no error")
                elif self.world.plan.profile == "default":
                    self.wrong(
                        f"{page.name} could not subscribe to {stream.stream_id}: {page.refused[stream.stream_id]}"
                    )


class StreamsMove(Invariant):
    name = "streams move"
    sentence = (
        f"A stream that flows again after lost packets is decoded within {MOVES:g} s: a key frame is requested or sent. (If "
        "the path works both ways for so long, the page runs on time, and the rhythm of the stream was known.)"
    )

    def flow_changed(self, page: Page, peer: SimulatedPeer) -> None:
        if peer.receives_rtp and not peer.decodes and peer.was_known:
            asyncio.get_running_loop().call_later(MOVES, self._look, page, peer)

    def _look(self, page: Page, peer: SimulatedPeer) -> None:
        runs = page.clock.on_time_for(LEARNING)
        if page.connected and not peer.decodes and peer.works_for(MOVES - 1e-6) and runs:
            self.wrong(f"{page.name} receives RTP on peer connection {peer.number} for {MOVES:g} s and decodes nothing")


class StreamsReturn(Invariant):
    name = "streams return"
    sentence = (
        f"A stream flows and is decoded if neither publisher nor subscriber has had a fault or an outage for {BACK:g} s: a "
        "dead path is replaced by then, in a call as after an outage. (The pages run and are not throttled.)"
    )

    def looked(self, page: Page) -> None:
        world = self.world
        if now() - world.restarted_at < BACK or world.room is None or not page.undisturbed_for(BACK):
            return
        for stream_id, subscriber in page.subscribers.items():
            owner = world.room.owner_of(stream_id)
            publisher = world.page_of(owner) if owner is not None else None
            since = max(page.subscribed_at[subscriber], publisher.published_at if publisher is not None else now())
            if publisher is None or now() - since < BACK or not publisher.undisturbed_for(BACK):
                continue
            number = world.server.media.subscribers.get((page.id, stream_id), -1)
            peer = world.server.media.peers.get(number)
            if peer is None or not (peer.receives_rtp and peer.decodes):
                self.wrong(f"{page.name} does not see {stream_id}: {world.why_silent(page, subscriber.stream)}")


class SilenceIsAWitness(Invariant):
    name = "silence is a witness"
    sentence = (
        f"A page that receives streams whose rhythm is known gets `reconnecting` within {WITNESSED:g} s after packets "
        "stopped to arrive. (If it runs on time, and no slow round trip was measured lately.)"
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._changes: dict[Page, int] = {}

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        stopped = [peer for peer in page.peers.alive if peer.has_just_stopped]
        known = bool(stopped) and page.peers.were_known() and self._is_fast(page)
        if page.connected and not page.in_outage and known and not page.person.link.passes("down"):
            asyncio.get_running_loop().call_later(WITNESSED, self._look, page, change, stopped)

    def _look(self, page: Page, change: int, stopped: list[SimulatedPeer]) -> None:
        runs = page.clock.on_time_for(LEARNING) and not any(peer.closed for peer in stopped)
        same = page.connected and not page.in_outage and self._changes[page] == change
        if runs and same and self._is_fast(page):  # still: a late pong may have been under way when the packets stopped
            self.wrong(f"{page.name} has received nothing for {WITNESSED:g} s and is not told")

    def _is_fast(self, page: Page) -> bool:
        estimates = [item.plane.round_trip for item in page.memberships]
        return all(estimate is not None and estimate.timeout < SLOW for estimate in estimates)


class MissingReportsAreAWitness(SilenceIsAWitness):
    name = "missing reports are a witness"
    sentence = (
        f"A page that only publishes gets `reconnecting` within {WITNESSED:g} s after packets stopped to arrive. (On the "
        "profile whose server reports often, and as for silence.)"
    )

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        stopped = [peer for peer in page.peers.alive if peer.reports_have_just_stopped(LEARNING)]
        known = bool(stopped) and not any(peer.received_within(LEARNING) for peer in page.peers.made)
        known = known and page.person.reached_for(CALM_BEFORE) > CALM_BEFORE - ROUNDING  # else a ping is late already
        silent = not page.person.link.passes("down")
        if page.connected and not page.in_outage and known and silent and self._is_fast(page):
            asyncio.get_running_loop().call_later(WITNESSED, self._look, page, change, stopped)


class DeadWayUpDetected(SilenceIsAWitness):
    name = "a dead way up is detected"
    sentence = (
        f"A page that publishes gets `reconnecting` within {UNHEARD:g} s after its way up alone died, if its socket lives "
        "at both ends. (On the profile that reports it, and as for silence.)"
    )

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        room = self.world.room
        member = room.find(page.id) if room is not None and self.world.plan.profile == "default" else None
        peer: Any = member.peer if member is not None and member.notices else None  # from the second ping on
        reports = peer is not None and peer.socket is not None and peer.socket.open
        if reports and page.connected and not page.in_outage and self._is_dead(page) and self._is_fast(page):
            asyncio.get_running_loop().call_later(UNHEARD, self._look_up, page, change, now())

    def _look_up(self, page: Page, change: int, died_at: float) -> None:
        stopped = self.world.server.media.heard().get(page.id, 0.0) == died_at
        lossless = not page.person.link.repairs and page.clock.on_time_for(LEARNING)
        same = page.connected and not page.in_outage and self._changes[page] == change and self._is_dead(page)
        if stopped and lossless and same and self._is_fast(page):
            self.wrong(f"{page.name} has not been heard for {UNHEARD:g} s and is not told")

    def _is_dead(self, page: Page) -> bool:
        link = page.person.link
        socket: Any = next((item.plane.socket for item in page.memberships), None)
        return link.carries("down") and not link.passes("up") and socket is not None and not socket.is_lost


def _sockets_live(page: Page) -> bool:
    sockets: list[Any] = [item.plane.socket for item in page.memberships]
    return not any(socket is None or socket.is_lost for socket in sockets)


class DeadTcpDetected(SilenceIsAWitness):
    name = "dead TCP is detected"
    sentence = (
        f"A page whose media flows, with a known rhythm, gets `reconnecting` within {SIGNALING_DEAD:g} s after TCP alone "
        f"died, if its socket lived and it had no outage for {DOUBTED:g} s. (On the profile that tells of late signaling, if "
        f"the page runs on time, no packets are lost, and the round trip is below {QUICK:g} s.)"
    )

    untold = f"has no TCP for {SIGNALING_DEAD:g} s"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._without_tcp: set[Page] = set()  # at the last change

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        reaches = page.person.link.reaches
        died = not reaches and page not in self._without_tcp
        (self._without_tcp.discard if reaches else self._without_tcp.add)(page)
        # Probes that were answered while the socket alone was lost are not sent again, and none are soon after an outage.
        lives = _sockets_live(page) and now() - page.settled_at > DOUBTED
        if died and page.connected and not page.in_outage and lives and self._is_dead(page):
            asyncio.get_running_loop().call_later(SIGNALING_DEAD, self._look_again, page, change)

    def _look_again(self, page: Page, change: int) -> None:
        runs = page.clock.on_time_for(LEARNING) and not page.person.link.repairs
        same = page.connected and not page.in_outage and self._changes[page] == change
        if runs and same and self._is_dead(page):
            self.wrong(f"{page.name} {self.untold} and is not told")

    def _is_dead(self, page: Page) -> bool:
        link, alive = page.person.link, page.peers.alive
        if self.world.plan.profile != "default":
            return False
        receiving = [peer for peer in alive if peer.received_within(LEARNING)]
        known = all(peer.knows_the_rhythm(LEARNING) for peer in receiving or alive)
        known = known and (bool(receiving) or not any(peer.received_within(LEARNING) for peer in page.peers.made))
        return link.works and not link.reaches and bool(alive) and known and self._is_fast(page)

    def _is_fast(self, page: Page) -> bool:
        estimates = [item.plane.round_trip for item in page.memberships]
        return all(estimate is not None and estimate.timeout < QUICK for estimate in estimates)


class MovedRouteDetected(DeadTcpDetected):
    name = "a route that moves is detected"
    sentence = (
        f"A page that publishes, and whose media flows with a known rhythm, gets `reconnecting` within {UNHEARD:g} s after "
        "its route moved, so that nothing of it arrives any more but new connections work. (On the profile that tells it, "
        "and as for dead TCP.)"
    )
    untold = f"has not been heard for {UNHEARD:g} s since its route moved"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._moves: dict[Page, int] = {}

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        moves, self._moves[page] = self._moves.get(page, 0), page.person.link.moves
        calm = page.connected and not page.in_outage
        if moves != page.person.link.moves and calm and self._is_dead(page):
            asyncio.get_running_loop().call_later(UNHEARD, self._look_again, page, change)

    def _is_dead(self, page: Page) -> bool:
        router, room = self.world.server.media, self.world.room
        member = room.find(page.id) if room is not None and self.world.plan.profile == "default" else None
        stream = member.stream if member is not None and member.notices else None
        peer = router.peers.get(router.publishers.get(stream.id, -1)) if stream is not None else None
        receiving = [peer for peer in page.peers.alive if peer.received_within(LEARNING)]
        known = bool(receiving) and all(peer.knows_the_rhythm(LEARNING) for peer in receiving)
        dead = peer is not None and peer.only_receives and not _sockets_live(page)
        return page.person.link.reaches and dead and known and self._is_fast(page)


class NoFalseAlarm(Invariant):
    name = "no false alarm"
    sentence = (
        f"No outage begins on a network that could be reached without interruption for {CALM:g} s, in a page that ran and "
        f"was not throttled. (Except that another socket may have the session for {OWNERSHIP:g} s after an outage, and that, "
        "while the senders of all streams have drops, lost packets may delay a pong until they are sent again, and so may a "
        f"path whose round trip became longer within {CALM:g} s: the estimate follows in a dozen of pings. Where no RTP is "
        f"received, a pong may come {HELD_UP:g} s late because its packet is lost again and again.)"
    )

    def told(self, page: Page, name: str, event: Any) -> None:
        if name != "reconnecting" or not page.clock.on_time_for(CALM):
            return
        moved = page.settled_at and now() - page.settled_at < OWNERSHIP
        delays = page.person.link.repairs or now() - page.person.slower_since < CALM
        alike = delays and event.outage.witness in ("rtp silent", "no reports")  # a drop would look the same
        receives = any(peer.receives_rtp for peer in page.peers.alive)
        alike |= page.person.link.holds_up and event.outage.witness == "late pong" and not receives
        if page.person.reached_so_far >= CALM and not moved and not alike:
            self.wrong(f"{page.name} is told reconnecting although its network works")


class MissingMediaIsReplaced(Invariant):
    name = "missing media is replaced"
    sentence = (
        "The stream of a page whose media connection can only receive since its route moved is renegotiated within "
        f"{MISSED:g} s after `reconnected`. (On the profile that tells of missing media, if the stream flowed before, the "
        f"page runs on time, no packets are lost, the round trip is below {2 * QUICK:g} s, and nothing else happens.)"
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._changes: dict[Page, int] = {}
        self._moved: dict[Page, SimulatedPeer] = {}  # and what sends its stream

    def path_changed(self, page: Page) -> None:
        self._changes[page] = self._changes.get(page, 0) + 1

    def told(self, page: Page, name: str, event: Any) -> None:
        router, room = self.world.server.media, self.world.room
        member = room.find(page.id) if room is not None else None
        stream = member.stream if member is not None and member.notices else None
        peer = router.peers.get(router.publishers.get(stream.id, -1)) if stream is not None else None
        if name != "reconnected" or self.world.plan.profile != "default" or peer is None or page.forces:
            return
        lost_at = router.heard().get(page.id, 0.0)
        link = page.person.link
        quick = not link.repairs and link.latency + link.jitter < QUICK
        if peer.only_receives and event.outage.began_at - lost_at < 1.0 and quick:
            asyncio.get_running_loop().call_later(MISSED, self._look, page, self._changes[page], peer)

    def _look(self, page: Page, change: int, peer: SimulatedPeer) -> None:
        same = page.connected and not page.in_outage and self._changes[page] == change
        if same and page.clock.on_time_for(LEARNING) and peer in page.peers.alive and peer.only_receives:
            self.wrong(f"{page.name} sends by peer connection {peer.number}, of which nothing arrives")


class FrozenStreamsRecover(Invariant):
    name = "frozen streams recover"
    sentence = (
        f"{RETURN:g} s after the return no stream is announced as frozen that is still there: each `streamFrozen` was "
        "followed by `streamRecovered`, and was announced once."
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._frozen: set[tuple[Page, Any]] = set()

    def told(self, page: Page, name: str, event: Any) -> None:
        if name not in ("streamFrozen", "streamRecovered"):
            return
        key = page, event.stream  # its id changes with a rejoin
        if (name == "streamFrozen") == (key in self._frozen):
            self.wrong(f"{page.name} is told {name} of {event.stream.stream_id} twice")
        self._frozen ^= {key}

    def stable(self) -> None:
        room = self.world.room
        for page in self.world.connected:
            streams = [item.stream for item in page.session.remote_connections.values()]
            own = page.publisher.stream if page.publisher is not None else None
            for stream in filter(None, (own, *streams)):
                if (page, stream) not in self._frozen or room is None or room.owner_of(stream.stream_id) is None:
                    continue
                if stream is own or stream.stream_id in page.subscribers:
                    self.wrong(f"{page.name} was told that {stream.stream_id} is frozen, and nothing since")


class DeadMediaIsTold(Invariant):
    name = "dead media is told"
    sentence = (
        f"Where UDP alone is blocked, a page that receives streams of known rhythm and publishes gets `streamFrozen` within "
        f"{DEAD_TOLD:g} s, on a server that reports often. (It runs on time, and its signaling works quickly.) No stream is "
        f"told as frozen whose path has worked for {HEALTHY:g} s, unless it is not decoded."
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._changes: dict[Page, int] = {}

    def path_changed(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        link, alive = page.person.link, page.peers.alive
        stopped = [peer for peer in alive if peer.has_just_stopped]
        reported = {peer for peer in alive if peer.path_since == now() and peer.sample_at(now()).remote_reports}
        known = bool(stopped) and all(peer.was_known for peer in stopped) and bool(reported)
        if known and link.blocks("udp") and self._is_quick(page) and self.world.plan.profile == "default":
            numbers = {peer.number for peer in stopped}
            subscribed = self.world.server.media.subscribers.items()
            ids = {stream for (member, stream), number in subscribed if member == page.id and number in numbers}
            asyncio.get_running_loop().call_later(DEAD_TOLD, self._look, page, change, ids, reported)

    def _is_quick(self, page: Page) -> bool:
        link = page.person.link
        quick = link.works and not link.repairs and not link.refused and link.latency + link.jitter < 0.1
        return quick and page.connected and not page.in_outage and _sockets_live(page)

    def _look(self, page: Page, change: int, ids: set[str], reported: set[SimulatedPeer]) -> None:
        publishes = reported <= set(page.peers.alive)
        if (
            self._changes[page] != change
            or not publishes
            or not self._is_quick(page)
            or not page.clock.on_time_for(LEARNING)
        ):
            return
        room = self.world.room
        for subscriber in page.subscribers.values():
            stream = subscriber.stream
            if (
                stream.stream_id in ids
                and room is not None
                and room.owner_of(stream.stream_id) is not None
                and page.subscribed_at[subscriber] < now() - LEARNING
                and not stream.state.frozen
            ):
                self.wrong(f"{page.name} is not told that {stream.stream_id} has been dead for {DEAD_TOLD:g} s")

    def told(self, page: Page, name: str, event: Any) -> None:
        if name != "streamFrozen" or not page.clock.on_time_for(LEARNING):
            return
        router, stream_id = self.world.server.media, event.stream.stream_id
        own = event.stream.connection.connection_id == page.id
        number = router.publishers.get(stream_id) if own else router.subscribers.get((page.id, stream_id))
        peer = router.peers.get(number or -1)
        if peer is not None and peer.path_works_for(HEALTHY) and (peer.decodes or not peer.receives_rtp):
            self.wrong(f"{page.name} is told that {stream_id} is frozen, whose path works")


class OutagesSettle(Invariant):
    name = "outages settle"
    sentence = (
        "Each `reconnected` and `rejoined` is followed by exactly one `outageSettled` of the same outage, unless the next "
        f"outage or the end comes first; it comes within {SETTLED:g} s in which the page had no fault. (It runs and "
        "is not throttled.)"
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._due: dict[Page, Outage] = {}

    def told(self, page: Page, name: str, event: Any) -> None:
        due = self._due.get(page)
        if name in ("reconnected", "rejoined"):
            self._due[page] = event.outage
        elif name == "outageSettled" and event.outage.told and due is not event.outage:
            self.wrong(f"{page.name} is told `{name}` of an outage that is not the last, or twice")
        if name in ("reconnecting", "outageSettled", "sessionDisconnected"):
            self._due.pop(page, None)

    def looked(self, page: Page) -> None:
        if page in self._due and page.undisturbed_for(SETTLED):
            self.wrong(f"{page.name} is not told that its outage has settled")

    def stable(self) -> None:
        for page in self.world.connected:
            if page in self._due:
                self.wrong(f"{page.name} was never told that its outage has settled")


class HealthyStreamsStay(Invariant):
    name = "healthy streams stay"
    sentence = (
        f"No stream is renegotiated whose path has carried packets both ways for {HEALTHY:g} s, or was interrupted for less "
        f"than {SHORT:g} s only ({DEAD_SOONEST:g} with IPv4 and IPv6), except with "
        f"`forceMediaReconnectionAfterNetworkDrop`, within {MISSED + SHORT:g} s after a "
        "`reconnected` where the server tells of media that did not follow, and when what was decided before "
        f"waits for signaling; and none is more than {RENEGOTIATIONS_PER_MINUTE} times in any minute, and {ATTEMPTS} more "
        "for each return in it: a stream that the server refuses, since its owner has left unnoticed, gets so many attempts "
        "after each."
    )

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._made: dict[tuple[str, str], deque[float]] = {}
        self._returns: dict[Page, deque[float]] = {}
        self._unreached: set[Page] = set()
        self._lost_at: dict[Page, float] = {}  # when the server ceased to be reached

    def path_changed(self, page: Page) -> None:
        if page.person.link.reaches:
            self._unreached.discard(page)
        elif page not in self._unreached:
            self._unreached.add(page)
            self._lost_at[page] = now()

    def told(self, page: Page, name: str, event: Any) -> None:
        if name == "reconnected":
            self._returns.setdefault(page, deque()).append(now())

    def ran(self, incoming: ReceivedRequest, recipients: list[str]) -> None:
        member, stream_id = incoming.session.member, str(incoming.request.params.get("stream"))
        if incoming.request.method != "reconnectStream" or member is None:
            return
        made = self._made.setdefault((member.id, stream_id), deque())
        made.append(now())
        while made[0] < now() - 60:
            made.popleft()
        page = self.world.page_of(member)
        who = page.name if page is not None else member.id
        returns = self._returns.get(page, deque()) if page is not None else deque()
        while returns and returns[0] < now() - 60:
            returns.popleft()
        if len(made) > RENEGOTIATIONS_PER_MINUTE + ATTEMPTS * len(returns):
            self.wrong(f"{who} renegotiates {stream_id} for the {len(made)}th time of this minute")
        router = self.world.server.media
        numbers = (router.publishers.get(stream_id), router.subscribers.get((member.id, stream_id)))
        own = member.stream is not None and member.stream.id == stream_id
        peer = router.peers.get(numbers[0 if own else 1] or -1)
        if page is None or page.forces or peer is None or not page.clock.on_time_for(LEARNING):
            return
        if 0 <= self._lost_at.get(page, math.inf) - peer.path_since < DECIDED:
            return
        missed = self.world.plan.profile == "default" and bool(returns) and now() - returns[-1] < MISSED + SHORT
        short = SHORT if page.person.link.ip_families < 2 else DEAD_SOONEST
        if peer.path_works_for(HEALTHY) or (peer.was_interrupted_for_less_than(short) and not missed):
            self.wrong(f"{who} renegotiates {stream_id}, whose path works since {now() - peer.path_since:.1f} s")


class MutedStaysMuted(Invariant):
    name = "muted stays muted"
    sentence = (
        "A received track that the application has switched off stays off, whatever peer connection it is received on, and "
        "every other one is on, but for a video that its owner has turned off."
    )

    def looked(self, page: Page) -> None:
        for stream_id, subscriber in page.subscribers.items():
            peer: Any = self.world.server.media.peers.get(
                self.world.server.media.subscribers.get((page.id, stream_id), -1)
            )
            wanted = page.wanted(subscriber)
            allowed = (wanted,) if subscriber.stream.video_active else (wanted, wanted | {"video": False})
            if peer is not None and peer.is_connected and peer.received not in allowed:
                self.wrong(f"{page.name} receives {peer.received} of {stream_id} and wants {wanted}")
