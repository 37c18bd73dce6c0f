"""Invariants of every simulated world, whatever happens in it: one class each, with a name and one sentence.

They check events as they happen (`told`, `opening`, `ran`, `left`, `settled`), the world after a time without faults
(`stable`), and once more after everybody has left (`over`). The sentence states what is not promised on a server that behaves
like the real one (profile `kurento`: no replay, no exactly-once).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from pyvidu import OpenViduError, RequestError, RequestOutcomeUnknown, RequestTimeoutError
from pyvidu.protocol.reasons import Reason
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import AttemptPolicy
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.rpc_session import ReceivedRequest
from tests.simulation.application import ENDINGS, Page
from tests.simulation.invariant import LOOK, RETURN, Invariant
from tests.simulation.media_invariants import (
    DeadMediaIsTold,
    DeadTcpDetected,
    DeadWayUpDetected,
    FrozenStreamsRecover,
    HealthyStreamsStay,
    MissingMediaIsReplaced,
    MissingReportsAreAWitness,
    MovedRouteDetected,
    MutedStaysMuted,
    NoFalseAlarm,
    OutagesSettle,
    SilenceIsAWitness,
    StreamsFlow,
    StreamsMove,
    StreamsReturn,
)
from tests.simulation.others_invariants import OthersAreTold, OthersAreToldRarely
from tests.simulation.simulated_network import now

if TYPE_CHECKING:
    from tests.simulation.simulated_world import SimulatedCall

PATIENCE = {"default": 12.0, "kurento": 10.0}
REACHABLE = 9.0  # uninterrupted seconds that suffice to reconnect on a decent network
ATTEMPTS_PER_MINUTE = 60
ATTEMPTS_AT_A_PORTAL = 24  # in a minute of one; 18 on average
NEXT_ATTEMPT = 5.5  # seconds: the longest delay, `attempts.backoff_cap`, and what a timer may be late
PROBED = (
    1.5 + AttemptPolicy().restart_spread
)  # seconds: between two probes, their way, what a timer may be late, the spread
LATE = 3.0  # seconds that the answer to a proof of membership takes at most, on a network that works
UNSEEN = 1.25  # seconds that a page may stand still without detecting it: a heartbeat and what a timer may be late
TOLD = 7.0  # seconds within which a dead path is reported: a heartbeat, `detection.answer_limit`, a stall's grace and jitter
UNTOLD = 2.5  # seconds: `detection.stuck_patience`, and what a timer may be late
THROTTLED = 4.0  # additional seconds where timers fire once a second
LEARNT = 15.0  # seconds of a network that works within which an eviction is detected
AGREED = 10.0  # seconds of calm after which a client's own stream is at the server what the client publishes
UNLUCKY = 13.0  # seconds: after a silence this long TCP's backoff may retransmit the proof as much later again


class OneSocket(Invariant):
    name = "one socket"
    sentence = (
        "A session has at most one live socket and one pending attempt: a second live socket only in an outage, and then "
        "it is the previous one, which may still deliver an answer."
    )

    def opening(self, page: Page) -> None:
        states = [socket.state for socket in page.host.sockets.alive]  # type: ignore[attr-defined]
        if "connecting" in states:
            self.wrong(f"{page.name} opens a socket while another is being opened")
        elif len(states) > (1 if page.session.outages else 0):
            self.wrong(f"{page.name} opens a socket beside {len(states)} live ones")

    def told(self, page: Page, name: str, event: Any) -> None:
        alive = len(page.host.sockets.alive)  # type: ignore[attr-defined]
        if alive > 1 and not page.has_outage and name != "reconnecting":
            self.wrong(f"{page.name} has {alive} live sockets when it is told {name}")

    def stable(self) -> None:
        for page in self.world.connected:
            alive = len(page.host.sockets.alive)  # type: ignore[attr-defined]
            if alive != 1:
                self.wrong(f"{page.name} has {alive} live sockets at rest")


class EveryOutageEnds(Invariant):
    name = "every outage ends once"
    sentence = (
        "Every `reconnecting` is followed by exactly one of `reconnected`, `rejoined` and `sessionDisconnected` once the "
        "network is stable, and none of the first two is fired without it. When `stop_reconnecting()` returns, no outage is "
        "in progress."
    )

    def stopped(self, page: Page) -> None:
        if page.in_outage:
            self.wrong(f"{page.name} stopped reconnecting and the outage is still in progress")

    def told(self, page: Page, name: str, event: Any) -> None:
        if name == "reconnecting" and page.in_outage:
            self.wrong(f"{page.name} is told `reconnecting` twice")
        elif name in ENDINGS[:2] and not page.in_outage:
            self.wrong(f"{page.name} is told `{name}` outside an outage")

    def stable(self) -> None:
        for page in self.world.pages:
            if page.in_outage:
                self.wrong(f"{page.name} is still reconnecting")


class OutagesAreTold(Invariant):
    name = "outages are told"
    sentence = (
        f"Within {UNTOLD:g} s an outage is over or the page is told of it, if that runs and is not throttled; and only one "
        "by a late pong is told later than it begins."
    )

    def opening(self, page: Page) -> None:
        if page.has_outage and not page.in_outage:
            asyncio.get_running_loop().call_later(UNTOLD, self._look, page, page.session.outages[-1])

    def _look(self, page: Page, outage: Outage) -> None:
        if outage.end is None and not outage.told and page.clock.on_time_for(UNTOLD):
            self.wrong(f"{page.name} is not told of an outage within {UNTOLD:g} s")

    def told(self, page: Page, name: str, event: Any) -> None:
        if name == "outageSettled" and not event.outage.told and event.outage.witness != "late pong":
            self.wrong(f"{page.name} was not told of an outage by {event.outage.witness}")


class NothingAfterTheEnd(Invariant):
    name = "nothing after the end"
    sentence = (
        "After `disconnect()` returned, or `sessionDisconnected` was fired, no event is fired and no socket is opened."
    )

    def told(self, page: Page, name: str, event: Any) -> None:
        if page.over:
            self.wrong(f"{page.name} is told {name} after its end")

    def opening(self, page: Page) -> None:
        if page.over:
            self.wrong(f"{page.name} opens a socket after its end")


class RunOnce(Invariant):
    name = "requests run once"
    sentence = (
        "No request is executed twice: no id of an RPC session, and no signal, whatever its id. (A server of profile "
        "`kurento` may get the same mute, unpublish or subscription again under another id, where repeating changes nothing.)"
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._ran: set[tuple[int, str, Any]] = set()

    def ran(self, incoming: ReceivedRequest, recipients: list[str]) -> None:
        request = incoming.request
        key = (id(self.world.server), incoming.session.id, request.id)
        if key in self._ran:
            self.wrong(f"{request.method} number {request.id} runs twice")
        self._ran.add(key)


class Signals(Invariant):
    name = "signals"
    sentence = (
        "On a replaying server no signal is lost, doubled or reordered: a member receives what the server sent it, and in "
        "that order; a signal whose call returned was sent; the signals of a sender keep their order. On profile "
        "`kurento` a signal may be lost with the socket it was sent into, or fail with `RequestOutcomeUnknown`."
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._replays = world.plan.profile == "default"
        self._sent_to: dict[str, list[str]] = {}
        self._number: dict[str, int] = {}
        self._ran: set[str] = set()

    def ran(self, incoming: ReceivedRequest, recipients: list[str]) -> None:
        if incoming.request.method != "sendMessage":
            return
        data = self.world.data_of(incoming)
        sender, _, number = data.partition(" ")
        if int(number) <= self._number.get(sender, 0):
            self.wrong(f"signal '{data}' is sent {'twice' if data in self._ran else 'out of order'}")
        self._number[sender] = int(number)
        self._ran.add(data)
        for recipient in recipients:
            self._sent_to.setdefault(recipient, []).append(data)

    def told(self, page: Page, name: str, event: Any) -> None:
        if name != "signal":
            return
        got, sent = page.received[page.id], self._sent_to.get(page.id, [])
        if self._replays and got != sent[: len(got)]:
            self.wrong(f"{page.name} got {got[-3:]} and was sent {sent[max(0, len(got) - 3) : len(got)]}")
        elif got.count(got[-1]) > 1:
            self.wrong(f"{page.name} got signal '{got[-1]}' twice")
        elif got[-1] not in sent or (len(got) > 1 and sent.index(got[-1]) < sent.index(got[-2])):
            self.wrong(f"{page.name} got {got[-2:]} out of order")

    def settled(self, page: Page, what: str, error: BaseException | None) -> None:
        if not what.startswith("signal "):
            return
        data = what.removeprefix("signal ")
        if error is None and data not in self._ran:
            self.wrong(f"{page.name} got a success for signal '{data}', which was not sent")
        elif isinstance(error, RequestOutcomeUnknown) and self._replays:
            self.wrong(f"{page.name} got an unknown outcome for signal '{data}', on a replaying server")

    def stable(self) -> None:
        for page in self.world.connected if self._replays else ():
            got, sent = page.received.get(page.id, []), self._sent_to.get(page.id, [])
            if got != sent:
                self.wrong(f"{page.name} was sent {len(sent)} signals and got {len(got)}")


class RoomStateAgrees(Invariant):
    name = "room state agrees"
    sentence = (
        f"{RETURN:g} s after the return a client's state of the room (participants, streams, mutes) equals the server's, and "
        "so does the state of its own stream. On profile `kurento` that needs a `roster` callback; without it the record of "
        "an outage notes that the state may be outdated."
    )

    def stable(self) -> None:
        for page in self.world.connected:
            self._own_stream(page)
            room = self.world.room
            there = {
                member.id: (member.stream.id, member.stream.audio_active, member.stream.video_active)
                if member.stream
                else None
                for member in (room.participants if room is not None else ())
                if member.id != page.id
            }
            seen = {
                connection.connection_id: (
                    (
                        connection.stream.stream_id,
                        connection.stream.state.audio_active,
                        connection.stream.state.video_active,
                    )
                    if connection.stream
                    else None
                )
                for connection in page.session.remote_connections.values()
            }
            if there == seen:
                continue
            if self.world.plan.profile == "kurento" and not self.world.plan.roster and page.session.outages:
                if not any("roster" in entry.text for outage in page.session.outages for entry in outage.entries):
                    self.wrong(f"{page.name} has an outdated state of the room, which no record of an outage notes")
            else:
                self.wrong(f"{page.name} has {seen}, the server {there}")

    def _own_stream(self, page: Page) -> None:
        room = self.world.room
        if room is None or room.find(page.id) is None:
            self.wrong(f"{page.name} ({page.id}) is a member for the client and not for the server")
        elif (differs := _own_stream_differs(page)) is not None:
            self.wrong(differs)


def _own_stream_differs(page: Page) -> str | None:
    """Return how a member's stream differs from what the server has of it; None if they agree or it is no member."""
    room = page.world.room
    member = room.find(page.id) if room is not None else None
    if member is None:
        return None
    own = page.publisher.stream if page.publisher is not None else None
    ours = (own.stream_id, own.audio_active, own.video_active) if own is not None and own.is_published else None
    told = (member.stream.id, member.stream.audio_active, member.stream.video_active) if member.stream else None
    return None if ours == told else f"{page.name} publishes {ours}, the server has {told}"


class OwnStreamAgrees(Invariant):
    name = "own stream agrees"
    sentence = (
        f"The server's state of a client's own stream and what the client publishes agree after {AGREED:g} s without faults; "
        f"a difference lasts for less than {LOOK:g} s then."
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._differed: dict[Page, str | None] = {}

    def looked(self, page: Page) -> None:
        calm = page.person.reached_for(AGREED) >= AGREED - 0.01 and not page.in_outage
        under_way = {"publish", "unpublish", "mute"} & set(page.awaited.values())
        differs = _own_stream_differs(page) if calm and not under_way else None
        if differs is not None and differs == self._differed.get(page):
            self.wrong(differs)
        self._differed[page] = differs


class StallsNotMeasured(Invariant):
    name = "stalls are not measured"
    sentence = (
        f"Time in which the page did not run, or its clock jumped, is not part of a measured round trip, except for "
        f"{UNSEEN:g} s that it cannot detect."
    )

    def measured(self, page: Page, seconds: float) -> None:
        stood_still = page.clock.stood_still(seconds)
        if stood_still > UNSEEN + 0.01:
            self.wrong(f"{page.name} measures {seconds:.1f} s, during {stood_still:.1f} s of which it did not run")


class DeadPathDetected(Invariant):
    name = "dead paths are detected"
    sentence = (
        f"Whatever round trips were measured: a connected page that runs gets `reconnecting` within {TOLD:g} s after its "
        f"path died or its socket's mapping was lost ({TOLD + THROTTLED:g} s where timers fire once a second). A page that "
        "is joining gets an error within that time, counted from the opening of its socket if that came later."
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._changes: dict[Page, int] = {}

    def path_changed(self, page: Page) -> None:
        self._begin(page)

    def told(self, page: Page, name: str, event: Any) -> None:
        if name in ENDINGS[:2]:
            self._begin(page)

    def _begin(self, page: Page) -> None:
        change = self._changes[page] = self._changes.get(page, 0) + 1
        if page.path_is_dead:
            asyncio.get_running_loop().call_later(TOLD, self._look, page, change)
            asyncio.get_running_loop().call_later(TOLD + THROTTLED, self._look, page, change, True)

    def _look(self, page: Page, change: int, even_if_throttled: bool = False) -> None:
        opened_at = page.joins_since
        waits = opened_at is not None or (page.connected and not page.in_outage and not page.has_detected_its_end)
        if self._changes[page] != change or not waits:
            return
        if opened_at is not None and opened_at + TOLD > now():
            asyncio.get_running_loop().call_at(opened_at + TOLD, self._look, page, change, even_if_throttled)
            return
        if page.path_is_dead and not page.clock.frozen and (even_if_throttled or not page.clock.throttled):
            self.wrong(f"{page.name} has a dead path for {TOLD:g} s and has not detected it")


class EvictionDetected(Invariant):
    name = "evictions are detected"
    sentence = f"An evicted client detects it once the server was reachable for {LEARNT:g} s without interruption."

    def left(self, participant: Participant, reason: str) -> None:
        page = self.world.page_of(participant)
        if page is not None and page.connected:
            self._look(page, participant.id, now())

    def _look(self, page: Page, identity: str, left_at: float) -> None:
        if page.has_detected_its_end or page.id != identity:
            return
        reached = page.person.reached_for(now() - left_at)
        if reached >= LEARNT:
            self.wrong(f"{page.name} could reach the server for {reached:.1f} s and has not detected its eviction")
        asyncio.get_running_loop().call_later(1.0, self._look, page, identity, left_at)


class NoEviction(Invariant):
    name = "no needless eviction"
    sentence = (
        f"No participant is evicted for its network that could reach the server for {REACHABLE:g} s without interruption (on "
        "a path below 0.3 s one way and below 10 % loss) within the server's timeout. (Except on profile `kurento`: any "
        "event in the room evicts every participant without an open socket at that moment.)"
    )

    def left(self, participant: Participant, reason: str) -> None:
        page = self.world.page_of(participant)
        if participant.id in getattr(self.world.server.profile, "ghosts", ()):
            return
        if reason != Reason.NETWORK_DISCONNECT or page is None or page.over or not page.connected:
            return
        patience = PATIENCE[self.world.plan.profile]
        reached = page.person.reached_for(min(patience, now() - page.began_at))
        if reached >= REACHABLE:
            self.wrong(
                f"{page.name} is evicted and could reach the server for {reached:.1f} of the last {patience:g} s"
            )


class AttemptsBounded(Invariant):
    name = "attempts bounded"
    sentence = f"A client opens at most {ATTEMPTS_PER_MINUTE} sockets in any minute."

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._opened: dict[Page, deque[float]] = {}
        self.most = 0

    def opening(self, page: Page) -> None:
        opened = self._opened.setdefault(page, deque())
        opened.append(now())
        while opened[0] < now() - 60:
            opened.popleft()
        self.most = max(self.most, len(opened))
        if len(opened) > ATTEMPTS_PER_MINUTE:
            self.wrong(f"{page.name} opens socket number {len(opened)} of this minute")


class FewAttemptsAtPortals(Invariant):
    name = "few attempts at portals"
    sentence = (
        f"A client in an outage opens at most {ATTEMPTS_AT_A_PORTAL} sockets in any minute in which a portal answers in the "
        "server's place and nothing else happens to its path."
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._opened: dict[Page, deque[float]] = {}

    def path_changed(self, page: Page) -> None:
        self._opened.pop(page, None)

    def opening(self, page: Page) -> None:
        if not page.in_outage or not page.person.link.blocks("portal"):
            return
        opened = self._opened.setdefault(page, deque())
        opened.append(now())
        while opened[0] < now() - 60:
            opened.popleft()
        if len(opened) > ATTEMPTS_AT_A_PORTAL:
            self.wrong(f"{page.name} opens socket number {len(opened)} of this minute at a portal")


class PortalsEndQuickly(Invariant):
    name = "portals end quickly"
    sentence = (
        f"A client in an outage opens a socket within {NEXT_ATTEMPT:g} s after the end of its portal, and within "
        f"{PROBED:g} s if it knows what the server answers to a probe and packets are neither lost nor slow. (It runs, is "
        "not throttled, the server runs, and nothing else happens to its path.)"
    )

    def __init__(self, world: SimulatedCall) -> None:
        super().__init__(world)
        self._in_portal: dict[Page, bool] = {}
        self._changes: dict[Page, int] = {}

    def path_changed(self, page: Page) -> None:
        before = self._in_portal.get(page, False)
        self._in_portal[page] = page.person.link.blocks("portal")
        change = self._changes[page] = self._changes.get(page, 0) + 1
        if before and page.in_outage and page.person.reached_so_far == 0.0 and not page.path_is_dead:
            link = page.person.link
            quick = not link.repairs and 4 * (link.latency + link.jitter) < AttemptPolicy().probe_timeout
            knows = any(item.plane.probes.answers for item in page.memberships)
            within = PROBED if knows and quick else NEXT_ATTEMPT
            asyncio.get_running_loop().call_later(within, self._look, page, change, now())

    def _look(self, page: Page, change: int, ended_at: float) -> None:
        waits = page.in_outage and page.session.participation.is_member and page.clock.on_time_for(NEXT_ATTEMPT)
        waits = waits and not page.person.link.refused and self.world.restarted_at < ended_at
        if waits and self._changes[page] == change and page.opened_at < ended_at:
            self.wrong(f"{page.name} has opened no socket since the end of its portal {now() - ended_at:.1f} s ago")


class NothingLeft(Invariant):
    name = "resources are released"
    sentence = (
        "After the end of a session its timers, tasks, listeners, sockets and peer connections are gone, and the server's "
        "clocks for it too. (Except on profile `kurento`: a participant without a socket stays until a notification to it.)"
    )

    def stable(self) -> None:
        for page in self.world.pages:
            if page.over and now() - page.over_at > 20:
                self._gone(page)

    def over(self) -> None:
        for page in self.world.pages:
            self._gone(page)
        server = self.world.server
        room = self.world.room
        if self.world.plan.profile == "kurento" and room is not None:
            return
        counts = {
            "members": len(room.participants) if room is not None else 0,
            "RPC sessions": server.signaling.sessions,
            "sockets of the server": server.signaling.sockets,
            "clocks": server.profile.clocks,  # type: ignore[attr-defined]
            "endpoints": len(server.media.publishers) + len(server.media.subscribers),
            "tasks": len(asyncio.all_tasks()) - 2 - (server.profile.ping_interval is not None),
        }
        for what, number in counts.items():
            if number:
                tasks = [str(task.get_coro()) for task in asyncio.all_tasks()] if what == "tasks" else ""
                self.wrong(f"{number} {what} are left {tasks}")

    def _gone(self, page: Page) -> None:
        counts = {
            "timers": len(page.clock.timers),
            "pollers": len(page.clock.jumpers),
            "peer connections": len(page.peers.alive),
            "live sockets": len(page.host.sockets.alive),  # type: ignore[attr-defined]
            "network monitors": len(page.host.watch_network.alive),  # type: ignore[attr-defined]
        }
        for what, number in counts.items():
            if number:
                self.wrong(f"{page.name} has left {number} {what} behind")


class MembersOnly(Invariant):
    name = "only members reconnect"
    sentence = (
        f"A client gets no `reconnected` or `rejoined` after it was not a member of the room for {LATE:g} s of a working "
        f"network; or for {UNLUCKY:g} s, if it was one when it opened its last socket. (An eviction may overtake the answer "
        "that proves a membership: TCP delivers it late, and a page may sleep.)"
    )

    def told(self, page: Page, name: str, event: Any) -> None:
        if name not in ("reconnected", "rejoined"):
            return
        room = self.world.room
        if room is None or room.find(page.id) is None:
            left = self.world.left_at.get(page.id, float("-inf"))
            reached = page.person.reached_for(now() - left)
            if reached > (UNLUCKY if left > page.opened_at else LATE):
                self.wrong(f"{page.name} is told `{name}` and has not been a member for {now() - left:.1f} s")


class EverythingSettles(Invariant):
    name = "awaited calls settle"
    sentence = (
        "Every call that an application awaits returns or fails with an `OpenViduError`, and none is pending once the "
        "network is stable; a request of a connected client is not refused for having been repeated."
    )

    def settled(self, page: Page, what: str, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, OpenViduError):
            self.wrong(f"{page.name}: {what} failed with {error!r}")
        elif (
            isinstance(error, RequestTimeoutError) and self.world.plan.profile == "default" and self.world.is_calm(page)
        ):
            self.wrong(f"{page.name}: {what} was never answered: {error}")
        elif isinstance(error, RequestError) and error.code in (104, 106):
            self.wrong(f"{page.name}: {what} was refused as if it had been done before: {error}")

    def stable(self) -> None:
        for page in self.world.pages:
            for what in page.awaited.values():
                self.wrong(f"{page.name} still waits for {what}")


class NothingCrashes(Invariant):
    name = "no unhandled errors"
    sentence = "No exception of client or server is unhandled, and nothing is logged as an error."


ALL: tuple[type[Invariant], ...] = (
    OneSocket,
    EveryOutageEnds,
    OutagesAreTold,
    NothingAfterTheEnd,
    RunOnce,
    Signals,
    RoomStateAgrees,
    OwnStreamAgrees,
    StreamsFlow,
    StreamsMove,
    StreamsReturn,
    DeadTcpDetected,
    DeadWayUpDetected,
    MovedRouteDetected,
    SilenceIsAWitness,
    MissingReportsAreAWitness,
    NoFalseAlarm,
    FrozenStreamsRecover,
    DeadMediaIsTold,
    MissingMediaIsReplaced,
    OutagesSettle,
    HealthyStreamsStay,
    MutedStaysMuted,
    OthersAreTold,
    OthersAreToldRarely,
    StallsNotMeasured,
    DeadPathDetected,
    EvictionDetected,
    NoEviction,
    AttemptsBounded,
    FewAttemptsAtPortals,
    PortalsEndQuickly,
    NothingLeft,
    MembersOnly,
    EverythingSettles,
    NothingCrashes,
)
