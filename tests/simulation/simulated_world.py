"""One world of `schedule.py`, lived through: real client cores, the server's real rooms and clocks, one virtual clock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from unittest import mock

import invariants
import simulated_host
from application import Page, Person
from invariants import RETURN, Invariant
from schedule import EVERYBODY, Entry, Plan
from simulated_host import SimulatedWorld
from simulated_loop import SimulationLoop
from simulated_media import EventEar
from simulated_network import now

from pyvidu.protocol.messages import Call
from pyvidu.server.exchange import Exchange
from pyvidu.server.kurento_profile import KurentoProfile
from pyvidu.server.observers import Observer
from pyvidu.server.participant import Participant
from pyvidu.server.profiles import DefaultProfile
from pyvidu.server.room import Room, SessionProperties
from pyvidu.server.rpc_session import RpcSession
from pyvidu.server.signaling import Signaling
from pyvidu.server.tokens import ConnectionProperties

ROOM = "room"
GONE = 65.0  # seconds after which even the kernel has given up on the last lost connection


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
    """What became of a world."""

    outages: int
    broken: Breakage | None
    story: list[tuple[float, str, str]] = field(default_factory=list)

    def tell(self) -> str:
        return "\n".join(f"{at:8.3f}  {who}: {what}" for at, who, what in self.story)


def live(plan: Plan) -> Outcome:
    """Lives through the world of `plan`; the same plan has the same outcome."""
    calls: list[SimulatedCall] = []
    with determined(plan.seed):
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


class WatchedSignaling(Signaling):
    """Tells of every request that is carried out."""

    ran: Callable[[Exchange], None]

    async def _dispatch(self, exchange: Exchange) -> None:
        self.ran(exchange)
        await super()._dispatch(exchange)


class SimulatedServer(SimulatedWorld):
    """One life of the server."""

    make_signaling = WatchedSignaling

    def begin(self) -> None:
        self.tasks.spawn(self.signaling.beat(), "pings")

    async def crash(self) -> None:
        """All is forgotten, and nobody is told."""
        for socket in list(self.signaling._sockets):
            socket.open = False
        self.signaling._sockets.clear()
        self.profile.close()
        await self.tasks.close()
        self.media.publishers.clear()  # type: ignore[attr-defined]
        self.media.subscribers.clear()  # type: ignore[attr-defined]


class WatchedKurentoProfile(KurentoProfile):
    """Remembers whom it evicts as a ghost."""

    def __init__(self) -> None:
        super().__init__()
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
    """Everybody in one room, what happens to them, and who watches over it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outages = 0
        self.story: list[tuple[float, str, str]] = []
        self.left_at: dict[str, float] = {}
        self.invariants: list[Invariant] = [kind(self) for kind in invariants.ALL]
        self.broke: Breakage | None = None
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._restarts = 0
        self._peaceful = False
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
        with _errors_go_to(self._logged):
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
        for entry in self.plan.entries:
            await _until(entry.at)
            self.happen(entry)
        await _until(max(self.plan.ends, 5.0))
        self.note("everybody", "from here on nothing happens any more")
        await asyncio.sleep(10)
        self._peaceful = True
        await asyncio.sleep(RETURN - 10)
        for invariant in self.invariants:
            invariant.stable()
        for page in self.pages:
            if not page.over:
                page.disconnect()
        self.note("everybody", "has left")
        await asyncio.sleep(GONE)
        for invariant in self.invariants:
            invariant.over()
        self._failed.cancel()

    async def _tear_down(self, course: asyncio.Task[None]) -> None:
        """Whatever still runs after a breakage ends here."""
        self.invariants = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        course.cancel()
        self.server.profile.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)

    def happen(self, entry: Entry) -> None:
        """Something from the schedule."""
        who = "everybody" if entry.who == EVERYBODY else f"person {entry.who}"
        lasts = f" for {entry.seconds:g} s" if entry.seconds else ""
        self.note(who, f"{entry.kind}{f' ({entry.option})' if entry.option else ''}{lasts}")
        if entry.kind == "restart":
            self._restart(entry.seconds)
            return
        person = self.people[entry.who]
        fault = _FAULTS.get(entry.kind)
        if fault is not None:
            fault(self, person, entry)
        else:
            self._act(person, entry)

    def return_later(self, person: Person) -> None:
        """The application of `person` joins again in a moment."""
        if not self._peaceful:
            asyncio.get_running_loop().call_later(1.0 + 3 * person.link.noise.random(), self._return, person)

    def _return(self, person: Person) -> None:
        page = person.page
        if not self._peaceful and not page.connected and not page.session._joining and page.over:
            person.open_page()

    def _act(self, person: Person, entry: Entry) -> None:
        """Something that the user of an application does."""
        if entry.kind in ("rejoin", "force"):
            setattr(person, entry.kind, entry.option == "on")
        if not person.pages or person.link.frozen:
            return
        page = person.page
        match entry.kind:
            case "rejoin":
                page.openvidu.set_advanced_configuration(rejoin=page._token if entry.option == "on" else None)
            case "force":
                page.openvidu.set_advanced_configuration(
                    force_media_reconnection_after_network_drop=entry.option == "on"
                )
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
            case "signal" if page.connected and page.session._membership is not None:
                page.do(f"signal {page.name} {page.sent + 1}", page.signal(entry.option == "one"))
            case "mute" if page.connected:
                page.do("mute", page.mute(entry.option))
            case "publish" if page.connected and page.session._membership is not None:
                page.do("publish", page.publish())
            case "unpublish" if page.connected and page.session._membership is not None:
                page.do("unpublish", page.unpublish())
            case "subscribe anew" if page.connected and page.session._membership is not None:
                page.do("subscribe anew", page.subscribe_anew(entry.seconds))

    # --- the server --------------------------------------------------------------------------------------------------

    def token(self) -> str:
        """From the backend, which makes the room when it is gone."""
        room = self.room or self.server.rooms.create(SessionProperties(custom_session_id=ROOM))
        return self.server.rooms.issue_token(room, ConnectionProperties(), "ws://localhost:4443").url

    def _new_server(self) -> SimulatedServer:
        server = SimulatedServer(DefaultProfile(12.0) if self.plan.profile == "default" else WatchedKurentoProfile())
        server.rooms.observers.add(_Watcher(self))
        server.signaling.ran = self._ran  # type: ignore[attr-defined]
        return server

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
        old.media.reassess()  # type: ignore[attr-defined]
        asyncio.get_running_loop().call_later(downtime, self._start_again, old, crash, self._restarts)

    def _start_again(self, old: SimulatedServer, _crash: object, number: int) -> None:
        if number != self._restarts:
            return  # it went down again meanwhile
        self.note("everybody", "the server is back and knows nobody")
        self.server = self._new_server()
        self.server.media.peers = old.media.peers  # type: ignore[attr-defined]
        self.server.begin()
        for person in self.people:
            person.link.world = self.server
            person.link.refused = False
            person.note_reach()

    # --- what invariants are told, and ask ---------------------------------------------------------------------------

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

    def data_of(self, exchange: Exchange) -> str:
        """The data of the signal that a request sends."""
        data: str = json.loads(exchange.request.params["message"])["data"]
        return data

    def page_of(self, participant: Participant) -> Page | None:
        return next((page for page in self.pages if page.id == participant.id), None)

    def is_calm(self, page: Page) -> bool:
        """Whether the network of `page` has been fine for as long as a request may take."""
        return page.person.reached_for(14.0) >= 13.0

    def why_silent(self, page: Page, stream: Any) -> str:
        router: Any = self.server.media
        receives, sends = router.subscribers.get((page.id, stream.stream_id)), router.publishers.get(stream.stream_id)
        ends = {number: router.peers.get(number) for number in (receives, sends)}
        states = {
            number: f"{end.ice_connection_state}, epoch {end._epoch}" if end else None for number, end in ends.items()
        }
        return f"received by {receives}, sent by {sends}, {states}"

    def _ran(self, exchange: Exchange) -> None:
        recipients: list[str] = []
        member = exchange.session.member
        if exchange.request.method == "sendMessage" and member is not None:
            to = json.loads(exchange.request.params["message"])["to"]
            there = [item.id for item in member.room.participants]
            recipients = there if not to else [item for item in there if item in to] if set(to) <= set(there) else []
        elif exchange.request.method == "sendMessage":
            return  # from one who is no member: refused, or never answered
        for invariant in self.invariants:
            invariant.ran(exchange, recipients)

    def _uncaught(self, _loop: object, context: dict[str, Any]) -> None:
        self._crashed(f"{context.get('message')}: {context.get('exception')!r}")

    def _logged(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._crashed(f"{record.getMessage()}{f': {error!r}' if error else ''}")

    def _crashed(self, what: str) -> None:
        if self.invariants:
            self.broken(self.invariants[-1], what)


# --- faults ----------------------------------------------------------------------------------------------------------


def _drop(call: SimulatedCall, person: Person, entry: Entry) -> None:
    kind = entry.kind
    person.link.drop(kind)
    _later(entry.seconds, partial(_restore, person, kind, entry.option))


def _restore(person: Person, kind: str, option: str) -> None:
    if "media" in option or option == "dead":
        person.link.lose_media()
    if "sockets" in option:
        person.lose_sockets()
    person.link.restore(kind)


def _flapping(call: SimulatedCall, person: Person, entry: Entry) -> None:
    dice, at = person.link.noise, 0.0
    while at < entry.seconds:
        down, up = 0.2 + 1.3 * dice.random(), 0.2 + 2.3 * dice.random()
        _later(at, partial(person.link.drop, entry.option))
        _later(min(at + down, entry.seconds), partial(person.link.restore, entry.option))
        at += down + up


def _handover(call: SimulatedCall, person: Person, entry: Entry) -> None:
    link = person.link
    link.drop("link")

    def arrived() -> None:
        link.lose_media()
        person.lose_sockets()
        link.restore("link")
        for listener in list(link.listeners):
            link.at_client(listener.network_changed)

    _later(entry.seconds, arrived)


def _loss(call: SimulatedCall, person: Person, entry: Entry) -> None:
    _set_for(person, "loss", int(entry.option) / 100, 0.0, entry.seconds)


def _slow(call: SimulatedCall, person: Person, entry: Entry) -> None:
    _set_for(person, "latency", int(entry.option) / 1000, person.settings.latency, entry.seconds)


def _set_for(person: Person, what: str, value: float, usual: float, seconds: float) -> None:
    def put(number: float) -> None:
        setattr(person.link, what, number)
        person.note_reach()

    put(value)
    _later(seconds, partial(put, usual))


def _sleep(call: SimulatedCall, person: Person, entry: Entry) -> None:
    """The machine sleeps: no network, no page."""
    person.link.hold("up", "down")
    _freeze_page(person)

    def wake() -> None:
        person.link.release("up", "down")
        _thaw_page(person, told=True, stood_still=bool(entry.option))

    _later(entry.seconds, wake)


def _freeze(call: SimulatedCall, person: Person, entry: Entry) -> None:
    """The browser stops the page; its network process goes on."""
    _freeze_page(person)
    _later(entry.seconds, partial(_thaw_page, person, told=not entry.option, stood_still=False))


def _freeze_page(person: Person) -> None:
    person.asleep += 1
    if person.asleep == 1:
        person.link.freeze()
        person.note_reach()
        for page in person.pages:
            page.clock.freeze()


def _thaw_page(person: Person, *, told: bool, stood_still: bool) -> None:
    person.asleep -= 1
    if person.asleep:
        return
    for page in person.pages:
        if page.clock.frozen:
            page.clock.thaw(stood_still=stood_still)
    if told:
        _wake_up(person)
    person.link.thaw()
    person.note_reach()


def _wake_up(person: Person) -> None:
    for listener in list(person.link.listeners):
        person.link.at_client(listener.page_woke_up)


def _throttle(call: SimulatedCall, person: Person, entry: Entry) -> None:
    clocks = [page.clock for page in person.pages]
    for clock in clocks:
        clock.throttled = True
    _later(entry.seconds, lambda: [setattr(clock, "throttled", False) for clock in clocks])


def _clock_jump(call: SimulatedCall, person: Person, entry: Entry) -> None:
    for page in person.pages:
        page.clock.offset += float(entry.option)


_FAULTS: dict[str, Callable[[SimulatedCall, Person, Entry], None]] = {
    **dict.fromkeys(("silent", "link", "up", "down", "media"), _drop),
    "reset": lambda _call, person, _entry: person.reset_sockets(),
    "half-open": lambda _call, person, _entry: person.lose_sockets(),
    "flapping": _flapping,
    "handover": _handover,
    "loss": _loss,
    "slow": _slow,
    "sleep": _sleep,
    "freeze": _freeze,
    "throttle": _throttle,
    "clock jump": _clock_jump,
    "wall clock jump": lambda _call, person, _entry: _wake_up(person),
}


def _later(seconds: float, what: Callable[[], Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, what)


async def _until(moment: float) -> None:
    if moment > now():
        await asyncio.sleep(moment - now())


# --- from one seed ---------------------------------------------------------------------------------------------------


class _Secrets:
    """`secrets` of the server's ids, for once not secret."""

    def __init__(self, dice: Random) -> None:
        self.choice = dice.choice
        self._dice = dice

    def token_hex(self, size: int) -> str:
        return f"{self._dice.getrandbits(8 * size):0{2 * size}x}"


@contextmanager
def determined(seed: int) -> Iterator[None]:
    """Everything random follows from `seed`, and the ear of a media plane hears events instead of polling."""
    simulated_host.number_peers_anew()
    with (
        mock.patch("pyvidu.server.ids.secrets", _Secrets(Random(f"{seed} ids"))),
        mock.patch("pyvidu.signaling.plane.random", Random(f"{seed} jitter")),
        mock.patch("pyvidu.media.plane.Ear", EventEar),
    ):
        yield


class _Errors(logging.Handler):
    def __init__(self, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(logging.ERROR)
        self.emit = tell  # type: ignore[method-assign]


@contextmanager
def _errors_go_to(tell: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Whatever the package logs as an error is told; the rest is not even put into words."""
    logger, handler = logging.getLogger("pyvidu"), _Errors(tell)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
