"""What is measured, how often and in which order. Pure: cells in, a seeded schedule out."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Client = Literal["pyvidu", "pyvidu.js", "openvidu-browser"]
Browser = Literal["chromium", "firefox"]
ServerMode = Literal["plain", "best"]
Fault = Literal["link", "silent", "handover", "media-only", "signaling-only", "flapping", "twice"]
Media = Literal["both", "send", "none"]
Metric = Literal["detect_ms", "signaling_ms", "inbound_ms", "outbound_ms"]

CLIENTS: tuple[Client, ...] = get_args(Client)
BROWSERS: tuple[Browser, ...] = get_args(Browser)
SERVERS: tuple[ServerMode, ...] = get_args(ServerMode)
FAULTS: tuple[Fault, ...] = get_args(Fault)
MEDIA: tuple[Media, ...] = get_args(Media)
METRICS: tuple[Metric, ...] = get_args(Metric)

EVICTION_S: Mapping[ServerMode, float] = {"plain": 30.0, "best": 14.0}
"""Seconds of an outage that always evicts: eviction comes after 20-25 s with the real server's clocks, 12 s with ours."""
OUTAGES_S = (2.0, 4.0, 9.0)
HANDOVER_S = 4.0
FLAP_DOWN_S, FLAP_UP_S = 1.0, 2.0
FIRST_DOWN_S, FIRST_UP_S = 4.0, 0.7
TWICE_S = 9.0
SETTLE_S = (3.0, 8.0)
"""Seconds between two drops. The span is the official client's ping period, so that every phase is equally likely."""
GROWTH = (4, 8, 16)
"""Numbers of remote streams, beside the 1 of every other cell: the watcher sends one, light participants the others."""
TRIALS_A_BLOCK = 4

_REJOIN_S, _BLOCK_S, _CEILING_S = 6.0, 7.0, 20.0  # seconds, only for the estimate of the time left


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """A call that is kept and dropped again and again."""

    server: ServerMode
    media: Media
    client: Client
    force: bool = False
    rtt_ms: float = 0.0
    streams: int = 1
    browser: Browser = "chromium"
    """That of the page that is dropped. The watcher has Chromium in every call."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One cell of the table: a call and what happens to its network."""

    call: Call
    fault: Fault
    outage_s: float

    @property
    def evicts(self) -> bool:
        """Return whether the server evicts the participant during the outage."""
        silent_for_the_server = self.fault not in ("media-only", "flapping")
        return silent_for_the_server and self.outage_s >= EVICTION_S[self.call.server]

    @property
    def applicable(self) -> frozenset[Metric]:
        """Return the metrics that apply to this cell; the others are null.

        A media-only drop fires no `reconnecting`, by design; the others never see an evicted participant again.
        """
        found: set[Metric] = set()
        if self.fault != "media-only":
            found |= {"detect_ms", "signaling_ms"}
        if not self.evicts and self.call.media != "none":
            found.add("outbound_ms")
            if self.call.media == "both":
                found.add("inbound_ms")
        return frozenset(found)

    @property
    def estimate_s(self) -> float:
        """Return the estimated duration of one trial, in seconds."""
        official = self.call.client == "openvidu-browser"
        unnoticed = official and self.fault != "media-only" and self.outage_s < 6
        after = max(0.0, _CEILING_S - self.outage_s) if unnoticed else 6.0 if official else 2.0
        before = FIRST_DOWN_S + FIRST_UP_S if self.fault == "twice" else 0.0
        return sum(SETTLE_S) / 2 + before + self.outage_s + after + (_REJOIN_S if self.evicts else 0.0)

    def __str__(self) -> str:
        call = self.call
        words = [call.client, "Firefox" if call.browser == "firefox" else "", "force" if call.force else ""]
        words += [call.server, self.fault, f"{self.outage_s:g} s"]
        words += [
            f"media {call.media}" if call.media != "both" else "",
            f"RTT {call.rtt_ms:g} ms" if call.rtt_ms else "",
        ]
        words.append(f"{call.streams} streams" if call.streams != 1 else "")
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Trial:
    """One drop. `settle_s` is how many seconds the call is left alone before it: the random phase."""

    cell: Cell
    settle_s: float


@dataclass(frozen=True, slots=True)
class Block:
    """Trials in one call, one after another."""

    call: Call
    trials: tuple[Trial, ...]

    @property
    def estimate_s(self) -> float:
        """Return the estimated duration of the block, in seconds."""
        return _BLOCK_S + sum(trial.cell.estimate_s for trial in self.trials)


Plan = Mapping[Cell, int]
"""How many trials each cell gets."""


def smoke() -> Plan:
    """Return every client, server, fault, outage and kind of media once (16 minutes), not every combination of them."""
    ours: tuple[Client, ...] = ("pyvidu", "openvidu-browser")
    plain: ServerMode = "plain"
    wanted: list[Cell] = []

    def add(clients: Iterable[Client], fault: Fault, outages: Iterable[float], **call: object) -> None:
        for client, outage in itertools.product(clients, outages):
            values = {"server": plain, "media": "both", "client": client} | call
            wanted.append(Cell(Call(**values), fault, outage))  # type: ignore[arg-type]

    for fault in ("link", "silent", "media-only", "signaling-only", "flapping"):
        add(ours, fault, (9,))
    add(ours, "handover", (HANDOVER_S,))
    add(ours, "twice", (TWICE_S,))
    add(ours, "silent", (2, 4, EVICTION_S["plain"]))
    add(ours, "silent", (9, EVICTION_S["best"]), server="best")
    add(("pyvidu.js",), "link", (9,))
    add(("pyvidu.js",), "silent", (9,))
    add(("pyvidu.js",), "handover", (HANDOVER_S,))
    add(CLIENTS, "silent", (9,), force=True)
    add(ours, "silent", (9,), media="send")
    add(ours, "silent", (9,), media="none")
    for streams in GROWTH:
        add(ours, "silent", (9,), streams=streams)
    return dict.fromkeys(wanted, 1)


def claims() -> Plan:
    """Return the cells behind the published claims: 40 trials each for pyvidu, 20 for openvidu-browser, on `plain`."""
    plan: dict[Cell, int] = {}
    for client, trials in (("pyvidu", 40), ("openvidu-browser", 20)):
        both = Call("plain", "both", client)  # type: ignore[arg-type]
        plan[Cell(both, "link", 9)] = trials
        plan[Cell(both, "silent", 9)] = trials
        plan[Cell(both, "handover", HANDOVER_S)] = trials
        plan[Cell(Call("plain", "send", client), "silent", 9)] = trials  # type: ignore[arg-type]
    return plan


def selection(  # one parameter for each option of the command
    *,
    clients: Sequence[Client] = CLIENTS,
    forces: Sequence[bool] = (False,),
    servers: Sequence[ServerMode] = SERVERS,
    faults: Sequence[Fault] = FAULTS,
    outages: Sequence[float | Literal["eviction"]] = (),
    media: Sequence[Media] = ("both",),
    rtts_ms: Sequence[float] = (0.0,),
    streams: Sequence[int] = (1,),
    browsers: Sequence[Browser] = ("chromium",),
    trials: int = 1,
) -> Plan:
    """Return every combination of the given values. Outages that are not given are the usual ones for the fault."""
    plan: dict[Cell, int] = {}
    for server, kind, rtt, number, browser, client, force in itertools.product(
        servers, media, rtts_ms, streams, browsers, clients, forces
    ):
        call = Call(server, kind, client, force, rtt, number, browser)
        for fault in faults:
            for outage in outages or _usual_outages(fault):
                plan[Cell(call, fault, EVICTION_S[server] if outage == "eviction" else float(outage))] = trials
    return plan


def schedule(plan: Plan, seed: int) -> list[Block]:
    """Return the order of the run: clients take turns, the trials of a block are shuffled, each has its own random phase.

    The same plan and seed give the same schedule.
    """
    dice = random.Random(seed)
    rounds = max((math.ceil(count / TRIALS_A_BLOCK) for count in plan.values()), default=0)
    calls: dict[Call, list[Cell]] = {}
    for cell in plan:
        calls.setdefault(cell.call, []).append(cell)
    blocks = []
    for number in range(rounds):
        # Calls that differ only in the client are neighbours; which client goes first alternates.
        for situation in _situations(calls):
            for call in situation if number % 2 == 0 else reversed(situation):
                cells = [cell for cell in calls[call] for _ in range(_share(plan[cell], number, rounds))]
                if cells:
                    dice.shuffle(cells)
                    blocks.append(Block(call, tuple(Trial(cell, dice.uniform(*SETTLE_S)) for cell in cells)))
    return blocks


def flaps(outage_s: float) -> int:
    """Return how often a flapping link goes down: one second down, two up, for about `outage_s`."""
    return max(1, math.ceil(outage_s / (FLAP_DOWN_S + FLAP_UP_S)))


def _usual_outages(fault: Fault) -> tuple[float | Literal["eviction"], ...]:
    if fault == "handover":
        return (HANDOVER_S,)
    if fault == "twice":
        return (TWICE_S,)
    return OUTAGES_S if fault in ("media-only", "flapping") else (*OUTAGES_S, "eviction")


def _situations(calls: Iterable[Call]) -> Iterator[list[Call]]:
    def situation(call: Call) -> tuple[object, ...]:
        return (call.server, call.media, call.force, call.rtt_ms, call.streams, call.browser)

    for _, group in itertools.groupby(sorted(calls, key=situation), key=situation):
        yield sorted(group, key=lambda call: CLIENTS.index(call.client))


def _share(count: int, number: int, rounds: int) -> int:
    return count * (number + 1) // rounds - count * number // rounds
