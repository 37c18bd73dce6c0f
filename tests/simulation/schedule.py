"""The schedule of one simulated world, a value made from a seed: its people, and which faults and actions come when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

EVERYBODY = -1
SHARE_BLOCKED = 0.4

# kind -> (weight, shortest and longest seconds, options). Durations are log-uniform: short ones matter as much.
FAULTS: dict[str, tuple[float, float, float, tuple[str, ...]]] = {
    "silent": (6, 0.2, 30, ("", "", "dead media", "dead sockets", "dead media and sockets")),
    "link": (5, 0.2, 30, ("", "", "dead media", "dead sockets", "dead media and sockets")),
    "up": (2, 0.5, 20, ("", "dead media")),
    "down": (2, 0.5, 20, ("", "dead media")),
    "media": (2, 0.5, 15, ("", "dead")),
    "reset": (3, 0, 0, ("",)),
    "half-open": (3, 0, 0, ("",)),
    "flapping": (2, 2, 12, ("silent", "link")),
    "handover": (2, 0.1, 6, ("",)),
    "loss": (1, 2, 15, ("5", "20", "40")),
    "slow": (1, 2, 15, ("100", "300", "800")),
    "sleep": (1.5, 1, 40, ("", "clock stands still")),
    "freeze": (1, 1, 20, ("", "unnoticed")),
    "throttle": (1, 5, 30, ("",)),
    "clock jump": (1, 0, 0, ("0.5", "3", "60", "3600")),  # seconds, of the clock that timers use
    "wall clock jump": (0.5, 0, 0, ("",)),  # of the other clock: the host reports that the page woke up
    "restart": (0.5, 0.2, 8, ("",)),
    "signaling": (0, 0.5, 20, ("",)),  # see `_some_blocked`
}
# Drawn by a die of their own, which leaves all other worlds as they were.
PORTALS: dict[str, tuple[float, float, float, tuple[str, ...]]] = {"portal": (1, 0.5, 90, ("",))}
A_PORTAL = 0.1  # the share of worlds with one
UNNOTICED = "unnoticed"  # without an event of the host
VPNS: dict[str, tuple[float, float, float, tuple[str, ...]]] = {"vpn": (1, 0, 0, ("", UNNOTICED))}
A_VPN = 0.1  # the same
DUAL_STACK = 0.1  # the share of people with IPv4 and IPv6
ACTIONS: dict[str, tuple[float, float, float, tuple[str, ...]]] = {
    "signal": (8, 0, 0, ("", "", "one")),
    "mute": (4, 0, 0, ("audio", "video")),
    "publish": (2, 0, 0, ("",)),
    "unpublish": (2, 0, 0, ("",)),
    "subscribe anew": (2, 0.1, 5, ("",)),
    "disconnect": (1, 0, 0, ("",)),
    "join": (1.5, 0, 0, ("",)),
    "stop reconnecting": (0.7, 0, 0, ("",)),
    "reconnect now": (1, 0, 0, ("",)),
    "rejoin": (1, 0, 0, ("on", "off")),
    "force": (1, 0, 0, ("on", "off")),
    "evict": (0.3, 0, 0, ("",)),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """At `at` seconds `kind` happens to person number `who`, for `seconds` if it takes time."""

    at: float
    who: int
    kind: str
    seconds: float = 0.0
    option: str = ""

    @property
    def until(self) -> float:
        return self.at + self.seconds

    def __str__(self) -> str:
        whom = "everybody" if self.who == EVERYBODY else f"person {self.who}"
        lasts = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.at:8.3f}  {whom}: {self.kind}{f' ({self.option})' if self.option else ''}{lasts}"


@dataclass(frozen=True, slots=True)
class Person:
    """The settings of one person. `returns`: after the end of a session the application joins again by itself."""

    publishes: bool = True
    rejoin: bool = False
    force: bool = False
    returns: bool = True
    latency: float = 0.001
    jitter: float = 0.0
    ip_families: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole world. `seed` determines what the schedule leaves open: jitter, losses, ids.

    `roster`: on a server that does not replay, the applications have a callback that returns who is in the room.
    """

    seed: int
    profile: str = "default"
    roster: bool = True
    people: tuple[Person, ...] = (Person(), Person())
    entries: tuple[Entry, ...] = field(default=())

    @property
    def ends(self) -> float:
        return max((entry.until for entry in self.entries), default=0.0)

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}, profile {self.profile}{'' if self.roster or self.profile == 'default' else ', no roster'}"
        ]
        lines += [f"          person {number}: {person}" for number, person in enumerate(self.people)]
        return "\n".join([*lines, *map(str, self.entries)])


def plan(seed: int) -> Plan:
    """Return the plan of the world of `seed`."""
    dice = Random(f"plan {seed}")
    people = tuple(_person(dice) for _ in range(dice.choice((1, 2, 2, 3, 3, 4))))
    families = Random(f"families {seed}")
    people = tuple(replace(person, ip_families=2) if families.random() < DUAL_STACK else person for person in people)
    length = dice.uniform(40, 140)
    entries = []
    for number in range(len(people)):
        at = 3.0 + dice.expovariate(1 / 3)
        while at < length:
            entries.append(_entry(dice, at, number, FAULTS))
            at += entries[-1].seconds * dice.choice((0.3, 1, 1, 1)) + dice.expovariate(1 / 3.5)
        at = 1.0
        while (at := at + dice.expovariate(1 / 5)) < length:
            entries.append(_entry(dice, at, number, ACTIONS))
    entries = _some_blocked(Random(f"signaling {seed}"), entries)
    other_dice = Random(f"portal {seed}")
    if other_dice.random() < A_PORTAL:
        entries.append(_entry(other_dice, other_dice.uniform(3, length), other_dice.randrange(len(people)), PORTALS))
    other_dice = Random(f"vpn {seed}")
    if other_dice.random() < A_VPN:
        entries.append(_entry(other_dice, other_dice.uniform(3, length), other_dice.randrange(len(people)), VPNS))
    entries.sort(key=lambda entry: entry.at)
    return Plan(seed, dice.choice(("default", "default", "kurento")), dice.random() < 0.8, people, tuple(entries))


def _some_blocked(dice: Random, entries: list[Entry]) -> list[Entry]:
    """Let all TCP be blocked for a while in the place of some sockets that are lost; nothing else in a world changes."""
    return [
        _entry(dice, entry.at, entry.who, {"signaling": (1, *FAULTS["signaling"][1:])})
        if entry.kind == "half-open" and dice.random() < SHARE_BLOCKED
        else entry
        for entry in entries
    ]


def _person(dice: Random) -> Person:
    return Person(
        publishes=dice.random() < 0.8,
        rejoin=dice.random() < 0.3,
        force=dice.random() < 0.15,
        returns=dice.random() < 0.9,
        latency=dice.choice((0.001, 0.001, 0.02, 0.075, 0.15)),
        jitter=dice.choice((0.0, 0.0, 0.01, 0.1)),
    )


def _entry(dice: Random, at: float, who: int, kinds: dict[str, tuple[float, float, float, tuple[str, ...]]]) -> Entry:
    kind = dice.choices(list(kinds), [item[0] for item in kinds.values()])[0]
    _, shortest, longest, options = kinds[kind]
    seconds = shortest * (longest / shortest) ** dice.random() if shortest else longest
    return Entry(round(at, 3), EVERYBODY if kind == "restart" else who, kind, round(seconds, 3), dice.choice(options))
