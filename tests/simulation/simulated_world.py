"""Runs one world of `schedule.py`: real client cores, the server's real rooms and clocks, one virtual clock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pyvidu.protocol.codes import PROBE_ANSWER, PROBE_ANSWER_UNHEARD
from pyvidu.protocol.messages import Call
from pyvidu.reconnection.rtt import RoundTrip
from pyvidu.server.quality.uplink import INTERVAL, UplinkWatch
from pyvidu.server.rooms.room import Observer, Participant, Room
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties
from pyvidu.server.signaling.dispatcher import SignalingServer
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from pyvidu.server.signaling.profiles import ProfileHost
from pyvidu.server.signaling.rpc_session import ReceivedRequest, RpcSession
from tests.simulation import invariants
from tests.simulation.application import Page, Person
from tests.simulation.determined import determined, errors_go_to, measurements_go_to
from tests.simulation.invariant import LOOK, RETURN, Invariant
from tests.simulation.schedule import EVERYBODY, Entry, Plan
from tests.simulation.simulated_faults import FAULTS
from tests.simulation.simulated_host import SimulatedWorld
from tests.simulation.simulated_loop import SimulationLoop
from tests.simulation.simulated_media import SimulatedPeer
from tests.simulation.simulated_network import now

ROOM = "room"
GONE = 65.0  # seconds after which the kernel has closed even the last lost connection


@dataclass(frozen=True, slots=True)
class Breakage:
    """An invariant that did not hold."""

    at: float
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.at:8.3f}  BROKEN '{self.invariant}': {self.what}"


@dataclass(slots=True)
class Outcome:
    """The result of a world."""

    outages: int
    broken: Breakage | None
    story: list[tuple[float, str, str]] = field(default_factory=list)

    def tell(self) -> str:
        return "\n".join(f"{at:8.3f}  {who}: {what}" for at, who, what in self.story)


def live(plan: Plan, *, jumps: bool = True) -> Outcome:
    """Run the world of `plan`; the same plan has the same outcome, with and without `jumps` over polls."""
    calls: list[SimulatedCall] = []
    with determined(plan.seed, jumps=jumps):
        runner = asyncio.Runner(loop_factory=SimulationLoop)
        try:
            return runner.run(_live(plan, calls))
        except Exception as error:  # noqa: BLE001 - whatever comes through to here was caught by nobody
            broken = Breakage(runner.get_loop().time(), invariants.NothingCrashes.name, repr(error))
            return Outcome(calls[0].outages, broken, calls[0].story)
        finally:
            with suppress(Exception):
                runner.close()


async def _live(plan: Plan, calls: list[SimulatedCall]) -> Outcome:
    calls.append(SimulatedCall(plan))
    return await calls[0].run()


class WatchedSignaling(SignalingServer):
    """Reports every request that is carried out."""

    ran: Callable[[ReceivedRequest], None]

    def vanish(self) -> None:
        """Drop every socket without closing it, as a crashed process does."""
        for socket in list(self._sockets):
            socket.open = False
        self._sockets.clear()

    async def _dispatch(self, incoming: ReceivedRequest) -> None:
        self.ran(incoming)
        await super()._dispatch(incoming)


class SimulatedServer(SimulatedWorld):
    """One run of the server, from a start to a crash or the end."""

    make_signaling = WatchedSignaling
    uplinks: UplinkWatch | None = None  # on the profile that has one

    def answer_to_probe(self, url: str) -> str:
        """Return what the server answers to a plain GET."""
        unheard = self.uplinks is not None and self.uplinks.is_unheard(url.partition("probe=")[2])
        return PROBE_ANSWER_UNHEARD if unheard else PROBE_ANSWER

    def begin(self) -> None:
        self.media.refuses = True
        self.tasks.spawn(self.signaling.beat(), "pings")

    async def crash(self) -> None:
        """Drop all state without sending or reporting anything."""
        self.signaling.vanish()  # type: ignore[attr-defined]
        self.profile.close()
        await self.tasks.close()
        self.media.publishers.clear()
        self.media.subscribers.clear()
        self.media.reassess()  # nothing is forwarded any more


class WatchedKurentoProfile(KurentoProfile):
    """Records which members it evicts as ghosts."""

    def __init__(self, host: ProfileHost) -> None:
        super().__init__(host)
        self.ghosts: set[str] = set()

    def undeliverable(self, session: RpcSession, call: Call) -> None:
        if session.member is not None:
            self.ghosts.add(session.member.id)
        super().undeliverable(session, call)


class _Watcher(Observer):
    def __init__(self, world: SimulatedCall) -> None:
        self._world = world

    def left(self, participant: Participant, reason: str) -> None:
        self._world.left(participant, reason)


class SimulatedCall:
    """All people in one room, what happens to them, and the invariants that check it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outages = 0
        self.story: list[tuple[float, str, str]] = []
        self.left_at: dict[str, float] = {}
        self.invariants: list[Invariant] = [kind(self) for kind in invariants.ALL]
        self.broke: Breakage | None = None
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._restarts = 0
        self.restarted_at = 0.0
        self._peaceful = self._left = False
        self.server = self._new_server()
        self.people = [Person(self, number, settings) for number, settings in enumerate(plan.people)]

    def dice(self, what: str) -> Random:
        return Random(f"{self.plan.seed} {what}")

    @property
    def pages(self) -> list[Page]:
        return [page for person in self.people for page in person.pages]

    @property
    def connected(self) -> list[Page]:
        return [page for page in self.pages if page.connected]

    @property
    def room(self) -> Room | None:
        return self.server.rooms.get(ROOM)

    # --- the course of events ----------------------------------------------------------------------------------------

    async def run(self) -> Outcome:
        asyncio.get_running_loop().set_exception_handler(self._uncaught)
        with errors_go_to(self._logged), measurements_go_to(self._measured):
            course = asyncio.get_running_loop().create_task(self._course())
            await asyncio.wait({course, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if course.done() and not course.cancelled() and course.exception() is not None:
                raise course.exception()  # type: ignore[misc]
            await self._tear_down(course)
        return Outcome(self.outages, self.broke, self.story)

    async def _course(self) -> None:
        self.server.begin()
        loop = asyncio.get_running_loop()
        for number, person in enumerate(self.people):
            loop.call_later(0.3 * number, person.open_page)
        loop.call_later(LOOK, self._look)
        for entry in self.plan.entries:
            await _until(entry.at)
            self.happen(entry)
        await _until(max(self.plan.ends, 5.0))
        self.note("everybody", "the schedule has ended")
        await asyncio.sleep(10)
        self._peaceful = True
        await asyncio.sleep(RETURN - 10)
        for invariant in self.invariants:
            invariant.stable()
        self._left = True
        for page in self.pages:
            if not page.over:
                page.disconnect()
        self.note("everybody", "has left")
        await asyncio.sleep(GONE)
        for invariant in self.invariants:
            invariant.over()
        self._failed.cancel()

    async def _tear_down(self, course: asyncio.Task[None]) -> None:
        """Cancel whatever still runs after a breakage."""
        self.invariants = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        course.cancel()
        self.server.profile.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)

    def _look(self) -> None:
        if not self._left:
            for invariant in self.invariants:
                for page in self.connected:
                    invariant.looked(page)
            asyncio.get_running_loop().call_later(LOOK, self._look)

    def happen(self, entry: Entry) -> None:
        """Carry out an entry of the schedule."""
        who = "everybody" if entry.who == EVERYBODY else f"person {entry.who}"
        lasts = f" for {entry.seconds:g} s" if entry.seconds else ""
        self.note(who, f"{entry.kind}{f' ({entry.option})' if entry.option else ''}{lasts}")
        if entry.kind == "restart":
            self._restart(entry.seconds)
            return
        person = self.people[entry.who]
        fault = FAULTS.get(entry.kind)
        if fault is not None:
            fault(person, entry)
        else:
            self._act(person, entry)

    def return_later(self, person: Person) -> None:
        """Let the application of `person` join again after 1 to 4 s."""
        if not self._peaceful:
            asyncio.get_running_loop().call_later(1.0 + 3 * person.link.noise.random(), self._return, person)

    def _return(self, person: Person) -> None:
        page = person.page
        if not self._peaceful and not page.connected and not page.session.participation.joining and page.over:
            person.open_page()

    def _act(self, person: Person, entry: Entry) -> None:
        """Carry out an action of the application's user."""
        if entry.kind in ("rejoin", "force"):
            setattr(person, entry.kind, entry.option == "on")
        if not person.pages or person.link.frozen:
            return
        page = person.page
        match entry.kind:
            case "rejoin":
                page.openvidu.set_advanced_configuration(rejoin=page.token if entry.option == "on" else None)
            case "force":
                page.force, page.force_changed_at = entry.option == "on", now()
                page.openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=page.force)
            case "join" if page.over:
                person.open_page()
            case "disconnect" if not page.over:
                page.disconnect()
            case "stop reconnecting" if page.connected:
                page.session.stop_reconnecting()
                for invariant in self.invariants:
                    invariant.stopped(page)
            case "reconnect now" if page.connected:
                page.session.reconnect_now()
            case "evict":
                member = self.room.find(page.id) if self.room is not None else None
                if member is not None:
                    member.room.evict(member, "forceDisconnectByServer")
            case "signal" if page.connected and page.session.participation.is_member:
                page.do(f"signal {page.name} {page.sent + 1}", page.signal(entry.option == "one"))
            case "mute" if page.connected:
                page.do("mute", page.mute(entry.option))
            case "publish" if page.connected and page.session.participation.is_member:
                page.do("publish", page.publish())
            case "unpublish" if page.connected and page.session.participation.is_member:
                page.do("unpublish", page.unpublish())
            case "subscribe anew" if page.connected and page.session.participation.is_member:
                page.do("subscribe anew", page.subscribe_anew(entry.seconds))

    # --- the server --------------------------------------------------------------------------------------------------

    def token(self) -> str:
        """Return a token from the backend, which makes the room when it is gone."""
        room = self.room or self.server.rooms.create(SessionProperties(custom_session_id=ROOM))
        return self.server.rooms.issue_token(room, ConnectionProperties(), "ws://localhost:4443").url

    def _new_server(self) -> SimulatedServer:
        server = SimulatedServer(None if self.plan.profile == "default" else WatchedKurentoProfile)
        server.rooms.observers.add(_Watcher(self))
        server.media.reports = self.plan.profile == "default"
        server.signaling.ran = self._ran  # type: ignore[attr-defined]
        if self.plan.profile == "default":
            watch = server.uplinks = UplinkWatch(server.rooms)
            server.media.unheard = lambda: watch.look(now(), late=0.0)
            asyncio.get_running_loop().call_later(INTERVAL, self._watch_uplinks, server)
        return server

    def _watch_uplinks(self, server: SimulatedServer) -> None:
        if not self._left and server is self.server:
            server.media.unheard()
            asyncio.get_running_loop().call_later(INTERVAL, self._watch_uplinks, server)

    def _restart(self, downtime: float) -> None:
        old = self.server
        self._restarts += 1
        self.left_at |= {member.id: now() for room in old.rooms for member in room.participants}
        for person in self.people:
            person.link.refused = True
            person.note_reach()
        crash = asyncio.get_running_loop().create_task(old.crash())
        for person in self.people:
            person.link.reset_sockets()
        asyncio.get_running_loop().call_later(downtime, self._start_again, old, crash, self._restarts)

    def _start_again(self, old: SimulatedServer, _crash: object, number: int) -> None:
        if number != self._restarts:
            return  # it has crashed again meanwhile
        self.note("everybody", "the server is back without its state")
        self.server, self.restarted_at = self._new_server(), now()
        self.server.media.peers = old.media.peers
        self.server.begin()
        for person in self.people:
            person.link.world = self.server
            person.link.refused = False
            person.note_reach()

    # --- the interface of the invariants -----------------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        self.story.append((now(), who, what))

    def told(self, page: Page, name: str, event: Any) -> None:
        about = getattr(event, "reason", "") or getattr(event, "data", "") or getattr(event, "message", "")
        self.note(page.name, f"is told {name}{f' ({about})' if about else ''}")
        for invariant in self.invariants:
            invariant.told(page, name, event)

    def opening(self, page: Page) -> None:
        self.note(page.name, "opens a socket")
        for invariant in self.invariants:
            invariant.opening(page)

    def left(self, participant: Participant, reason: str) -> None:
        self.left_at[participant.id] = now()
        self.note("server", f"{participant.client_data} ({participant.id}) leaves the room ({reason})")
        for invariant in self.invariants:
            invariant.left(participant, reason)

    def settled(self, page: Page, what: str, error: BaseException | None) -> None:
        if error is not None:
            self.note(page.name, f"{what} failed: {type(error).__name__}: {error}")
            if what == "connect" and page.person.settings.returns:
                page.over = True
                self.return_later(page.person)
        for invariant in self.invariants:
            invariant.settled(page, what, error)

    def broken(self, invariant: Invariant, what: str) -> None:
        if self.broke is None:
            self.broke = Breakage(now(), invariant.name, what)
            if not self._failed.done():
                self._failed.set_result(None)

    def flow_changed(self, page: Page, peer: SimulatedPeer) -> None:
        for invariant in self.invariants:
            invariant.flow_changed(page, peer)

    def path_changed(self, page: Page) -> None:
        for invariant in self.invariants:
            invariant.path_changed(page)

    def data_of(self, incoming: ReceivedRequest) -> str:
        """Return the data of the signal that a request sends."""
        data: str = json.loads(str(incoming.request.params["message"]))["data"]
        return data

    def page_of(self, participant: Participant) -> Page | None:
        return next((page for page in self.pages if page.id == participant.id), None)

    def is_calm(self, page: Page) -> bool:
        """Return whether the network of `page` has been fine for as long as a request may take."""
        return page.person.reached_for(14.0) >= 13.0

    def why_silent(self, page: Page, stream: Any) -> str:
        router = self.server.media
        receives, sends = router.subscribers.get((page.id, stream.stream_id)), router.publishers.get(stream.stream_id)
        ends = {number: router.peers.get(number) for number in (receives, sends) if number is not None}
        states = {
            number: f"{end.ice_connection_state}, epoch {end.epoch}" if end else None for number, end in ends.items()
        }
        return f"received by {receives}, sent by {sends}, {states}"

    def _measured(self, estimate: RoundTrip, seconds: float) -> None:
        for page in self.pages:
            for membership in page.memberships:
                if membership.plane.round_trip is estimate:
                    for invariant in self.invariants:
                        invariant.measured(page, seconds)

    def _ran(self, incoming: ReceivedRequest) -> None:
        recipients: list[str] = []
        member = incoming.session.member
        if incoming.request.method == "sendMessage" and member is not None:
            to = json.loads(str(incoming.request.params["message"]))["to"]
            there = [item.id for item in member.room.participants]
            recipients = there if not to else [item for item in there if item in to] if set(to) <= set(there) else []
        elif incoming.request.method == "sendMessage":
            return  # from a client that is no member: refused, or never answered
        for invariant in self.invariants:
            invariant.ran(incoming, recipients)

    def _uncaught(self, _loop: object, context: dict[str, Any]) -> None:
        self._crashed(f"{context.get('message')}: {context.get('exception')!r}")

    def _logged(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._crashed(f"{record.getMessage()}{f': {error!r}' if error else ''}")

    def _crashed(self, what: str) -> None:
        if self.invariants:
            self.broken(self.invariants[-1], what)


async def _until(moment: float) -> None:
    if moment > now():
        await asyncio.sleep(moment - now())
