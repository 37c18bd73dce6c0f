"""The record of one outage: what was observed, concluded and done, and when. It makes no decision and reads no clock.

Times are seconds since the verdict that began the outage, negative for the evidence that led to it. Every fact is a field of
its own; the texts are for people, and no program has to parse them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .evidence import AttemptClosed, AttemptOpened, PongReceived, SignalingEvidence

EntryKind = Literal["evidence", "verdict", "action", "stream"]
OutageEnd = Literal["reconnected", "rejoined", "sessionDisconnected"]
AttemptResult = Literal["opened", "resumed", "closed", "dropped"]
StreamStepName = Literal[
    "healthy", "paused", "recovering", "frozen", "renegotiating", "connected", "failed", "given up"
]
StreamEnd = Literal["healthy", "paused", "renegotiated", "frozen"]

RECENT = 10.0  # seconds before a verdict whose evidence is part of the outage's record
KEPT = 100  # outages; a link that flaps for a day has thousands
FORMAT = 2  # of `to_dict`: raised when a key changes its meaning or is removed, not when one is added


@dataclass(frozen=True, slots=True)
class OutageEntry:
    """One entry of the record of an outage.

    Attributes:
        at: seconds since the verdict that began the outage; negative for the evidence that led to it.
        kind: `evidence`, `verdict`, `action` or `stream`.
        text: for people.
        name: for programs what `text` is for people: the kind of evidence (`SocketClosed`), a stream's step, `attempt`,
            `dropped`, `down` or how the outage ended; empty for a remark.
        stream: the id of the stream concerned, or empty.

    Source: pyvidu's own.
    """

    at: float
    kind: EntryKind
    text: str
    name: str = ""
    stream: str = ""


@dataclass(slots=True)
class Attempt:
    """One attempt to open a new socket and to resume on it.

    Attributes:
        at: when it began, in seconds since the verdict.
        until: when it ended; None while it lasts.
        result: `resumed`: it carries the session now. `closed`: refused or closed. `dropped`: closed here, for a new one,
            because nothing answered, or because the old socket was faster. `opened`: the socket is open, the resume not yet
            answered. None: not open yet.

    Source: pyvidu's own.
    """

    at: float
    until: float | None = None
    result: AttemptResult | None = None


@dataclass(frozen=True, slots=True)
class StreamStep:
    """A conclusion about a stream, or an action on it.

    Attributes:
        at: seconds since the verdict.
        step: `healthy`, `paused`, `recovering`, `frozen`, `renegotiating`, `connected`, `failed` or `given up`.
        because: the reason.

    Source: pyvidu's own.
    """

    at: float
    step: StreamStepName
    because: str = ""


@dataclass(slots=True)
class StreamRecord:
    """The steps and the outcome for one stream.

    Attributes:
        steps: in order.

    Source: pyvidu's own.
    """

    steps: list[StreamStep] = field(default_factory=list)

    @property
    def outcome(self) -> StreamEnd | None:
        """Return `healthy`, `paused`, `renegotiated` or `frozen`, or None before there is an outcome.

        `healthy`: it flows and was not renegotiated. `paused`: nothing flows, since the sender sends nothing. `renegotiated`:
        its new peer connection is healthy or paused. `frozen`: it does not flow.
        """
        steps = [item.step for item in self.steps]
        match steps[-1] if steps else None:
            case "healthy" | "paused" as good:
                return "renegotiated" if "renegotiating" in steps else good
            case "frozen" | "given up":
                return "frozen"
        return None


@dataclass(slots=True)
class Outage:
    """An outage, from the verdict that the network is gone to its end.

    Entries of streams may follow the end: media is verified after signaling has resumed. `str(outage)` is one line about it.

    Attributes:
        began_at: a time of the session's own clock, in seconds, for arithmetic.
        witness: what the verdict rests on, such as `rtp silent`.
        attempts: how many have begun.
        end: `reconnected`, `rejoined` or `sessionDisconnected`; None while it lasts.
        duration: in seconds; None while it lasts.
        entries: every observation, conclusion and action, in order.
        tries: the attempts.
        streams: what was found out and done about each stream, by its id.
        began: the moment of the verdict in seconds since 1970, or None.
        told: whether `reconnecting` was fired. It is not at once if media flows and only the WebSocket is stuck, on a path
            that loses packets: mostly another one has replaced it within `detection.stuck_patience`, and nobody noticed.

    Example:
        @session.on("outageSettled")
        def report(event):
            print(event.outage)
            print(event.outage.to_json(indent=1))

    Source: pyvidu's own.
    """

    began_at: float
    witness: str
    attempts: int = 0
    end: OutageEnd | None = None
    duration: float | None = None
    entries: list[OutageEntry] = field(default_factory=list)
    tries: list[Attempt] = field(default_factory=list)
    streams: dict[str, StreamRecord] = field(default_factory=dict)
    began: float | None = None
    told: bool = False

    # --- writing -----------------------------------------------------------------------------------------------------

    def note(self, now: float, kind: EntryKind, text: str, name: str = "", stream: str = "") -> None:
        """Not for applications: add an entry."""
        self.entries.append(OutageEntry(self._since(now), kind, text, name, stream))

    def note_evidence(self, now: float, evidence: SignalingEvidence) -> None:
        """Not for applications: add an observation, with its text."""
        self.note(now, "evidence", _in_words(evidence), type(evidence).__name__)
        if isinstance(evidence, AttemptOpened) and self.tries:
            self.tries[-1].result = "opened"
        elif isinstance(evidence, AttemptClosed):
            self._attempt_ended(now, "closed")

    def note_attempt(self, now: float) -> None:
        """Not for applications: add an attempt that begins; it ends the one before."""
        self._attempt_ended(now, "dropped")
        self.attempts += 1
        self.tries.append(Attempt(self._since(now)))
        self.note(now, "action", f"attempt {self.attempts}", "attempt")

    def note_dropped(self, now: float, because: str) -> None:
        """Not for applications: record that the attempt under way, if any, is dropped."""
        if self._attempt_ended(now, "dropped"):
            self.note(now, "action", f"attempt {self.attempts} dropped: {because}", "dropped")

    def note_stream(self, now: float, stream: str, step: StreamStepName, because: str = "") -> None:
        """Not for applications: add a conclusion about a stream, or an action on it."""
        self.streams.setdefault(stream, StreamRecord()).steps.append(StreamStep(self._since(now), step, because))
        said = _SAID.get(step, step)
        self.note(now, "stream", f"{stream}: {said} ({because})" if because else f"{stream}: {said}", step, stream)

    def finish(self, now: float, end: OutageEnd) -> None:
        """Not for applications: record the end, once.

        A lost session may still be rejoined: its outage ends with the rejoin or its failure.
        """
        assert self.end is None, "an outage ends once"
        opened = bool(self.tries) and self.tries[-1].result == "opened"
        self._attempt_ended(now, "resumed" if opened and end == "reconnected" else "dropped")
        self.end = end
        self.duration = self._since(now)
        self.note(now, "verdict", end, end)

    # --- reading -----------------------------------------------------------------------------------------------------

    def to_dict(self) -> Mapping[str, Any]:  # whatever JSON has
        """Return the record as values that can be encoded as JSON.

        {"format": 2,
         "began": 1793540795.112,           seconds since 1970, or null
         "witness": "rtp silent",         what the verdict rests on
         "told": true,                      whether `reconnecting` was fired
         "attempts": 3,
         "end": "reconnected",              or "rejoined", "sessionDisconnected"; null while it lasts
         "duration": 9.214,                 seconds, or null
         "tries": [{"at": 0.0, "until": 3.0, "result": "dropped"}, ...],
         "streams": {"str_CAM_a": {"outcome": "renegotiated",
                                   "steps": [{"at": 9.6, "step": "frozen", "because": "..."}, ...]}, ...},
         "entries": [{"at": 0.0, "kind": "verdict", "name": "down", "stream": "", "text": "..."}, ...]}
        """
        return {
            "format": FORMAT,
            "began": self.began,
            "witness": self.witness,
            "told": self.told,
            "attempts": self.attempts,
            "end": self.end,
            "duration": self.duration,
            "tries": [dataclasses.asdict(item) for item in self.tries],
            "streams": {
                stream: {"outcome": record.outcome, "steps": [dataclasses.asdict(item) for item in record.steps]}
                for stream, record in self.streams.items()
            },
            "entries": [dataclasses.asdict(item) for item in self.entries],
        }

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict()` as JSON.

        Args:
            indent: spaces for each level; None puts all in one line.
        """
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def __str__(self) -> str:
        lasted = "outage in progress" if self.duration is None else f"outage of {self.duration:.1f} s"
        tried = f"{self.attempts} attempt{'' if self.attempts == 1 else 's'}"
        parts = [lasted, f"first seen: {self.witness}", tried, *([self.end] if self.end is not None else [])]
        parts += [f"{stream} {record.outcome or 'not decided yet'}" for stream, record in self.streams.items()]
        return ", ".join(parts)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _since(self, now: float) -> float:
        return round(now - self.began_at, 3)

    def _attempt_ended(self, now: float, result: AttemptResult) -> bool:
        if not self.tries or self.tries[-1].until is not None:
            return False
        self.tries[-1].until, self.tries[-1].result = self._since(now), result
        return True


class OutageLog:
    """The last outages of one membership, the current one last. `calendar` returns the seconds since 1970."""

    def __init__(self, calendar: Callable[[], float]) -> None:
        self.outages: list[Outage] = []
        self._calendar = calendar

    @property
    def last(self) -> Outage:
        """Return the current or the last outage. Raises IndexError if there was none."""
        return self.outages[-1]

    def begin(self, now: float, witness: str, seen: Sequence[tuple[float, SignalingEvidence]]) -> Outage:
        """Add an outage, with the evidence `seen` that led to its verdict, and return it."""
        outage = Outage(began_at=now, witness=witness, began=round(self._calendar(), 3))
        for at, evidence in seen:
            outage.note_evidence(at, evidence)
        outage.note(now, "verdict", f"signaling plane down: {witness}", "down")
        self.outages.append(outage)
        del self.outages[:-KEPT]
        return outage

    def finish(self, now: float, end: OutageEnd) -> bool:
        """Finish the current outage. Return False if there is none."""
        if not self.outages or self.last.end is not None:
            return False
        self.last.finish(now, end)
        return True


class RecentEvidence:
    """The evidence of the last `RECENT` seconds outside an outage: the beginning of the next outage's record."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, SignalingEvidence]] = deque()

    def note(self, now: float, evidence: SignalingEvidence) -> None:
        """Keep an observation; of consecutive pongs only the last one, which shows until when the path worked."""
        if isinstance(evidence, PongReceived) and self._seen and isinstance(self._seen[-1][1], PongReceived):
            self._seen.pop()
        self._seen.append((now, evidence))
        self._forget(now)

    def take(self, now: float) -> list[tuple[float, SignalingEvidence]]:
        """Return what was kept, with times in seconds, and clear it."""
        self._forget(now)
        taken = list(self._seen)
        self._seen.clear()
        return taken

    def _forget(self, now: float) -> None:
        while self._seen and self._seen[0][0] < now - RECENT:
            self._seen.popleft()


_SAID = {"connected": "connected again", "failed": "not renegotiated"}


def _in_words(evidence: SignalingEvidence) -> str:
    """Return the text of `evidence`: `SocketClosed(code=1006, reason='')` becomes "socket closed (code 1006)"."""
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(evidence).__name__).lower()
    told = []
    for item in dataclasses.fields(evidence):
        value = getattr(evidence, item.name)
        if value is True:
            told.append(item.name.replace("_", " "))
        elif value is not False and value != "":
            told.append(f"{item.name.replace('_', ' ')} {value}")
    return f"{name} ({', '.join(told)})" if told else name
